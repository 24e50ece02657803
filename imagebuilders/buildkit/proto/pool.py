"""Message classes out of the compiled descriptors, in a pool of this package's own.

The pool is not protobuf's default one: other packages of a program (googleapis' protos, grpc's
health service) register messages of the same names there. The descriptors are data, so no
version of the runtime is asked for beyond the one that has `GetMessageClass`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pool, message_factory

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool

_FOLDER = "imagebuilders/buildkit/proto"
_NAMES = tuple(
    f"{_FOLDER}/{name}"
    for name in (
        *("ops", "rpc", "worker", "control", "gateway"),
        *("filesync", "session", "content"),
    )
)


@cache
def _pool() -> DescriptorPool:
    data = pkgutil.get_data("imagebuilders.buildkit.proto", "messages.binpb")
    assert data is not None
    pool = descriptor_pool.DescriptorPool()
    for file in _files(data):
        pool.AddSerializedFile(file)
    return pool


def _files(descriptors: bytes) -> Iterator[bytes]:
    """Return the files of a `FileDescriptorSet`, whose only field is `repeated … file = 1`.

    The class for that is in a module that takes protobuf longer to make than all of ours.
    """
    at = 0
    while at < len(descriptors):
        size, shift = 0, 0
        at += 1  # the field's tag
        while True:
            byte = descriptors[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield descriptors[at : at + size]
        at += size


@cache
def _classes() -> list[object]:
    """Make the classes of all messages, and hold them.

    protobuf 4.22 makes the class of a field when it is first touched, lets the garbage collector
    have it, and uses it all the same.
    """
    pool = _pool()
    waiting = [
        message
        for name in (*_NAMES, "google/protobuf/timestamp")
        for message in pool.FindFileByName(f"{name}.proto").message_types_by_name.values()
    ]
    made: list[object] = []
    while waiting:
        message = waiting.pop()
        made.append(message_factory.GetMessageClass(message))
        waiting += message.nested_types
    return made


def names_of(name: str) -> dict[str, object]:
    """Return what one file defines at its top level, by name: message classes and enum values.

    Args:
        name: the file's name in this folder, as in `control`.
    """
    _classes()
    file = _pool().FindFileByName(f"{_FOLDER}/{name}.proto")
    found: dict[str, object] = {
        message: message_factory.GetMessageClass(descriptor)
        for message, descriptor in file.message_types_by_name.items()
    }
    for enum in file.enum_types_by_name.values():
        found.update({value.name: value.number for value in enum.values})
    return found
