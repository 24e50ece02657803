"""What a client asks a daemon to solve: by a frontend, or a definition without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.ops_pb2 import Definition

FRONTEND = "dockerfile.v0"
GATEWAY = "gateway.v0"
"""Names a frontend that is an image, by the attribute `source`."""


@dataclass(frozen=True)
class SolveInput:
    """What a client wants to be built.

    Attributes:
        frontend: the frontend's name; empty to build the definition.
        attributes: what the frontend is told.
        inputs: what it begins with that other builds made, by name.
        definition: what is built without a frontend.
    """

    frontend: str
    attributes: Mapping[str, str]
    inputs: Mapping[str, Definition] = field(default_factory=dict, hash=False)
    definition: Definition | None = None


def check_frontend(asked: SolveInput) -> None:
    """See whether a frontend is there.

    Raises:
        CallError: it is not.
    """
    name, attributes = asked.frontend, asked.attributes
    if not name and asked.definition is not None:
        return
    if name == FRONTEND or (name == GATEWAY and attributes.get("source")):
        return
    words = f"invalid frontend: {name}"
    if name == GATEWAY:
        words = "no source specified for gateway"
    raise CallError(RpcStatus(Code.UNKNOWN, words))
