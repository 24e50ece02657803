"""Pushing to registries with the ways of Docker's own, Amazon ECR and GitHub's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import FakeRegistry
from fakes.registry import Manners
from imagebuilders import BuildContext, DaemonlessImageBuilder, DefaultContainerRegistry
from imagebuilders.daemonless import registry_destination

_MANNERS = {
    "docker-registry": Manners.docker_registry(),
    "ecr": Manners.ecr(),
    "ecr-with-mounts": Manners.ecr(mounts=True),
    "ghcr": Manners.ghcr(),
}


@pytest.fixture(params=_MANNERS)
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeRegistry]:
    """A registry of each kind, with a base."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    with FakeRegistry(manners=_MANNERS[request.param]) as registry:
        registry.seed("base:1", files={"etc/passwd": "app:x:7:8::/:\n"})
        yield registry


def _context(server: FakeRegistry, content: str) -> BuildContext:
    context = BuildContext()
    text = f"FROM {server.address}/base:1\nCOPY --chown=app a /a\n"
    context.add_file(text, "Dockerfile")
    context.add_file(content, "a")
    return context


def test_an_image_is_pushed_and_known_again(server: FakeRegistry) -> None:
    """The base's layer is there, mounted or copied; a second build sends nothing."""
    registry = DefaultContainerRegistry(uri=server.address)
    name = f"{server.address}/team/app:1"
    built = DaemonlessImageBuilder().build(name, _context(server, "a"), None, registry)
    for layer in json.loads(server.manifest(built).content)["layers"]:
        assert server.blob(layer["digest"])
    assert server.open_uploads == 0
    server.forget_requests()
    assert DaemonlessImageBuilder().build(name, _context(server, "a"), None, registry) == built
    assert {request.method for request in server.requests} <= {"GET", "HEAD"}


def test_large_layers_go_in_chunks_that_the_registry_takes(
    server: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks are enlarged or cut as the registry wants; what arrives is whole."""
    monkeypatch.setattr(registry_destination, "CHUNK_BYTES", 6 * 1024 * 1024)
    registry = DefaultContainerRegistry(uri=server.address)
    content = os.urandom(5 * 1024 * 1024).hex()
    name = f"{server.address}/team/app:1"
    builder = DaemonlessImageBuilder(compression="uncompressed")
    built = builder.build(name, _context(server, content), None, registry)
    layers = json.loads(server.manifest(built).content)["layers"]
    assert content.encode() in server.blob(layers[-1]["digest"])
    assert server.open_uploads == 0
