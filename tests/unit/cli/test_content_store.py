"""Builds by the command line on engines with containerd's image store, against the double."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerEngine, FakeRegistry

if TYPE_CHECKING:
    from command_line import Run

_TWO = ("--platform", "linux/amd64,linux/arm64")


@pytest.fixture(params=["28.5", "29.7"])
def engine(
    folder: Path, no_settings: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[FakeDockerEngine]:
    """An engine of each look that has the store, which `DOCKER_HOST` leads to."""
    engine = FakeDockerEngine(request.param, image_store="containerd")
    with engine.serve() as docker_host:
        no_settings.setenv("DOCKER_HOST", docker_host)
        yield engine


def test_platforms_and_provenance_are_pushed(
    run: Run, engine: FakeDockerEngine, folder: Path
) -> None:
    """What is printed is the index that the registry and the engine have."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/shop:1"
        result = run(
            *("build", "app", "-t", name, *_TWO, "--provenance", "mode=max", "--push"),
            *("--metadata-file", "metadata.json"),
        )
        assert result.code == 0, result.err
        digest = result.out.strip().partition("@")[2]
        index = registry.manifest("team/shop:1")
        assert digest == index.digest == engine.image(name).id
        listed = json.loads(index.content)["manifests"]
        assert [entry["platform"]["architecture"] for entry in listed] == [
            *("amd64", "arm64"),
            *("unknown", "unknown"),
        ]
        metadata = json.loads((folder / "metadata.json").read_text())
        assert metadata["containerimage.digest"] == digest


def test_an_image_that_is_here_is_pushed_later(run: Run, engine: FakeDockerEngine) -> None:
    """`push` prints the digest, though the engine tells it in words alone."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/shop:1"
        assert run("build", "app", "-t", name, "--provenance", "true").code == 0
        result = run("push", name)
        assert result.code == 0, result.err
        expected = registry.manifest("team/shop:1").digest
        assert result.out.strip() == f"{registry.address}/team/shop@{expected}"
        assert expected == engine.image(name).id


def test_images_stay_with_the_engine(run: Run, engine: FakeDockerEngine) -> None:
    """Of both platforms; the ID that is printed is the index's."""
    result = run("build", "app", "-t", "shop:1", *_TWO, "-q")
    assert result.code == 0, result.err
    image = engine.image("shop:1")
    assert result.out.strip() == image.id
    assert [each.platform.architecture for each in (image, *image.others)] == ["amd64", "arm64"]


def test_inspect_tells_the_configuration_where_it_is_known(
    run: Run, engine: FakeDockerEngine
) -> None:
    """That of an image alone is an annotation of its descriptor; an index tells none."""
    assert run("build", "app", "-t", "shop:1").code == 0
    image = engine.image("shop:1")
    assert f"config    {image.config_digest}" in run("inspect", "shop:1").out
    assert run("build", "app", "-t", "shop:2", "--provenance", "true").code == 0
    told = run("inspect", "shop:2").out
    assert f"digest  {engine.image('shop:2').id}" in told
    assert "config  " not in told


def test_a_graph_driver_has_no_room_for_that(
    run: Run, folder: Path, no_settings: pytest.MonkeyPatch
) -> None:
    """It is said before anything is built, with what would do."""
    engine = FakeDockerEngine("29.7", image_store="overlay2")
    with engine.serve() as docker_host:
        no_settings.setenv("DOCKER_HOST", docker_host)
        for words in (_TWO, ("--provenance", "true")):
            result = run("build", "app", "-t", "shop:1", *words)
            assert result.code != 0
            assert "containerd image store" in result.err
    assert engine.builds == []
