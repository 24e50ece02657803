"""What happened, as `GET /events` tells it: past and present, by filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from imagebuilders.exceptions import ImageNameError
from imagebuilders.oci.reference import ImageReference

from ... import go_text
from ..errors import ApiError
from ..http import Request, Response
from ..versions import EVENT_TYPES, EngineVersion
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
    since, until = (_end(request, name, engine.version) for name in ("since", "until"))
    if since is not None and until is not None and since > until:
        texts = request.parameter("since"), request.parameter("until")
        raise ApiError(400, f"`since` time ({texts[0]}) cannot be after `until` time ({texts[1]})")
    filters = read_filters(request, engine.version)
    # With an end alone, the past is meant; without either, what comes.
    position = happened = len(engine.event_log)
    if since is not None or until is not None:
        position = max(happened - _REMEMBERED, 0)
    wait = _IDLE
    kind, told = _kind(engine, request), _form(engine, request)
    begin = b"\x1e" if kind == _SEQUENCE else b""

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
                yield begin + (go_text.dumps(told(event)) + "\n").encode()

    return Response(200, body(), {"Content-Type": kind})


_JSON, _SEQUENCE = "application/json", "application/json-seq"
_KINDS = ("application/jsonl", "application/x-ndjson", _SEQUENCE)
"""In what newer engines tell of events; a client names one."""


def _kind(engine: Daemon, request: Request) -> str:
    """The media type of the stream."""
    if not engine.version.has(EVENT_TYPES):
        return _JSON
    accepted = request.headers.get("accept", "").split(",")
    named = (each.partition(";")[0].strip().lower() for each in accepted)
    usual = _KINDS[0] if engine.version.speaks(request.version, "1.52") else _JSON
    return next((kind for kind in named if kind in _KINDS), usual)


def _form(engine: Daemon, request: Request) -> Callable[[Event], Event]:
    """How an event is written."""
    if engine.version.speaks(request.version, "1.52"):
        return _without_old_fields
    return _with_old_fields if engine.version.has(EVENT_TYPES) else lambda event: event


def _without_old_fields(event: Event) -> Event:
    return {name: value for name, value in event.items() if name not in ("status", "id", "from")}


def _with_old_fields(event: Event) -> Event:
    """With the fields of old that older engines left out where they were empty."""
    plain, actor = _without_old_fields(event), event["Actor"]
    if event["Type"] not in ("image", "container"):
        return plain
    plain |= {"id": actor["ID"], "status": event["Action"]}
    if event["Type"] == "container":
        plain["from"] = actor["Attributes"].get("image", "")
    return plain


def _end(request: Request, name: str, version: EngineVersion) -> int | None:
    """An end of the time that is asked about; `None` when it has none, which -1 says, too."""
    return None if request.parameter(name) == "-1" else moment(request, name, version)


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
