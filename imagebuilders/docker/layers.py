"""What is on its way to or from a registry or a URL, as the engine reports it."""

from __future__ import annotations

from imagebuilders.docker.json_stream import Message
from imagebuilders.events import LayerProgress, StepProgress

_MAX_BYTES = 2**63 - 1
"""The engine counts in `int64`."""


def layer_progress(message: Message, step_id: str = "") -> LayerProgress | None:
    """Read a message of the form `{"id", "status", "progressDetail"}`; `None` for any other.

    Args:
        message: the engine's message.
        step_id: the step that pulls the layer.
    """
    layer, status = message.get("id"), message.get("status")
    if not isinstance(layer, str) or not layer or not isinstance(status, str):
        return None
    current, total = _amounts(message)
    return LayerProgress(layer, status, current, total, step_id=step_id)


def download_progress(message: Message, number: int, step_id: str) -> StepProgress | None:
    """Read a message of the form `{"status", "progressDetail"}`, as of `ADD` with a URL.

    Args:
        message: the engine's message.
        number: the step's number.
        step_id: the step's id.
    """
    status = message.get("status")
    if message.get("id") or not isinstance(status, str) or not message.get("progressDetail"):
        return None
    current, total = _amounts(message)
    is_done = bool(total) and current >= total
    return StepProgress(number, status, current, total, is_done, step_id=step_id)


def _amounts(message: Message) -> tuple[int, int]:
    detail = message.get("progressDetail")
    fields = detail if isinstance(detail, dict) else {}
    return _amount(fields.get("current")), _amount(fields.get("total"))


def _amount(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_BYTES:
        return value
    return 0
