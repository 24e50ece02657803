"""The image store of containerd, where an image is what its name leads to."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from click.testing import CliRunner

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.__main__ import main
from fakes.contracts.image_builder import ImageBuilderContract
from fakes.images.layers import digest_of
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.oci.media_types import (
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)

_LOOKS = ["28.5", "29.7"]


@pytest.fixture(params=_LOOKS)
def engine(request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
    """An engine of each look that has the store."""
    engine = FakeDockerEngine(request.param, image_store="containerd")
    engine.seed_image("base:1", files={"/bin/sh": ""}, labels={"l": "1"})
    yield engine
    engine.close()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """Its client."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry in memory."""
    with FakeRegistry() as registry:
        yield registry


def document(client: FakeDockerClient, name: str, **query: str) -> Any:
    """What the engine says of an image."""
    url = f"{client.api.base_url}/v{client.api.api_version}/images/{name}/json"
    return client.api.get(url, params=query).json()


def blob(content: bytes) -> dict[str, Any]:
    """A descriptor without its type."""
    return {"digest": digest_of(content), "size": len(content)}


def archive(files: dict[str, bytes]) -> bytes:
    """A tar."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    """The files of a tar."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]


def layout_with_attestation() -> tuple[bytes, str, str]:
    """A layout whose index has an image and what is attested of it; both digests."""
    layer = archive({"a": b"1"})
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        }
    ).encode()
    kind = "application/vnd.oci.image.layer.v1.tar"
    image = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(config)},
            "layers": [{"mediaType": kind, **blob(layer)}],
        }
    ).encode()
    statement = b'{"predicateType": "https://slsa.dev/provenance/v1"}'
    attested = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(b"{}")},
            "layers": [{"mediaType": "application/vnd.in-toto+json", **blob(statement)}],
        }
    ).encode()
    notes = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": digest_of(image),
    }
    unknown = {"architecture": "unknown", "os": "unknown"}
    amd64 = {"architecture": "amd64", "os": "linux"}
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                {"mediaType": OCI_MANIFEST, **blob(image), "platform": amd64},
                {
                    "mediaType": OCI_MANIFEST,
                    **blob(attested),
                    "platform": unknown,
                    "annotations": notes,
                },
            ],
        }
    ).encode()
    name = {"io.containerd.image.name": "docker.io/library/app:1"}
    top = {
        "schemaVersion": 2,
        "manifests": [{"mediaType": OCI_INDEX, **blob(index), "annotations": name}],
    }
    contents = [layer, config, image, statement, attested, b"{}", index]
    files = {f"blobs/sha256/{digest_of(data)[7:]}": data for data in contents}
    files["index.json"] = json.dumps(top).encode()
    files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    return archive(files), digest_of(index), digest_of(image)


class TestContract(ImageBuilderContract):
    """The classic path of the local builder keeps its contract with this store, too."""

    @pytest.fixture
    def image_builder(self, client: FakeDockerClient) -> LocalImageBuilder:
        """Give the builder."""
        return LocalImageBuilder(docker_client=client, builder="classic")

    @pytest.fixture
    def container_registry(
        self, client: FakeDockerClient, registry: FakeRegistry
    ) -> DefaultContainerRegistry:
        """Give a registry in memory."""
        self.server = registry
        return DefaultContainerRegistry(uri=registry.address, docker_client=client)

    def digest_in_registry(self, image_name: str) -> str:
        """Ask the registry."""
        return self.server.manifest(image_name.partition("/")[2]).digest


def test_the_id_is_the_digest_that_is_pushed(
    client: FakeDockerClient, registry: FakeRegistry
) -> None:
    """The same in the list, the document and the registry, though no message tells it apart."""
    context = BuildContext()
    context.add_file("FROM base:1\nENV a=1\n", "Dockerfile")
    built = LocalImageBuilder(docker_client=client, builder="classic").build("app:1", context)
    assert built
    image = client.images.get("app:1")
    image.tag(f"{registry.address}/app", "1")
    messages = list(client.api.push(f"{registry.address}/app:1", stream=True, decode=True))
    digest = registry.manifest("app:1").digest
    assert image.id == digest
    assert f"digest: {digest} size:" in messages[-1]["status"]
    assert not any("aux" in message for message in messages)
    assert document(client, "app:1")["Descriptor"]["digest"] == digest
    assert f"app@{digest}" in document(client, "app:1")["RepoDigests"]


def test_what_is_pulled_is_pushed_as_it_is(
    client: FakeDockerClient, registry: FakeRegistry
) -> None:
    """The manifest of the registry stays the same, byte for byte."""
    digest = registry.seed("one:1", files={"a": "1"}).digest
    image = client.images.pull(f"{registry.address}/one", "1")
    assert image.id == digest
    image.tag(f"{registry.address}/two", "1")
    client.images.push(f"{registry.address}/two", "1")
    assert registry.manifest("two:1").digest == digest


def requests(registry: FakeRegistry, method: str) -> list[str]:
    """What a registry was asked for by a method, each with the status of the answer."""
    return [f"{r.status} {r.path}" for r in registry.requests if r.method == method]


def test_what_a_registry_has_is_not_sent_again(
    client: FakeDockerClient, registry: FakeRegistry
) -> None:
    """Neither blobs nor the manifest, if the name stands for it there already."""
    name = f"{registry.address}/app"
    client.images.get("base:1").tag(name, "1")
    client.images.push(name, "1")
    registry.forget_requests()
    client.images.push(name, "1")
    assert requests(registry, "PUT") == requests(registry, "POST") == []
    registry.seed("app:1", files={"other": ""})
    client.images.push(name, "1")
    assert requests(registry, "PUT") == ["201 /v2/app/manifests/1"]


def test_a_layer_that_was_pushed_is_mounted_elsewhere(
    client: FakeDockerClient, registry: FakeRegistry
) -> None:
    """From the repository that it went to."""
    image = client.images.get("base:1")
    for repository in ("one", "two"):
        image.tag(f"{registry.address}/{repository}", "1")
    client.images.push(f"{registry.address}/one", "1")
    assert "Mounted from one" in client.images.push(f"{registry.address}/two", "1")
    assert registry.manifest("two:1").digest == image.id


def test_a_question_that_failed_once_is_asked_again(
    client: FakeDockerClient, registry: FakeRegistry
) -> None:
    """A registry that fails for a moment fails no push."""
    client.images.get("base:1").tag(f"{registry.address}/app", "1")
    registry.faults.status(503, method="HEAD", times=1)
    client.images.push(f"{registry.address}/app", "1")
    assert registry.tags("app") == ["1"]


def test_a_token_is_asked_for_by_post_first(client: FakeDockerClient) -> None:
    """By GET where the token service does not know that."""
    with FakeRegistry(auth="bearer", users={"alice": "s3cret"}) as registry:
        client.images.get("base:1").tag(f"{registry.address}/app", "1")
        user = {"username": "alice", "password": "s3cret"}
        client.images.push(f"{registry.address}/app", "1", auth_config=user)
        tokens = [(r.method, r.status) for r in registry.requests if r.path == "/token"]
        assert tokens == [("POST", 405), ("GET", 200)]
        assert registry.tags("app") == ["1"]


def test_a_manifest_that_is_not_taken(client: FakeDockerClient) -> None:
    """Of a token that is never good enough it is told for what."""
    with FakeRegistry(auth="bearer", users={"alice": "s3cret"}) as registry:
        image = client.images.get("base:1")
        image.tag(f"{registry.address}/app", "1")
        registry.faults.expire_token(method="PUT", path="/v2/*/manifests/*", times=None)
        user = {"username": "alice", "password": "s3cret"}
        pushed = client.images.push(
            f"{registry.address}/app", "1", auth_config=user, stream=True, decode=True
        )
        assert [*pushed][-1]["error"] == (
            f'failed commit on ref "manifest-{image.id}": '
            "server message: invalid_token: authorization failed"
        )


def test_a_platform_that_an_image_is_not_for(
    client: FakeDockerClient, registry: FakeRegistry
) -> None:
    """That is told in the stream of the push."""
    client.images.get("base:1").tag(f"{registry.address}/app", "1")
    url = f"{client.api.base_url}/v{client.api.api_version}/images/{registry.address}/app/push"
    asked = {"tag": "1", "platform": '{"os":"linux","architecture":"arm64"}'}
    answer = client.api.post(url, params=asked, headers={"X-Registry-Auth": "e30="})
    assert answer.status_code == 200
    last = json.loads(answer.text.splitlines()[-1])
    assert last["error"].endswith("does not provide the specified platform (linux/arm64)")
    assert registry.tags("app") == []


def test_layers_keep_their_kind(client: FakeDockerClient, registry: FakeRegistry) -> None:
    """Those below as they were pulled, those above as the classic builder makes them."""
    registry.seed("base:1", files={"a": "1"})
    context = BuildContext()
    dockerfile = f"FROM {registry.address}/base:1\nCOPY Dockerfile /\n"
    context.add_file(dockerfile, "Dockerfile")
    LocalImageBuilder(docker_client=client, builder="classic").build("app:1", context)
    client.images.get("app:1").tag(f"{registry.address}/app", "1")
    client.images.push(f"{registry.address}/app", "1")
    layers: Any = registry.manifest("app:1").document["layers"]
    assert [each["mediaType"] for each in layers] == [OCI_LAYER_GZIP, DOCKER_LAYER_GZIP]


def test_an_image_without_layers(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """The list of its layers is `null` wherever it stands, and so is a history of nothing."""
    context = BuildContext()
    context.add_file("FROM scratch\nENV a=1\n", "Dockerfile")
    LocalImageBuilder(docker_client=client, builder="classic").build("app:1", context)
    files = members(b"".join(client.images.get("app:1").save(named=True)))
    assert json.loads(files["manifest.json"])[0]["Layers"] is None
    assert engine.image("app:1").own_manifest.parsed["layers"] is None


def test_a_blob_that_is_missing_from_an_archive(client: FakeDockerClient) -> None:
    """One that is here already is not missed; without another the image cannot be unpacked."""
    context = BuildContext()
    context.add_file("FROM base:1\nCOPY Dockerfile /\n", "Dockerfile")
    LocalImageBuilder(docker_client=client, builder="classic").build("app:1", context)
    files = members(b"".join(client.images.get("app:1").save(named=True)))
    lower, upper = json.loads(files["manifest.json"])[0]["Layers"]
    client.images.remove("app:1")
    for missing, words in ((upper, ["Loaded", "Error"]), (lower, ["Loaded"])):
        rest = {name: data for name, data in files.items() if name != missing}
        loaded: Any = client.api.load_image(archive(rest))  # type: ignore[no-untyped-call]
        lines = [line["stream"] for line in loaded]
        assert [line.split()[0] for line in lines] == words
    assert client.images.get("app:1")


def test_an_archive_of_docker_s_own_kind(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """Without a layout of OCI, its image gets a manifest of Docker's, of what is in the archive."""
    files = members(b"".join(client.images.get("base:1").save(named=True)))
    (line,) = json.loads(files["manifest.json"])
    client.images.remove("base:1")
    kept = {"manifest.json", line["Config"], *line["Layers"]}
    client.images.load(archive({name: files[name] for name in kept}))
    manifest = engine.image("base:1").own_manifest.parsed
    assert (manifest["schemaVersion"], manifest["mediaType"]) == (2, DOCKER_MANIFEST)
    assert manifest["config"] == {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "digest": digest_of(files[line["Config"]]),
        "size": len(files[line["Config"]]),
    }
    assert [layer["size"] for layer in manifest["layers"]] == [
        len(files[name]) for name in line["Layers"]
    ]


def test_an_image_that_was_saved_is_the_same_when_loaded(client: FakeDockerClient) -> None:
    """A layout of OCI with Docker's list, and without the file of old."""
    image = client.images.get("base:1")
    data = b"".join(image.save(named=True))
    files = members(data)
    assert {"oci-layout", "index.json", "manifest.json"} < set(files)
    assert "repositories" not in files
    (line,) = json.loads(files["manifest.json"])
    assert line["RepoTags"] == ["base:1"]
    assert set(line["Layers"]) < set(files)
    client.images.remove("base:1")
    (loaded,) = client.images.load(data)
    assert loaded.id == image.id
    assert loaded.tags == ["base:1"]


def test_an_index_with_attestations(client: FakeDockerClient, registry: FakeRegistry) -> None:
    """Its digest is the id; the manifests are told, saved and pushed with all they lead to."""
    data, index, manifest = layout_with_attestation()
    (image,) = client.images.load(data)
    assert image.id == index
    lines = document(client, "app:1", manifests="1")["Manifests"]
    assert [line["Kind"] for line in lines] == ["image", "attestation"]
    assert all(line["Available"] for line in lines)
    assert lines[1]["AttestationData"] == {"For": manifest}
    assert set(members(b"".join(image.save()))) >= {
        name for name in members(data) if name.startswith("blobs/")
    }
    image.tag(f"{registry.address}/app", "1")
    client.images.push(f"{registry.address}/app", "1")
    assert registry.manifest("app:1").digest == index
    assert registry.manifest(f"app@{manifest}").digest == manifest


def test_an_index_without_an_image_for_this_machine_is_refused(client: FakeDockerClient) -> None:
    """So is an archive that is neither a layout nor one of Docker's."""
    for files in ({"index.json": b'{"manifests": []}'}, {"a": b""}):
        with pytest.raises(docker.errors.ImageLoadError, match="unrecognized image format"):
            client.images.load(archive(files))


def test_removing_takes_the_names_and_the_image(client: FakeDockerClient) -> None:
    """By a name among several only that; by its digest all of its repository."""
    image = client.images.get("base:1")
    image.tag("base", "2")
    url = f"{client.api.base_url}/v{client.api.api_version}/images"
    assert client.api.delete(f"{url}/base:2").json() == [{"Untagged": "base:2"}]
    assert client.api.delete(f"{url}/base@{image.id}").json() == [
        {"Untagged": "base:1"},
        {"Deleted": image.id},
    ]


def test_where_images_are_kept(client: FakeDockerClient) -> None:
    """Programs tell the store by the driver and what is said of it."""
    info = client.info()
    assert info["Driver"] == "overlayfs"
    assert info["DriverStatus"] == [["driver-type", "io.containerd.snapshotter.v1"]]


def test_buildkit_keeps_what_it_says(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """The image has the digest that the build told."""
    context = BuildContext()
    context.add_file("FROM base:1\nENV a=1\n", "Dockerfile")
    LocalImageBuilder(docker_client=client, builder="buildkit").build("app:1", context)
    assert engine.builds[-1].image_id == client.images.get("app:1").id
    expected = OCI_MANIFEST if engine.version >= "29.0" else DOCKER_MANIFEST
    assert engine.image("app:1").own_manifest.parsed["mediaType"] == expected


def test_the_usual_store_of_a_look() -> None:
    """A 29 has containerd's, the older ones the graph driver."""
    drivers = {}
    for version in ("20.10", "28.5", "29.7"):
        client = FakeDockerClient(FakeDockerEngine(version))
        drivers[version] = client.info()["Driver"]
        client.close()
    assert drivers == {"20.10": "overlay2", "28.5": "overlay2", "29.7": "overlayfs"}
    with pytest.raises(ValueError, match="no image store 'containerd' of"):
        FakeDockerEngine("20.10", image_store="containerd")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--engine-version", "29.7", "--image-store", "overlay2"], 0, ""),
        (
            ["--engine-version", "20.10", "--image-store", "containerd"],
            2,
            "20.10 has no containerd",
        ),
    ],
)
def test_the_store_on_the_command_line(words: list[str], code: int, said: str) -> None:
    """One that the version does not have is refused before anything starts."""
    done = CliRunner().invoke(main, ["run", *words, "--", sys.executable, "-c", ""])
    assert (done.exit_code, said in done.output) == (code, True)


_SOURCE = "containerd.io/distribution.source.127.0.0.1"


def _saved_index(client: FakeDockerClient, name: str) -> dict[str, str]:
    """The annotations of the one image in what was saved."""
    found = members(b"".join(client.api.get_image(name)))
    (entry,) = json.loads(found["index.json"])["manifests"]
    return dict(entry["annotations"])


def test_repositories_that_have_an_image_are_told(
    client: FakeDockerClient, engine: FakeDockerEngine, registry: FakeRegistry
) -> None:
    """A pull and a push are told of every name of it, by hosts without ports; 29 shows them."""
    pulled, pushed = (f"{registry.address}/team/{name}" for name in ("one", "another"))
    registry.seed("team/one:1", files={"a": "1"})
    client.images.pull(pulled, "1").tag(pushed, "1")
    client.images.get(pushed + ":1").tag("app", "1")
    assert _saved_index(client, "app:1")[_SOURCE] == "team/one"
    client.images.push(pushed, "1")
    assert _saved_index(client, "app:1")[_SOURCE] == "team/another,team/one"
    identity = document(client, "app:1").get("Identity")
    repositories = [f"127.0.0.1/team/{name}" for name in ("another", "one")]
    is_told = engine.version >= "29.0"
    assert identity == ({"Pull": [{"Repository": r} for r in repositories]} if is_told else None)
    saved = b"".join(client.api.get_image("app:1"))
    for name in (f"{pulled}:1", f"{pushed}:1", "app:1"):
        client.images.remove(name)
    client.images.load(saved)
    assert document(client, "app:1")["Descriptor"]["annotations"][_SOURCE] == (
        "team/another,team/one"
    )


def test_of_the_public_hub_the_whole_name_is_told() -> None:
    """The host is that of the names, not the one that is asked."""
    engine = FakeDockerEngine("29.7")
    engine.seed_hub("alpine:3")
    client = FakeDockerClient(engine)
    client.images.pull("alpine", "3")
    assert document(client, "alpine:3")["Identity"] == {
        "Pull": [{"Repository": "docker.io/library/alpine"}]
    }
    client.close()
    engine.close()
