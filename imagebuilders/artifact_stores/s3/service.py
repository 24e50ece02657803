"""An S3 service: how single requests are made to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Protocol, cast

from imagebuilders.aws.clients import ServiceClient, is_aws, open_client
from imagebuilders.exceptions import ArtifactStoreError, ConfigurationError

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.s3.config import S3ArtifactStoreConfig


class Body(Protocol):
    """The content of an object, as it comes."""

    def read(self, amount: int | None = None) -> bytes:
        """Read so many bytes, or all that are left."""
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...


class S3Service(Protocol):
    """Makes single requests. Nothing below it repeats them: the store's retry policy does."""

    @property
    def is_foreign(self) -> bool:
        """Whether it is not AWS's own: it may then ignore what it does not know."""
        ...

    takes_conditions: bool
    """Whether it takes the condition that a write replaces nothing; until it refused one."""

    gives_turns: bool
    """Whether it tells which clients send an object; until it refused to."""

    def request(self, method: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Make a request; method and arguments are named as in boto3's S3 client."""
        ...

    def presigned_url(self, bucket: str, key: str, seconds: int) -> str:
        """Return an address by which anybody may read an object for so many seconds."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class Boto3Service:
    """The service that a client of boto3 asks."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self.is_foreign = not is_aws(client.meta.endpoint_url)
        self.takes_conditions = True
        self.gives_turns = True

    def request(self, method: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Make a request; method and arguments are named as in boto3's S3 client."""
        body = arguments.get("Body")
        if isinstance(body, bytes):
            # As a file, so that a time limit counts for each piece that is sent, not for all.
            arguments = {**arguments, "Body": BytesIO(body)}
        answer = getattr(self._client, method)(**arguments)
        return cast("Mapping[str, object]", answer)

    def presigned_url(self, bucket: str, key: str, seconds: int) -> str:
        """Return an address by which anybody may read an object for so many seconds."""
        sign: Callable[..., str] = getattr(self._client, "generate_presigned_url")  # noqa: B009
        return sign("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def connect(config: S3ArtifactStoreConfig) -> S3Service:
    """Make the service of a store; the first request opens the first connection.

    Raises:
        ArtifactStoreError: boto3 is not installed, or the settings cannot be used here.
    """
    try:
        client = open_client(
            "s3",
            config,
            extra="s3",
            connections=config.concurrency + 2,
            options={
                "s3": {"addressing_style": config.addressing_style},
                # Older signatures, which presigned addresses may have by default, cannot be used
                # for what is encrypted with a KMS key.
                "signature_version": "s3v4",
            },
        )
    except ConfigurationError as error:
        raise ArtifactStoreError(
            f"Could not open the artifact store {config.path}: {error}", path=config.path
        ) from error
    return Boto3Service(client)
