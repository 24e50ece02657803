"""The part of a file system that artifact stores use, and how to get one of fsspec's."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from imagebuilders.exceptions import ArtifactStoreError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class File(Protocol):
    """An open file."""

    def read(self, size: int = -1, /) -> bytes | None:
        """Read so many bytes, or up to the end."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Write all of `data`."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position."""
        ...

    def close(self) -> None:
        """Write what is still to be written and close the file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> object: ...


class FileSystem(Protocol):
    """What artifact stores ask of a file system: a part of `fsspec.AbstractFileSystem`."""

    def _strip_protocol(self, path: str) -> str:
        """Return the file system's own spelling of a URL."""
        ...

    def info(self, path: str) -> Mapping[str, object]:
        """Tell size and type; `FileNotFoundError` when nothing is there."""
        ...

    def ls(self, path: str, detail: bool = True) -> list[Mapping[str, object]]:
        """List a folder."""
        ...

    def open(self, path: str, mode: str = "rb") -> File:
        """Open a file."""
        ...

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        ...

    def rm_file(self, path: str) -> None:
        """Remove a file."""
        ...

    def mv(self, path1: str, path2: str) -> None:
        """Move a file."""
        ...

    def cp_file(self, path1: str, path2: str) -> None:
        """Copy a file."""
        ...

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        """Read a range of a file."""
        ...

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget what was listed before."""
        ...


def open_url(url: str, options: Mapping[str, object]) -> tuple[FileSystem, str]:
    """Make the fsspec file system for a URL.

    Args:
        url: a folder, as in `gs://bucket/prefix`.
        options: keyword arguments of the file system's class.

    Returns:
        The file system, shared with nobody, and the folder's path in it.

    Raises:
        ArtifactStoreError: the protocol is unknown, its package is not installed, or the
            options do not suit it.
    """
    protocol = url.partition("://")[0]
    url_to_fs = cast(
        "Callable[..., tuple[FileSystem, str]]", import_module("fsspec.core").url_to_fs
    )
    try:
        return url_to_fs(url, skip_instance_cache=True, **options)
    except ImportError as error:
        raise ArtifactStoreError(_missing_package(protocol, error), path=url) from error
    except ValueError as error:
        if protocol in _known_protocols():
            raise _unsuitable(url, error) from error
        raise ArtifactStoreError(
            f"No file system is known for {protocol}:// (in {url}). fsspec knows: "
            f"{', '.join(_known_protocols())}.",
            path=url,
        ) from error
    except Exception as error:
        raise _unsuitable(url, error) from error


def move(filesystem: FileSystem, old: str, new: str) -> None:
    """Move a file; onto another one where the file system allows it."""
    general = import_module("fsspec").AbstractFileSystem.mv
    if getattr(type(filesystem), "mv", None) is general:
        # The general way takes brackets and stars in a name for a pattern.
        filesystem.cp_file(old, new)
        filesystem.rm_file(old)
    else:
        filesystem.mv(old, new)


def names_in(filesystem: FileSystem, folder: str) -> list[str]:
    """Return the names in a folder, sorted.

    Raises:
        NotADirectoryError: it is a file.
    """
    filesystem.invalidate_cache()
    found = set()
    for entry in filesystem.ls(folder, detail=True):
        name = str(entry["name"])
        if name.strip("/") != folder.strip("/"):
            found.add(posixpath.basename(name.rstrip("/")))
        elif entry["type"] == "file" and not name.endswith("/"):
            raise NotADirectoryError("it is a file, not a folder")
        # else the empty object by which some tools mark a folder
    return sorted(found)


def size_of(info: Mapping[str, object]) -> int:
    """Return the size in bytes that `FileSystem.info` told."""
    size = info.get("size")
    return size if isinstance(size, int) else 0


def _unsuitable(url: str, error: Exception) -> ArtifactStoreError:
    return ArtifactStoreError(
        f"Cannot open {url}: {type(error).__name__}: {error}. "
        "Check the path and the storage options.",
        path=url,
    )


def _known_protocols() -> list[str]:
    registry = import_module("fsspec.registry")
    return sorted({*registry.known_implementations, *registry.registry})


def _missing_package(protocol: str, error: ImportError) -> str:
    # fsspec raises its own hint from the import that failed, which knows the module's name.
    missing = next(
        (cause.name for cause in (error.__cause__, error) if isinstance(cause, ImportError)), None
    )
    package = f"the package {missing.partition('.')[0]!r}" if missing else "a package"
    return f"{protocol}:// needs {package}, which is not installed: {str(error).rstrip('.')}."
