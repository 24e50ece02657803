"""What BuildKit leaves in the image store of containerd, and what an engine says of it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from buildkit_builds import Build

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.context import pack
from fakes.engine.http import Request
from imagebuilders import LocalImageBuilder
from imagebuilders.oci.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
)

_LOOKS = ["28.5", "29.7"]
_TWO = "linux/arm64,linux/amd64"
_DOCKERFILE = "FROM scratch\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\nLABEL a=b\n"
_FILES = {"f-amd64": "amd", "f-arm64": "arm and more"}


@pytest.fixture(params=_LOOKS)
def engine(request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
    """An engine of each look that has the store."""
    engine = FakeDockerEngine(request.param, image_store="containerd")
    yield engine
    assert engine.buildkit is not None
    engine.buildkit.check()
    engine.close()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """Its client."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.fixture
def build(client: FakeDockerClient, tmp_path: Path) -> Build:
    """Build on that engine."""
    return Build(LocalImageBuilder(docker_client=client, builder="buildkit"), tmp_path / "context")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry in memory."""
    with FakeRegistry() as registry:
        yield registry


def _document(client: FakeDockerClient, name: str, **query: str) -> Any:
    url = f"{client.api.base_url}/v{client.api.api_version}/images/{name}/json"
    return client.api.get(url, params=query).json()


def _kinds(document: Any) -> list[str]:
    return [line["Kind"] for line in document["Manifests"]]


def _progress(engine: FakeDockerEngine) -> list[str]:
    """What the exporter of the last build told, line by line."""
    assert engine.buildkit is not None
    told = engine.buildkit.builds[-1].told
    done = [line for message in told for line in message.statuses if line.HasField("completed")]
    wanted = ("exporting", "naming", "unpacking", "pushing")
    return [line.ID.partition("sha256:")[0] for line in done if line.ID.startswith(wanted)]


def test_an_image_has_a_manifest(
    engine: FakeDockerEngine, client: FakeDockerClient, build: Build
) -> None:
    """Its descriptor names the configuration; the types are those of the version."""
    build(_DOCKERFILE, _FILES, name="app:1")
    image = engine.image("app:1")
    found = _document(client, "app:1", manifests="1")
    is_new = engine.version >= "29.0"
    assert found["Id"] == image.own_manifest.digest == engine.builds[-1].image_id
    assert found["Descriptor"] == {
        "mediaType": OCI_MANIFEST if is_new else DOCKER_MANIFEST,
        "digest": found["Id"],
        "size": len(image.own_manifest.data),
        "annotations": {"config.digest": image.config_digest},
    }
    assert found["RepoDigests"] == [f"app@{found['Id']}"]
    assert _kinds(found) == ["image"]
    assert _progress(engine) == [
        *("exporting layers", "exporting manifest ", "exporting config "),
        *("naming to docker.io/library/app:1", "unpacking to docker.io/library/app:1"),
    ]


def test_provenance_makes_an_index(
    engine: FakeDockerEngine, client: FakeDockerClient, build: Build
) -> None:
    """The name leads to an index, which has the attestation beside the image."""
    build(_DOCKERFILE, _FILES, name="app:1", provenance=True)
    found = _document(client, "app:1", manifests="1")
    assert found["Descriptor"]["mediaType"] == OCI_INDEX
    assert _kinds(found) == ["image", "attestation"]
    image, attestation = found["Manifests"]
    assert attestation["AttestationData"] == {"For": image["ID"]}
    assert found["Size"] == found["Descriptor"]["size"] + image["Size"]["Content"]
    (line,) = client.api.images()
    assert line["Size"] == image["Size"]["Total"] + attestation["Size"]["Total"]
    (statement,) = [
        json.loads(data)
        for data in engine.image("app:1").blobs.values()
        if b"predicateType" in data
    ]
    (subject,) = statement["subject"]
    assert subject["name"] == "pkg:docker/app@1?platform=linux%2Famd64"
    assert f"sha256:{subject['digest']['sha256']}" == image["ID"]


def test_two_platforms_are_an_index(
    engine: FakeDockerEngine, client: FakeDockerClient, build: Build
) -> None:
    """Both are there; that of the machine is unpacked, and is what the name means first."""
    build(_DOCKERFILE, _FILES, name="app:1", platform=_TWO)
    found = _document(client, "app:1", manifests="1")
    is_new = engine.version >= "29.0"
    assert found["Descriptor"]["mediaType"] == OCI_INDEX if is_new else DOCKER_MANIFEST_LIST
    assert found["Architecture"] == "amd64"
    lines = found["Manifests"]
    platforms = [line["ImageData"]["Platform"]["architecture"] for line in lines]
    assert platforms == ["arm64", "amd64"]
    assert [line["ImageData"]["Size"]["Unpacked"] for line in lines] == [0, 8192]
    assert engine.image_tree("app:1").read_text("/f") == "amd"
    (line,) = client.api.images()
    assert line["Size"] == sum(each["Size"]["Total"] for each in lines)


def test_an_image_for_another_machine_is_not_unpacked(
    engine: FakeDockerEngine, client: FakeDockerClient, build: Build
) -> None:
    """It is named, and its layers stay as they are."""
    build(_DOCKERFILE, _FILES, name="app:1", platform="linux/arm64")
    (line,) = _document(client, "app:1", manifests="1")["Manifests"]
    assert line["ImageData"]["Size"] == {"Unpacked": 0}
    assert _progress(engine)[-1] == "naming to docker.io/library/app:1"


def test_a_container_of_another_platform(client: FakeDockerClient, build: Build) -> None:
    """It has that platform's files, and says which manifest it was made from."""
    build(_DOCKERFILE, _FILES, name="app:1", platform=_TWO)
    made = client.containers.create("app:1", "x", platform="linux/arm64")
    stream, _ = made.get_archive("/f")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        content = archive.extractfile("f")
        assert content is not None
        assert content.read() == b"arm and more"
    image = _document(client, "app:1", manifests="1")
    arm, amd = image["Manifests"]
    assert made.attrs["Image"] == image["Id"]
    assert made.attrs["ImageManifestDescriptor"] == arm["Descriptor"]
    assert arm["ImageData"]["Containers"] == [made.id]
    assert amd["ImageData"]["Containers"] is None


def test_the_base_of_each_platform(engine: FakeDockerEngine, build: Build) -> None:
    """Builds on it get the files for theirs."""
    build(_DOCKERFILE, _FILES, name="base:1", platform=_TWO)
    build("FROM base:1\nCOPY f-amd64 /g\n", _FILES, name="app:1", platform=_TWO)
    (arm,) = engine.image("app:1").others
    assert arm.platform.architecture == "arm64"
    assert arm.tree["f"].data == b"arm and more"
    assert engine.image_tree("app:1").read_text("/f") == "amd"


def test_a_build_without_a_name(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """The image is there by its digest; the progress calls it dangling."""
    body = pack({"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "1"})
    response = engine.handle(Request("POST", "/build?version=2", body=[body]))
    assert b"moby.image.id" in b"".join(response.body)  # type: ignore[arg-type]
    (line,) = client.api.images()
    assert (line["RepoTags"], line["RepoDigests"]) == ([], [])
    assert line["Id"] == engine.builds[-1].image_id
    assert _progress(engine)[-2:] == ["naming to moby-dangling@", "unpacking to moby-dangling@"]


def test_an_image_that_loses_its_name_goes(client: FakeDockerClient, build: Build) -> None:
    """Unless a container was made from it, or it has another name."""
    for number, kept in enumerate(("", "other:1", "")):
        build(f"FROM scratch\nLABEL n={number}\n", name="app:1")
        if kept:
            client.images.get("app:1").tag(kept)
    assert sorted(tag for image in client.images.list() for tag in image.tags) == [
        "app:1",
        "other:1",
    ]
    used = client.containers.create("app:1", "x")
    build("FROM scratch\nLABEL n=3\n", name="app:1")
    assert client.images.get(used.attrs["Image"]).tags == []


def test_events_of_a_build(engine: FakeDockerEngine, build: Build) -> None:
    """That it is there, and what it is called."""
    build(_DOCKERFILE, _FILES, name="app:1")
    told = [(event["Action"], event["Actor"]["Attributes"]) for event in engine.events]
    image_id = engine.image("app:1").id
    expected = {"a": "b", "name": image_id}
    assert told == [("create", expected), ("tag", {**expected, "name": "app:1"})]


def test_annotations_stand_where_they_are_asked_for(
    engine: FakeDockerEngine, client: FakeDockerClient, build: Build
) -> None:
    """In the manifest, the index and the descriptors of both; for one platform, if so asked."""
    output = (
        "type=image,annotation.a=1,annotation-manifest[linux/arm64].b=2,annotation-index.c=3,"
        "annotation-manifest-descriptor.d=4,annotation-index-descriptor.e=5"
    )
    build(_DOCKERFILE, _FILES, name="app:1", platform=_TWO, outputs=output)
    image = engine.image("app:1")
    (arm,) = image.others
    assert image.own_manifest.parsed["annotations"] == {"a": "1"}
    assert arm.own_manifest.parsed["annotations"] == {"a": "1", "b": "2"}
    assert image.index is not None
    assert image.index.parsed["annotations"] == {"c": "3"}
    found = _document(client, "app:1", manifests="1")
    assert found["Descriptor"]["annotations"] == {"e": "5"}
    told = [line["Descriptor"]["annotations"] for line in found["Manifests"]]
    assert told == [{"d": "4"}, {"d": "4"}]


def test_a_canonical_name_is_a_second_one(client: FakeDockerClient, build: Build) -> None:
    """With the digest behind the tag."""
    build(_DOCKERFILE, _FILES, name="app:1", outputs="type=image,name-canonical=true")
    image = client.images.get("app:1")
    assert image.tags == ["app:1", f"app:1@{image.id}"]


@pytest.mark.parametrize("options", [{}, {"platform": _TWO, "provenance": True}])
def test_the_exporter_pushes_what_is_kept(
    engine: FakeDockerEngine,
    client: FakeDockerClient,
    build: Build,
    registry: FakeRegistry,
    options: dict[str, Any],
) -> None:
    """The registry has the image's ID as digest, and another engine pulls the same."""
    name = f"{registry.address}/team/app:1"
    build(_DOCKERFILE, _FILES, name=name, outputs="type=image,push=true", **options)
    image_id = client.images.get(name).id
    assert registry.manifest(name.partition("/")[2]).digest == image_id
    assert _progress(engine)[-2:] == ["pushing layers", f"pushing manifest for {name}@"]
    other = FakeDockerEngine(engine.version.name, image_store="containerd")
    pulling = FakeDockerClient(other)
    assert pulling.images.pull(name).id == image_id
    assert other.image_tree(name) == {"/f": "amd"}
    pulling.close()
    other.close()


def test_a_push_of_an_index(client: FakeDockerClient, build: Build, registry: FakeRegistry) -> None:
    """All that it leads to is sent, and layers of attestations are told of."""
    name = f"{registry.address}/team/app:1"
    build(_DOCKERFILE, _FILES, name=name, platform=_TWO, provenance=True)
    image = client.images.get(name)
    lines = [json.loads(line) for line in client.api.push(name).splitlines()]
    assert lines[-1]["status"].startswith(f"1: digest: {image.id}")
    assert sum(line["status"] == "Pushed" for line in lines) == 4
    assert registry.manifest(name.partition("/")[2]).digest == image.id


def test_what_is_saved_is_loaded_again(
    engine: FakeDockerEngine, client: FakeDockerClient, build: Build
) -> None:
    """With every platform and attestation, under the same ID."""
    build(_DOCKERFILE, _FILES, name="app:1", platform=_TWO, provenance=True)
    before = _document(client, "app:1", manifests="1")
    saved = b"".join(client.images.get("app:1").save(named=True))
    client.images.remove("app:1")
    assert client.images.list() == []
    (loaded,) = client.images.load(saved)
    after = _document(client, "app:1", manifests="1")
    assert loaded.id == before["Id"]
    assert [line["ID"] for line in after["Manifests"]] == [
        line["ID"] for line in before["Manifests"]
    ]
    assert _kinds(after) == ["image", "image", "attestation", "attestation"]
    assert [each.platform.architecture for each in engine.image("app:1").others] == ["arm64"]


def test_attestations_of_images_alone(build: Build, tmp_path: Path) -> None:
    """Files have none of them beside, nor have archives."""
    inline = {"provenance": "inline-only=true"}
    build(_DOCKERFILE, _FILES, outputs=f"type=local,dest={tmp_path}/out", **inline)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["f"]
    build(_DOCKERFILE, _FILES, outputs=f"type=oci,dest={tmp_path}/app.tar", **inline)
    index = json.loads(_member(tmp_path / "app.tar", "index.json"))
    assert index["manifests"][0]["mediaType"] == OCI_MANIFEST


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        member = tar.extractfile(name)
        assert member is not None
        return member.read()


@pytest.mark.parametrize("kind", ["s3", "azblob"])
def test_caches_that_no_engine_exports(build: Build, kind: str) -> None:
    """They are refused before anything is built."""
    options: Sequence[str] = [f"type={kind},region=a,bucket=b,name=n,account_url=http://x"]
    with pytest.raises(Exception, match=f'unknown cache exporter: "{kind}"'):
        build(_DOCKERFILE, _FILES, name="app:1", cache_to=options)


def test_the_worker_tells_the_store(engine: FakeDockerEngine, build: Build) -> None:
    """By its labels; only a 29 says its version."""
    assert engine.buildkit is not None
    (worker,) = engine.buildkit._workers
    labels = {key.rpartition("worker.")[2]: value for key, value in worker.Labels.items()}
    assert labels["snapshotter"] == "overlayfs"
    assert labels["executor"] == labels["containerd.namespace"].replace("moby", "containerd")
    known = engine.buildkit._frontend_version
    assert known == ("1.26.0" if engine.version >= "29.0" else "")
