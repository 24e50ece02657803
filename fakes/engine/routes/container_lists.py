"""Which containers a list has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .. import messages
from ..containers.container import Container
from ..containers.ports import port_lines
from ..errors import ApiError
from ..versions import EngineVersion
from .filters import Filters, is_found, labels_match, truth

if TYPE_CHECKING:
    from ..daemon import Daemon


LIST_FILTERS = (
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
)
_STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
_HEALTH = ("none", "starting", "healthy", "unhealthy")


def listed(engine: Daemon, filters: Filters, *, everything: bool, limit: int) -> list[Container]:
    """The containers of a list, newest first.

    Args:
        engine: whose they are.
        filters: by name, each with the values of which one must fit.
        everything: also those that do not run.
        limit: the most that are wanted; those that do not run count, too. None when 0 or less.

    Raises:
        ApiError: when a filter cannot be.
    """
    everything = everything or limit > 0 or "status" in filters
    checks = _checks(engine, filters)
    found = [
        container
        for container in _between(engine, filters)
        if (everything or container.running) and all(check(container) for check in checks)
    ]
    return found[:limit] if limit > 0 else found


def _between(engine: Daemon, filters: Filters) -> Iterator[Container]:
    """The containers made before one and after another."""
    edges = {
        edge: [_made(engine, name) for name in filters.get(edge, [])]
        for edge in ("before", "since")
    }
    for container in engine.containers.all():
        created = container.created
        if all(created < t for t in edges["before"]) and all(created > t for t in edges["since"]):
            yield container


def _made(engine: Daemon, name: str) -> int:
    try:
        return engine.containers.find(name).created
    except ApiError as error:
        version = engine.version
        raise ApiError(
            404 if version >= "23.0" else 500, messages.MISSING_OTHER(version, name)
        ) from error


Check = Callable[[Container], bool]


def _checks(engine: Daemon, filters: Filters) -> list[Check]:
    """What the filters ask of each container."""
    version = engine.version
    checks: list[Check] = []
    for text in filters.get("status", []):
        if text not in _STATES:
            raise ApiError(400, messages.BAD_STATE(version, text))
    for text in filters.get("health", []):
        if text not in _HEALTH:
            raise ApiError(400, messages.BAD_HEALTH(version, text))
    if "exited" in filters:
        codes = [_code(engine, text) for text in filters["exited"]]
        checks.append(lambda c: c.started is not None and not c.running and c.exit_code in codes)
    if truth(filters, "is-task", version):
        checks.append(lambda _container: False)
    if "ancestor" in filters:
        images = {i for name in filters["ancestor"] for i in _descendants(engine, name)}
        checks.append(lambda c: c.image in images)
    for name, key in (("publish", "PublicPort"), ("expose", "PrivatePort")):
        if name in filters:
            checks.append(_port_check(version, {p for v in filters[name] for p in _ports(v)}, key))
    labels = filters.get("label", [])
    checks.append(lambda c: labels_match(c.config.labels or {}, labels))
    plain: dict[str, Callable[[Container, str], bool]] = {
        "id": lambda c, v: is_found(v, c.id),
        "name": lambda c, v: is_found(v, c.name, f"/{c.name}"),
        "status": lambda c, v: c.status == v,
        "health": lambda c, v: engine.containers.lifecycle.health(c) == v,
        "network": lambda c, v: _in_network(engine, c, v),
        "volume": lambda c, v: any(v in (m["Destination"], m.get("Name")) for m in c.mounts),
    }
    for name, check in plain.items():
        if name in filters:
            checks.append(_any_of(check, filters[name]))
    return checks


def _any_of(check: Callable[[Container, str], bool], values: list[str]) -> Check:
    return lambda container: any(check(container, value) for value in values)


def _code(engine: Daemon, text: str) -> int:
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    version = engine.version
    raise ApiError(version.bad_request(), messages.BAD_CODE(version, text))


def _in_network(engine: Daemon, container: Container, name: str) -> bool:
    network = engine.networks.get(name)
    return network is not None and network.name in container.networks


def _descendants(engine: Daemon, name: str) -> set[str]:
    """The ids of an image and all that were built upon it."""
    try:
        found = {engine.images.find(name).id}
    except ApiError:
        return set()
    everything = engine.images.all()
    while more := {i.id for i in everything if i.parent in found} - found:
        found |= more
    return found


def _ports(text: str) -> set[tuple[int, str]]:
    """The ports of a filter such as `80`, `80/udp` or `80-90`."""
    numbers, _, protocol = text.partition("/")
    first, _, last = numbers.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise ApiError(400, f'invalid port specification: "{text}"')
    return {(n, protocol or "tcp") for n in range(int(first), int(last or first) + 1)}


def _port_check(version: EngineVersion, wanted: set[tuple[int, str]], key: str) -> Check:
    return lambda container: any(
        (line.get(key), line["Type"]) in wanted for line in port_lines(container, version)
    )
