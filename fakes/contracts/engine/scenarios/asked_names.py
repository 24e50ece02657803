"""Refusals name a container as the request did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..container_hands import create, sleeping
from ..registry import scenario
from ..session import Session


def _names(container: str, name: str) -> Iterator[str]:
    yield from (name, container, container[:12])


def _send(s: Session, container: str, name: str, *requests: tuple[str, str, Any, Any]) -> None:
    """Send requests under each of a container's names."""
    for asked in _names(container, name):
        for method, action, query, body in requests:
            path = f"/containers/{asked}/{action}".rstrip("/")
            answer = s.request(method, path, params=query, json=body)
            said = answer.text.replace(container, "(id)").replace(container[:12], "(short)")
            shown = "name" if asked == name else "id" if asked == container else "short"
            seen = {"status": answer.status_code, "said": said}
            s.note(f"{method} {action} {query or ''} by its {shown}", seen)


@scenario
def of_one_that_does_not_run(s: Session) -> None:
    """It can neither be killed nor paused."""
    container = create(s, "true", name="web")
    _send(
        *(s, container, "web"),
        ("POST", "kill", None, None),
        ("POST", "kill", {"signal": "ODD"}, None),
        ("POST", "kill", {"signal": "99"}, None),
        ("POST", "pause", None, None),
        ("POST", "unpause", None, None),
        ("POST", "resize", {"h": "1", "w": "1"}, None),
        ("POST", "exec", None, {"Cmd": ["x"]}),
        ("POST", "rename", {"name": "web"}, None),
        ("GET", "archive", {"path": "/nope"}, None),
    )


@scenario
def of_one_that_runs(s: Session) -> None:
    """It is not removed, nor ended by a signal that there is not."""
    container = sleeping(s, name="web")
    requests: list[tuple[str, str, Any, Any]] = [
        ("DELETE", "", None, None),
        ("POST", "unpause", None, None),
        ("POST", "kill", {"signal": "ODD"}, None),
        ("POST", "kill", {"signal": "-1"}, None),
    ]
    if s.api.api_version >= "1.42":
        # An older engine looks for no signal there, and ends it.
        requests += [("POST", way, {"signal": "ODD"}, None) for way in ("stop", "restart")]
    _send(s, container, "web", *requests)


@scenario
def of_one_that_is_paused(s: Session) -> None:
    """Nothing happens in it."""
    container = sleeping(s, name="web")
    s.request("POST", f"/containers/{container}/pause")
    _send(
        *(s, container, "web"),
        ("POST", "pause", None, None),
        ("POST", "exec", None, {"Cmd": ["x"]}),
        ("POST", "attach", {"stream": "1", "stdout": "1"}, None),
        ("POST", "start", None, None),
        ("DELETE", "", None, None),
    )
    s.request("POST", f"/containers/{container}/unpause")
