"""What becomes of a build, on stores that can: folders, archives, pushes, several platforms."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.tools import ClientTool

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.exceptions import BuildOptionsError

pytestmark = pytest.mark.usefixtures("docker_config")


@pytest.fixture
def context(root: Path) -> BuildContext:
    """A context whose image has a file, a folder and a link."""
    (root / "a").write_text("content")
    (root / "folder").mkdir()
    (root / "folder" / "b").write_text("more")
    (root / "folder" / "link").symlink_to("b")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY a folder /x/\nLABEL made=here\n")
    return BuildContext(str(root))


@pytest.fixture
def buildkit(buildkit_engine: Engine) -> LocalImageBuilder:
    """A builder for each engine."""
    return LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")


def test_folder(buildkit: LocalImageBuilder, context: BuildContext, tmp_path: Path) -> None:
    """Every store gives the files of the image as a folder."""
    out = tmp_path / "out"
    buildkit.build("out:1", context, {"outputs": [f"type=local,dest={out}"]})
    assert (out / "x" / "a").read_text() == "content"
    assert (out / "x" / "b").read_text() == "more"
    assert (out / "x" / "link").readlink() == Path("b")


def test_archive_of_the_files(
    buildkit: LocalImageBuilder, context: BuildContext, tmp_path: Path
) -> None:
    """Every store gives them as an archive."""
    out = tmp_path / "out.tar"
    buildkit.build("out:2", context, {"outputs": [f"type=tar,dest={out}"]})
    with tarfile.open(out) as archive:
        names = {member.name.strip("/") for member in archive}
    assert {"x/a", "x/b", "x/link"} <= names


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_archive_of_the_image(
    buildkit: LocalImageBuilder,
    buildkit_engine: Engine,
    context: BuildContext,
    tmp_path: Path,
    kind: str,
) -> None:
    """The store of containerd gives the image as an archive; others say what would do."""
    out = tmp_path / "image.tar"
    options = {"outputs": [f"type={kind},dest={out}"]}
    if not buildkit_engine.has_containerd_store:
        _refused(buildkit, context, options, "outputs")
        assert not out.exists()
        return
    buildkit.build("out:3", context, options)
    with tarfile.open(out) as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        assert len(json.load(index)["manifests"]) == 1
        assert ("manifest.json" in archive.getnames()) == (kind == "docker")


def test_push_by_the_exporter(
    buildkit: LocalImageBuilder, buildkit_engine: Engine, context: BuildContext
) -> None:
    """`push=true` is done by the store of containerd; others refuse what they would ignore."""
    name = f"{buildkit_engine.registry.address}/exported/app:1"
    options = {"outputs": ["type=image,push=true"]}
    if not buildkit_engine.has_containerd_store:
        _refused(buildkit, context, options, "outputs", name=name)
        return
    buildkit.build(name, context, options)
    config = buildkit_engine.registry.image_config("exported/app", "1")
    assert config["config"]["Labels"] == {"made": "here"}


def test_several_outputs(
    buildkit: LocalImageBuilder, buildkit_engine: Engine, context: BuildContext, tmp_path: Path
) -> None:
    """One build gives several, where the engine is new enough."""
    folder, archive = tmp_path / "folder", tmp_path / "out.tar"
    options = {"outputs": [f"type=local,dest={folder}", f"type=tar,dest={archive}", "type=image"]}
    if buildkit_engine.series == "20.10":
        _refused(buildkit, context, options, "outputs")
        return
    buildkit.build("out:4", context, options)
    assert (folder / "x" / "a").read_text() == "content"
    assert archive.stat().st_size > 0
    assert buildkit_engine.client.images.get("out:4").labels == {"made": "here"}


def test_several_platforms(
    buildkit: LocalImageBuilder,
    buildkit_engine: Engine,
    context: BuildContext,
    client_tool: Callable[[str], ClientTool],
) -> None:
    """An image of two platforms is an index in the store of containerd, and where it is pushed."""
    name = f"{buildkit_engine.registry.address}/platforms/app:1"
    options = {"platform": ["linux/amd64", "linux/arm64"]}
    if not buildkit_engine.has_containerd_store:
        _refused(buildkit, context, options, "platform", name=name)
        return
    buildkit.build(name, context, {**options, "outputs": ["type=image,push=true"]})
    index = buildkit_engine.registry.manifest("platforms/app", "1").content
    platforms = {entry["platform"]["architecture"] for entry in index["manifests"]}
    assert platforms == {"amd64", "arm64"}
    for architecture in platforms:
        said = client_tool("crane").run(
            "config", "--insecure", f"--platform=linux/{architecture}", name
        )
        assert json.loads(said.stdout)["architecture"] == architecture


def test_one_other_platform(
    buildkit: LocalImageBuilder, buildkit_engine: Engine, context: BuildContext
) -> None:
    """An image without steps that run can be of a platform that the engine is not."""
    buildkit.build("platforms:2", context, {"platform": "linux/arm64/v8"})
    attributes = buildkit_engine.client.images.get("platforms:2").attrs
    assert attributes["Architecture"] == "arm64"


def _refused(
    builder: LocalImageBuilder,
    context: BuildContext,
    options: Mapping[str, object],
    option: str,
    *,
    name: str = "refused:1",
) -> None:
    with pytest.raises(BuildOptionsError, match=option) as caught:
        builder.build(name, context, options)
    assert caught.value.option == option
