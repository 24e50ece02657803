"""What is known to differ from real engines, scenario by scenario, with the reason."""

from __future__ import annotations

_NOTHING_RUNS = "commands are not executed, so a shell that is not in the image is not missed"

KNOWN_DIVERGENCES: dict[str, dict[str, str]] = {
    "20.10": {},
    "26.1": {"failures.here_document_in_run": _NOTHING_RUNS},
    "28.5": {"failures.here_document_in_run": _NOTHING_RUNS},
}
