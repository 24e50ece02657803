"""An artifact store in a bucket of S3, or of a service that speaks its protocol."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, ClassVar, Literal, cast
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from imagebuilders.artifact_stores import s3_faults
from imagebuilders.artifact_stores.base import (
    BaseArtifactStore,
    BaseArtifactStoreConfig,
    BaseArtifactStoreFlavor,
    Tail,
)
from imagebuilders.artifact_stores.chunks import ChunkSource
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.artifact_stores.s3_client import S3Client, connect
from imagebuilders.artifact_stores.s3_upload import S3Upload
from imagebuilders.components.component import StackComponentConfig
from imagebuilders.exceptions import UploadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from imagebuilders.artifact_stores.s3_client import S3FileSystem

_MIB = 1024 * 1024
_opening = threading.Lock()


class S3ArtifactStoreConfig(BaseArtifactStoreConfig):
    """Settings of the S3 artifact store.

    Without `key`, `profile` and `anonymous`, credentials are found the way all AWS tools find
    them: environment variables, the shared files, a container's or an instance's role.

    Attributes:
        path: `s3://bucket` or `s3://bucket/prefix`.
        key: access key id; together with `secret`.
        secret: secret access key.
        token: session token of temporary credentials.
        profile: a profile of the shared AWS files.
        anonymous: send unsigned requests.
        endpoint_url: address of another service that speaks the protocol.
        region: the bucket's region.
        addressing_style: `path` puts the bucket into the path, `virtual` into the host name.
        verify: whether to check certificates, or the path of a bundle of authorities.
        server_side_encryption: `AES256`, `aws:kms` or `aws:kms:dsse`.
        sse_kms_key_id: the KMS key to encrypt with.
        acl: a canned access control list for what is written.
        connect_timeout: seconds to wait for a connection.
        read_timeout: seconds to wait for an answer.
        attempts: how often a request is made in all when its fault may pass.
        part_size: bytes of one part of a multipart upload; S3 takes 10,000 parts of one file.
        concurrency: parts on their way at once. An upload holds at most
            `(concurrency + 2) * part_size` bytes of the archive in memory.
    """

    path: str
    key: SecretStr | None = None
    secret: SecretStr | None = None
    token: SecretStr | None = None
    profile: str | None = None
    anonymous: bool = False
    endpoint_url: str | None = None
    region: str | None = None
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    verify: bool | str = True
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    sse_kms_key_id: str | None = None
    acl: str | None = None
    connect_timeout: float = Field(default=10.0, gt=0)
    read_timeout: float = Field(default=60.0, gt=0)
    attempts: int = Field(default=5, ge=1, le=20)
    part_size: int = Field(default=8 * _MIB, ge=5 * _MIB, le=5 * 1024 * _MIB)
    concurrency: int = Field(default=4, ge=1, le=32)

    @field_validator("path")
    @classmethod
    def _in_a_bucket(cls, path: str) -> str:
        scheme, separator, rest = path.partition("://")
        bucket = rest.partition("/")[0]
        if scheme not in ("s3", "s3a") or not separator or not bucket:
            raise ValueError(f"{path!r} is not of the form s3://bucket/prefix")
        return "s3://" + "/".join(part for part in rest.split("/") if part)

    @field_validator("endpoint_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http:// or https:// address")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold credentials; use key and secret")
        return url

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if (self.key is None) != (self.secret is None):
            raise ValueError("key and secret belong together: give both, or neither")
        if self.token is not None and self.key is None:
            raise ValueError("token needs key and secret")
        ways = [self.key is not None, self.profile is not None, self.anonymous]
        if sum(ways) > 1:
            raise ValueError("give only one of key and secret, profile, or anonymous")
        return self


class S3ArtifactStore(BaseArtifactStore):
    """Keeps files in an S3 bucket.

    Files that fit in one part are put with one request; larger ones are sent as a multipart
    upload, whose completion is atomic. A failed upload is aborted, so that no parts stay and
    cost. The parts of one whose process died are left to the bucket's lifecycle rule
    (`AbortIncompleteMultipartUpload`): only the service knows for sure which are dead.
    """

    config_class: ClassVar[type[StackComponentConfig]] = S3ArtifactStoreConfig

    _opened: tuple[int, S3Client] | None = None

    @property
    def config(self) -> S3ArtifactStoreConfig:
        """The store's settings."""
        return cast(S3ArtifactStoreConfig, self._config)

    @property
    def filesystem(self) -> S3FileSystem:
        """The `s3fs.S3FileSystem` underneath.

        Raises:
            ArtifactStoreError: s3fs is not installed.
        """
        return self._client().filesystem

    @property
    def retry_policy(self) -> RetryPolicy:
        """As many attempts as the settings say."""
        return RetryPolicy(attempts=self.config.attempts)

    def read_tail(self, path: str, length: int) -> Tail | None:
        """Give the size of a file and its last bytes, with a single request."""
        bucket, key = _bucket_and_key(self._locate(path))
        client = self._client()

        def tail() -> Tail | None:
            try:
                answer = client.request(
                    "get_object", Bucket=bucket, Key=key, Range=f"bytes=-{length}"
                )
                data = client.read(answer)
            except Exception as error:
                if self._is_absent(error):
                    return None
                if s3_faults.code(error) == "InvalidRange":
                    return Tail(0, b"")  # an empty object has no last byte
                raise
            return Tail(_whole_size(answer, data), data)

        return self._attempt("read_tail", path, tail)

    def makedirs(self, path: str) -> None:
        """Do nothing: keys need no folders, and the bucket is the user's to make."""
        self._locate(path)

    def close(self) -> None:
        """Close the connections; the store opens new ones when it is used again."""
        opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            opened[1].close()

    @property
    def _root(self) -> str:
        return self.path.removeprefix("s3://")

    def _client(self) -> S3Client:
        with _opening:
            # A forked process must not use its parent's connections or event loop.
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), self._connect())
            return self._opened[1]

    def _connect(self) -> S3Client:
        return connect(self.config)

    def _publish(self, target: str, source: ChunkSource) -> int:
        bucket, key = _bucket_and_key(target)
        client = self._client()

        def request(
            method: str,
            arguments: Mapping[str, object],
            *,
            unless: threading.Event | None = None,
        ) -> Mapping[str, object]:
            def once() -> Mapping[str, object]:
                if unless is not None and unless.is_set():
                    raise UploadError(f"The upload of s3://{target} was given up.")
                return client.request(method, Bucket=bucket, **arguments)

            return self._attempt("publish", f"s3://{target}", once, error_class=UploadError)

        upload = S3Upload(
            request,
            key,
            part_size=self.config.part_size,
            concurrency=self.config.concurrency,
            object_settings=self._object_settings(),
        )
        return upload.run(source)

    def _is_transient(self, error: Exception) -> bool:
        return s3_faults.is_transient(error)

    def _describe(self, error: Exception) -> str:
        return s3_faults.describe(error)

    def _is_absent(self, error: Exception) -> bool:
        return isinstance(error, FileNotFoundError) and s3_faults.code(error) != "NoSuchBucket"

    def _object_settings(self) -> dict[str, object]:
        settings = {
            "ServerSideEncryption": self.config.server_side_encryption,
            "SSEKMSKeyId": self.config.sse_kms_key_id,
            "ACL": self.config.acl,
        }
        return {name: value for name, value in settings.items() if value is not None}


def _bucket_and_key(target: str) -> tuple[str, str]:
    bucket, _, key = target.partition("/")
    return bucket, key


def _whole_size(answer: Mapping[str, object], data: bytes) -> int:
    """Read an object's whole size off the answer to a request for its end (RFC 9110, 14.4)."""
    size = str(answer.get("ContentRange", "")).rpartition("/")[2]
    return int(size) if size.isdigit() else len(data)


class S3ArtifactStoreFlavor(BaseArtifactStoreFlavor):
    """The flavor `s3`."""

    @property
    def name(self) -> str:
        """`s3`."""
        return "s3"

    @property
    def config_class(self) -> type[S3ArtifactStoreConfig]:
        """The class of the store's settings."""
        return S3ArtifactStoreConfig

    @property
    def implementation_class(self) -> type[S3ArtifactStore]:
        """The store's class."""
        return S3ArtifactStore
