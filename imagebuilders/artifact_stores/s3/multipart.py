"""The parts of one object, sent by a few threads and put together at the end.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

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
        repeat_lost: bool = True,
    ) -> Mapping[str, object]:
        """Make the request.

        Args:
            method: the request.
            arguments: what it says.
            unless: it is not made, or made again, once this is set.
            repeat_lost: make it again, too, when no answer came: it may have been carried out.

        Raises:
            UploadError: it failed for good.
        """
        ...


def begin(
    request: Request, key: str, object_settings: Mapping[str, object], *, repeat_lost: bool = True
) -> str:
    """Begin a multipart upload; return its identifier.

    Raises:
        UploadError: it cannot be begun.
    """
    arguments = {"Key": key, **object_settings}
    answer = request("create_multipart_upload", arguments, repeat_lost=repeat_lost)
    return str(answer["UploadId"])


def take_back(request: Request, key: str, upload_id: str) -> None:
    """Abort a multipart upload, as far as the service can be reached."""
    with suppress(ArtifactStoreError):
        request("abort_multipart_upload", {"Key": key, "UploadId": upload_id})


class MultipartUpload:
    """Sends parts, a few at a time; they cost until they are completed or aborted.

    Args:
        request: makes the requests.
        key: the object's key.
        concurrency: parts on their way at once.
        object_settings: what is asked for the object, as boto3 names it.
        on_sent: told, in the caller's thread, how many bytes are in the store.
        begun: the identifier of the upload, if it was begun already.
    """

    def __init__(
        self,
        request: Request,
        key: str,
        *,
        concurrency: int,
        object_settings: Mapping[str, object],
        on_sent: Callable[[int], None],
        begun: str | None = None,
    ) -> None:
        self._request = request
        self._key = key
        self._concurrency = concurrency
        self._on_sent = on_sent
        self._stopped = threading.Event()
        self._under_way: deque[Future[tuple[str, int]]] = deque()
        self._begun = 0
        self._sent = 0
        self._tags: list[str] = []
        self._id = begun or begin(request, key, object_settings)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="imagebuilders-s3")

    def send(self, part: bytes) -> None:
        """Send the next part, once one of those under way has arrived if there are many.

        Raises:
            UploadError: a part failed for good, or there are more parts than S3 takes.
        """
        if self._begun == MOST_PARTS:
            raise UploadError(
                f"Could not write {self._key}: it is larger than {MOST_PARTS} parts of "
                f"{len(part)} bytes. Give the artifact store a larger part_size.",
                path=self._key,
            )
        if len(self._under_way) == self._concurrency:
            self._await_oldest()
        self._begun += 1
        self._under_way.append(self._pool.submit(self._send, self._begun, part))

    def wait(self) -> list[str]:
        """Wait until all parts have arrived; return their tags, in order."""
        while self._under_way:
            self._await_oldest()
        return self._tags

    def completion(self) -> dict[str, object]:
        """Return the arguments of the request that puts the parts together."""
        parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(self._tags, start=1)]
        return {"Key": self._key, "UploadId": self._id, "MultipartUpload": {"Parts": parts}}

    def close(self) -> None:
        """End the threads, after the completion."""
        self._pool.shutdown()

    def abort(self) -> None:
        """End the threads and take back what was sent, as far as the service can be reached."""
        self._stopped.set()
        # A part that arrives after the abort would stay: first wait for those under way.
        self._pool.shutdown(wait=True, cancel_futures=True)
        take_back(self._request, self._key, self._id)

    def _await_oldest(self) -> None:
        tag, size = self._under_way.popleft().result()
        self._tags.append(tag)
        self._sent += size
        self._on_sent(self._sent)

    def _send(self, number: int, part: bytes) -> tuple[str, int]:
        answer = self._request(
            "upload_part",
            {
                "Key": self._key,
                "UploadId": self._id,
                "PartNumber": number,
                "Body": part,
            },
            unless=self._stopped,
        )
        return str(answer["ETag"]), len(part)
