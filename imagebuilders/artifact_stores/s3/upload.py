"""One object on its way into a bucket: a single put, or a multipart upload."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from imagebuilders.artifact_stores.s3 import faults
from imagebuilders.artifact_stores.s3.multipart import MultipartUpload, Request, take_back
from imagebuilders.artifact_stores.s3.tags import tag_of, tag_of_parts
from imagebuilders.artifact_stores.s3.turn import Turn
from imagebuilders.exceptions import ArtifactExistsError, ArtifactStoreError, UploadError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from imagebuilders.artifact_stores.s3.service import S3Service


class ObjectUpload:
    """Takes an object's content piece by piece, and puts it into place at the end.

    What fits in one part is put with one request; more goes as a multipart upload, whose
    completion is atomic. A client that takes its turn begins one in any case. In a `with` block
    that ends by an error, what was sent is taken back.

    Args:
        service: the service; it learns here whether it takes conditions.
        request: makes a request to it as often as is useful.
        key: the object's key.
        part_size: bytes of a part.
        concurrency: parts on their way at once.
        object_settings: what is asked for the object, as boto3 names it.
        replace: whether an object of that key may be replaced.
        on_sent: told how many bytes are in the store.
    """

    def __init__(
        self,
        service: S3Service,
        request: Request,
        key: str,
        *,
        part_size: int,
        concurrency: int,
        object_settings: Mapping[str, object],
        replace: bool = True,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._service = service
        self._request = request
        self._key = key
        self._part_size = part_size
        self._concurrency = concurrency
        self._object_settings = object_settings
        self._replace = replace
        self._on_sent = on_sent
        self._size = 0
        self._buffer = bytearray()
        self._multipart: MultipartUpload | None = None
        self._begun: str | None = None

    def take_turn(self, sleep: Callable[[float], None]) -> None:
        """Wait until no other client sends the object, so that one of them all does.

        Args:
            sleep: waits for so many seconds.

        Raises:
            ArtifactExistsError: the object is there.
            UploadError: the service cannot be reached, or the wait was broken off.
        """
        if not self._service.gives_turns:
            return
        turn = Turn(
            self._request,
            self._key,
            object_settings=self._object_settings,
            is_there=lambda: self._head() is not None,
            sleep=sleep,
        )
        self._begun = turn.take()
        self._service.gives_turns = not turn.is_refused

    def write(self, data: bytes) -> None:
        """Take the next piece of the content."""
        self._size += len(data)
        view = memoryview(data)
        while view:
            # Only now it is known that more than one part comes.
            if len(self._buffer) == self._part_size:
                self._send_part()
            taken = view[: self._part_size - len(self._buffer)]
            self._buffer += taken
            view = view[len(taken) :]

    def finish(self) -> int:
        """Put the object into place; return its size in bytes.

        Raises:
            ArtifactExistsError: it may not replace another object, and one is there.
            UploadError: the service did not take it.
        """
        if self._multipart is None:
            content = bytes(self._buffer)
            self._put_in_place(
                "put_object",
                {"Key": self._key, "Body": content, **self._object_settings},
                lambda: tag_of(content),
            )
            self._on_sent(self._size)
            self.abort()
            return self._size
        self._send_part()
        tags = self._multipart.wait()
        self._complete(self._multipart.completion(), tags)
        self._multipart.close()
        self._multipart = None
        return self._size

    def abort(self) -> None:
        """Take back what was sent."""
        multipart, self._multipart = self._multipart, None
        begun, self._begun = self._begun, None
        if multipart is not None:
            multipart.abort()
        elif begun is not None:
            take_back(self._request, self._key, begun)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.abort()  # without effect once the object is in place

    def _send_part(self) -> None:
        if self._multipart is None:
            self._multipart = MultipartUpload(
                self._request,
                self._key,
                concurrency=self._concurrency,
                object_settings=self._object_settings,
                on_sent=self._on_sent,
                begun=self._begun,
            )
            self._begun = None
        part, self._buffer = bytes(self._buffer), bytearray()
        self._multipart.send(part)

    def _complete(self, arguments: Mapping[str, object], tags: list[str]) -> None:
        try:
            self._put_in_place("complete_multipart_upload", arguments, lambda: tag_of_parts(tags))
        except UploadError as error:
            # When the answer to the first attempt was lost, the second finds no upload.
            if faults.is_answer(error) and self._is_in_place(tag_of_parts(tags)):
                return
            if not self._replace and faults.is_conflict(error):
                # All parts are to be sent anew, which only the caller can have done.
                raise OSError(
                    errno.EBUSY, "another write of the same object was under way"
                ) from error
            raise

    def _put_in_place(
        self, method: str, arguments: Mapping[str, object], tag: Callable[[], str | None]
    ) -> None:
        """Make the request after which the object stands under its key."""
        if self._replace:
            self._request(method, arguments)
            return
        # Another service than AWS's may ignore the condition: so it is asked first.
        asked = self._service.is_foreign or not self._service.takes_conditions
        if asked:
            self._look_before()
        if self._service.takes_conditions:
            try:
                self._request(method, {**arguments, "IfNoneMatch": "*"})
            except UploadError as error:
                if faults.is_there_already(error):
                    # It may be this object, when the answer to the first attempt was lost.
                    if self._is_in_place(tag()):
                        return
                    raise self._there_already() from error
                if not faults.may_mind_conditions(error):
                    raise
            else:
                return
            if not asked:
                self._look_before()
        self._request(method, arguments)
        self._service.takes_conditions = False

    def _look_before(self) -> None:
        if self._head() is not None:
            raise self._there_already()

    def _is_in_place(self, tag: str | None) -> bool:
        head = self._head()
        return head is not None and str(head.get("ETag", "")).strip('"') == tag

    def _head(self) -> Mapping[str, object] | None:
        """Look at the object; `None` when there is none, or it cannot be seen."""
        try:
            return self._request("head_object", {"Key": self._key})
        except ArtifactStoreError:
            return None

    def _there_already(self) -> ArtifactExistsError:
        return ArtifactExistsError(f"{self._key} is there already.", path=self._key)
