"""The Docker SDK's way to make an archive of a context, as the other side."""

from __future__ import annotations

from pathlib import Path

from docker.utils.build import create_archive, exclude_paths


def select(root: Path) -> list[str]:
    """Give the paths that the SDK selects."""
    lines = (root / ".dockerignore").read_text().splitlines() if _has_rules(root) else []
    return sorted(exclude_paths(str(root), [line for line in lines if line and line[0] != "#"]))


def archive(root: Path) -> None:
    """Select and archive, gzipped, as `docker.APIClient.build` does."""
    create_archive(str(root), select(root), gzip=True).close()


def _has_rules(root: Path) -> bool:
    return (root / ".dockerignore").exists()
