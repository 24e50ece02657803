"""Writing a mapping of paths and contents into a container's or step's files."""

from __future__ import annotations

from collections.abc import Mapping

from imagebuilders.oci.file_tree import File, clean, parent

from .overlay import Overlay


def write_files(overlay: Overlay, files: Mapping[str, str | bytes | None]) -> None:
    """Write, make or remove paths.

    Links are followed, but for one that is to be removed. A content of `None` removes a path, a
    path that ends with `/` is a directory, and a content that begins with `#!` is executable.

    Raises:
        StepError: when something on the way is no directory, or links lead round in circles.
    """
    for path, content in files.items():
        name = overlay.locate(path)
        if content is None:
            folder, _, base = clean(path).rpartition("/")
            overlay.remove(f"{overlay.locate(folder)}/{base}".lstrip("/"))
        elif path.endswith("/"):
            overlay.make_directories(name)
        else:
            data = content.encode() if isinstance(content, str) else content
            overlay.make_directories(parent(name))
            mode = 0o755 if data.startswith(b"#!") else 0o644
            overlay.put(name, File("file", mode, 0, 0, overlay.now, data))
