"""What lies at addresses of other machines: seeded, for a double goes to no network.

Servers on this machine are asked as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagebuilders.evaluation.questions import Download
from imagebuilders.evaluation.trees import Folder, folder_of
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.oci.file_tree import File, clean

from .downloads import LoopbackDownloads

if TYPE_CHECKING:
    from imagebuilders.evaluation.steps import GitSource, UrlSource

_FOLDER_MODE, _FILE_MODE = 0o755, 0o644


class RemoteContents:
    """Repositories and files that were seeded, by address.

    Attributes:
        downloads: the files; an `imagebuilders.evaluation` `Downloads`.
        repositories: the repositories; an `imagebuilders.evaluation` `Repositories`.
    """

    def __init__(self) -> None:
        self.downloads = SeededDownloads()
        self.repositories = SeededRepositories()


class SeededDownloads:
    """Files that were seeded, and those of servers on this machine."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._loopback = LoopbackDownloads()

    def add(self, url: str, content: str | bytes) -> None:
        """Let a file lie at a URL."""
        self._known[url] = content.encode() if isinstance(content, str) else content

    @contextmanager
    def fetch(self, source: UrlSource) -> Iterator[Download]:
        """Return what lies at a URL.

        Raises:
            ImageBuilderError: it cannot be fetched.
        """
        content = self._known.get(source.url)
        if content is not None:
            yield Download(iter([content]), 0)
            return
        with self._loopback.fetch(source) as answer:
            yield answer

    def read(self, source: UrlSource) -> bytes:
        """Return the bytes that lie at a URL.

        Raises:
            ImageBuilderError: it cannot be fetched.
        """
        with self.fetch(source) as answer:
            return b"".join(answer.chunks)


class SeededRepositories:
    """Git repositories that were seeded."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Folder]] = {}
        self._lock = threading.Lock()

    def add(self, url: str, files: Mapping[str, str | bytes], ref: str) -> None:
        """Let there be a repository.

        Args:
            url: its address, without what stands behind `#`.
            files: what is in it, by path.
            ref: the branch, tag or commit that has these files; empty for every one.
        """
        tree: dict[str, File] = {}
        for path, content in files.items():
            name = clean(path)
            parts = name.split("/")
            for depth in range(1, len(parts)):
                tree.setdefault("/".join(parts[:depth]), File("dir", _FOLDER_MODE))
            data = content.encode() if isinstance(content, str) else content
            tree[name] = File("file", _FILE_MODE, data=data)
        with self._lock:
            self._known.setdefault(_address(url), {})[_short(ref)] = folder_of(tree)

    def fetch(self, source: GitSource) -> Folder:
        """Return the files of a repository, or of the folder of it that is meant.

        Raises:
            ImageBuilderError: nothing of it was seeded.
        """
        with self._lock:
            refs = self._known.get(_address(source.remote))
        if refs is None:
            raise ImageBuilderError(
                f"failed to fetch remote {source.remote}: the BuildKit double goes to no network; "
                "seed_repository() lets it have a repository"
            )
        found = refs.get(_short(source.ref), refs.get(""))
        if found is None and not source.ref:
            found = next(iter(refs.values()))
        if found is None:
            raise ImageBuilderError(f"repository does not contain ref {source.ref}")
        entry = found.find(clean(source.folder))
        if not isinstance(entry, Folder):
            raise ImageBuilderError(f"failed to find subdir {source.folder} in {source.remote}")
        return entry


def _address(url: str) -> str:
    """Return where a repository is, without how it is reached, and by whom."""
    place = url.partition("://")[2]
    if not place:  # as in `git@github.com:team/app.git`
        place = url.replace(":", "/", 1)
    return place.rpartition("@")[2].removesuffix(".git")


def _short(ref: str) -> str:
    for prefix in ("refs/heads/", "refs/tags/"):
        ref = ref.removeprefix(prefix)
    return ref
