"""The AWS image builder keeps the contract of image builders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.contracts.image_builder import ImageBuilderContract
from imagebuilders import AWSImageBuilder, ECRContainerRegistry

if TYPE_CHECKING:
    Cloud = Any


class TestContract(ImageBuilderContract):
    """On the double of AWS."""

    @pytest.fixture
    def image_builder(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[AWSImageBuilder]:
        """The builder, in a folder whose settings say where contexts go, for threads, too."""
        lines = [f"{key} = {value!r}" for key, value in cloud.aws.settings.items()]
        path = "path = 's3://contexts/prefix'"
        (tmp_path / "imagebuilders.toml").write_text(
            "\n".join(["[artifact_store]", "flavor = 's3'", path, *lines])
        )
        monkeypatch.chdir(tmp_path)
        return cloud.builder  # type: ignore[no-any-return]

    @pytest.fixture
    def container_registry(self, cloud: Cloud) -> ECRContainerRegistry:
        """A registry that wants ECR's tokens."""
        return cloud.registry  # type: ignore[no-any-return]

    @pytest.fixture(autouse=True)
    def _registry(self, cloud: Cloud) -> None:
        """Keep the double for `digest_in_registry`."""
        self._double = cloud.aws.registry

    def digest_in_registry(self, image_name: str) -> str | None:
        """What the registry has."""
        digest: str = self._double.manifest(image_name.partition("/")[2]).digest
        return digest
