"""Requests for the image of one platform, where a name leads to an index with several."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from imagebuilders import BuildContext, LocalImageBuilder

_ARM = json.dumps({"os": "linux", "architecture": "arm64"})
_AMD = json.dumps({"os": "linux", "architecture": "amd64"})
_OTHER = json.dumps({"os": "linux", "architecture": "s390x"})
_MISSING = "was found but does not provide the specified platform (linux/s390x)"


@pytest.fixture(params=["28.5", "29.7"])
def engine(request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
    """An engine of each look that has containerd's store."""
    engine = FakeDockerEngine(request.param, image_store="containerd")
    yield engine
    engine.close()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """Its client."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


def _build(client: FakeDockerClient, name: str, **options: object) -> None:
    context = BuildContext()
    text = "FROM scratch\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\n"
    context.add_file(text, "Dockerfile")
    context.add_file("amd", "f-amd64")
    context.add_file("arm and more", "f-arm64")
    builder = LocalImageBuilder(docker_client=client, builder="buildkit")
    platforms = {"platform": "linux/amd64,linux/arm64"}
    builder.build(name, context, {**platforms, "provenance": True, **options})


def _ask(client: FakeDockerClient, method: str, path: str, **more: Any) -> requests.Response:
    url = f"{client.api.base_url}/v{client.api.api_version}{path}"
    answer = client.api.request(method, url, **more)
    assert isinstance(answer, requests.Response)
    return answer


def test_a_document_of_one_platform(client: FakeDockerClient) -> None:
    """Its ID is the manifest's; names and their digests are the index's."""
    _build(client, "app:1")
    whole = _ask(client, "GET", "/images/app:1/json", params={"manifests": "1"}).json()
    arm = _ask(client, "GET", "/images/app:1/json", params={"platform": _ARM}).json()
    listed = whole["Manifests"][1]
    assert listed["ImageData"]["Platform"]["architecture"] == "arm64"
    assert (arm["Id"], arm["Descriptor"]) == (listed["ID"], listed["Descriptor"])
    assert (arm["Architecture"], arm["RepoTags"]) == ("arm64", ["app:1"])
    assert arm["RepoDigests"] == whole["RepoDigests"] == [f"app@{whole['Id']}"]
    assert arm["Size"] == whole["Descriptor"]["size"] + listed["Size"]["Content"]


def test_what_is_refused_of_documents(client: FakeDockerClient) -> None:
    """A platform that it is not for, none at all, and two wishes at once."""
    _build(client, "app:1")
    for query, status, words in (
        ({"platform": _OTHER}, 404, f"image with reference app:1 {_MISSING}"),
        ({"platform": "x"}, 400, "failed to parse platform: invalid character 'x' looking for "),
        (
            {"platform": _ARM, "manifests": "1"},
            400,
            "conflicting options: manifests and platform options cannot both be set",
        ),
    ):
        answer = _ask(client, "GET", "/images/app:1/json", params=query)
        assert answer.status_code == status
        assert answer.json()["message"].startswith(words)


def test_the_history_of_one_platform(client: FakeDockerClient) -> None:
    """What is not unpacked takes nothing."""
    _build(client, "app:1")
    image_id = client.images.get("app:1").id
    for platform, copied, size in ((_ARM, "f-arm64", 0), (_AMD, "f-amd64", 8192)):
        answer = _ask(client, "GET", "/images/app:1/history", params={"platform": platform})
        (newest, argument) = answer.json()
        assert (newest["Id"], newest["Size"], newest["Tags"]) == (image_id, size, ["app:1"])
        assert copied in newest["CreatedBy"]
        assert argument["Id"] == "<missing>"
    answer = _ask(client, "GET", "/images/app:1/history", params={"platform": _OTHER})
    assert (answer.status_code, answer.json()["message"].endswith(_MISSING)) == (404, True)


def test_one_platform_is_saved(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """Without the index and its attestations; it is loaded again as an image of its own."""
    _build(client, "app:1")
    (arm,) = engine.image("app:1").others
    answer = _ask(client, "GET", "/images/app:1/get", params={"platform": _ARM})
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        (entry,) = json.load(index)["manifests"]
        blobs = [member for member in archive if member.isfile() and "sha256" in member.name]
    assert entry["digest"] == arm.own_manifest.digest
    assert entry["platform"] == {"architecture": "arm64", "os": "linux"}
    assert len(blobs) == 3
    client.images.remove("app:1")
    (loaded,) = client.images.load(answer.content)
    assert loaded.id == entry["digest"]
    assert engine.image_tree("app:1") == {"/f": "arm and more"}
    _build(client, "app:2")
    answer = _ask(client, "GET", "/images/app:2/get", params={"platform": _OTHER})
    assert answer.status_code == 404
    assert answer.json()["message"] == (
        f"no suitable export target found: image with reference app:2 {_MISSING}"
    )


def test_what_is_loaded_has_to_be_for_a_platform(client: FakeDockerClient) -> None:
    """The archive says what its images are called; it is there, though it is refused."""
    _build(client, "app:1")
    saved = _ask(client, "GET", "/images/app:1/get").content
    client.images.remove("app:1")
    for platform, words in ((_ARM, "Loaded image: app:1"), (_OTHER, "was loaded, but doesn't")):
        answer = _ask(client, "POST", "/images/load", params={"platform": platform}, data=saved)
        assert answer.status_code == 200
        assert words in answer.text
    notes = _ask(client, "GET", "/images/app:1/json").json()["Descriptor"]["annotations"]
    assert notes == {
        "io.containerd.image.name": "docker.io/library/app:1",
        "org.opencontainers.image.ref.name": "1",
    }


def test_one_platform_is_pushed(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """The tag leads to the manifest in the registry."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/app:1"
        _build(client, name)
        (arm,) = engine.image(name).others
        path, _, tag = name.rpartition(":")
        for platform, words in (
            (_ARM, f"1: digest: {arm.own_manifest.digest} size: "),
            (_OTHER, f"image with reference {name} {_MISSING}"),
        ):
            query = {"tag": tag, "platform": platform}
            head = {"X-Registry-Auth": "e30="}
            answer = _ask(client, "POST", f"/images/{path}/push", params=query, headers=head)
            assert words in answer.text
        assert registry.manifest("app:1").digest == arm.own_manifest.digest


def test_who_built_an_image(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """From API 1.53 on: each build of the engine's own exporter, and when."""
    for _ in range(2):
        _build(client, "app:1", provenance=False)
    assert engine.buildkit is not None
    refs = [build.ref for build in engine.buildkit.builds]
    found = _ask(client, "GET", "/images/app:1/json").json()
    if engine.version < "29.0":
        assert "Identity" not in found
        return
    assert [each["Ref"] for each in found["Identity"]["Build"]] == sorted(refs)
    client.images.get("app:1").tag("app:2")
    older = client.api.get(f"{client.api.base_url}/v1.52/images/app:2/json").json()
    assert "Identity" not in older
