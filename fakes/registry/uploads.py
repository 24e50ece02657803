"""Blob uploads: monolithic, chunked, streamed, mounted, resumed and cancelled."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock

from imagebuilders.oci.digest import DEFAULT_ALGORITHM

from ..http.messages import Buffer, Request, Response
from . import names
from .errors import OciError
from .manners import Manners
from .storage import Storage

_CONTENT_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_SMALL = 64 * 1024


class Upload:
    """One upload session: what has arrived, and its running digest."""

    def __init__(self, repository: str, algorithm: str = DEFAULT_ALGORITHM) -> None:
        self.identifier = str(uuid.uuid4())
        self.repository = repository
        self.content = bytearray()
        self.last_chunk: int | None = None
        self.lock = Lock()
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm, usedforsecurity=False)

    @property
    def path(self) -> str:
        """Where the session lives."""
        return f"/v2/{self.repository}/blobs/uploads/{self.identifier}"

    def append(self, chunks: Iterable[Buffer], storage: Storage) -> None:
        """Add what arrives. Bytes that came before a broken connection stay.

        Raises:
            OciError: DENIED when the storage limit is reached.
        """
        for chunk in chunks:
            storage.check_room(len(self.content) + len(chunk))
            self._hash.update(chunk)
            self.content += chunk

    def settled(self) -> Buffer:
        """All that has arrived; of small content a copy, which has no room to grow."""
        return bytes(self.content) if len(self.content) < _SMALL else self.content

    def digest(self, algorithm: str) -> str:
        """The digest of all that has arrived."""
        if algorithm == self._algorithm:
            return f"{algorithm}:{self._hash.hexdigest()}"
        return names.digest_of(self.content, algorithm)


class UploadEndpoints:
    """`/v2/<name>/blobs/uploads/…`."""

    def __init__(self, storage: Storage, manners: Manners) -> None:
        self._storage = storage
        self._manners = manners
        self._sessions: dict[str, Upload] = {}

    @property
    def open_sessions(self) -> int:
        """How many uploads were begun and neither finished nor cancelled."""
        return len(self._sessions)

    def start(
        self, request: Request, name: str, may_read: Callable[[str], bool] = lambda _: True
    ) -> Response:
        """POST: mount a blob, take a whole one, or open a session.

        Args:
            request: the request.
            name: the repository.
            may_read: whether the client may read a repository that it could mount from.
        """
        mount = request.parameter("mount")
        if mount and self._manners.mounts:
            mounted = self._mount(request, name, mount, may_read)
            if mounted is not None:
                return mounted
        digest = request.parameter("digest")
        if digest and not mount:
            _check_digest(digest)
            upload = Upload(name, digest.partition(":")[0])
            upload.append(request.body, self._storage)
            return self._finish(request, upload, digest)
        algorithm = request.parameter("digest-algorithm") or DEFAULT_ALGORITHM
        if not names.is_algorithm(algorithm):
            raise OciError("DIGEST_INVALID", {"algorithm": algorithm}, message="unknown algorithm")
        upload = Upload(name, algorithm)
        self._sessions[upload.identifier] = upload
        return self._progress(request, upload, 202)

    def status(self, request: Request, name: str, session: str) -> Response:
        """GET: how much has arrived."""
        return self._progress(request, self._session(name, session), 204)

    def append(self, request: Request, name: str, session: str) -> Response:
        """PATCH: a chunk with its range, or a stream without."""
        with self._held(name, session) as upload:
            self._check_range(request, upload)
            self._check_size(request, upload)
            upload.append(request.body, self._storage)
            return self._progress(request, upload, 202)

    def finish(self, request: Request, name: str, session: str) -> Response:
        """PUT: the last chunk, if there is one, and the digest of the whole."""
        digest = request.parameter("digest")
        with self._held(name, session) as upload:
            _check_digest(digest)
            self._check_range(request, upload)
            upload.append(request.body, self._storage)
            del self._sessions[session]
            return self._finish(request, upload, digest)

    def cancel(self, name: str, session: str) -> Response:
        """DELETE: forget the session."""
        with self._held(name, session):
            del self._sessions[session]
        return Response.of(204)

    @contextmanager
    def _held(self, name: str, session: str) -> Iterator[Upload]:
        """A session for one request alone: what ended while this one waited is unknown."""
        upload = self._session(name, session)
        with upload.lock:
            yield self._session(name, session)

    def _session(self, name: str, session: str) -> Upload:
        upload = self._sessions.get(session)
        if upload is None or upload.repository != name:
            raise OciError("BLOB_UPLOAD_UNKNOWN", {"session": session})
        return upload

    def _mount(
        self, request: Request, name: str, digest: str, may_read: Callable[[str], bool]
    ) -> Response | None:
        """Take a blob over from the repository named, or else from any; `None`: cannot be done."""
        source = request.parameter("from")
        holders = self._storage.holders(digest)
        usable = (
            holder for holder in holders if source in ("", holder.name) and may_read(holder.name)
        )
        holder = next(usable, None)
        if holder is None:
            return None
        content = holder.blobs[digest]
        self._storage.put_blob(name, digest, content)
        return self._created(request, name, digest)

    def _finish(self, request: Request, upload: Upload, digest: str) -> Response:
        actual = upload.digest(digest.partition(":")[0])
        if actual != digest:
            raise OciError("DIGEST_INVALID", {"expected": digest, "actual": actual})
        self._storage.put_blob(upload.repository, digest, upload.settled())
        return self._created(request, upload.repository, digest)

    def _progress(self, request: Request, upload: Upload, status: int) -> Response:
        fields = {
            "Location": self._manners.location(request.base_url, upload.path),
            "Range": f"0-{max(len(upload.content) - 1, 0)}",
            "Docker-Upload-UUID": upload.identifier,
        }
        if self._manners.least_chunk:
            fields["OCI-Chunk-Min-Length"] = str(self._manners.least_chunk)
        return Response.of(status, fields)

    def _created(self, request: Request, name: str, digest: str) -> Response:
        location = self._manners.location(request.base_url, f"/v2/{name}/blobs/{digest}")
        return Response.of(201, {"Location": location, "Docker-Content-Digest": digest})

    def _check_range(self, request: Request, upload: Upload) -> None:
        _check_range(request, upload, self._manners.location(request.base_url, upload.path))

    def _check_size(self, request: Request, upload: Upload) -> None:
        """Refuse a chunk that is too large, or one behind a chunk that was too small."""
        largest, least = self._manners.largest_chunk, self._manners.least_chunk
        length = request.headers.get("Content-Length")
        if largest is not None and length.isdigit() and int(length) > largest:
            for _ in request.body:
                pass  # who answers while the client still sends is not heard
            raise OciError("SIZE_INVALID", {"largest": largest}, status=413)
        if upload.last_chunk is not None and upload.last_chunk < least:
            raise OciError("SIZE_INVALID", {"least": least}, message="a part was too small")
        upload.last_chunk = int(length) if length.isdigit() else None


def _check_digest(digest: str) -> None:
    if not names.is_digest(digest):
        raise OciError(
            "DIGEST_INVALID", {"digest": digest}, message="no digest, or a malformed one"
        )


def _check_range(request: Request, upload: Upload, location: str) -> None:
    """Refuse a chunk that does not begin where the last one ended."""
    text = request.headers.get("Content-Range")
    if not text:
        return
    match = _CONTENT_RANGE.fullmatch(text)
    begin, end = (int(match[1]), int(match[2])) if match else (-1, -1)
    if begin != len(upload.content) or end < begin:
        kept = f"0-{max(len(upload.content) - 1, 0)}"
        raise OciError(
            "RANGE_INVALID",
            {"received": text, "kept": kept},
            headers={"Location": location, "Range": kept},
        )
    length = request.headers.get("Content-Length")
    if length and length != str(end - begin + 1):
        raise OciError("SIZE_INVALID", {"Content-Range": text, "Content-Length": length})
