"""What real BuildKit daemons sent and asked during builds, read out of `tests/data`.

Recorded on the wire of buildkitd 0.32.2 and of Docker 28.5.2 with each of its image stores. Field
names are those of the messages. Times are ranks (`t0`, `t1`, …), bytes are text, base64, or size
and digest with the first and last of them.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.message import Message

Json = dict[str, Any]

_FILE = Path(__file__).parents[1] / "data" / "buildkit.json.gz"


@dataclass(frozen=True)
class Recording:
    """One build of one daemon.

    Attributes:
        daemon: the daemon, as in `28.5-graph`.
        id: the scenario, which is the same on each daemon.
        content: everything that was recorded.
    """

    daemon: str
    id: str
    content: Json

    def __str__(self) -> str:
        return f"{self.daemon}-{self.id}"


@cache
def recordings() -> tuple[Recording, ...]:
    """Return all recordings."""
    found: dict[str, list[Json]] = json.loads(gzip.decompress(_FILE.read_bytes()))
    return tuple(
        Recording(daemon, content["id"], content)
        for daemon, contents in found.items()
        for content in contents
    )


def bytes_of(value: str | Json) -> bytes:
    """Return bytes, or of those that were not kept as many others."""
    if isinstance(value, str):
        return value.encode()
    if "text" in value:
        return str(value["text"]).encode()
    if "base64" in value:
        return base64.b64decode(value["base64"])
    size = int(value.get("size", 0))
    head, tail = (bytes_of(value[name]) if name in value else b"" for name in ("head", "tail"))
    return head + b"x" * (size - len(head) - len(tail)) + tail


def response_of(content: Json) -> dict[str, str]:
    """Return what the exporters said."""
    return {
        name: value
        if isinstance(value, str)
        else base64.b64encode(json.dumps(value["base64_of_json"]).encode()).decode()
        for name, value in content.get("ExporterResponse", {}).items()
    }


def fill(message: Message, content: Json) -> None:
    """Put recorded fields into a message."""
    for name, value in content.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is not None:
            _set(message, field, value)


def _set(message: Message, field: Any, value: Any) -> None:
    target = getattr(message, field.name)
    if isinstance(target, MutableMapping):
        for key, item in value.items():
            if not isinstance(item, dict):
                target[key] = item
    elif field.message_type is not None and isinstance(value, list):
        for item in value:
            fill(target.add(), item)
    elif field.message_type is not None and isinstance(value, str):
        target.seconds = 1_700_000_000 + int(value.removeprefix("t"))
    elif field.message_type is not None:
        target.SetInParent()
        fill(target, value)
    elif isinstance(value, list):
        target.extend([_scalar(field, item) for item in value])
    else:
        setattr(message, field.name, _scalar(field, value))


def _scalar(field: Any, value: Any) -> Any:
    if field.type == descriptor_pb2.FieldDescriptorProto.TYPE_BYTES:
        return bytes_of(value)
    if field.enum_type is not None and isinstance(value, str):
        return field.enum_type.values_by_name[value].number
    return value
