"""A build's events as `docker buildx build --progress=rawjson` prints a build's status."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from imagebuilders.events import (
    Event,
    StepCached,
    StepFinished,
    StepOutput,
    StepStarted,
)


class RawJSON:
    """A listener that prints a line for each event.

    Args:
        write: writes a line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._current: dict[str, Any] = {}
        self._is_over = True

    def __call__(self, event: Event) -> None:
        """Print an event."""
        match event:
            case StepStarted():
                self._end()
                place = f"[{event.stage} " if event.stage else "["
                name = event.instruction
                if event.number:
                    name = f"{place}{event.number}/{event.total}] {name}"
                key = event.step_id or f"{event.stage} {event.number} {name}"
                digest = hashlib.sha256(key.encode()).hexdigest()
                self._current = {"digest": f"sha256:{digest}", "name": name, "started": _now()}
                self._is_over = False
                self._print(vertexes=[self._current])
            case StepOutput() if self._current:
                data = base64.b64encode(f"{event.line}\n".encode()).decode()
                log = {
                    "vertex": self._current["digest"],
                    "stream": 2 if event.stream == "stderr" else 1,
                    "data": data,
                    "timestamp": _now(),
                }
                self._print(logs=[log])
            case StepCached() if self._current:
                self._current["cached"] = True
            case StepFinished() if self._current:
                self._end(error=event.error)
            case _:
                pass

    def fail(self, error: str) -> None:
        """Let the step that runs end with an error."""
        self._is_over = False
        self._end(error=error)

    def close(self) -> None:
        """Let the step that runs end."""
        self._end()

    def _end(self, *, error: str = "") -> None:
        if self._is_over or not self._current:
            return
        self._is_over = True
        self._current["completed"] = _now()
        if error:
            self._current["error"] = error
        self._print(vertexes=[self._current])

    def _print(self, **status: object) -> None:
        self._write(json.dumps(status, separators=(",", ":")) + "\n")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
