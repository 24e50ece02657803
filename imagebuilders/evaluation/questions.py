"""What evaluation asks of whoever calls it: images, URLs, commands."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from imagebuilders.evaluation.steps import ContextOrigin, GitSource, Run, UrlSource
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform

TreeT = TypeVar("TreeT")
TreeT_co = TypeVar("TreeT_co", covariant=True)


class Images(Protocol):
    """Says how images are configured."""

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return the JSON document of an image's configuration.

        Args:
            reference: with domain and tag or digest.
            platform: the one that is wanted of an image for several.

        Raises:
            ImageBuilderError: there is none. Its text becomes part of the build's error, behind
                `failed to resolve source metadata for REFERENCE`.
        """
        ...


@dataclass(frozen=True)
class Download:
    """What lies at a URL.

    Attributes:
        chunks: its bytes.
        last_modified: seconds since the epoch by `Last-Modified`; 0 without one.
    """

    chunks: Iterable[bytes]
    last_modified: int = 0


class Downloads(Protocol):
    """Fetches what ADD names by its URL."""

    def fetch(self, source: UrlSource) -> AbstractContextManager[Download]:
        """Return what lies at a URL, to be closed when it was read.

        Raises:
            ImageBuilderError: it cannot be fetched.
        """
        ...


class SourceTimes(Protocol):
    """Says when something was made, for SOURCE_DATE_EPOCH."""

    def time(self, source: UrlSource | GitSource | ContextOrigin) -> int | None:
        """Return seconds since the epoch; `None` if it stands for no time.

        Of a repository that is when its commit was made, of a URL its `Last-Modified`, or without
        one the time of the newest file of the archive that lies there.

        Raises:
            ImageBuilderError: it cannot be fetched. Its text is the build's error.
        """
        ...


class Repositories(Protocol[TreeT_co]):
    """Fetches the repositories that ADD names."""

    def fetch(self, source: GitSource) -> TreeT_co:
        """Return the files of a repository.

        Raises:
            ImageBuilderError: it cannot be fetched.
        """
        ...


class Commands(Protocol[TreeT]):
    """Runs commands, or knows what they would have done."""

    def run(self, step: Run, tree: TreeT) -> TreeT:
        """Return the files behind a command, given those before it.

        Raises:
            ImageBuilderError: it failed, or cannot be run.
        """
        ...
