"""One upload that a registry expects: the requests that fill, finish and cancel it.

OCI distribution specification, "Pushing Blobs":
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

from imagebuilders.distribution.content import Replayable
from imagebuilders.distribution.session import RegistrySession
from imagebuilders.distribution.transport import Response
from imagebuilders.exceptions import (
    RegistryConnectionError,
    RegistryContentError,
    RegistryError,
)
from imagebuilders.oci.digest import Digest

BLOB_TYPE = "application/octet-stream"
MAX_CHUNK_BYTES = 512 * 1024 * 1024
"""A registry that wants larger chunks gets none, for a chunk is held in memory."""

_RANGE = re.compile(r"(?:bytes[= ])?0-([0-9]{1,18})\Z")


class UploadSession:
    """An upload that a registry expects.

    Args:
        session: sends requests.
        scopes: the rights that writing needs.
        what: what is not done if it fails, as a sentence without its full stop.
        response: the registry's answer that opened it.

    Raises:
        RegistryContentError: the answer cannot be used.
    """

    def __init__(
        self, session: RegistrySession, scopes: frozenset[str], what: str, response: Response
    ) -> None:
        self._session = session
        self._scopes = scopes
        self._what = what
        self._location = self._next_location(response)
        self.least_chunk = 0
        """The least bytes of each chunk but the last."""
        least = response.header("OCI-Chunk-Min-Length")
        if least.isascii() and least.isdigit():
            self.least_chunk = int(least[:18])
        if self.least_chunk > MAX_CHUNK_BYTES:
            self.cancel()
            raise self.unusable(f"it wants chunks of {self.least_chunk} bytes")

    def append(self, piece: memoryview, start: int) -> int:
        """Send bytes from `start` on, once; return how many bytes the registry has now.

        Raises:
            RegistryError: they were refused, or may not have arrived.
        """
        end = start + len(piece)
        headers = {"Content-Type": BLOB_TYPE, "Content-Range": f"{start}-{end - 1}"}
        with self._session.request(
            "PATCH",
            self._location,
            what=self._what,
            accept={202, 204},
            scopes=self._scopes,
            headers=headers,
            body=piece,
            retry=False,
        ) as response:
            self._location = self._next_location(response)
            found = _RANGE.match(response.header("Range"))
        return int(found[1]) + 1 if found else end

    def received(self, *, is_misplaced: bool) -> int:
        """Ask how many bytes the registry has.

        Args:
            is_misplaced: whether it refused what began at the first byte. It says `0-0` when it
                has one byte, and when it has none.

        Raises:
            RegistryError: it does not say.
        """
        with self._session.request(
            "GET", self._location, what=self._what, accept={200, 202, 204}, scopes=self._scopes
        ) as response:
            found = _RANGE.match(response.header("Range"))
            if response.header("Location"):
                self._location = self._next_location(response)
        if found is None:
            raise self.unusable("it does not say how much of an upload it has")
        last = int(found[1])
        return 0 if last == 0 and not is_misplaced else last + 1

    def finish(self, digest: Digest, body: Replayable | None = None) -> None:
        """Send the digest, and the whole content if there is nothing yet, once.

        Raises:
            RegistryError: it was refused, or may not have arrived.
        """
        joint = "&" if "?" in self._location else "?"
        with self._session.request(
            "PUT",
            f"{self._location}{joint}{urlencode({'digest': str(digest)})}",
            what=self._what,
            accept={201, 204},
            scopes=self._scopes,
            headers={} if body is None else {"Content-Type": BLOB_TYPE},
            body=body,
            retry=False,
        ) as response:
            stored = response.header("Docker-Content-Digest")
        if stored.partition(":")[0] == digest.algorithm and stored != str(digest):
            raise self.unusable(f"it stored other content than {digest}")

    def cancel(self) -> None:
        """Tell the registry to forget the upload; it would forget it one day in any case."""
        with (
            suppress(RegistryError),
            self._session.request(
                "DELETE",
                self._location,
                what=self._what,
                accept={200, 202, 204, 404},
                scopes=self._scopes,
                retry=False,
            ),
        ):
            pass

    @contextmanager
    def cancelled_on_failure(self) -> Iterator[None]:
        """Cancel the upload when what is done in the block fails."""
        try:
            yield
        except RegistryConnectionError:
            raise  # who does not answer cannot be told either
        except BaseException:
            self.cancel()
            raise

    def unusable(self, problem: str) -> RegistryContentError:
        """Make the error of a registry that answers what it should not."""
        return RegistryContentError(f"{self._what}: {problem}.", registry=self._session.registry)

    def _next_location(self, response: Response) -> str:
        location = response.header("Location")
        if not location:
            raise self.unusable("it does not say where an upload goes on")
        return self._session.resolve(response.request.url, location)
