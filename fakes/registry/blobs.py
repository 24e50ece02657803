"""Reading and deleting blobs, byte ranges included (RFC 9110, section 14)."""

from __future__ import annotations

import re

from ..http.messages import Buffer, Request, Response
from . import names
from .errors import OciError
from .storage import Storage

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*")


class BlobEndpoints:
    """`/v2/<name>/blobs/<digest>`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def get(self, request: Request, name: str, digest: str) -> Response:
        """GET and HEAD: the blob, or a range of it."""
        _check(digest)
        content = self._storage.blob(name, digest)
        fields = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Accept-Ranges": "bytes",
            "Etag": f'"{digest}"',
        }
        if is_cached(request, digest):
            return Response.of(304, fields)
        wanted = _range(request, digest, len(content))
        if wanted is None:
            return Response.of(200, fields, content)
        begin, end = wanted
        fields["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
        return Response.of(206, fields, _slice(content, begin, end + 1))

    def delete(self, name: str, digest: str) -> Response:
        """DELETE: forget the blob in this repository."""
        _check(digest)
        self._storage.delete_blob(name, digest)
        return Response.of(202)


def is_cached(request: Request, digest: str) -> bool:
    """Whether the client says that it has this content already."""
    tags = request.headers.get("If-None-Match")
    return bool(tags) and (tags.strip() == "*" or f'"{digest}"' in tags)


def _slice(content: Buffer, begin: int, end: int) -> Buffer:
    return memoryview(content)[begin:end]


def _range(request: Request, digest: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for; `None` for the whole.

    Several ranges in one request, or another unit, get the whole: RFC 9110 allows it.

    Raises:
        OciError: RANGE_INVALID, no byte of the range exists.
    """
    text = request.headers.get("Range")
    match = _RANGE.fullmatch(text)
    condition = request.headers.get("If-Range")
    if match is None or text.endswith("=-") or (condition and condition != f'"{digest}"'):
        return None
    if match[1]:
        begin = int(match[1])
        end = min(int(match[2]), size - 1) if match[2] else size - 1
    else:
        begin = max(size - int(match[2]), 0)
        end = size - 1
    if begin > end:
        raise OciError(
            "RANGE_INVALID",
            {"received": text, "size": size},
            headers={"Content-Range": f"bytes */{size}"},
        )
    return begin, end


def _check(digest: str) -> None:
    if not names.is_digest(digest):
        raise OciError("DIGEST_INVALID", {"digest": digest}, message="malformed digest")
