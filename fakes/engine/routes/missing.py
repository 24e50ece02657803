"""Endpoints of the Engine API that the double does not have; they answer 501 by name."""

from __future__ import annotations

ROUTES: list[tuple[str, str]] = [
    *(
        (method, f"/{group}{{rest:(/.*)?}}")
        for group in (
            "configs",
            "nodes",
            "plugins",
            "secrets",
            "services",
            "swarm",
            "tasks",
        )
        for method in ("GET", "POST", "PUT", "DELETE")
    ),
]
