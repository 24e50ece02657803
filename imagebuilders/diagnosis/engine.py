"""The Docker Engine: whether one answers, and what it says of itself."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone

from imagebuilders.auth.keychain import Keychain
from imagebuilders.base_image_builder import BaseImageBuilder
from imagebuilders.connections.address import Address, Scheme
from imagebuilders.connections.candidates import CONTEXT_VARIABLE, HOST_VARIABLE
from imagebuilders.connections.discovery import find_engine
from imagebuilders.connections.probe import FoundEngine
from imagebuilders.diagnosis.finding import Area, Finding, Severity
from imagebuilders.diagnosis.folders import space_finding
from imagebuilders.docker.client import EngineClient
from imagebuilders.docker.stream import get
from imagebuilders.exceptions import (
    AttemptFailure,
    EngineAttempt,
    EngineError,
    EngineNotFoundError,
    ImageBuilderError,
)
from imagebuilders.local_image_builder import LocalImageBuilder

CLOCK_DIFFERENCE_SECONDS = 60
"""Clocks that differ by more than this are told."""

_MAX_WARNINGS = 10


def look_at_engine(keychain: Keychain, builder: BaseImageBuilder | None) -> Iterator[Finding]:
    """Tell which engine answers, or what keeps it from that, and what it says of itself.

    Args:
        keychain: has Docker's configuration file.
        builder: the stack's image builder; without an engine, only a `LocalImageBuilder` cannot
            build.
    """
    needed = builder is None or isinstance(builder, LocalImageBuilder)
    try:
        found = find_engine(docker_config=keychain.config)
    except EngineNotFoundError as error:
        yield from _not_found(error.attempts, needed=needed)
        return
    except ImageBuilderError as error:
        severity = Severity.ERROR if needed else Severity.NOTE
        yield Finding(
            Area.ENGINE, severity, f"No Docker Engine can be looked for. {error}", "Correct that."
        )
        return
    yield Finding(Area.ENGINE, Severity.FINE, f"{found.version} answers at {found.address}.")
    with closing(EngineClient(found, keychain.config)) as client:
        try:
            answer = get(client, "/info")
        except EngineError as error:
            yield Finding(
                Area.ENGINE,
                Severity.WARNING,
                f"The engine says nothing of itself. {error}",
                "See the engine's log.",
            )
            return
    yield from _described(found, answer if isinstance(answer, dict) else {})


def _not_found(attempts: Sequence[EngineAttempt], *, needed: bool) -> Iterator[Finding]:
    severity = Severity.ERROR if needed else Severity.NOTE
    where = "; ".join(f"{one.address or one.source}: {one.outcome}" for one in _told(attempts))
    unneeded = "" if needed else " The stack's image builder does not need one."
    first = _decisive(attempts)
    cure, command = _cure(first)
    yield Finding(
        Area.ENGINE, severity, f"No Docker Engine answers ({where}).{unneeded}", cure, command
    )


def _told(attempts: Sequence[EngineAttempt]) -> Sequence[EngineAttempt]:
    """Leave out usual places where nothing is, unless nothing else was tried."""
    missing = AttemptFailure.NOT_RUNNING
    notable = [
        one for one in attempts if one.failure is not missing or one.source != "usual socket"
    ]
    return notable or attempts[:1]


def _decisive(attempts: Sequence[EngineAttempt]) -> EngineAttempt:
    """Return the attempt that is nearest to an engine: the user's own word, or a refusal."""
    return (*_told(attempts), EngineAttempt("usual socket", "", ""))[0]


def _cure(attempt: EngineAttempt) -> tuple[str, str]:
    variable = attempt.source.partition(" ")[0]
    address = shlex.quote(attempt.address)
    if attempt.failure is AttemptFailure.NOT_ALLOWED:
        return (
            "Your user may not connect: add it to the socket's group and log in anew.",
            "sudo usermod -aG docker $USER",
        )
    if attempt.failure is AttemptFailure.COMMAND:
        return (
            "ssh must log in without a question, and Docker be installed there: try it.",
            f"docker -H {address} version",
        )
    if attempt.failure is AttemptFailure.TLS:
        return (
            "See whether the address is spoken to by TLS, and whether the certificates belong to "
            "it and have not expired.",
            'openssl x509 -noout -subject -dates -in "$DOCKER_CERT_PATH/cert.pem"',
        )
    if attempt.failure is AttemptFailure.PROXY:
        host = _host(attempt.address)
        return "Have the engine asked directly, or correct the proxy.", f"export NO_PROXY={host}"
    if attempt.failure is AttemptFailure.ANSWER:
        return "See whether a Docker Engine listens there, and its log.", "docker version"
    if variable in (HOST_VARIABLE, CONTEXT_VARIABLE):
        return (
            f"{variable} is set, so no other engine is tried: start that engine, correct "
            f"{variable}, or unset it.",
            f"unset {variable}",
        )
    if attempt.source != "usual socket":
        return "Choose a Docker context that works.", "docker context use default"
    return (
        "Start the Docker daemon (or Docker Desktop, Colima, Podman), or set DOCKER_HOST.",
        "sudo systemctl start docker",
    )


def _host(address: str) -> str:
    return shlex.quote(address.partition("://")[2].rpartition(":")[0] or address)


def _described(found: FoundEngine, info: Mapping[str, object]) -> Iterator[Finding]:
    driver = _text(info.get("Driver")) or "unknown"
    snapshotter = "io.containerd.snapshotter" in str(info.get("DriverStatus"))
    store = "containerd's image store" if snapshotter else "the engine's own image store"
    yield Finding(Area.ENGINE, Severity.FINE, f"It keeps images in {store} ({driver}).")
    yield from _clock(info)
    yield from _space(found, info)
    proxies = [name for name in ("HttpProxy", "HttpsProxy") if info.get(name)]
    if proxies:
        yield Finding(
            Area.ENGINE,
            Severity.NOTE,
            "The engine pulls and pushes through a proxy of its own.",
            "Where a registry cannot be reached, see its NO_PROXY.",
            "docker info --format '{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}'",
        )
    warnings = info.get("Warnings")
    for warning in warnings[:_MAX_WARNINGS] if isinstance(warnings, list) else ():
        yield Finding(Area.ENGINE, Severity.NOTE, _text(warning).removeprefix("WARNING: "))


def _clock(info: Mapping[str, object]) -> Iterator[Finding]:
    told = _text(info.get("SystemTime"))
    try:
        # Nanoseconds are more than Python reads.
        engine_time = datetime.fromisoformat(f"{told[:19]}+00:00")
    except ValueError:
        return
    if not told.endswith("Z"):
        return
    now = datetime.now(timezone.utc)
    seconds = (engine_time - now).total_seconds()
    if abs(seconds) > CLOCK_DIFFERENCE_SECONDS:
        side = "ahead of" if seconds > 0 else "behind"
        yield Finding(
            Area.ENGINE,
            Severity.WARNING,
            f"The engine's clock is {abs(seconds):.0f} s {side} this machine's: certificates and "
            "tokens may count as expired, or as not valid yet.",
            "Set both clocks by the network; a virtual machine that slept may need a restart.",
            "timedatectl set-ntp true",
        )


def _space(found: FoundEngine, info: Mapping[str, object]) -> Iterator[Finding]:
    root = _text(info.get("DockerRootDir"))
    address: Address = found.endpoint.address
    if root and address.scheme is Scheme.UNIX:
        finding = space_finding(root, "the engine keeps images")
        if finding is not None:
            yield replace(finding, area=Area.ENGINE, command="docker system prune")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
