"""An artifact store in a bucket of S3, or of a service that speaks its protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.flavor import BaseArtifactStoreFlavor
from imagebuilders.artifact_stores.per_process import PerProcess
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.artifact_stores.s3 import faults
from imagebuilders.artifact_stores.s3.config import S3ArtifactStoreConfig
from imagebuilders.artifact_stores.s3.filesystem import S3FileSystem, read_all, split_path
from imagebuilders.artifact_stores.s3.service import S3Service, connect
from imagebuilders.artifact_stores.s3.upload import ObjectUpload
from imagebuilders.artifact_stores.tail import Tail
from imagebuilders.components.flavor import BuiltInFlavor
from imagebuilders.exceptions import UploadError

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from uuid import UUID

    from imagebuilders.artifact_stores.chunks import ChunkSource

LONGEST_PRESIGNED = 7 * 24 * 60 * 60
"""Seconds for which a presigned address may be good."""


class S3ArtifactStore(BaseArtifactStore[S3ArtifactStoreConfig]):
    """Keeps files in an S3 bucket.

    Files that fit in one part are put with one request; larger ones are sent as a multipart
    upload, whose completion is atomic. A failed upload is aborted, so that no parts stay and
    cost. The parts of one whose process died are left to the bucket's lifecycle rule
    (`AbortIncompleteMultipartUpload`): only the service knows for sure which are dead.
    """

    def __init__(
        self,
        config: S3ArtifactStoreConfig | None = None,
        *,
        name: str = "default",
        id: UUID | None = None,  # noqa: A002  (the documented name)
        **settings: object,
    ) -> None:
        """Make the component; arguments are as in `StackComponent`.

        Raises:
            ConfigurationError: a setting is unknown, missing or has a wrong value.
        """
        super().__init__(config, name=name, id=id, **settings)
        self._service = PerProcess[S3Service]()

    @property
    def filesystem(self) -> S3FileSystem:
        """The bucket's objects as files.

        Raises:
            ArtifactStoreError: boto3 is not installed, or the settings cannot be used here.
        """
        return S3FileSystem(self._opened(), self._begin_upload, self.config.object_settings)

    @property
    def retry_policy(self) -> RetryPolicy:
        """As many attempts as the settings say."""
        return RetryPolicy(attempts=self.config.attempts)

    def read_tail(self, path: str, length: int) -> Tail | None:
        """Return the size of a file and its last bytes, with a single request."""
        bucket, key = split_path(self._locate(path))
        service = self._opened()

        def tail() -> Tail | None:
            # The last 0 bytes cannot be asked for.
            last = {"Bucket": bucket, "Key": key, "Range": f"bytes=-{max(length, 1)}"}
            try:
                answer = service.request("get_object", last)
                data = read_all(answer)
            except Exception as error:
                if self._is_absent(error):
                    return None
                if faults.is_of_an_empty_object(error):
                    return Tail(0, b"")
                raise
            return Tail(_whole_size(answer, data), data[max(0, len(data) - length) :])

        return self._attempt("read_tail", path, tail)

    def presigned_url(self, path: str, *, expires_in: int = 3600) -> str:
        """Return an address by which anybody who has it may read a file, without credentials.

        It is a secret: it stands in for the credentials that it was signed with. It ends earlier
        when these are temporary and end.

        Args:
            path: the file; whether it is there is not looked at.
            expires_in: seconds for which the address is good, at most a week.

        Raises:
            ArtifactStoreError: there are no credentials to sign with, or boto3 is not installed.
            ValueError: `expires_in` is out of range.
        """
        if not 1 <= expires_in <= LONGEST_PRESIGNED:
            raise ValueError(f"expires_in is 1 to {LONGEST_PRESIGNED} seconds, not {expires_in}")
        bucket, key = split_path(self._locate(path))
        service = self._opened()
        return self._attempt(
            "presign", path, lambda: service.presigned_url(bucket, key, expires_in)
        )

    def makedirs(self, path: str) -> None:
        """Do nothing: keys need no folders, and the bucket is the user's to make."""
        self._locate(path)

    def close(self) -> None:
        """Close the connections; the store opens new ones when it is used again."""
        service = self._service.take()
        if service is not None:
            service.close()

    @property
    def _root(self) -> str:
        return self.path.removeprefix("s3://")

    def _opened(self) -> S3Service:
        return self._service.get(self._connect)

    def _connect(self) -> S3Service:
        return connect(self.config)

    def put(self, target: str, source: ChunkSource) -> int:
        """Make one attempt to send a file, which appears when S3 has all of it."""
        return self._send(target, source, replace=True)

    def put_new(self, target: str, source: ChunkSource) -> int:
        """Make one attempt to send a file, which S3 refuses where one is there already.

        Of several clients that do so at the same time one sends it, and the others wait for it.
        """
        return self._send(target, source, replace=False)

    def _send(self, target: str, source: ChunkSource, *, replace: bool) -> int:
        upload = self._begin_upload(target, replace=replace, on_sent=source.written)
        with upload:
            if not replace:
                upload.take_turn(self.retry_policy.sleep)
            with source.open() as chunks:
                for chunk in chunks:
                    upload.write(chunk)
                return upload.finish()

    def _begin_upload(
        self,
        target: str,
        *,
        replace: bool = True,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> ObjectUpload:
        bucket, key = split_path(target)
        path = f"s3://{target}"
        service = self._opened()

        def request(
            method: str,
            arguments: Mapping[str, object],
            *,
            unless: threading.Event | None = None,
            repeat_lost: bool = True,
        ) -> Mapping[str, object]:
            def once() -> Mapping[str, object]:
                if unless is not None and unless.is_set():
                    raise UploadError(f"The upload of {path} was given up.")
                try:
                    return service.request(method, {"Bucket": bucket, **arguments})
                except Exception as error:
                    if repeat_lost or faults.is_answer(error):
                        raise
                    # An error of the package's own is not followed by another attempt.
                    raise self._error("publish", path, error, error_class=UploadError) from error

            return self._attempt("publish", path, once, error_class=UploadError)

        return ObjectUpload(
            service,
            request,
            key,
            part_size=self.config.part_size,
            concurrency=self.config.concurrency,
            object_settings=self.config.object_settings,
            replace=replace,
            on_sent=on_sent,
        )

    def _is_transient(self, error: Exception) -> bool:
        return faults.is_transient(error)

    def _is_absent(self, error: Exception) -> bool:
        return faults.is_absent(error)

    def _hides_absence(self, error: Exception) -> bool:
        return faults.is_denied(error)

    def _describe(self, error: Exception) -> str:
        return faults.describe(error)


def _whole_size(answer: Mapping[str, object], data: bytes) -> int:
    """Read an object's whole size off the answer to a request for its end (RFC 9110, 14.4)."""
    size = str(answer.get("ContentRange", "")).rpartition("/")[2]
    return int(size) if size.isdigit() else len(data)


class S3ArtifactStoreFlavor(BuiltInFlavor, BaseArtifactStoreFlavor):
    """The flavor `s3`."""

    name = "s3"
    config_class = S3ArtifactStoreConfig
    implementation_class = S3ArtifactStore
