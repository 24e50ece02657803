"""Builds with BuildKit through the project's own client, in a line each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imagebuilders import BuildContext, LocalImageBuilder


class Build:
    """Builds Dockerfiles with BuildKit through the project's own client."""

    def __init__(self, builder: LocalImageBuilder, folder: Path) -> None:
        self._builder = builder
        self.folder = folder

    def __call__(
        self,
        dockerfile: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        name: str = "app:1",
        **options: object,
    ) -> str:
        """Build an image, with files in the context; return what the builder says."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "Dockerfile").write_text(dockerfile)
        for file, content in (files or {}).items():
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
        return str(self._builder.build(name, BuildContext(str(self.folder)), options))
