"""Images are found where the user says, and described alike wherever they are."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from imagebuilders import BuildContext, DefaultContainerRegistry, LocalImageBuilder
from imagebuilders.exceptions import (
    EngineNotFoundError,
    ImageBuilderError,
    ImageFormatError,
    RegistryNotFoundError,
)
from imagebuilders.inspection import ImageDescription, describe_image, open_image
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.media_types import OCI_MANIFEST
from imagebuilders.oci.platform import Platform

if TYPE_CHECKING:
    from image_layouts import LayoutWriter

_DOCKERFILE = """\
FROM scratch
COPY one /one
ENV MODE=fast
COPY two /two
CMD ["/one"]
"""


def _context() -> BuildContext:
    context = BuildContext()
    context.add_file(_DOCKERFILE, destination="Dockerfile")
    context.add_file("1\n" * 5, destination="one")
    context.add_file("2\n", destination="two")
    return context


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine answers, and there are no settings."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))


@pytest.fixture(params=["20.10", "28.5"])
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    """The engine that is found."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))
    engine = FakeDockerEngine(request.param)
    with engine.serve() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        yield engine


@pytest.fixture
def built(engine: FakeDockerEngine) -> FakeDockerEngine:
    """The engine with the image `app:1`."""
    client = FakeDockerClient(engine)
    LocalImageBuilder(docker_client=client, builder="classic").build("app:1", _context())
    client.close()
    return engine


def _layers(found: ImageDescription) -> list[tuple[bool, str]]:
    (platform,) = found.platforms
    return [(bool(layer.size), layer.created_by.split(" in ")[-1]) for layer in platform.layers]


def test_an_image_of_an_engine(built: FakeDockerEngine) -> None:
    """Layers with the instruction that made each, and what containers run with."""
    found = describe_image("app:1")
    (platform,) = found.platforms
    assert "Docker Engine" in found.place
    assert found.names == ("app:1",)
    assert platform.platform == "linux/amd64"
    assert platform.config_digest == found.digest
    assert _layers(found) == [(True, "/one "), (True, "/two ")]
    assert "MODE=fast" in (platform.config.env or ())
    assert platform.config.cmd == ("/one",)


def test_descriptions_are_values(built: FakeDockerEngine) -> None:
    """Those of one image are equal, and can be keys."""
    first, second = describe_image("app:1"), describe_image("app:1")
    assert first == second
    assert len({first, second}) == 1


def test_a_folder_with_the_name_of_an_image(
    built: FakeDockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that an image was built from, beside which one works, hides no image."""
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path)
    assert describe_image("app:1").names == ("app:1",)
    with pytest.raises(ImageFormatError, match="is no image layout"):
        describe_image("./app")


def test_an_image_that_an_engine_exported(built: FakeDockerEngine, tmp_path: Path) -> None:
    """The archive of `docker save` tells the same layers, whatever the engine's version."""
    client = FakeDockerClient(built)
    path = tmp_path / "app.tar"
    path.write_bytes(b"".join(client.images.get("app:1").save(named=True)))
    client.close()
    found = describe_image(str(path))
    of_engine = describe_image("docker-daemon:app:1")
    assert found.place == f"the archive {path}"
    assert found.platforms[0].config_digest == of_engine.digest
    assert _layers(found) == _layers(of_engine)
    assert describe_image(f"docker-archive:{path}:app:1").digest == found.digest


def test_an_engine_s_image_can_be_opened(built: FakeDockerEngine) -> None:
    """It is exported, and gone when the block ends."""
    with open_image("app:1") as image:
        manifest = image.choose(None)
        assert len(manifest.layers) == 2
        assert b"".join(image.blobs.open(manifest.layers[0]))
        assert image.name == "app:1"


def test_an_image_of_a_registry(no_engine: None, fake_registry: FakeRegistry) -> None:
    """Without an engine, or by `docker://`, the registry's image is described."""
    client = FakeDockerClient(FakeDockerEngine("28.5"))
    name = f"{fake_registry.address}/team/app:1"
    registry = DefaultContainerRegistry(uri=fake_registry.address, docker_client=client)
    builder = LocalImageBuilder(docker_client=client, builder="classic")
    pushed = builder.build(name, _context(), None, registry)
    client.close()
    found = describe_image(name)
    assert found == replace(describe_image(f"docker://{name}"), name=name)
    assert found.place == f"the registry {fake_registry.address}"
    assert pushed.endswith(found.digest)
    assert _layers(found) == [(True, "/one "), (True, "/two ")]
    with open_image(f"docker://{name}") as image:
        layer = image.choose(None).layers[1]
        first = b"".join(image.blobs.open(layer))
        fake_registry.forget_requests()
        assert b"".join(image.blobs.open(layer)) == first
        assert not fake_registry.requests


def test_several_platforms_and_attestations(layout: LayoutWriter) -> None:
    """Each platform is described, and what is said about it."""
    amd = layout.image({"a": "1"}, history=["COPY a /"])
    arm = layout.image({"a": "22"}, platform="linux/arm64")
    statement = layout.blob(b"{}", "application/vnd.in-toto+json")
    predicate = "https://slsa.dev/provenance/v1"
    statement = replace(statement, annotations={"in-toto.io/predicate-type": predicate})
    note = layout.blob(Manifest(statement, (statement,)).to_bytes(), OCI_MANIFEST)
    annotations = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": str(amd.digest),
    }
    root = layout.index(
        replace(amd, platform=Platform.parse("linux/amd64")),
        replace(arm, platform=Platform.parse("linux/arm64")),
        replace(note, annotations=annotations, platform=Platform("unknown", "unknown")),
    )
    found = describe_image(layout.tag(root))
    assert [one.platform for one in found.platforms] == ["linux/amd64", "linux/arm64"]
    assert [one.layers[0].created_by for one in found.platforms] == ["COPY a /", ""]
    (attestation,) = found.attestations
    assert attestation.subject == str(amd.digest)
    assert attestation.predicate_types == (predicate,)
    assert hash(found) == hash(replace(found))
    assert found.digest == str(root.digest)


def test_a_platform_has_to_be_named(layout: LayoutWriter) -> None:
    """Of several platforms one must be chosen; one that is not there is told with the others."""
    entries = [
        replace(layout.image({"a": name}, platform=name), platform=Platform.parse(name))
        for name in ("linux/amd64", "linux/arm64")
    ]
    path = layout.tag(layout.index(*entries))
    with open_image(path) as image:
        with pytest.raises(ImageFormatError, match=r"linux/amd64, linux/arm64\. Name one"):
            image.choose(None)
        with pytest.raises(ImageFormatError, match="no image for linux/s390x"):
            image.choose(Platform.parse("linux/s390x"))
        assert image.choose(Platform.parse("linux/arm64")).layers


def test_an_index_inside_of_an_index(layout: LayoutWriter) -> None:
    """That is refused: which of its platforms would be meant?"""
    path = layout.tag(layout.index(layout.index(layout.image({"a": "1"}))))
    with pytest.raises(ImageFormatError, match="an index inside of an index"):
        describe_image(path)
    with open_image(path) as image, pytest.raises(ImageFormatError, match="inside of an index"):
        image.choose(None)


def test_a_tag_of_a_layout(layout: LayoutWriter) -> None:
    """`latest` is found without a tag, others by theirs."""
    layout.tag(layout.image({"a": "1"}), "one")
    path = layout.tag(layout.image({"a": "2"}), "two")
    assert describe_image(f"oci:{path}:two").name == f"{path}:two"
    assert describe_image(f"{path}:one").digest != describe_image(f"{path}:two").digest
    with pytest.raises(ImageFormatError, match="several images, none of them 'latest'"):
        describe_image(path)
    with pytest.raises(ImageFormatError, match="no image with the tag 'three'"):
        describe_image(f"{path}:three")


def test_a_folder_that_is_no_layout(tmp_path: Path) -> None:
    """An ordinary folder is told as one."""
    with pytest.raises(ImageFormatError, match="is no image layout: there is no such file"):
        describe_image(str(tmp_path))


def test_a_blob_that_is_missing_or_other(layout: LayoutWriter) -> None:
    """What is not there, or not what its digest says, is an error that names it."""
    root = layout.image({"a": "1"})
    path = layout.tag(root)
    with open_image(path) as image:
        layer = image.choose(None).layers[0]
        blob = layout.folder.joinpath("blobs", *str(layer.digest).split(":"))
        blob.write_bytes(b"?" * layer.size)
        with pytest.raises(ImageFormatError, match="is not what it should be"):
            list(image.blobs.open(layer))
        blob.unlink()
        with pytest.raises(ImageFormatError, match=f"The blob {layer.digest} .* cannot be read"):
            list(image.blobs.open(layer))
    layout.folder.joinpath("blobs", *str(root.digest).split(":")).unlink()
    with pytest.raises(ImageFormatError, match=f"The blob {root.digest} .* cannot be read"):
        describe_image(path)


def test_a_layout_as_an_archive(layout: LayoutWriter, tmp_path: Path) -> None:
    """A tar of a layout is read as the folder is."""
    folder = layout.tag(layout.image({"a": "1"}, history=["COPY a /"]))
    path = tmp_path / "layout.tar"
    with tarfile.open(path, "w:gz") as made:
        made.add(folder, ".")
    found, wanted = describe_image(f"oci-archive:{path}"), describe_image(folder)
    assert found.digest == wanted.digest
    assert found.platforms == wanted.platforms


def test_an_archive_of_several_images(layout: LayoutWriter, tmp_path: Path) -> None:
    """One has to be named, by its tag; a name that is not there is told with the others."""
    layout.tag(layout.image({"a": "1"}), "one")
    folder = layout.tag(layout.image({"a": "2"}), "two")
    path = tmp_path / "layout.tar"
    with tarfile.open(path, "w") as made:
        made.add(folder, ".")
    with pytest.raises(ImageFormatError, match=r"2 images \(one, two\). Name one"):
        describe_image(str(path))
    with pytest.raises(ImageFormatError, match="no image 'three'"):
        describe_image(f"{path}:three")
    assert describe_image(f"{path}:two").name == f"{path}:two"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "is no list"),
        ([1], "should be an object|is not an object|an object"),
        ([{"Layers": []}], "Config"),
        ([{"Config": "gone.json"}], "it has no file gone.json"),
        ([{"Config": "config.json", "Layers": []}], "0 layers, and the configuration 1"),
    ],
    ids=["no-list", "no-object", "no-config", "gone", "layers"],
)
def test_a_broken_archive_of_docker_save(
    document: object, words: str, saved: Callable[..., str]
) -> None:
    """What is wrong with it is told, and where."""
    config = (
        b'{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":'
        b'["sha256:' + b"1" * 64 + b'"]}}'
    )
    with pytest.raises(ImageFormatError, match=words):
        describe_image(saved(document, {"config.json": config}))


def test_what_is_no_archive(tmp_path: Path) -> None:
    """A text file, a cut archive, an archive of something else."""
    path = tmp_path / "file.tar"
    path.write_text("hello")
    with pytest.raises(ImageFormatError, match="is no archive of an image"):
        describe_image(str(path))
    with tarfile.open(path, "w") as made:
        made.addfile(tarfile.TarInfo("a"))
    with pytest.raises(ImageFormatError, match=r"neither index.json nor manifest.json"):
        describe_image(str(path))
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ImageFormatError):
        describe_image(str(path))


def test_an_engine_that_has_no_such_image(engine: FakeDockerEngine) -> None:
    """Asked for by `docker-daemon:`, nobody else is asked."""
    with pytest.raises(ImageBuilderError, match="has no image 'gone:1'"):
        describe_image("docker-daemon:gone:1")


def test_no_engine_where_one_is_meant(no_engine: None) -> None:
    """`docker-daemon:` needs an engine, for a look and for the files."""
    with pytest.raises(EngineNotFoundError):
        describe_image("docker-daemon:app")
    with pytest.raises(EngineNotFoundError), open_image("docker-daemon:app"):
        pass


def test_an_image_that_is_nowhere(engine: FakeDockerEngine, fake_registry: FakeRegistry) -> None:
    """Neither the engine nor the registry has it: the registry's words are told."""
    with pytest.raises(RegistryNotFoundError), open_image(f"{fake_registry.address}/gone:1"):
        pass


def test_a_descriptor_s_own_content_is_not_asked_for(layout: LayoutWriter) -> None:
    """A manifest that was read with the name is not read again."""
    path = layout.tag(layout.image({"a": "1"}))
    with open_image(path) as image:
        content = image.blobs.read(image.root, max_bytes=10_000)
        known = replace(image, content=content, root=Descriptor.of(content, OCI_MANIFEST))
        layout.folder.joinpath("blobs", *str(image.root.digest).split(":")).unlink()
        assert known.choose(None).layers
