"""Uploading blobs: in one piece or in chunks, going on where a cut one ended; mounting them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from imagebuilders.distribution.blobs import BlobReader
from imagebuilders.distribution.content import (
    Chunks,
    Content,
    Replayable,
    digest_of,
    pieces_of,
    replayable,
    size_of,
)
from imagebuilders.distribution.retries import TRANSIENT_STATUSES
from imagebuilders.distribution.session import RegistrySession
from imagebuilders.distribution.transport import FileBody
from imagebuilders.distribution.upload_session import BLOB_TYPE, UploadSession
from imagebuilders.exceptions import (
    DigestMismatchError,
    RegistryAccessError,
    RegistryConnectionError,
    RegistryError,
    RegistryNotFoundError,
    RegistryResponseError,
)
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import DEFAULT_ALGORITHM, Digest

DEFAULT_CHUNK_BYTES = 16 * 1024 * 1024
_LEAST_CHUNK_BYTES = 64 * 1024
"""A chunk that is too large for a registry is halved, but not below this."""


class BlobWriter:
    """Brings blobs into one repository.

    Args:
        session: sends requests.
        path: the repository.
        scopes: the rights that writing needs.
    """

    def __init__(self, session: RegistrySession, path: str, scopes: frozenset[str]) -> None:
        self._session = session
        self._path = path
        self._scopes = scopes
        self._uploads = f"/v2/{path}/blobs/uploads/"
        self._what = f"A blob was not uploaded to {session.registry}/{path}"

    def mount(self, digest: Digest, source: str) -> bool:
        """Take a blob over from another repository; false when the registry does not do so."""
        query = urlencode({"mount": str(digest), "from": source})
        scopes = self._scopes | {f"repository:{source}:pull"}
        try:
            with self._session.request(
                "POST",
                f"{self._uploads}?{query}",
                what=self._what,
                accept={201, 202},
                scopes=scopes,
            ) as response:
                if response.status == 201:
                    return True
                upload = UploadSession(self._session, self._scopes, self._what, response)
        except (RegistryAccessError, RegistryNotFoundError):
            return False  # it may not be read there, or is not there
        upload.cancel()
        return False

    def upload(
        self,
        content: Content,
        digest: Digest | None,
        chunk_size: int | None,
        on_progress: Callable[[int], object],
    ) -> Descriptor:
        """Upload a blob, unless it is there already; see `Repository.upload_blob`."""
        body = replayable(content, on_progress)
        if body is None:
            chunks = Chunks(pieces_of(content), chunk_size or DEFAULT_CHUNK_BYTES, digest)
            return self._send_chunks(chunks, on_progress)
        known = digest_of(body, DEFAULT_ALGORITHM if digest is None else digest.algorithm)
        if digest is not None and known != digest:
            raise DigestMismatchError(
                f"The content is not that of {digest}: its digest is {known}.",
                expected=str(digest),
                actual=str(known),
            )
        size = size_of(body)
        if not self._has(known):
            if chunk_size is not None and size > chunk_size:
                pieces = body if isinstance(body, FileBody) else [body]
                return self._send_chunks(Chunks(pieces, chunk_size, known), on_progress)
            self._send_whole(body, known)
        on_progress(size)
        return Descriptor(BLOB_TYPE, known, size)

    def _send_whole(self, body: Replayable, digest: Digest) -> None:
        """POST, then PUT; one that was cut begins anew."""
        attempt = 0
        while True:
            attempt += 1
            upload = self._start()
            try:
                with upload.cancelled_on_failure():
                    upload.finish(digest, body)
                return
            except RegistryError as error:
                self._wait_or_raise(error, attempt)
                if self._has(digest):
                    return  # only the answer was lost

    def _send_chunks(self, chunks: Chunks, on_progress: Callable[[int], object]) -> Descriptor:
        """Send chunk after chunk; content that fits into one goes in one piece."""
        chunk = chunks.next()
        if len(chunk) < chunks.size:
            digest = chunks.digest()
            if not self._has(digest):
                self._send_whole(chunk, digest)
            on_progress(len(chunk))
            return Descriptor(BLOB_TYPE, digest, len(chunk))
        upload = self._start()
        sent = 0
        with upload.cancelled_on_failure():
            if upload.least_chunk > chunks.size:
                chunk = chunks.grow(chunk, upload.least_chunk)
            while chunk:
                self._send_chunk(upload, chunk, sent)
                sent += len(chunk)
                on_progress(sent)
                chunk = chunks.next()
            digest = chunks.digest()
            self._finish(upload, digest)
        return Descriptor(BLOB_TYPE, digest, sent)

    def _send_chunk(self, upload: UploadSession, chunk: bytes, start: int) -> None:
        """Send one chunk; what of it did not arrive is sent again."""
        kept, end, attempt = start, start + len(chunk), 0
        most = len(chunk)
        is_misplaced = False
        while kept < end:
            attempt += 1
            if attempt > self._session.retries.attempts:
                raise upload.unusable("it takes too few bytes at a time")
            try:
                piece = memoryview(chunk)[kept - start :][:most]
                reached = upload.append(piece, kept)
                if reached == kept + len(piece):
                    attempt -= 1  # all of it arrived
                kept, is_misplaced = reached, False
            except RegistryError as error:
                was_misplaced = is_misplaced
                is_misplaced = isinstance(error, RegistryResponseError) and error.status == 416
                if is_misplaced and not was_misplaced:
                    attempt -= 1  # that was a question of where to go on, and no failure
                elif _is_too_large(error) and most > _LEAST_CHUNK_BYTES:
                    most = (most + 1) // 2
                    attempt -= 1
                else:
                    self._wait_or_raise(error, attempt)
                kept = upload.received(is_misplaced=is_misplaced)
            if not start <= kept <= end:
                raise upload.unusable(f"it has {kept} bytes of an upload of which {end} were sent")

    def _finish(self, upload: UploadSession, digest: Digest) -> None:
        """Send the digest; whether one whose answer was lost did arrive, the blob tells."""
        attempt = 0
        while True:
            attempt += 1
            try:
                upload.finish(digest)
                return
            except RegistryError as error:
                self._wait_or_raise(error, attempt)
                if self._has(digest):
                    return

    def _has(self, digest: Digest) -> bool:
        reader = BlobReader(self._session, self._path, digest, self._scopes)
        return reader.size() is not None

    def _start(self) -> UploadSession:
        with self._session.request(
            "POST", self._uploads, what=self._what, accept={202}, scopes=self._scopes
        ) as response:
            return UploadSession(self._session, self._scopes, self._what, response)

    def _wait_or_raise(self, error: RegistryError, attempt: int) -> None:
        """Wait before the next attempt, if there is to be one; else raise the error."""
        if isinstance(error, RegistryConnectionError):
            is_transient = error.is_transient
        else:
            is_transient = (
                isinstance(error, RegistryResponseError) and error.status in TRANSIENT_STATUSES
            )
        wait = self._session.retries.wait_before(attempt) if is_transient else None
        if wait is None:
            raise error
        self._session.wait(wait, error)


def _is_too_large(error: RegistryError) -> bool:
    return isinstance(error, RegistryResponseError) and error.status == 413
