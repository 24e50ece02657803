"""An image as a person sees it: its configuration and its files, all layers together."""

from __future__ import annotations

import difflib
import gzip
import io
import json
import posixpath
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fakes.registry.errors import NotInRegistryError
from fakes.registry.storage import Manifest

if TYPE_CHECKING:
    from fakes.registry.registry import FakeRegistry

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.LNKTYPE: "hard link",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.DIRTYPE: "directory",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
    tarfile.FIFOTYPE: "fifo",
}


@dataclass(frozen=True)
class ImageFile:
    """One entry of an image's file system.

    Attributes:
        path: absolute, as the container sees it.
        kind: `file`, `directory`, `symbolic link`, `hard link`, `fifo`, `character device`
            or `block device`.
        size: bytes; 0 unless it is a file.
        mode: the permission bits.
        uid: the owner's number.
        gid: the group's number.
        target: where a link points to; empty for all else.
        layer: the digest of the layer it comes from.
    """

    path: str
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    target: str
    layer: str


@dataclass(frozen=True)
class Image:
    """An image in the registry.

    Attributes:
        manifest: its manifest.
        config: its configuration document.
        files: what its file system holds, sorted by path.
    """

    manifest: Manifest
    config: Mapping[str, object]
    files: tuple[ImageFile, ...]
    _contents: Mapping[str, memoryview] = field(repr=False)

    @property
    def digest(self) -> str:
        """The manifest's digest: what a push reports."""
        return self.manifest.digest

    @property
    def layers(self) -> list[str]:
        """The digests of the layers, the lowest first."""
        return [str(entry["digest"]) for entry in self.manifest.descriptors("layers")]

    @property
    def paths(self) -> list[str]:
        """The paths of all files; directories are left out."""
        return [entry.path for entry in self.files if entry.kind != "directory"]

    @property
    def settings(self) -> Mapping[str, object]:
        """What the container is run with: the configuration's `config` object."""
        value = self.config.get("config")
        return value if isinstance(value, dict) else {}

    @property
    def env(self) -> dict[str, str]:
        """The environment variables."""
        pairs = (str(pair).partition("=") for pair in _list(self.settings.get("Env")))
        return {name: value for name, _, value in pairs}

    @property
    def labels(self) -> dict[str, str]:
        """The labels."""
        value = self.settings.get("Labels")
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

    @property
    def entrypoint(self) -> list[str]:
        """The entrypoint's words."""
        return [str(word) for word in _list(self.settings.get("Entrypoint"))]

    @property
    def command(self) -> list[str]:
        """The command's words."""
        return [str(word) for word in _list(self.settings.get("Cmd"))]

    @property
    def platform(self) -> str:
        """As in `linux/amd64`."""
        return f"{self.config.get('os', '')}/{self.config.get('architecture', '')}"

    def file(self, path: str) -> ImageFile:
        """The entry at a path; links are not followed.

        Raises:
            NotInRegistryError: there is none.
        """
        wanted = _absolute(path)
        for entry in self.files:
            if entry.path == wanted:
                return entry
        near = difflib.get_close_matches(wanted, [entry.path for entry in self.files])
        hint = f"; there is {', '.join(near)}" if near else ""
        raise NotInRegistryError(f"no {wanted} in the image {self.manifest.digest}{hint}")

    def read(self, path: str) -> bytes:
        """The content of a file; links are followed.

        Raises:
            NotInRegistryError: there is no file at that path.
        """
        seen: set[str] = set()
        wanted = _absolute(path)
        while wanted not in self._contents:
            entry = self.file(wanted)
            if not entry.target or wanted in seen:
                raise NotInRegistryError(f"{_absolute(path)} is no file but a {entry.kind}")
            seen.add(wanted)
            start = posixpath.dirname(wanted) if entry.kind == "symbolic link" else "/"
            wanted = _absolute(posixpath.join(start, entry.target))
        return bytes(self._contents[wanted])


def read_image(registry: FakeRegistry, manifest: Manifest, platform: str | None = None) -> Image:
    """Read an image's configuration and put its layers one over the other."""
    manifest = _choose(registry, manifest, platform)
    configs = manifest.descriptors("config")
    try:
        config = json.loads(registry.blob(str(configs[0]["digest"])))
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(f"{manifest.digest} is no image: it has no configuration") from error
    if not isinstance(config, dict):
        raise ValueError(f"{manifest.digest} is no image: its configuration is no object")
    tree = _Tree()
    for layer in manifest.descriptors("layers"):
        digest = str(layer["digest"])
        tree.add(digest, decompressed(registry.blob(digest), digest))
    files = tuple(tree.files[path] for path in sorted(tree.files))
    return Image(manifest, config, files, tree.contents)


def decompressed(content: bytes, name: str) -> bytes:
    """A layer's tar, whatever it is compressed with.

    Raises:
        ValueError: no way to decompress it is at hand.
    """
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        raise ValueError(f"layer {name} is compressed with zstd, which cannot be looked into")
    return content


class _Tree:
    """A file system that grows layer by layer."""

    def __init__(self) -> None:
        self.files: dict[str, ImageFile] = {}
        self.contents: dict[str, memoryview] = {}

    def add(self, layer: str, archive: bytes) -> None:
        view = memoryview(archive)
        lower = list(self.files)
        try:
            with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
                members = tar.getmembers()
        except tarfile.TarError as error:
            raise ValueError(f"layer {layer} is no tar archive: {error}") from error
        for member in members:
            self._hide(member, lower)
        for member in members:
            path = _absolute(member.name)
            if posixpath.basename(path).startswith(_WHITEOUT) or path == "/":
                continue
            self._put(layer, path, member, view)

    def _hide(self, member: tarfile.TarInfo, lower: list[str]) -> None:
        """Whiteouts take away what lower layers have, never what their own layer brings."""
        folder, name = posixpath.split(_absolute(member.name))
        if name == _OPAQUE:
            prefix = folder.rstrip("/") + "/"
            gone = [path for path in lower if path.startswith(prefix)]
        elif name.startswith(_WHITEOUT):
            path = posixpath.join(folder, name[len(_WHITEOUT) :])
            gone = [known for known in lower if known == path or known.startswith(path + "/")]
        else:
            return
        for path in gone:
            self.files.pop(path, None)
            self.contents.pop(path, None)

    def _put(self, layer: str, path: str, member: tarfile.TarInfo, view: memoryview) -> None:
        if not member.isdir():
            below = [known for known in self.files if known.startswith(path + "/")]
            for known in below:
                del self.files[known]
                self.contents.pop(known, None)
        self.contents.pop(path, None)
        size = member.size if member.isfile() else 0
        self.files[path] = ImageFile(
            path=path,
            kind=_KINDS.get(member.type, "file"),
            size=size,
            mode=member.mode & 0o7777,
            uid=member.uid,
            gid=member.gid,
            target=member.linkname if member.islnk() or member.issym() else "",
            layer=layer,
        )
        if member.isfile():
            self.contents[path] = view[member.offset_data : member.offset_data + size]


def _choose(registry: FakeRegistry, manifest: Manifest, platform: str | None) -> Manifest:
    """The image itself, or the right one of an index."""
    while manifest.is_index:
        entries = [
            entry
            for entry in manifest.descriptors("manifests")
            if platform is None or _platform(entry) == platform
        ]
        if not entries:
            raise NotInRegistryError(
                f"{manifest.repository}@{manifest.digest} has no image for {platform or 'anything'}"
            )
        manifest = registry.manifest(f"{manifest.repository}@{entries[0]['digest']}")
    return manifest


def _platform(entry: Mapping[str, object]) -> str:
    value = entry.get("platform")
    if not isinstance(value, dict):
        return ""
    words = (value.get("os"), value.get("architecture"), value.get("variant"))
    return "/".join(str(word) for word in words if word)


def _absolute(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
