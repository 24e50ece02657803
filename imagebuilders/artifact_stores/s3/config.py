"""The settings of the S3 artifact store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.aws.settings import AWSSettings

if TYPE_CHECKING:
    from typing_extensions import Self

_MIB = 1024 * 1024


class S3ArtifactStoreConfig(AWSSettings, BaseArtifactStoreConfig):
    """Settings of the S3 artifact store: those of all AWS components, and its own.

    Attributes:
        path: `s3://bucket` or `s3://bucket/prefix`.
        addressing_style: `path` puts the bucket into the path, `virtual` into the host name.
        server_side_encryption: `AES256`, `aws:kms` or `aws:kms:dsse`.
        sse_kms_key_id: the KMS key to encrypt with; alone, it means `aws:kms`.
        bucket_key_enabled: whether S3 asks KMS once for many objects, which costs less.
        storage_class: where S3 keeps what is written; only classes that are read at once.
        acl: a canned access control list for what is written.
        part_size: bytes of one part of a multipart upload; S3 takes 10,000 parts of one file.
        concurrency: parts on their way at once. An upload holds at most
            `(concurrency + 2) * part_size` bytes of the archive in memory.
    """

    path: str
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    sse_kms_key_id: str | None = None
    bucket_key_enabled: bool | None = None
    storage_class: (
        Literal[
            "STANDARD",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER_IR",
            "REDUCED_REDUNDANCY",
            "EXPRESS_ONEZONE",
        ]
        | None
    ) = None
    acl: str | None = None
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

    @model_validator(mode="after")
    def _a_key_for_kms(self) -> Self:
        if self.sse_kms_key_id is not None and self.server_side_encryption == "AES256":
            raise ValueError("sse_kms_key_id needs server_side_encryption 'aws:kms', not 'AES256'")
        return self

    @property
    def object_settings(self) -> dict[str, object]:
        """What is asked for each object that is written, as boto3 names it."""
        encryption = self.server_side_encryption
        if encryption is None and self.sse_kms_key_id is not None:
            encryption = "aws:kms"
        settings = {
            "ServerSideEncryption": encryption,
            "SSEKMSKeyId": self.sse_kms_key_id,
            "BucketKeyEnabled": self.bucket_key_enabled,
            "StorageClass": self.storage_class,
            "ACL": self.acl,
        }
        return {name: value for name, value in settings.items() if value is not None}
