"""A stack whose builds run on the double of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeAWS
from imagebuilders import (
    AWSImageBuilder,
    BuildContext,
    ECRContainerRegistry,
    S3ArtifactStore,
    Stack,
)

PROJECT = "images"
BUCKET = "contexts"


@dataclass
class Cloud:
    """The double of AWS, and the components that use it."""

    aws: FakeAWS
    builder: AWSImageBuilder
    store: S3ArtifactStore
    registry: ECRContainerRegistry

    def name(self, path: str = "team/app:1") -> str:
        """An image's name here."""
        return f"{self.registry.uri}/{path}"

    def build(self, context: BuildContext, path: str = "team/app:1", **options: Any) -> str:
        """Build and push an image."""
        return self.builder.build(self.name(path), context, options, self.registry)

    def make_builder(self, **settings: Any) -> AWSImageBuilder:
        """Make another builder, in the same place."""
        given: dict[str, Any] = {"project": PROJECT, "poll_interval": 0.1, **settings}
        return AWSImageBuilder(**{**self.aws.settings, **given})


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide this machine's own settings of AWS and Docker."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def cloud(fake_aws: FakeAWS) -> Iterator[Cloud]:
    """A project, a bucket, and a stack of them that is active."""
    fake_aws.make_bucket(BUCKET)
    fake_aws.code_build.add_project(PROJECT)
    builder = AWSImageBuilder(project=PROJECT, poll_interval=0.1, **_any(fake_aws.settings))
    store = S3ArtifactStore(
        path=f"s3://{BUCKET}/prefix", addressing_style="path", **_any(fake_aws.settings)
    )
    registry = ECRContainerRegistry(**_any(fake_aws.registry_settings))
    made = Cloud(fake_aws, builder, store, registry)
    try:
        with Stack(builder, store, registry).activate():
            yield made
    finally:
        builder.close()
        store.close()
        registry.close()


@pytest.fixture
def context() -> BuildContext:
    """A context that is built in a moment."""
    made = BuildContext()
    made.add_file("FROM scratch\nCOPY greeting.txt /greeting.txt\n", "Dockerfile")
    made.add_file("hello", "greeting.txt")
    return made


def _any(settings: dict[str, str]) -> dict[str, Any]:
    return dict(settings)
