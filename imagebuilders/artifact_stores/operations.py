"""What an artifact store can be asked for, by name and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Operation: TypeAlias = Literal[
    "exists",
    "isdir",
    "size",
    "listdir",
    "read_tail",
    "read",
    "write",
    "publish",
    "makedirs",
    "remove",
    "rename",
    "presign",
]
"""A method of a store; `open` is a `read` or a `write`, by its mode."""

VERBS: Mapping[Operation, str] = {
    "exists": "look for",
    "isdir": "look at",
    "size": "look at",
    "listdir": "list",
    "read_tail": "read the end of",
    "read": "read",
    "write": "write",
    "publish": "write",
    "makedirs": "make",
    "remove": "remove",
    "rename": "rename",
    "presign": "make a presigned address of",
}
"""What follows "Could not" in a message."""
