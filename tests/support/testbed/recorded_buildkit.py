"""Real engines for the BuildKit contract, and the program that records what they say and ask.

python -m testbed.recorded_buildkit [ENGINE [GROUP…]]

Every scenario runs twice on an engine of its own, whose image store holds the bases. What was not
the same twice is not kept.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import socket
import sys
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from buildkit_cases import bases
from buildkit_execution import layer_archive
from buildkit_places import open_places
from engine_outcomes import saved_image

from fakes.contracts.buildkit.conduct import Dial
from fakes.contracts.buildkit.messages import Json
from fakes.contracts.buildkit.observing import observe_group
from fakes.contracts.buildkit.recordings import OWN, clients_of, groups, scenario, write_own
from fakes.contracts.docker_engine import differences
from testbed.bed import Testbed
from testbed.daemon import host_engine
from testbed.engine import Engine
from testbed.settings import TestbedSettings

_SHELL = "shell"
_UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
_SECONDS = 60.0
_DEFINITIONS = ("inputs/", "llb/")
"""Scenarios that send definitions, some of them broken, which end engines."""
_NO_FROM = ("20.10", "26.1")
"""Engines that a Dockerfile without FROM ends."""


@dataclass(frozen=True)
class BuildKitEngine:
    """A real engine that the contract may fill and empty.

    Attributes:
        dial: connects to its BuildKit.
        places: what is at the addresses of the scenarios.
        empty_cache: forgets what was built.
    """

    dial: Dial
    places: Mapping[str, str]
    empty_cache: Callable[[], None]


@contextmanager
def buildkit_engine(testbed: Testbed, daemon: str) -> Iterator[BuildKitEngine]:
    """An engine of its own, which nothing else fills, with the bases in its store."""
    with (
        testbed.disposable_engine(OWN[daemon]) as engine,
        open_places() as places,
        ExitStack() as stack,
    ):
        for address in {*places.values()}:
            stack.enter_context(engine.forwarded(int(address.rpartition(":")[2])))
        _load_bases(engine)

        def empty_cache() -> None:
            engine.client.api.prune_builds(all=True)

        yield BuildKitEngine(lambda: _dial(engine), places, empty_cache)


def _dial(engine: Engine) -> tuple[socket.socket, bytes]:
    """Connect to the BuildKit of an engine."""
    host, _, port = engine.docker_host.removeprefix("tcp://").partition(":")
    connected = socket.create_connection((host, int(port)), _SECONDS)
    connected.sendall(_UPGRADE)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connected.recv(65536)
        assert piece, answer
        answer += piece
    head, _, begun = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    connected.setblocking(False)
    return connected, begun


def _load_bases(engine: Engine) -> None:
    for name, images in bases().items():
        image: Any = copy.deepcopy(images[0])
        if name == _SHELL:
            for entry in image["layers"][0]:
                if "source" in entry:
                    entry["content_base64"] = base64.b64encode(_busybox(engine)).decode()
        archives = [layer_archive(entries) for entries in image["layers"]]
        engine.client.images.load(saved_image(f"{name}:latest", image, archives))


def _busybox(engine: Engine) -> bytes:
    """Return the program of the image that each engine has."""
    container = engine.client.containers.create(engine.busybox, ["true"])
    try:
        pieces, _ = container.get_archive("/bin/busybox")
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            member = archive.extractfile("busybox")
            assert member is not None
            return member.read()
    finally:
        container.remove(force=True)


def record(testbed: Testbed, daemon: str, wanted: Collection[str]) -> list[str]:
    """Record some groups on one engine, all of them by default; return what differed twice."""
    unstable = []
    with buildkit_engine(testbed, daemon) as engine:
        for group, all_names in groups(clients_of(daemon)).items():
            names = [name for name in all_names if _is_safe(daemon, name)]
            if not names or (wanted and group not in wanted):
                continue
            once, again = (_observed(engine, daemon, names, number) for number in range(2))
            found = {}
            for name in names:
                if differs := differences(once[name], again[name]):
                    unstable.append("\n  ".join([f"{daemon} {name}", *differs]))
                else:
                    found[name] = once[name]
            path = write_own(daemon, group, found)
            print(f"{daemon}: {len(found)} scenarios of {group} in {path.name}", flush=True)
    return unstable


def _observed(engine: BuildKitEngine, daemon: str, names: list[str], number: int) -> Json:
    engine.empty_cache()
    return observe_group(
        daemon, names, engine.dial, places=engine.places, unique=f"-{daemon}-{number}"
    )


def _is_safe(daemon: str, name: str) -> bool:
    """Return whether an engine survives a scenario."""
    if name.startswith(_DEFINITIONS):
        return False
    described = json.dumps(scenario(daemon, name))
    return OWN[daemon] not in _NO_FROM or "from" in described.lower() or "Frontend" not in described


def main() -> None:
    """Record the engine that is named, or all."""
    daemons, wanted = sys.argv[1:2] or [*OWN], sys.argv[2:]
    if unknown := {*daemons} - OWN.keys():
        sys.exit(f"no such engine: {', '.join(sorted(unknown))}; known: {', '.join(OWN)}")
    settings = TestbedSettings()
    unstable = []
    with host_engine(settings) as host:
        testbed = Testbed(host, settings)
        try:
            for daemon in daemons:
                unstable += record(testbed, daemon, wanted)
        finally:
            testbed.close()
    if unstable:
        print("not the same twice, and left out:", *unstable, sep="\n")


if __name__ == "__main__":
    main()
