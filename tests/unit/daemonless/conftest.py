"""What the tests of builds without a daemon share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pushed_images import PushedImages

from fakes import FakeRegistry
from imagebuilders.oci.platform import Platform


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """A registry with a base, and nothing of the user's own."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    with FakeRegistry() as registry:
        registry.seed("base:1", files={"etc/passwd": "app:x:7:8::/:\n", "lib/x": "x"})
        yield registry


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushedImages]:
    """A registry with the bases, and a builder that takes it for Docker Hub."""
    with pytest.MonkeyPatch.context() as patch, FakeRegistry() as server:
        folder = tmp_path_factory.mktemp("surroundings")
        patch.setenv("DOCKER_CONFIG", str(folder / "docker-config"))
        patch.setenv("IMAGEBUILDERS_CACHE_DIR", str(folder / "cache"))
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        patch.setattr(
            "imagebuilders.daemonless.settings.build_platform",
            lambda: Platform("linux", "amd64"),
        )
        yield PushedImages(server, patch)
