"""Real engines for the engine contract, and the program that records what they show.

python -m testbed.recorded [--look LOOK | --engine ADDRESS] [--missing] [GROUP…]
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import docker
from docker.api.client import APIClient

from fakes.contracts.docker_engine import differences, observe
from fakes.contracts.engine.registry import further_image, scenarios
from fakes.contracts.engine.transcripts import not_recorded, write
from fakes.engine.versions import CONTAINERD, LOOKS, OVERLAY2
from testbed.bed import Testbed
from testbed.containers import free_port
from testbed.daemon import host_engine
from testbed.images import ALL_ENGINES, DEBIAN
from testbed.settings import TestbedSettings

_ENGINE_PATIENCE = 120


@dataclass(frozen=True)
class ContractEngine:
    """A real engine that the contract may fill and empty.

    Attributes:
        api: its client.
        version: its full version, without what Debian adds to it.
        registry_port: a port of 127.0.0.1 that leads to this process from both sides; 0 for any.
        load_debian: lets it have Debian's image; an engine that comes without keeps what it has.
    """

    api: APIClient
    version: str
    registry_port: int
    load_debian: Callable[[], object] | None = None

    def prepare(self, scenario: str) -> None:
        """Let it have the image that a scenario needs besides busybox, and else not have it."""
        has_it = bool(self.api.images(DEBIAN))
        if further_image(scenario) and not has_it and self.load_debian is not None:
            self.load_debian()
        elif has_it and not further_image(scenario) and self.load_debian is not None:
            self.api.remove_image(DEBIAN)

    @property
    def look(self) -> str:
        """Which look of the double is to be like it.

        Raises:
            LookupError: none is.
        """
        store = CONTAINERD if self.api.info()["Driver"] == "overlayfs" else OVERLAY2
        for look in LOOKS.values():
            if self.version.startswith(f"{look.name}.") and look.image_store == store:
                return look.look
        raise LookupError(f"no look of the double is {self.version} with {store}")


@contextmanager
def contract_engine(testbed: Testbed, name: str) -> Iterator[ContractEngine]:
    """An engine of its own, which nothing else fills."""
    port = free_port()
    with (
        testbed.disposable_engine(name) as engine,
        engine.forwarded(port),
        _engine_at(engine.docker_host, port) as one,
    ):
        yield replace(one, load_debian=engine.load_debian)


@contextmanager
def _engine_at(address: str, registry_port: int = 0) -> Iterator[ContractEngine]:
    """Any engine that has `busybox:latest`."""
    api = docker.APIClient(base_url=address, version="auto", timeout=_ENGINE_PATIENCE)
    with closing(api):
        yield ContractEngine(api, api.version()["Version"].partition("+")[0], registry_port)


@contextmanager
def _opened_testbed() -> Iterator[Testbed]:
    settings = TestbedSettings()
    with host_engine(settings) as host, closing(Testbed(host, settings)) as testbed:
        yield testbed


class _Seen(NamedTuple):
    """What became of a recording.

    Attributes:
        unstable: what was not the same twice.
        broken: the scenarios that raised an error, which are not recorded.
    """

    unstable: list[str]
    broken: list[str]


def record(engine: ContractEngine, names: Iterable[str]) -> _Seen:
    """Record some scenarios, group by group."""
    look, seen = engine.look, _Seen([], [])
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_group(name), []).append(name)
    for group, members in groups.items():
        notes = {}
        for name in members:
            engine.prepare(name)
            try:
                first, again = (
                    observe(engine.api, name, registry_port=engine.registry_port) for _ in range(2)
                )
            except Exception as error:  # the others are recorded all the same
                seen.broken.append(f"{look} {name}: {type(error).__name__}: {error}")
                continue
            notes[name] = first
            if found := differences(first, again):
                seen.unstable.append("\n  ".join([f"{look} {name}", *found]))
        today = datetime.date.today().isoformat()
        path = write(look, engine.version, today, notes, scenarios())
        print(f"{look}: {len(notes)} scenarios of {group} in {path.name}", flush=True)
    return seen


def _group(scenario: str) -> str:
    return scenario.partition(".")[0]


def _chosen(look: str, groups: Iterable[str], *, only_missing: bool) -> list[str]:
    """The names of the scenarios to record."""
    wanted = set(groups)
    names = [name for name in scenarios() if not wanted or wanted & {name, _group(name)}]
    missing = not_recorded(look, names)
    return [name for name in names if name in missing or not only_missing]


def _arguments() -> argparse.Namespace:
    known = sorted({_group(name) for name in scenarios()})
    parser = argparse.ArgumentParser(prog="testbed.recorded", description=main.__doc__)
    engines = parser.add_mutually_exclusive_group()
    engines.add_argument(
        "--look", choices=ALL_ENGINES, help="only this engine of the test bed (all without)"
    )
    engines.add_argument(
        "--engine",
        metavar="ADDRESS",
        help="the engine there, which has busybox:latest, and debian:bookworm-slim for scenarios "
        "of Debian; it is emptied of all else, and shares this machine's loopback interface",
    )
    parser.add_argument(
        "--missing", action="store_true", help="only what is marked as not recorded"
    )
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help="only these groups, or scenarios of them"
    )
    arguments = parser.parse_args()
    if unknown := {*arguments.groups} - {*known, *scenarios()}:
        parser.error(f"no such group: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return arguments


def main() -> None:
    """Record what engines show to the scenarios of the engine contract."""
    arguments = _arguments()

    def seen_of(engine: ContractEngine) -> _Seen:
        groups, missing = arguments.groups, arguments.missing
        return record(engine, _chosen(engine.look, groups, only_missing=missing))

    if arguments.engine:
        with _engine_at(arguments.engine) as engine:
            seen = [seen_of(engine)]
    else:
        seen = []
        with _opened_testbed() as testbed:
            for name in [arguments.look] if arguments.look else ALL_ENGINES:
                with contract_engine(testbed, name) as engine:
                    seen.append(seen_of(engine))
    unstable = [line for one in seen for line in one.unstable]
    broken = [line for one in seen for line in one.broken]
    if unstable or broken:
        sys.exit("\n".join(["not the same twice:", *unstable, "raised errors:", *broken]))


if __name__ == "__main__":
    main()
