"""Programs of the toolbox with the libraries that they are linked with, to run elsewhere."""

from __future__ import annotations

import io
import posixpath
import tarfile
import uuid

from testbed.tools import Toolbox, run_in


def read_programs(toolbox: Toolbox, *paths: str) -> dict[str, bytes]:
    """The content of programs, and of their libraries and loader, by absolute path."""
    # By way of a file: an engine may lose what a command says that ends at once.
    list_of_libraries = f"/tmp/libraries-{uuid.uuid4().hex}"
    script = 'list=$1 && shift && ldd "$@" > "$list"'
    run_in(toolbox.container, ["sh", "-c", script, "sh", list_of_libraries, *paths])
    said = _read(toolbox, list_of_libraries).decode()
    libraries = {word for word in said.split() if word.startswith("/") and word[-1] != ":"}
    return {path: _read(toolbox, path) for path in sorted({*paths, *libraries})}


def _read(toolbox: Toolbox, path: str) -> bytes:
    container = toolbox.container.get_wrapped_container()
    while True:
        chunks, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.getmembers()[0]
            if member.issym():
                path = posixpath.join(posixpath.dirname(path), member.linkname)
                continue
            opened = archive.extractfile(member)
            assert opened is not None
            return opened.read()


def archive_of(programs: dict[str, bytes]) -> bytes:
    """A tar of programs, to be unpacked into an image."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, content in programs.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return output.getvalue()
