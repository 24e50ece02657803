"""Build contexts that the daemon fetches by itself, or that come as an archive."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import IO, NoReturn

from imagebuilders.build_context import BuildContext
from imagebuilders.context.dockerfile_lookup import DEFAULT_DOCKERFILE, FoundDockerfile
from imagebuilders.context.entries import show_path
from imagebuilders.context.remote import RemoteSource, is_remote_address
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.exceptions import BuildContextError

__all__ = ["ArchiveContext", "RemoteContext"]

_PIECE_BYTES = 1024 * 1024


class _ElsewhereContext(BuildContext):
    """A context whose files are not known here: nothing but a build can be made of it."""

    def __init__(self) -> None:
        super().__init__()

    def build_snapshot(self, dockerfile: str | None = None) -> ContextSnapshot:
        """Return the context as a build needs it.

        Args:
            dockerfile: the Dockerfile among the context's files, or an absolute path or an added
                file in its place.

        Raises:
            BuildContextError: there is no such file, or what was added cannot be read.
        """
        name = dockerfile or self._dockerfile or DEFAULT_DOCKERFILE
        if os.path.isabs(name) or name in self._extra:
            found = super().build_snapshot(name)
            return replace(found, remote=self._source(has_dockerfile=False))
        inside = FoundDockerfile(name, name, b"")
        taken = self._snapshot_builder().build(self._notices)
        return replace(taken, dockerfile=inside, remote=self._source(has_dockerfile=True))

    def snapshot(self, *, rewrite_ignore_files: bool = True) -> ContextSnapshot:
        """Raise: the files are not known here."""
        del rewrite_ignore_files
        self._refuse()

    def upload_snapshot(self) -> ContextSnapshot:
        """Raise: the files are not known here."""
        self._refuse()

    @abstractmethod
    def _source(self, *, has_dockerfile: bool) -> RemoteSource:
        """Return where the files come from."""

    def _refuse(self) -> NoReturn:
        raise BuildContextError(
            "The files of this build context are not known here, so it can be built, but neither "
            "listed, digested nor uploaded. Take a BuildContext of a folder for that."
        )


class RemoteContext(_ElsewhereContext):
    """A context that the daemon fetches: a git repository, or an archive or Dockerfile by HTTP.

    The daemon must reach the address. A Dockerfile that lies elsewhere may be added
    (`add_file(content, "Dockerfile")`), or named by its absolute path.
    """

    def __init__(self, address: str) -> None:
        """Make a context.

        Args:
            address: as in `https://github.com/me/app.git#main:folder`, `git@host:me/app.git` or
                `https://example.com/context.tar.gz`.

        Raises:
            BuildContextError: it is no address of this kind.
        """
        super().__init__()
        if not isinstance(address, str) or not is_remote_address(address):
            hint = ""
            if isinstance(address, str) and address.startswith("github.com/"):
                hint = f" Write https://{show_path(address)}.git."
            raise BuildContextError(
                "A remote build context has an address that begins with https://, http://, git://, "
                f"ssh:// or user@host:.{hint}"
            )
        self._address = address

    @property
    def address(self) -> str:
        """The address."""
        return self._address

    def _source(self, *, has_dockerfile: bool) -> RemoteSource:
        return RemoteSource(self._address, has_dockerfile=has_dockerfile)


class ArchiveContext(_ElsewhereContext):
    """A context that is a tar, plain or compressed, which is sent as it is. It builds once."""

    def __init__(self, archive: IO[bytes] | Iterable[bytes]) -> None:
        """Make a context.

        Args:
            archive: an open file, or the archive's bytes in pieces.
        """
        super().__init__()
        read: Callable[[int], bytes] | None = getattr(archive, "read", None)
        self._archive = archive if read is None else _pieces(read)

    def _source(self, *, has_dockerfile: bool) -> RemoteSource:
        return RemoteSource(archive=self._archive, has_dockerfile=has_dockerfile)


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while piece := read(_PIECE_BYTES):
        yield piece
