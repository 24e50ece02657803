"""The files of an emulated machine, as a function sees them that does a command's work."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..emulation.file_system import FileSystem
    from ..emulation.process import Process


class EmulatedFiles(MutableMapping[str, bytes]):
    """Contents by absolute path; links are followed.

    Args:
        files: of the machine.
        process: whose rights count.
    """

    def __init__(self, files: FileSystem, process: Process) -> None:
        self._files = files
        self._process = process

    def __getitem__(self, path: str) -> bytes:
        inner = _inner(path)
        if self._files.kind(self._process, inner) in ("", "dir"):
            raise KeyError(path)
        return self._files.read_file(self._process, inner)

    def __setitem__(self, path: str, content: str | bytes) -> None:
        inner = _inner(path)
        folder = posixpath.dirname(inner)
        self._make_folders(folder)
        if inner.endswith("/"):
            return
        data = content.encode() if isinstance(content, str) else content
        mode = 0o777 if data.startswith(b"#!") else 0o666
        self._files.write_file(self._process, inner, data, mode=mode)

    def __delitem__(self, path: str) -> None:
        inner = _inner(path)
        kind = self._files.kind(self._process, inner, follow=False)
        if not kind:
            raise KeyError(path)
        self._remove(inner, kind)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._files.exists(self._process, _inner(path))

    def __iter__(self) -> Iterator[str]:
        yield from self._below("/")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _below(self, folder: str) -> Iterator[str]:
        for name in self._files.names(self._process, folder):
            path = posixpath.join(folder, name)
            if self._files.kind(self._process, path, follow=False) == "dir":
                yield from self._below(path)
            else:
                yield path.encode("latin-1").decode("utf-8", "surrogateescape")

    def _make_folders(self, folder: str) -> None:
        if not self._files.kind(self._process, folder):
            self._make_folders(posixpath.dirname(folder))
            self._files.make_folder(self._process, folder)

    def _remove(self, path: str, kind: str) -> None:
        if kind != "dir":
            self._files.remove_file(self._process, path)
            return
        for name in self._files.names(self._process, path):
            below = posixpath.join(path, name)
            self._remove(below, self._files.kind(self._process, below, follow=False))
        self._files.remove_folder(self._process, path)


def _inner(path: str) -> str:
    absolute = posixpath.join("/", path)
    return absolute.encode("utf-8", "surrogateescape").decode("latin-1")
