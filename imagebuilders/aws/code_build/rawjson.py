"""What `docker buildx build --progress=rawjson` prints: a line of JSON for each status.

The fields are those of BuildKit's `client.SolveStatus`, whose messages a daemon sends, too:
https://github.com/moby/buildkit/blob/master/client/graph.go
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from imagebuilders.buildkit.proto.control_pb2 import StatusResponse

_KEYS = frozenset({"vertexes", "statuses", "logs", "warnings"})
_MAX_NUMBER = 1 << 62


def parse_status(line: str) -> StatusResponse | None:
    """Read a line; `None` for one that is not a status.

    What is missing or of a wrong type is left out: the line went through a log.
    """
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found or not found.keys() <= _KEYS:
        return None
    from imagebuilders.buildkit.proto.control_pb2 import StatusResponse

    response = StatusResponse()
    for item in _objects(found, "vertexes"):
        _add_vertex(response, item)
    for item in _objects(found, "statuses"):
        status = response.statuses.add(
            ID=_text(item, "id"),
            vertex=_text(item, "vertex"),
            name=_text(item, "name"),
            current=_number(item, "current"),
            total=_number(item, "total"),
        )
        for key in ("timestamp", "started", "completed"):
            _set_time(getattr(status, key), item, key)
    for item in _objects(found, "logs"):
        log = response.logs.add(
            vertex=_text(item, "vertex"), stream=_number(item, "stream"), msg=_bytes(item, "data")
        )
        _set_time(log.timestamp, item, "timestamp")
    for item in _objects(found, "warnings"):
        _add_warning(response, item)
    return response


def _add_vertex(response: StatusResponse, item: Mapping[str, object]) -> None:
    inputs = item.get("inputs")
    vertex = response.vertexes.add(
        digest=_text(item, "digest"),
        name=_text(item, "name"),
        inputs=[each for each in inputs if isinstance(each, str)]
        if isinstance(inputs, list)
        else (),
        cached=item.get("cached") is True,
        error=_text(item, "error"),
    )
    for key in ("started", "completed"):
        _set_time(getattr(vertex, key), item, key)
    group = item.get("progressGroup")
    if isinstance(group, dict):
        vertex.progressGroup.id = _text(group, "id")
        vertex.progressGroup.name = _text(group, "name")
        vertex.progressGroup.weak = group.get("weak") is True


def _add_warning(response: StatusResponse, item: Mapping[str, object]) -> None:
    detail = item.get("detail")
    warning = response.warnings.add(
        vertex=_text(item, "vertex"),
        level=_number(item, "level"),
        short=_bytes(item, "short"),
        detail=[_decoded(each) for each in detail] if isinstance(detail, list) else (),
        url=_text(item, "url"),
    )
    for found in _objects(item, "range"):
        start = found.get("start")
        if isinstance(start, dict):
            warning.ranges.add().start.line = _number(start, "line")


def _objects(item: Mapping[str, object], key: str) -> list[dict[str, object]]:
    found = item.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(item: Mapping[str, object], key: str) -> str:
    found = item.get(key)
    # JSON has escapes for halves of characters, which no message holds.
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else ""


def _number(item: Mapping[str, object], key: str) -> int:
    found = item.get(key)
    if not isinstance(found, int) or isinstance(found, bool):
        return 0
    limit = (1 << 31) - 1 if key in ("level", "line") else _MAX_NUMBER
    return max(-limit, min(found, limit))


def _bytes(item: Mapping[str, object], key: str) -> bytes:
    return _decoded(item.get(key))


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        return b""
    try:
        return base64.b64decode(value)
    except ValueError:
        return b""


def _set_time(timestamp: Timestamp, item: Mapping[str, object], key: str) -> None:
    found = item.get(key)
    if not isinstance(found, str):
        return
    seconds = _seconds(found)
    if seconds is not None:
        timestamp.seconds, timestamp.nanos = divmod(seconds, 1_000_000_000)


def _seconds(text: str) -> int | None:
    """Return nanoseconds since 1970 of a time as RFC 3339 has it, with up to nine decimals."""
    whole, dot, rest = text.partition(".")
    digits = ""
    zone = rest
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        zone = rest[len(digits) :]
    else:
        for mark in ("Z", "z"):
            whole = whole.removesuffix(mark)
        zone = ""
    try:
        moment = datetime.fromisoformat(whole + ("+00:00" if zone in ("", "Z", "z") else zone))
        if moment.tzinfo is None or moment.year < 1971:
            return None
        return int(moment.timestamp()) * 1_000_000_000 + int(digits[:9].ljust(9, "0") or "0")
    except (ValueError, OverflowError):
        return None
