"""Programs of the toolbox with the libraries that they are linked with, to run elsewhere."""

from __future__ import annotations

import io
import tarfile

from testbed.tools import Toolbox, run_in


def read_programs(toolbox: Toolbox, *paths: str) -> dict[str, bytes]:
    """The content of programs, and of their libraries and loader, by absolute path."""
    said = run_in(toolbox.container, ["ldd", *paths]).stdout
    libraries = {word for word in said.split() if word.startswith("/") and word[-1] != ":"}
    return {path: _read(toolbox, path) for path in sorted({*paths, *libraries})}


def _read(toolbox: Toolbox, path: str) -> bytes:
    real = run_in(toolbox.container, ["readlink", "-f", path]).stdout.strip()
    chunks, _ = toolbox.container.get_wrapped_container().get_archive(real)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        assert member is not None
        return member.read()


def archive_of(programs: dict[str, bytes]) -> bytes:
    """A tar of programs, to be unpacked into an image."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, content in programs.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return output.getvalue()
