"""What a build says."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")

Message = dict[str, Any]
Messages = Iterator[Message]
Saying = Generator[Message, None, _T]
"""Messages, and a value at their end."""


def said(text: str) -> Message:
    """Return a piece of the builder's own output."""
    return {"stream": text}
