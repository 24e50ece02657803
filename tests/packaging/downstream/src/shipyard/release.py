"""What a user's own code looks like: it takes the active stack and builds with it."""

from __future__ import annotations

from pathlib import Path

from imagebuilders import BuildContext, Client


def release(service: Path, version: str) -> str:
    """Build a service's folder, push it, and give the digest to deploy."""
    stack = Client().active_stack
    registry = stack.container_registry
    if registry is None:
        raise RuntimeError("a release needs a container registry")
    context = BuildContext(root=str(service))
    context.add_file(f"{version}\n", destination="VERSION")
    return stack.image_builder.build(
        f"{registry.uri}/{service.name}:{version}",
        context,
        {"buildargs": {"VERSION": version}},
        container_registry=registry,
    )
