"""Reading blobs: whole and verified, or by range; a download that was cut goes on."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from imagebuilders.distribution.session import RegistrySession
from imagebuilders.distribution.transport import Response
from imagebuilders.exceptions import (
    DigestMismatchError,
    RegistryConnectionError,
    RegistryContentError,
)
from imagebuilders.oci.digest import Digest, verified

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/(?:[0-9]{1,18}|\*)\Z")


class BlobReader:
    """Reads one blob of a repository.

    Args:
        session: sends requests.
        path: the repository.
        digest: the blob.
        scopes: the rights that reading needs.
    """

    def __init__(
        self, session: RegistrySession, path: str, digest: Digest, scopes: frozenset[str]
    ) -> None:
        self._session = session
        self._target = f"/v2/{path}/blobs/{digest}"
        self._digest = digest
        self._scopes = scopes
        self._what = f"The blob {digest} of {session.registry}/{path} was not read"

    def size(self) -> int | None:
        """Return how many bytes the blob has; `None` when the repository lacks it.

        Raises:
            RegistryError: the registry does not say.
        """
        with self._session.request(
            "HEAD", self._target, what=self._what, accept={200, 404, 405}, scopes=self._scopes
        ) as response:
            if response.status == 404:
                return None
            length = response.header("Content-Length") if response.status == 200 else None
        if length is None:
            return self._size_by_get()
        return self._size(length)

    def _size_by_get(self) -> int | None:
        """Return how many bytes the blob has where HEAD is not answered: by its first byte."""
        with self._session.request(
            "GET",
            self._target,
            what=self._what,
            accept={200, 206, 404, 416},
            scopes=self._scopes,
            headers={"Range": "bytes=0-0"},
        ) as response:
            if response.status == 404:
                return None
            if response.status == 200:
                return self._size(response.header("Content-Length"))
            return self._size(response.header("Content-Range").rpartition("/")[2])

    def _size(self, length: str) -> int:
        if not (length.isascii() and length.isdigit()) or len(length) > 18:
            raise RegistryContentError(
                f"{self._session.registry} does not say how large the blob {self._digest} is.",
                registry=self._session.registry,
            )
        return int(length)

    @contextmanager
    def open(self, size: int | None) -> Iterator[Iterator[bytes]]:
        """Read the whole blob; its digest is checked at the end.

        Args:
            size: how many bytes it should have, if that is known.
        """
        with closing(self._read(0, None)) as pieces:
            yield self._checked(pieces, size)

    @contextmanager
    def open_range(self, start: int, length: int) -> Iterator[Iterator[bytes]]:
        """Read a part of the blob, which cannot be checked.

        Args:
            start: the first byte, from 0.
            length: how many bytes; fewer are read where the blob ends.
        """
        with closing(self._read(start, start + length)) as pieces:
            yield pieces

    def _checked(self, pieces: Iterator[bytes], size: int | None) -> Iterator[bytes]:
        try:
            yield from verified(pieces, self._digest, size=size)
        except DigestMismatchError as error:
            raise RegistryContentError(
                f"{self._what}: {error}", registry=self._session.registry
            ) from error

    def _read(self, start: int, end: int | None) -> Generator[bytes, None, None]:
        """Return the bytes from `start` to before `end`, from as many responses as it takes."""
        position, attempt = start, 0
        while end is None or position < end:
            attempt += 1
            try:
                with self._ask(position, end) as response:
                    for piece in self._from(response, position, end):
                        position += len(piece)
                        yield piece
                return
            except RegistryConnectionError as error:
                wait = self._session.retries.wait_before(attempt) if error.is_transient else None
                if wait is None:
                    raise
                self._session.wait(wait, error)

    def _ask(self, position: int, end: int | None) -> Response:
        headers = {}
        if position or end is not None:
            headers["Range"] = f"bytes={position}-{'' if end is None else end - 1}"
        # What follows the last byte does not exist: an empty range, and the end of a blob that was
        # cut behind its last byte.
        return self._session.request(
            "GET",
            self._target,
            what=self._what,
            accept={200, 206, 416} if headers else {200},
            scopes=self._scopes,
            headers=headers,
        )

    def _from(self, response: Response, position: int, end: int | None) -> Iterator[bytes]:
        """Return the wanted part of a response, which may have all that is before it, too."""
        if response.status == 416:
            return
        at = 0
        if response.status == 206:
            found = _CONTENT_RANGE.match(response.header("Content-Range"))
            if found is None or int(found[1]) != position:
                raise RegistryContentError(
                    f"{self._what}: {self._session.registry} sent another part of it than was "
                    "asked for.",
                    registry=self._session.registry,
                )
            at = position
        for piece in response.pieces():
            last = None if end is None else max(end - at, 0)
            wanted = piece[max(position - at, 0) : last]
            at += len(piece)
            if wanted:
                yield wanted
            if end is not None and at >= end:
                return
