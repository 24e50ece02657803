"""The files of an image, put together from the layers that a registry serves."""

from __future__ import annotations

import io
import posixpath
import tarfile
from dataclasses import dataclass

from testbed.registry import Registry

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class ImageFile:
    """A file of an image; folders and links have no content."""

    kind: str
    """"file", "folder", "link", "hard link" or "other"."""
    mode: int
    owner: tuple[int, int]
    content: bytes
    target: str


def read_image_files(registry: Registry, repository: str, reference: str) -> dict[str, ImageFile]:
    """Every path of a single-platform image, without a leading slash."""
    files: dict[str, ImageFile] = {}
    manifest = registry.manifest(repository, reference).content
    for layer in manifest["layers"]:
        blob = registry.blob(repository, layer["digest"])
        with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
            _apply(tar, files)
    return files


def _apply(tar: tarfile.TarFile, files: dict[str, ImageFile]) -> None:
    below = dict(files)
    for member in tar:
        path = posixpath.normpath(member.name).lstrip("/")
        folder, name = posixpath.split(path)
        if name == _OPAQUE:
            _remove(files, below, folder, itself=False)
        elif name.startswith(_WHITEOUT):
            _remove(files, below, posixpath.join(folder, name[len(_WHITEOUT) :]), itself=True)
        elif path != ".":
            files[path] = _read(tar, member)


def _remove(
    files: dict[str, ImageFile], below: dict[str, ImageFile], path: str, *, itself: bool
) -> None:
    """A whiteout hides what lower layers have, not what its own layer adds."""
    for name in below:
        if name.startswith(f"{path}/") or (itself and name == path):
            files.pop(name, None)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> ImageFile:
    kinds = {
        tarfile.REGTYPE: "file",
        tarfile.AREGTYPE: "file",
        tarfile.DIRTYPE: "folder",
        tarfile.SYMTYPE: "link",
        tarfile.LNKTYPE: "hard link",
    }
    content = tar.extractfile(member) if member.isreg() else None
    return ImageFile(
        kind=kinds.get(member.type, "other"),
        mode=member.mode & 0o7777,
        owner=(member.uid, member.gid),
        content=content.read() if content is not None else b"",
        target=member.linkname,
    )
