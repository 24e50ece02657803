"""What happened, as `GET /events` tells it: past and present, by filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from imagebuilders.exceptions import ImageNameError
from imagebuilders.oci.reference import ImageReference

from ... import go_text
from ..errors import ApiError
from ..http import Request, Response
from .filters import Filters, labels_match, read_filters
from .numbers import moment
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Event = dict[str, Any]
# How long is waited for something to happen before it is looked whether anybody listens.
_IDLE = 0.05

_REMEMBERED = 256
"""So many of the events that have happened can be asked for; an engine keeps no more."""


@route("GET", "/events")
def _events(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    since, until = _end(request, "since"), _end(request, "until")
    if since is not None and until is not None and since > until:
        texts = request.parameter("since"), request.parameter("until")
        raise ApiError(400, f"`since` time ({texts[0]}) cannot be after `until` time ({texts[1]})")
    filters = read_filters(request, engine.version)
    # With an end alone, the past is meant; without either, what comes.
    position = happened = len(engine.event_log)
    if since is not None or until is not None:
        position = max(happened - _REMEMBERED, 0)
    wait = _IDLE

    def body() -> Iterator[bytes]:
        yield b""
        over = until is not None and engine.clock() >= until
        for event in engine.event_log.follow(position, 0 if over else wait):
            if event is None:
                if until is not None and engine.clock() >= until:
                    return
                yield b""
                continue
            stamp: int = event["timeNano"]
            if (since is not None and stamp < since) or (until is not None and stamp > until):
                continue
            if wanted(event, filters):
                yield (go_text.dumps(event) + "\n").encode()

    return Response(200, body(), {"Content-Type": "application/json"})


def _end(request: Request, name: str) -> int | None:
    """An end of the time that is asked about; `None` when it has none, which -1 says, too."""
    return None if request.parameter(name) == "-1" else moment(request, name)


def _action(event: Event, value: str) -> bool:
    action: str = event["Action"]
    return action == value or action.startswith(f"{value}: ")


def _image(event: Event, value: str) -> bool:
    attributes = event["Actor"]["Attributes"]
    name: str = attributes.get("name" if event["Type"] == "image" else "image", "")
    return value in (event["Actor"]["ID"], name, _without_tag(name))


def _without_tag(name: str) -> str:
    try:
        return ImageReference.parse(name).repository
    except ImageNameError:
        return name


def _object(event: Event, value: str) -> bool:
    actor = event["Actor"]
    return any(
        text.startswith(value) for text in (actor["ID"], actor["Attributes"].get("name", ""))
    )


_CHECKS: dict[str, Callable[[Event, str], bool]] = {
    "type": lambda event, value: event["Type"] == value,
    "event": _action,
    "scope": lambda event, value: event["scope"] == value,
    "image": _image,
    **dict.fromkeys(
        (
            "config",
            "container",
            "daemon",
            "network",
            "node",
            "plugin",
            "secret",
            "service",
            "volume",
        ),
        _object,
    ),
}


def wanted(event: Event, filters: Filters) -> bool:
    """Whether filters let an event pass; those that nobody knows are as if not there."""
    if not labels_match(event["Actor"]["Attributes"], filters.get("label", [])):
        return False
    return all(
        any(_CHECKS[name](event, value) for value in values)
        for name, values in filters.items()
        if values and name in _CHECKS
    )
