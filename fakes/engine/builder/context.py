"""A build context: the tar that a client sent, with the sums the cache looks at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from imagebuilders.exceptions import UnpackError
from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    children,
    clean,
    remove,
    resolve,
)
from imagebuilders.oci.members import Member
from imagebuilders.oci.rooted_files import TreeFiles
from imagebuilders.oci.tar_writer import TarStyle
from imagebuilders.oci.unpacking import Unpacker

from ...images import tar
from .. import messages
from ..errors import ApiError
from ..images.unpacking import rules, told
from ..versions import EngineVersion


class Source(Protocol):
    """Where COPY and ADD take files from."""

    @property
    def tree(self) -> Tree:
        """The files."""
        ...

    def sum_of(self, path: str) -> str:
        """The sum of the entry a path leads to."""
        ...


def entry_sum(member: Member, names: tuple[str, str] = ("", "")) -> str:
    """The sum of one tar entry, version 1 of the engine's scheme: no times.

    Args:
        member: the entry.
        names: the owners' names; left out for what a client sent.
    """
    file = member.file
    digest = hashlib.sha256()
    values = (
        f"name{member.stored_name}mode{file.mode}uid{file.uid}gid{file.gid}size{member.size}"
        f"typeflag{member.type_flag}linkname{member.hard_link or file.link}"
        f"uname{names[0]}gname{names[1]}devmajor{file.device[0]}devminor{file.device[1]}"
    )
    digest.update(values.encode("utf-8", "surrogateescape"))
    for key, value in file.xattrs:
        digest.update(f"{key}{value}".encode("utf-8", "surrogateescape"))
    digest.update(file.data)
    return digest.hexdigest()


def _tar_failure(error: tar.TarError, version: EngineVersion) -> str:
    """The words differ with where the engine notices that a stream is no tar."""
    reason = str(error)
    return (
        reason if reason.startswith(("archive/tar: invalid", "flate: ")) else told(error, version)
    )


class SentContext:
    """The context of a build request."""

    def __init__(
        self, body: bytes, version: EngineVersion, *, now: int = 0, full: bool = False
    ) -> None:
        """Unpack a tar, compressed or not.

        Args:
            body: the tar.
            version: of the engine.
            now: the time of folders that it does not list, in seconds since 1970.
            full: there is no room for a file with content.

        Raises:
            ApiError: when it is no tar, or there is no room for it.
        """
        self.tree: Tree = {}
        self._members: dict[str, Member] = {}
        self._sums: dict[str, str] = {}
        unpacker = Unpacker(TreeFiles(self.tree), now=now, rules=rules(version))
        try:
            for member in tar.entries(body, to_the_end=version < "23.0"):
                path = clean(member.name)
                if full and member.file.data:
                    raise ApiError(500, messages.NO_SPACE(version, path))
                unpacker.add(member)
                # By the name in the archive, wherever links lead it, and the first of a name.
                self._members.setdefault(path, member)
        except tar.TarError as error:
            raise ApiError(500, _tar_failure(error, version)) from error
        except UnpackError as error:
            raise ApiError(500, told(error, version)) from error
        unpacker.finish()

    def sum_of(self, path: str) -> str:
        """The sum of the entry a path leads to; the path itself when there is none."""
        real = resolve(self.tree, path)
        if real not in self._sums:
            member = self._members.get(real)
            if member is None:
                return path
            self._sums[real] = entry_sum(member)
        return self._sums[real]

    def remove(self, path: str) -> None:
        """Take a file out."""
        remove(self.tree, resolve(self.tree, path))

    def read(self, path: str) -> bytes | None:
        """A file's content, links followed; `None` when there is no such file."""
        try:
            file = self.tree.get(resolve(self.tree, path))
        except UnresolvedPathError:
            return None
        return file.data if file is not None and file.kind == "file" else None


class ImageSource:
    """The files of an image or stage, for `COPY --from`."""

    def __init__(self, tree: Tree, style: TarStyle) -> None:
        self.tree = tree
        self._style = style

    def sum_of(self, path: str) -> str:
        """The sum an entry would have if it were in a tar."""
        real = resolve(self.tree, path)
        file = self.tree.get(real)
        if file is None:
            return real
        name = real + ("/" if file.kind == "dir" else "")
        bits = 0
        if self._style.has_type_bits:
            bits = {"dir": 0o040000, "symlink": 0o120000, "file": 0o100000}.get(file.kind, 0)
        names = self._style.owner_names(file.uid, file.gid)
        return entry_sum(
            Member(
                name,
                file._replace(mode=file.mode | bits),
                size=len(file.data),
                type_flag={"dir": "5", "symlink": "2"}.get(file.kind, "0"),
            ),
            names,
        )


def walk(tree: Mapping[str, File], path: str) -> Iterator[str]:
    """A directory and everything below it, in walking order; the root itself is left out."""
    if path:
        yield path
    yield from children(tree, path)


def joined_sum(prefix: str, sums: Iterable[str]) -> str:
    """One sum for several."""
    return (
        f"{prefix}:{hashlib.sha256(','.join(sums).encode('utf-8', 'surrogateescape')).hexdigest()}"
    )
