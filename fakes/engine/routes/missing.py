"""Endpoints of the Engine API that the double does not have; they answer 501 by name."""

from __future__ import annotations

ROUTES: list[tuple[str, str]] = [
    ("POST", "/session"),
    ("POST", "/grpc"),
    *(
        (method, f"/{group}{{rest:(/.*)?}}")
        for group in (
            "configs",
            "containers",
            "exec",
            "networks",
            "nodes",
            "plugins",
            "secrets",
            "services",
            "swarm",
            "tasks",
            "volumes",
        )
        for method in ("GET", "POST", "PUT", "DELETE")
    ),
]
