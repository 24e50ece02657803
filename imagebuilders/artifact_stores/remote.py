"""An artifact store under any URL that fsspec has a file system for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, Secret, field_validator

from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.artifact_stores.flavor import BaseArtifactStoreFlavor
from imagebuilders.artifact_stores.paths import is_utf8
from imagebuilders.artifact_stores.per_process import PerProcess
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.components.flavor import BuiltInFlavor

if TYPE_CHECKING:
    from uuid import UUID

    from imagebuilders.artifact_stores.filesystem import FileSystem


class RemoteArtifactStoreConfig(BaseArtifactStoreConfig):
    """Settings of an artifact store under a URL.

    Attributes:
        path: a folder's URL, as in `gs://bucket/prefix` or `sftp://host/folder`.
        storage_options: keyword arguments of the fsspec file system's class; never shown.
        attempts: how often a request is made in all when its fault may pass.
    """

    path: str
    storage_options: Secret[dict[str, JsonValue]] = Secret({})
    attempts: int = Field(default=5, ge=1, le=20)

    @field_validator("path")
    @classmethod
    def _a_plain_url(cls, path: str) -> str:
        scheme, separator, rest = path.partition("://")
        if not separator or not scheme:
            raise ValueError(
                f"{path!r} is not a URL; use the flavor 'local' for a folder of this machine"
            )
        if not is_utf8(path):
            raise ValueError(f"{path!r} is not a URL: UTF-8 has no bytes for it")
        if "::" in path:
            raise ValueError(f"{path!r} chains file systems, which a store cannot be put on")
        if urlsplit(path).password is not None:
            raise ValueError("put the password into storage_options, not into the URL")
        return f"{scheme}://{rest.rstrip('/')}"


class RemoteArtifactStore(BaseArtifactStore[RemoteArtifactStoreConfig]):
    """Keeps files under a URL of any protocol whose fsspec package is installed.

    A file is written under a temporary name and moved: atomic where the protocol's rename or
    copy is, as with object stores and most SFTP servers.
    """

    def __init__(
        self,
        config: RemoteArtifactStoreConfig | None = None,
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
        self._opened = PerProcess[tuple["FileSystem", str]]()

    @property
    def filesystem(self) -> FileSystem:
        """The fsspec file system of the URL's protocol.

        Raises:
            ArtifactStoreError: the protocol is unknown or its package is not installed.
        """
        return self._connection()[0]

    @property
    def retry_policy(self) -> RetryPolicy:
        """As many attempts as the settings say."""
        return RetryPolicy(attempts=self.config.attempts)

    @property
    def _root(self) -> str:
        return self._connection()[1]

    def _connection(self) -> tuple[FileSystem, str]:
        from imagebuilders.artifact_stores.filesystem import open_url

        options = self.config.storage_options.get_secret_value()
        return self._opened.get(lambda: open_url(self.path, options))

    def close(self) -> None:
        """Forget the file system; a new one is made when the store is used again."""
        self._opened.take()


class RemoteArtifactStoreFlavor(BuiltInFlavor, BaseArtifactStoreFlavor):
    """The flavor `remote`."""

    name = "remote"
    config_class = RemoteArtifactStoreConfig
    implementation_class = RemoteArtifactStore
