"""What a program hands to its worker processes gets there: components, contexts, options."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, InMemoryArtifactStore
from imagebuilders import (
    BaseArtifactStore,
    BuildContext,
    DefaultContainerRegistry,
    DockerBuildOptions,
    LocalArtifactStore,
    LocalImageBuilder,
    RemoteArtifactStore,
    S3ArtifactStore,
    Stack,
    StackComponent,
)

_WAYS = [
    pytest.param(lambda thing: pickle.loads(pickle.dumps(thing)), id="pickle"),
    pytest.param(copy.copy, id="copy"),
    pytest.param(copy.deepcopy, id="deepcopy"),
]
Way = Callable[[Any], Any]


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    """A context that has been used."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    context = BuildContext(root=str(folder))
    context.add_file("release: 1\n", "release.yaml")
    context.digest()
    return context


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize(
    "make",
    [
        lambda _: LocalImageBuilder(name="mine"),
        lambda _: DefaultContainerRegistry(uri="r.example", username="a", password="b"),
        lambda path: LocalArtifactStore(path=str(path)),
        lambda _: RemoteArtifactStore(path="memory://pickling/store"),
        lambda _: S3ArtifactStore(path="s3://bucket/prefix", key="k", secret="s"),
        lambda _: InMemoryArtifactStore(),
    ],
    ids=["builder", "registry", "local-store", "remote-store", "s3-store", "memory-store"],
)
def test_component(make: Callable[[Path], StackComponent], way: Way, tmp_path: Path) -> None:
    """A component has the same settings, name and identity there, used or not."""
    component = make(tmp_path)
    if isinstance(component, LocalArtifactStore | RemoteArtifactStore):
        component.exists("a")
    elif isinstance(component, BaseArtifactStore):
        assert component.filesystem is not None
    again = way(component)
    assert type(again) is type(component)
    assert (again.config, again.name, again.id) == (component.config, component.name, component.id)


@pytest.mark.parametrize("way", _WAYS)
def test_stack(way: Way, tmp_path: Path) -> None:
    """A stack travels with its components."""
    stack = Stack(LocalImageBuilder(), LocalArtifactStore(path=str(tmp_path)), name="mine")
    again = way(stack)
    assert (again.name, again.artifact_store.id) == ("mine", stack.artifact_store.id)


@pytest.mark.parametrize("way", _WAYS)
def test_context(context: BuildContext, way: Way) -> None:
    """A context makes the same archive there."""
    again = way(context)
    assert again.digest() == context.digest()
    assert again.get_files() == context.get_files()
    assert again.get_extra_files() == context.get_extra_files()
    assert b"".join(again.iter_archive()) == b"".join(context.iter_archive())


@pytest.mark.parametrize("way", _WAYS)
def test_options(way: Way) -> None:
    """Options are equal values there."""
    options = DockerBuildOptions.from_any(
        {"buildargs": {"A": "b"}, "target": "t", "extra_hosts": {"h": "10.0.0.1"}}
    )
    assert way(options) == options


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_copied_builder_builds_with_the_same_client(context: BuildContext, way: Way) -> None:
    """In one process a client that was given serves the copy as well."""
    engine = FakeDockerEngine()
    client = FakeDockerClient(engine)
    builder = LocalImageBuilder(docker_client=client)
    builder.build("app:1", context)
    way(builder).build("app:2", context)
    assert {"app:1", "app:2"} <= {tag for image in client.images.list() for tag in image.tags}
    client.close()
