"""Putting images in without pushing them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from fakes.registry import FakeRegistry, SeedImage
from imagebuilders.oci.media_types import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST


def _layout(registry: FakeRegistry, folder: Path, *references: str, index: bool = False) -> Path:
    """Write images of a registry as an OCI layout."""
    entries = []
    for reference in references:
        manifest = registry.manifest(reference)
        blobs = [str(e["digest"]) for k in ("config", "layers") for e in manifest.descriptors(k)]
        for digest, content in [
            (manifest.digest, manifest.content),
            *((digest, registry.blob(digest)) for digest in blobs),
        ]:
            path = folder / "blobs" / digest.replace(":", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        entries.append(
            {
                "mediaType": manifest.media_type,
                "digest": manifest.digest,
                "size": manifest.size,
                "annotations": {"org.opencontainers.image.ref.name": reference.partition(":")[2]},
            }
        )
    if index:
        content = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs/sha256" / digest).write_bytes(content)
        entries = [{"mediaType": OCI_INDEX, "digest": f"sha256:{digest}", "size": len(content)}]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return folder


def _tar(folder: Path, target: Path, prefix: str = "") -> Path:
    with tarfile.open(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, prefix + str(path.relative_to(folder)), recursive=False)
    return target


@pytest.fixture
def origin() -> FakeRegistry:
    """A registry with two images to write layouts from."""
    registry = FakeRegistry()
    registry.seed("app:1", files={"/a": "one"})
    registry.seed("app:2", files={"/a": "two"})
    return registry


def test_an_image_in_a_few_lines(registry: FakeRegistry) -> None:
    """Files, layers, settings; what was left out is not in the configuration."""
    image = SeedImage(
        files={"/app/main.py": "print()", "/app/data": b"\0"},
        layers=[{"/app/main.py": "print(1)"}],
        env={"A": "b=c"},
        cmd=["python", "main.py"],
        entrypoint=["/init"],
        labels={"by": "me"},
        user="1000",
        working_dir="/app",
        exposed_ports=["80", "53/udp"],
        on_build=["RUN true"],
        architecture="arm64",
        annotations={"note": "x"},
    )
    manifest = registry.seed(f"{registry.address}/team/app:1.0", image)
    seen = registry.image("team/app:1.0")
    assert seen.digest == manifest.digest
    assert seen.paths == ["/app/data", "/app/main.py"]
    assert seen.read("/app/main.py") == b"print(1)"
    assert (seen.env, seen.labels, seen.platform) == ({"A": "b=c"}, {"by": "me"}, "linux/arm64")
    assert (seen.cmd, seen.entrypoint) == (["python", "main.py"], ["/init"])
    assert (seen.user, seen.working_dir) == ("1000", "/app")
    assert seen.settings["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    assert seen.settings["OnBuild"] == ["RUN true"]
    assert manifest.document["annotations"] == {"note": "x"}
    registry.seed("bare:1", SeedImage(layers=[{"/a": "b"}]))
    assert registry.image("bare:1").settings == {}
    assert len(registry.image("bare:1").layers) == 1


def test_an_image_has_one_word_for_each_setting(registry: FakeRegistry) -> None:
    """The words of an engine's seeds; the longer ones lead to the same image."""
    image = SeedImage(files={"/a": "1"}, cmd=["run"], working_dir="/app")
    longer = SeedImage(files={"/a": "1"}, command=["run"], working_directory="/app")
    assert longer == image
    digest = registry.seed("app:1", image).digest
    seeded = registry.seed("app:2", files={"/a": "1"}, cmd=["run"], working_dir="/app")
    assert (registry.seed("app:3", longer).digest, seeded.digest) == (digest, digest)
    with pytest.raises(ValueError, match="cmd and command are two words for the same"):
        SeedImage(cmd=["run"], command=["stop"])
    with pytest.raises(TypeError, match="entry"):
        registry.seed("app:4", files={}, entry=["x"])


def test_the_same_image_has_the_same_digest(registry: FakeRegistry) -> None:
    """Whenever and in whatever order it is written down."""
    one = registry.seed("a:1", files={"/x/a": "1", "/x/b": "2"})
    other = FakeRegistry().seed("b:2", files={"/x/b": "2", "/x/a": "1"})
    assert one.digest == other.digest


def test_folders_and_executables_are_described_as_for_an_engine(registry: FakeRegistry) -> None:
    """By a slash at the end, and by how a script begins."""
    registry.seed("a:1", files={"/data/": "", "/bin/run": "#!/bin/sh", "/etc/a": "1"})
    seen = registry.image("a:1")
    assert (seen.kind("data"), seen.mode("bin/run"), seen.mode("etc/a")) == (
        "directory",
        0o755,
        0o644,
    )


def test_an_image_of_docker_s_own_type(registry: FakeRegistry) -> None:
    """Media types throughout."""
    manifest = registry.seed("app:1", SeedImage(files={"/a": "b"}, media_type=DOCKER_MANIFEST))
    assert manifest.media_type == DOCKER_MANIFEST
    assert "docker" in str(manifest.descriptors("config")[0]["mediaType"])
    with pytest.raises(ValueError, match="no manifest type"):
        registry.seed("app:2", SeedImage(media_type="text/plain"))


def test_seeding_takes_one_source(registry: FakeRegistry) -> None:
    """Neither none nor two."""
    with pytest.raises(ValueError, match="either a source or files"):
        registry.seed("app:1")
    with pytest.raises(ValueError, match="either a source or files"):
        registry.seed("app:1", SeedImage(), files={})


@pytest.mark.parametrize("form", ["folder", "tar", "tar with ./"])
def test_an_oci_layout(
    registry: FakeRegistry, origin: FakeRegistry, tmp_path: Path, form: str
) -> None:
    """As a folder and as a tar: the exact manifest, under the name asked for."""
    source = _layout(origin, tmp_path / "layout", "app:1")
    if form != "folder":
        prefix = "./" if form.endswith("/") else ""
        source = _tar(source, tmp_path / "layout.tar", prefix)
    manifest = registry.seed("team/app:9", source)
    assert manifest.digest == origin.manifest("app:1").digest
    assert registry.image("team/app:9").read("/a") == b"one"
    assert registry.tags("team/app") == ["9"]


def test_an_oci_layout_of_several_images(
    registry: FakeRegistry, origin: FakeRegistry, tmp_path: Path
) -> None:
    """The one whose name is asked for; all as an index where none is."""
    source = _layout(origin, tmp_path, "app:1", "app:2")
    assert registry.seed("app:2", source).digest == origin.manifest("app:2").digest
    index = registry.seed("app:all", source)
    assert index.is_index
    assert registry.image("app:all").read("/a") == b"one"


def test_an_index_in_a_layout(registry: FakeRegistry, origin: FakeRegistry, tmp_path: Path) -> None:
    """Comes with the images it lists, as far as they are there."""
    source = _layout(origin, tmp_path, "app:1", "app:2", index=True)
    missing = origin.manifest("app:2").digest
    (source / "blobs" / missing.replace(":", "/")).unlink()
    assert registry.seed("app:all", str(source)).media_type == OCI_INDEX
    assert registry.image("app:all").read("/a") == b"one"
    assert f"app@{missing}" not in registry


def test_a_saved_docker_image(registry: FakeRegistry, origin: FakeRegistry, tmp_path: Path) -> None:
    """What `docker save` writes: the configuration is kept byte for byte."""
    image = origin.image("app:1")
    config = json.dumps({**image.config, "note": "exact"}).encode()
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        member = tarfile.TarInfo("a")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"one"))
    folder = tmp_path / "saved"
    (folder / "layer1").mkdir(parents=True)
    (folder / "config.json").write_bytes(config)
    (folder / "layer1/layer.tar").write_bytes(layer.getvalue())
    listing = [{"Config": "config.json", "RepoTags": ["x:1"], "Layers": ["layer1/layer.tar"]}]
    (folder / "manifest.json").write_text(json.dumps(listing))
    manifest = registry.seed("app:1", _tar(folder, tmp_path / "saved.tar"))
    assert registry.image("app:1").read("/a") == b"one"
    assert registry.blob(str(manifest.descriptors("config")[0]["digest"])) == config
    assert manifest.media_type == OCI_MANIFEST


@pytest.mark.parametrize("content", [b"no tar", b""])
def test_a_file_that_is_no_archive(registry: FakeRegistry, tmp_path: Path, content: bytes) -> None:
    """The error names it."""
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot seed from .*image\.tar"):
        registry.seed("app:1", path)
    with pytest.raises(ValueError, match=r"cannot seed from .*nothing\.tar"):
        registry.seed("app:1", tmp_path / "nothing.tar")


def test_a_tar_that_is_no_image(registry: FakeRegistry, tmp_path: Path) -> None:
    """Neither layout nor `docker save`; and a layout with nothing in it."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x/file").write_text("x")
    with pytest.raises(ValueError, match="neither an OCI layout nor"):
        registry.seed("app:1", _tar(tmp_path / "x", tmp_path / "x.tar"))
    with pytest.raises(ValueError, match=r"has no index\.json"):
        registry.seed("app:1", tmp_path / "x")
    (tmp_path / "x/index.json").write_text('{"manifests": []}')
    with pytest.raises(ValueError, match="is empty"):
        registry.seed("app:1", tmp_path / "x")
