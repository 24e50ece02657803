"""Layers on their way to or from a registry, as the engine reports them."""

from __future__ import annotations

from imagebuilders.docker.json_stream import Message
from imagebuilders.events import LayerProgress


def layer_progress(message: Message) -> LayerProgress | None:
    """Read a message of the form `{"id", "status", "progressDetail"}`; `None` for any other."""
    layer, status = message.get("id"), message.get("status")
    if not isinstance(layer, str) or not isinstance(status, str):
        return None
    detail = message.get("progressDetail")
    fields = detail if isinstance(detail, dict) else {}
    current, total = fields.get("current"), fields.get("total")
    return LayerProgress(
        layer=layer,
        status=status,
        current=current if isinstance(current, int) else 0,
        total=total if isinstance(total, int) else 0,
    )
