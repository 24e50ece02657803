"""An artifact store under any URL that fsspec has a file system for."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, ClassVar, cast
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, Secret, field_validator

from imagebuilders.artifact_stores.base import (
    BaseArtifactStore,
    BaseArtifactStoreConfig,
    BaseArtifactStoreFlavor,
)
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.components.component import StackComponentConfig

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.filesystem import FileSystem


_opening = threading.Lock()


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
        if "::" in path:
            raise ValueError(f"{path!r} chains file systems, which a store cannot be put on")
        if urlsplit(path).password is not None:
            raise ValueError("put the password into storage_options, not into the URL")
        return f"{scheme}://{rest.rstrip('/')}"


class RemoteArtifactStore(BaseArtifactStore):
    """Keeps files under a URL of any protocol whose fsspec package is installed.

    A file is written under a temporary name and moved: atomic where the protocol's rename or
    copy is, as with object stores and most SFTP servers.
    """

    config_class: ClassVar[type[StackComponentConfig]] = RemoteArtifactStoreConfig

    _opened: tuple[int, FileSystem, str] | None = None

    @property
    def config(self) -> RemoteArtifactStoreConfig:
        """The store's settings."""
        return cast(RemoteArtifactStoreConfig, self._config)

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

        with _opening:
            # A forked process must not use its parent's connections or event loop.
            if self._opened is None or self._opened[0] != os.getpid():
                options = self.config.storage_options.get_secret_value()
                self._opened = (os.getpid(), *open_url(self.path, options))
            return self._opened[1], self._opened[2]

    def close(self) -> None:
        """Forget the file system; a new one is made when the store is used again."""
        self._opened = None


class RemoteArtifactStoreFlavor(BaseArtifactStoreFlavor):
    """The flavor `remote`."""

    @property
    def name(self) -> str:
        """`remote`."""
        return "remote"

    @property
    def config_class(self) -> type[RemoteArtifactStoreConfig]:
        """The class of the store's settings."""
        return RemoteArtifactStoreConfig

    @property
    def implementation_class(self) -> type[RemoteArtifactStore]:
        """The store's class."""
        return RemoteArtifactStore
