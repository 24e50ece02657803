"""One file on its way into an S3 bucket: a single put, or a multipart upload.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Protocol

from imagebuilders.artifact_stores import s3_faults
from imagebuilders.artifact_stores.chunks import ChunkSource
from imagebuilders.exceptions import ArtifactStoreError, UploadError

MOST_PARTS = 10_000
"""How many parts S3 puts together to one object."""


class Request(Protocol):
    """Makes a request about the bucket, named as in boto3, and repeats it as long as is useful."""

    def __call__(
        self,
        method: str,
        arguments: Mapping[str, object],
        *,
        unless: threading.Event | None = None,
    ) -> Mapping[str, object]:
        """Make the request, unless (or: until) `unless` is set.

        Raises:
            UploadError: it failed for good.
        """
        ...


class S3Upload:
    """Sends one object; what was sent is taken back when it cannot be finished."""

    def __init__(
        self,
        request: Request,
        key: str,
        *,
        part_size: int,
        concurrency: int,
        object_settings: Mapping[str, object],
    ) -> None:
        self._request = request
        self._key = key
        self._part_size = part_size
        self._concurrency = concurrency
        self._object_settings = object_settings

    def run(self, source: ChunkSource) -> int:
        """Send the content and give its size in bytes."""
        with source.open() as chunks:
            parts = regroup(chunks, self._part_size)
            opening = deque(islice(parts, 2))
            if len(opening) == 2:
                return self._send_parts(_drain(opening, parts), source)
            content = opening.popleft() if opening else b""
            self._request(
                "put_object", {"Key": self._key, "Body": content, **self._object_settings}
            )
            source.written(len(content))
            return len(content)

    def _send_parts(self, parts: Iterable[bytes], source: ChunkSource) -> int:
        begun = self._request(
            "create_multipart_upload", {"Key": self._key, **self._object_settings}
        )
        upload_id = str(begun["UploadId"])
        stopped = threading.Event()
        pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="imagebuilders-s3")
        try:
            sent = list(self._sent_parts(pool, stopped, upload_id, parts, source))
            self._complete(upload_id, sent)
        except BaseException:
            stopped.set()
            # A part that arrives after the abort would stay: first wait for those under way.
            pool.shutdown(wait=True, cancel_futures=True)
            with suppress(ArtifactStoreError):
                self._abort(upload_id)
            raise
        pool.shutdown()
        return sum(size for _, size in sent)

    def _sent_parts(
        self,
        pool: ThreadPoolExecutor,
        stopped: threading.Event,
        upload_id: str,
        parts: Iterable[bytes],
        source: ChunkSource,
    ) -> Iterator[tuple[str, int]]:
        """Send the parts, a few at a time, and give each one's tag and size, in order."""

        def send(number: int, part: bytes) -> tuple[str, int]:
            answer = self._request(
                "upload_part",
                {
                    "Key": self._key,
                    "UploadId": upload_id,
                    "PartNumber": number,
                    "Body": part,
                },
                unless=stopped,
            )
            return str(answer["ETag"]), len(part)

        under_way: deque[Future[tuple[str, int]]] = deque()
        total = 0
        for number, part in enumerate(parts, start=1):
            if number > MOST_PARTS:
                raise UploadError(
                    f"Could not write {self._key}: it is larger than {MOST_PARTS} parts of "
                    f"{self._part_size} bytes. Give the artifact store a larger part_size.",
                    path=self._key,
                )
            under_way.append(pool.submit(send, number, part))
            if len(under_way) == self._concurrency:
                tag, size = under_way.popleft().result()
                total += size
                source.written(total)
                yield tag, size
        while under_way:
            tag, size = under_way.popleft().result()
            total += size
            source.written(total)
            yield tag, size

    def _complete(self, upload_id: str, sent: list[tuple[str, int]]) -> None:
        parts = [{"PartNumber": n, "ETag": tag} for n, (tag, _) in enumerate(sent, start=1)]
        try:
            self._request(
                "complete_multipart_upload",
                {
                    "Key": self._key,
                    "UploadId": upload_id,
                    "MultipartUpload": {"Parts": parts},
                },
            )
        except UploadError as error:
            # When the answer to the first attempt was lost, the second finds no upload.
            if not s3_faults.code(error) or not self._is_in_place(sent):
                raise

    def _is_in_place(self, sent: list[tuple[str, int]]) -> bool:
        try:
            head = self._request("head_object", {"Key": self._key})
        except ArtifactStoreError:
            return False
        return str(head.get("ETag", "")).strip('"') == tag_of_parts([tag for tag, _ in sent])

    def _abort(self, upload_id: str) -> None:
        self._request("abort_multipart_upload", {"Key": self._key, "UploadId": upload_id})


def tag_of_parts(tags: Iterable[str]) -> str | None:
    """Give the tag S3 gives to an object made of parts with these tags.

    It is the MD5 of the parts' MD5s and their number. `None` when the parts' tags are not
    MD5s, as those of some encrypted objects.
    """
    plain = [tag.strip('"') for tag in tags]
    if not all(re.fullmatch("[0-9a-f]{32}", tag) for tag in plain):
        return None
    together = hashlib.md5(bytes.fromhex("".join(plain)), usedforsecurity=False)
    return f"{together.hexdigest()}-{len(plain)}"


def regroup(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut a stream of chunks into pieces of `size` bytes; only the last may be shorter."""
    buffer = bytearray()
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            taken = view[: size - len(buffer)]
            buffer += taken
            view = view[len(taken) :]
            if len(buffer) == size:
                yield bytes(buffer)
                buffer = bytearray()
    if buffer:
        yield bytes(buffer)


def _drain(opening: deque[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """Give the opening parts and the rest, and keep none of them in memory."""
    while opening:
        yield opening.popleft()
    yield from rest
