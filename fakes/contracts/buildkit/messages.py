"""Messages of BuildKit's protocol as JSON, in which scenarios and recordings are written.

Fields have the names of the `.proto` files, and those without a value are left out. Times are
numbers of nanoseconds, or `t0`, `t1`, … where only their order is kept. Bytes are an object: their
`text`, `base64`, or of long ones the `size` and `sha256`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, MutableMapping
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from imagebuilders.buildkit.proto.ops_pb2 import Op

Json: TypeAlias = dict[str, Any]

LONGEST_BYTES = 4096
"""Longer bytes are shown by their size and digest."""

_TIME = "google.protobuf.Timestamp"
_DEFINITION = "pb.Definition"


def shown(message: Message) -> Json:
    """Return a message as JSON."""
    content: Json = {}
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            of = kind.fields_by_name["value"]
            content[field.name] = {str(key): _shown(of, value[key]) for key in sorted(value)}
        elif isinstance(value, str | bytes) or not hasattr(value, "__len__"):
            content[field.name] = _shown(field, value)
        else:
            content[field.name] = [_shown(field, each) for each in value]
    return content


def _shown(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        if field.message_type.full_name == _TIME:
            return f"t{value.ToNanoseconds()}"
        return shown(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return shown_bytes(value)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    return value


def shown_bytes(content: bytes) -> Json:
    """Return bytes as JSON."""
    if len(content) > LONGEST_BYTES:
        return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    try:
        return {"text": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def bytes_of(value: str | Mapping[str, Any]) -> bytes:
    """Return bytes that JSON stands for; as many others for those of which only a size is known."""
    if isinstance(value, str):
        return value.encode()
    if "text" in value:
        return str(value["text"]).encode("utf-8", "surrogateescape")
    if "base64" in value:
        return base64.b64decode(value["base64"])
    return b"x" * int(value.get("size", 0))


def fill(message: Message, content: Mapping[str, Any]) -> None:
    """Put what JSON says into a message; what the message has no field for is left out.

    The operations of definitions stand in JSON as messages, each with the digest that the others
    know it by.
    """
    if message.DESCRIPTOR.full_name == _DEFINITION:
        content = _encoded_definition(content)
    for name, value in content.items():
        field: Any = message.DESCRIPTOR.fields_by_name.get(name)
        if field is not None:
            _put(message, field, value)


def _encoded_definition(content: Mapping[str, Any]) -> Json:
    """Return a definition whose operations are bytes, with the digests of these everywhere."""
    digests: dict[str, str] = {}
    operations = []
    for each in content.get("def", ()):
        if not isinstance(each, Mapping) or "op" not in each:
            operations.append(each)
            continue
        operation = Op()
        fill(operation, each["op"])
        for source in operation.inputs:
            source.digest = digests.get(source.digest, source.digest)
        raw = operation.SerializeToString(deterministic=True)
        digests[each["digest"]] = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        operations.append({"base64": base64.b64encode(raw).decode("ascii")})
    metadata = {digests.get(key, key): each for key, each in content.get("metadata", {}).items()}
    return {**content, "def": operations, "metadata": metadata}


def _put(message: Message, field: Any, value: Any) -> None:
    target = getattr(message, field.name)
    kind = field.message_type
    if isinstance(target, MutableMapping):
        of = kind.fields_by_name["value"]
        for key, each in value.items():
            if of.message_type is not None:
                target[key].SetInParent()
                fill(target[key], each)
            else:
                target[key] = _scalar(of, each)
    elif kind is not None and isinstance(value, list):
        for each in value:
            fill(target.add(), each)
    elif kind is not None and kind.full_name == _TIME:
        target.FromNanoseconds(int(str(value).removeprefix("t")))
    elif kind is not None:
        target.SetInParent()
        fill(target, value)
    elif isinstance(value, list):
        target.extend([_scalar(field, each) for each in value])
    else:
        setattr(message, field.name, _scalar(field, value))


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes_of(value)
    if field.enum_type is not None and isinstance(value, str):
        return field.enum_type.values_by_name[value].number
    return value
