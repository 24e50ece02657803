"""Files of an image, read through the engine that has it."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass

from testbed.engine import Engine


@dataclass(frozen=True)
class ReadFile:
    """A file, a folder or a link."""

    content: bytes
    mode: int
    owner: tuple[int, int]
    target: str


def read_file(engine: Engine, image: str, path: str) -> ReadFile:
    """What an image has at an absolute path; nothing in it is run.

    Raises:
        docker.errors.NotFound: nothing.
    """
    container = engine.client.containers.create(image, ["none"])
    try:
        chunks, _ = container.get_archive(path)
        packed = b"".join(chunks)
    finally:
        container.remove()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.getmembers()[0]
        opened = archive.extractfile(member) if member.isreg() else None
        return ReadFile(
            content=opened.read() if opened is not None else b"",
            mode=member.mode & 0o7777,
            owner=(member.uid, member.gid),
            target=member.linkname,
        )
