"""The messages that tell how far layers have come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import go_text
from .versions import PLAIN_PROGRESS, EngineVersion

Message = dict[str, Any]

ATTEMPTS = 5
"""How often a layer is tried."""


def short(digest: str) -> str:
    """The digits by which messages name a layer."""
    return digest.partition(":")[2][:12]


def progress(status: str, item: str, current: int = 0, total: int = 0) -> Message:
    """What is said of a layer, with a bar if there are numbers."""
    if not current:
        return {"status": status, "progressDetail": {}, "id": item}
    return {
        "status": status,
        "progressDetail": {"current": current, "total": total},
        "progress": progress_bar(current, total),
        "id": item,
    }


def progress_bar(current: int, total: int) -> str:
    """The bar the engine draws into its messages."""
    width = min(50, current * 50 // total if total else 50)
    bar = "=" * width + ">" + " " * (50 - width)
    shown = go_text.human_size(current).rjust(8)
    # More than there is to come cannot be told as a part of it.
    return f"[{bar}] {shown}" if current > total else f"[{bar}] {shown}/{go_text.human_size(total)}"


def retrying(item: str, attempt: int) -> Iterator[Message]:
    """What is said while the engine waits after a failure; the double does not wait.

    Args:
        item: the layer.
        attempt: the one that failed, counted from 1.
    """
    for seconds in range(5 * attempt, 0, -1):
        yield progress(f"Retrying in {seconds} second{'' if seconds == 1 else 's'}", item)


def message_line(message: Message) -> bytes:
    """One message as it goes over the wire."""
    return (go_text.dumps(message) + "\r\n").encode("utf-8", "surrogateescape")


def as_told(message: Message, version: EngineVersion) -> Message:
    """Return a message in the form that a version tells it: newer ones draw no bars."""
    if not version.has(PLAIN_PROGRESS):
        return message
    told = {name: value for name, value in message.items() if name != "progress"}
    return {"error": told.pop("error"), **told} if "error" in told else told


def failure(message: str, code: int | None = None) -> Message:
    """The message with which a stream says that it failed."""
    detail: Message = {"message": message}
    if code is not None:
        detail = {"code": code, "message": message}
    return {"errorDetail": detail, "error": message}
