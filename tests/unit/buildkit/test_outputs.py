"""What becomes of a build's result."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.buildkit_attributes import chosen_outputs
from imagebuilders.buildkit.build import ExporterRequest
from imagebuilders.buildkit.outputs import Outputs, plan_outputs
from imagebuilders.buildkit.session.content import ContentFolder
from imagebuilders.buildkit.session.file_send import FileTarget, FolderTarget, StreamTarget
from imagebuilders.exceptions import BuildOptionsError, ImageFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.media_types import OCI_MANIFEST

NAMES = ("app:1", "other:2")


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here opens a connection."""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _plan(*outputs: str, is_index: bool = False) -> Outputs:
    options = DockerBuildOptions(outputs=list(outputs))
    return plan_outputs(options.outputs, NAMES, is_index=is_index)


@pytest.mark.parametrize(
    "output",
    [None, "type=image", "type=docker", "type=moby", "type=image,name=else"],
)
def test_an_image_goes_to_the_engine_s_store(output: str | None) -> None:
    """Without outputs too; its names are those of the build."""
    planned = _plan(*([] if output is None else [output]))
    assert planned.exporters == [ExporterRequest("moby", {"name": "app:1,other:2"})]
    assert planned.keeps_image
    assert not planned.targets


def test_outputs_may_keep_their_own_names() -> None:
    """Where those are the only ones that there are, an output without one has none."""
    options = DockerBuildOptions(
        outputs=["type=image,name=app:1", "type=oci,dest=o", "type=image,name=else,push=true"]
    )
    outputs = [replace(output, keeps_name=True) for output in options.outputs]
    assert plan_outputs(outputs, NAMES).exporters == [
        ExporterRequest("moby", {"name": "app:1"}),
        ExporterRequest("oci", {}),
        ExporterRequest("moby", {"name": "else", "push": "true"}),
    ]
    pushed = chosen_outputs(options.model_copy(update={"outputs": tuple(outputs), "push": True}))
    assert all(output.keeps_name for output in pushed)


def test_a_registry_is_an_image_that_is_pushed() -> None:
    """By the exporter."""
    assert _plan("type=registry").exporters == [
        ExporterRequest("moby", {"push": "true", "name": "app:1,other:2"})
    ]


@pytest.mark.parametrize(
    ("options", "types"),
    [
        ({}, ["moby"]),
        ({"load": True}, ["moby"]),
        ({"load": True, "push": True}, ["moby"]),
        ({"load": True, "outputs": "out"}, ["local", "moby"]),
        ({"load": True, "outputs": "type=docker"}, ["moby"]),
        ({"load": True, "outputs": "type=docker,dest=a"}, ["docker"]),
        ({"load": True, "outputs": "type=cacheonly"}, ["moby"]),
        ({"push": True, "outputs": "out"}, ["local", "moby"]),
        ({"push": True, "outputs": "type=image"}, ["moby"]),
        ({"push": True, "outputs": ["type=cacheonly"]}, ["moby"]),
    ],
)
def test_load_and_push_add_the_image(options: dict[str, object], types: list[str]) -> None:
    """Beside the outputs, and once."""
    chosen = chosen_outputs(DockerBuildOptions.from_any(options))
    planned = plan_outputs(chosen, NAMES)
    assert [exporter.type for exporter in planned.exporters] == types


def test_annotations_are_of_whatever_is_made() -> None:
    """Those of folders too, as `docker buildx` sends them."""
    annotations = DockerBuildOptions(annotations=["a=1", "index:b=2"]).annotations
    outputs = DockerBuildOptions(outputs=["out", "type=docker"]).outputs
    planned = plan_outputs(outputs, NAMES, annotations=annotations)
    said = {"annotation.a": "1", "annotation-index.b": "2"}
    assert [exporter.attributes for exporter in planned.exporters] == [
        said,
        {"name": "app:1,other:2", **said},
    ]


def test_each_output_has_its_target() -> None:
    """By its number; `dest` is the client's affair."""
    planned = _plan("out", "type=tar,dest=a.tar", "type=docker", "-", "type=oci,dest=b.tar")
    assert [exporter.type for exporter in planned.exporters] == [
        "local",
        "tar",
        "moby",
        "tar",
        "oci",
    ]
    assert not any("dest" in exporter.attributes for exporter in planned.exporters)
    kinds = {number: type(target) for number, target in planned.targets.items()}
    assert kinds == {0: FolderTarget, 1: FileTarget, 3: StreamTarget, 4: FileTarget}


def test_nothing_may_be_kept() -> None:
    """A build for its cache alone."""
    planned = _plan("type=cacheonly")
    assert not planned.exporters
    assert not planned.keeps_image


def test_blobs_in_a_folder_get_an_index() -> None:
    """The daemon writes the blobs, and tells which is the image."""
    planned = _plan("type=oci,dest=layout,tar=false")
    assert planned.stores == {"export": ContentFolder(Path("layout"), writable=True)}
    descriptor = Descriptor.of(b"manifest", OCI_MANIFEST)
    encoded = base64.b64encode(json.dumps(descriptor.to_json()).encode()).decode()
    planned.finish({"containerimage.descriptor": encoded}, NAMES)
    for tag in ("1", "2"):
        found = ImageLayout("layout").find(tag)
        assert found is not None
        assert found.digest == descriptor.digest
    with pytest.raises(ImageFormatError):
        planned.finish({"containerimage.descriptor": "!"}, NAMES)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (["type=locl,dest=out"], "no type 'locl'; there are docker, image,"),
        (["type=local"], "needs a folder"),
        (["type=local,dest=-"], "needs a folder"),
        (["type=local,dest=file"], "is not a folder"),
        (["type=tar,dest=folder"], "is a folder"),
        (["-", "type=oci"], "standard output"),
        (["type=oci,tar=false"], "needs a folder"),
        (["type=local,dest=out,mode=delete"], "mode=delete"),
        (["type=docker,tar=false,dest=out"], "type=oci does"),
    ],
)
def test_what_cannot_be_written_is_told_before(outputs: list[str], words: str) -> None:
    """The error names the option."""
    Path("file").touch()
    Path("folder").mkdir()
    with pytest.raises(BuildOptionsError, match=words) as caught:
        _plan(*outputs)
    assert caught.value.option == "outputs"
    assert caught.value.problems.keys() == {"outputs"}


def test_docker_s_archive_has_one_platform() -> None:
    """The OCI one may have several."""
    with pytest.raises(BuildOptionsError, match="type=oci has"):
        _plan("type=docker,dest=a", is_index=True)
    _plan("type=oci,dest=a", is_index=True)
