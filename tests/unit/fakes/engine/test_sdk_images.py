"""Everything the SDK can do with images that are there, or in a registry."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import docker.errors
import pytest
import requests
from docker.api.daemon import DaemonApiMixin
from docker.api.image import ImageApiMixin
from docker.models.images import Image, ImageCollection, RegistryData
from sdk_coverage import SdkTable

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.context import pack
from fakes.registry import SeedImage

sdk = SdkTable(Image, ImageCollection, RegistryData, ImageApiMixin, DaemonApiMixin)

# The client; the SDK's stubs know less than it can do.
Sdk: TypeAlias = Any
Build = Callable[..., str]
_ROOT = pack({"etc/name": "imported"})


@pytest.fixture
def image(build: Build, client: Sdk) -> Sdk:
    """An image of two layers with a name."""
    files = {"a": "1", "b": "2"}
    return client.images.get(
        build("FROM scratch\nCOPY a /a\nCOPY b /b\nLABEL l=x\n", files, tag="app:1")
    )


@pytest.fixture
def pushed(image: Sdk, client: Sdk, fake_registry: FakeRegistry) -> str:
    """The repository of a registry that holds the image under two tags."""
    name = f"{fake_registry.address}/team/app"
    for tag in ("1", "2"):
        assert image.tag(name, tag)
        client.images.push(name, tag)
        client.images.remove(f"{name}:{tag}")
    return name


# --- one image ----------------------------------------------------------------


@sdk.covers(
    *(f"Image.{name}" for name in ("id", "id_attribute", "short_id", "labels", "tags", "reload")),
    "ImageCollection.get",
    "ImageCollection.model",
    "ImageCollection.prepare_model",
    "ImageApiMixin.inspect_image",
)
def test_what_an_image_says_of_itself(client: Sdk, image: Sdk) -> None:
    """Id, labels and names are those of its document, fresh after a reload."""
    assert client.images.get("app:1").id == image.id == image.attrs["Id"]
    assert image.short_id == image.id[:19]
    assert image.labels == {"l": "x"}
    image.tag("app", "2")
    assert image.tags == ["app:1"]
    image.reload()
    assert image.tags == ["app:1", "app:2"]
    assert client.api.inspect_image("app:2")["Id"] == image.id


@sdk.covers("Image.history", "ImageApiMixin.history")
def test_history(client: Sdk, image: Sdk) -> None:
    """The newest step first, with the room that the layers take, by whole blocks."""
    lines = image.history()
    assert lines == client.api.history("app:1")
    assert [line["Size"] for line in lines] == [0, 8192, 8192]
    assert lines[0]["Tags"] == ["app:1"]


@sdk.covers("Image.tag", "ImageApiMixin.tag")
def test_tags_are_given_and_taken(client: Sdk, image: Sdk, build: Build) -> None:
    """A name moves to the image it is given last, with `force` or without."""
    other = build("FROM scratch\nENV a=1\n")
    assert image.tag("moving")
    assert client.images.get("moving:latest").id == image.id
    assert client.api.tag(other, "moving", "latest", force=True)
    assert client.images.get("moving").id == other
    with pytest.raises(docker.errors.ImageNotFound):
        client.api.tag("nothing", "moving")


@sdk.covers("Image.remove", "ImageCollection.remove", "ImageApiMixin.remove_image")
def test_removal(client: Sdk, image: Sdk) -> None:
    """By name only the name goes; an image of several names needs force; parents may stay."""
    parent = image.attrs["Parent"]
    image.tag("second", "1")
    assert client.api.remove_image("second:1") == [{"Untagged": "second:1"}]
    image.tag("second", "1")
    with pytest.raises(docker.errors.APIError, match="must be forced") as caught:
        image.remove()
    assert caught.value.status_code == 409
    image.remove(force=True, noprune=True)
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("app:1")
    assert client.images.get(parent)
    client.images.remove(parent)
    assert client.images.list(all=True) == []


@sdk.covers("ImageCollection.list", "ImageApiMixin.images")
def test_lists(client: Sdk, image: Sdk) -> None:
    """By name and filters, with those in between, as ids."""
    assert [found.id for found in client.images.list()] == [image.id]
    assert len(client.images.list(all=True)) == 3
    assert client.images.list(name="other") == []
    assert [found.id for found in client.images.list(filters={"label": "l=x"})] == [image.id]
    assert client.images.list(filters={"dangling": True}) == []
    assert client.api.images(name="app", quiet=True) == [image.id]
    assert client.api.images()[0]["RepoTags"] == ["app:1"]


# --- archives -----------------------------------------------------------------


@sdk.covers(
    "Image.save", "ImageCollection.load", "ImageApiMixin.get_image", "ImageApiMixin.load_image"
)
def test_saved_images_are_loaded(client: Sdk, image: Sdk) -> None:
    """With a name when it was saved by it, piece by piece if wanted."""
    pieces = list(image.save(chunk_size=100, named=True))
    assert max(len(piece) for piece in pieces) <= 100
    unnamed = b"".join(image.save())
    by_name = b"".join(client.api.get_image("app:1"))
    with pytest.raises(docker.errors.InvalidArgument):
        image.save(named="not:its")
    image.remove(force=True)
    assert [loaded.tags for loaded in client.images.load(unnamed)] == [[]]
    assert [loaded.tags for loaded in client.images.load(by_name)] == [["app:1"]]
    assert [loaded.id for loaded in client.images.load(b"".join(pieces))] == [image.id]


@pytest.mark.fake_docker_engine(version="28.5")
@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_load_says_only_what_was_loaded(client: Sdk, image: Sdk, quiet: bool) -> None:
    """Progress is left out of it."""
    saved = b"".join(image.save(named=True))
    image.remove(force=True)
    messages = list(client.api.load_image(io.BytesIO(saved), quiet=quiet))
    assert messages[-1] == {"stream": "Loaded image: app:1\n"}
    assert any("progress" in message for message in messages) is not quiet


def test_an_archive_that_is_none(client: Sdk) -> None:
    """The SDK raises what it raises for a real engine's answer."""
    with pytest.raises((docker.errors.ImageLoadError, docker.errors.APIError)):
        client.images.load(b"no archive")


def _from_file(api: Any, folder: Path) -> str:
    path = folder / "root.tar"
    path.write_bytes(_ROOT)
    return str(api.import_image_from_file(str(path), "imported", "1"))


_IMPORTS: dict[str, Callable[[Any, Path], str]] = {
    "import_image": lambda api, _: api.import_image(_ROOT, "imported", "1", changes=["ENV a=1"]),
    "import_image_from_data": lambda api, _: api.import_image_from_data(_ROOT, "imported", "1"),
    "import_image_from_file": _from_file,
    "import_image_from_stream": lambda api, _: api.import_image_from_stream(
        iter([_ROOT[:700], _ROOT[700:]]), "imported", "1"
    ),
}


@sdk.covers(*(f"ImageApiMixin.{name}" for name in _IMPORTS))
@pytest.mark.parametrize("method", _IMPORTS)
def test_imports(client: Sdk, engine: FakeDockerEngine, tmp_path: Path, method: str) -> None:
    """A tar of files becomes an image of one layer, wherever it comes from."""
    answer = _IMPORTS[method](client.api, tmp_path)
    assert engine.image("imported:1").id in answer
    assert engine.image_tree("imported:1")["etc/name"].data == b"imported"


def test_a_stream_that_the_sdk_does_not_chunk(client: Sdk) -> None:
    """It announces chunks and sends none where the stream's length is known, as a file's is."""
    with pytest.raises(docker.errors.APIError, match="header line too long") as caught:
        client.api.import_image_from_stream(io.BytesIO(_ROOT), "imported", "1")
    assert caught.value.status_code == 500


@sdk.covers("ImageApiMixin.import_image_from_url")
def test_an_import_from_afar_is_refused_by_name(client: Sdk) -> None:
    """The double goes to no network."""
    with pytest.raises(docker.errors.APIError, match=r"POST /images/create\?fromSrc=") as caught:
        client.api.import_image_from_url("http://host/a.tar", "imported", "1")
    assert caught.value.status_code == 501


@sdk.covers("ImageApiMixin.import_image_from_image")
def test_an_import_from_an_image_is_a_pull(client: Sdk, engine: FakeDockerEngine) -> None:
    """So it is for the engine: `fromImage` is what a pull sends."""
    engine.seed_hub("base:1")
    client.api.import_image_from_image("base", tag="1")
    assert client.images.get("base:1")


# --- registries ---------------------------------------------------------------


@sdk.covers("ImageCollection.push", "ImageApiMixin.push")
@pytest.mark.fake_docker_engine(version="28.5")
def test_pushes(client: Sdk, image: Sdk, fake_registry: FakeRegistry) -> None:
    """Whole or as a stream, raw or decoded: the registry has it."""
    name = f"{fake_registry.address}/app"
    image.tag(name, "1")
    image.tag(name, "2")
    assert '"aux"' in client.images.push(name, "1")
    raw = b"".join(client.images.push(f"{name}:1", stream=True))
    assert b"Layer already exists" in raw
    messages = list(client.images.push(name, stream=True, decode=True))
    pushed = [message["aux"] for message in messages if "aux" in message]
    assert [one["Tag"] for one in pushed] == ["1", "2"]
    assert fake_registry.tags("app") == ["1", "2"]
    assert fake_registry.image(f"{name}:2").digest == pushed[1]["Digest"]
    image.reload()
    assert image.attrs["RepoDigests"] == [f"{name}@{pushed[1]['Digest']}"]


@pytest.mark.fake_registry(auth="basic", users={"ann": "s3cret"})
def test_credentials_go_along(client: Sdk, image: Sdk, fake_registry: FakeRegistry) -> None:
    """`auth_config` decides pushes, pulls and looks into the registry."""
    name = f"{fake_registry.address}/app"
    image.tag(name, "1")
    good, bad = ({"username": "ann", "password": word} for word in ("s3cret", "wrong"))
    refused = list(client.images.push(name, "1", stream=True, decode=True, auth_config=bad))
    assert "errorDetail" in refused[-1]
    sent = list(client.images.push(name, "1", stream=True, decode=True, auth_config=good))
    assert sent[-1]["status"].startswith("1: digest: sha256:")
    with pytest.raises(docker.errors.APIError):
        client.images.pull(name, "1", auth_config=bad)
    with pytest.raises(docker.errors.APIError):
        client.images.get_registry_data(f"{name}:1", auth_config=bad)
    assert client.images.pull(name, "1", auth_config=good).id == image.id
    digest = client.images.get_registry_data(f"{name}:1", auth_config=good).id
    assert f" digest: {digest} size: " in sent[-1]["status"]


@sdk.covers("ImageCollection.pull", "ImageApiMixin.pull")
def test_pulls(client: Sdk, image: Sdk, pushed: str) -> None:
    """One tag, by name or digest, as text or a stream."""
    assert set(client.images.pull(f"{pushed}:1").tags) == {"app:1", f"{pushed}:1"}
    assert "up to date" in client.api.pull(pushed, "1")
    messages = list(client.api.pull(pushed, tag="2", stream=True, decode=True))
    assert messages[0] == {"status": "Pulling from team/app", "id": "2"}
    digest = client.images.get_registry_data(f"{pushed}:1").id
    assert client.images.pull(pushed, tag=digest).id == image.id
    with pytest.raises(docker.errors.NotFound):
        client.images.pull(pushed, tag="none")


def test_all_tags_of_a_repository_are_pulled(client: Sdk, pushed: str) -> None:
    """`all_tags` fetches each, and only those."""
    (image,) = client.images.pull(pushed, all_tags=True)
    assert set(image.tags) == {"app:1", f"{pushed}:1", f"{pushed}:2"}
    messages = list(client.api.pull(pushed, all_tags=True, stream=True, decode=True))
    assert [one["id"] for one in messages if "id" in one] == ["1", "2"]
    assert messages[-1] == {"status": f"Status: Image is up to date for {pushed}:2"}
    with pytest.raises(docker.errors.NotFound, match=r"repository .* not found: name unknown"):
        client.images.pull(f"{pushed}/none", all_tags=True)


def test_all_tags_of_the_hub(client: Sdk, engine: FakeDockerEngine) -> None:
    """Those that were seeded."""
    for name in ("base:1", "base:2", "other:1"):
        engine.seed_hub(name)
    pulled = client.images.pull("base", all_tags=True)
    assert sorted(tag for image in pulled for tag in image.tags) == ["base:1", "base:2"]
    with pytest.raises(docker.errors.NotFound, match="pull access denied for none"):
        client.images.pull("none", all_tags=True)


@pytest.mark.fake_docker_engine(version="28.5")
def test_a_platform_chooses_from_an_index(client: Sdk, fake_registry: FakeRegistry) -> None:
    """`platform` names the image of an index that is fetched; older variants run on newer ones."""
    entries = []
    for architecture, variant in (("amd64", ""), ("arm64", ""), ("arm", "v6"), ("arm", "v9")):
        labels = {"variant": variant}
        one = fake_registry.seed(
            f"multi:{architecture}{variant}", SeedImage(architecture=architecture, labels=labels)
        )
        platform = {"os": "linux", "architecture": architecture, "variant": variant}
        size = len(one.content)
        entries.append(
            {"mediaType": one.media_type, "digest": one.digest, "size": size, "platform": platform}
        )
    kind = "application/vnd.oci.image.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
    url = f"{fake_registry.url}/v2/multi/manifests/1"
    requests.put(url, json=index, headers={"Content-Type": kind}, timeout=5).raise_for_status()
    name = f"{fake_registry.address}/multi"
    for architecture in ("amd64", "arm64"):
        image = client.images.pull(name, "1", platform=f"linux/{architecture}")
        assert image.attrs["Architecture"] == architecture
    assert client.images.pull(name, "1", platform="linux/arm/v7").labels == {"variant": "v6"}
    told = client.api.pull(name, "1", platform="linux/arm/v5", stream=True, decode=True)
    assert "no matching manifest for linux/arm/v5 in" in [*told][-1]["error"]


@sdk.covers(
    *(
        f"RegistryData.{name}"
        for name in ("id", "id_attribute", "short_id", "has_platform", "pull", "reload")
    ),
    "ImageCollection.get_registry_data",
    "ImageApiMixin.inspect_distribution",
)
@pytest.mark.fake_docker_engine(version="28.5")
def test_what_a_registry_says_of_an_image(
    client: Sdk, image: Sdk, pushed: str, fake_registry: FakeRegistry
) -> None:
    """Digest and platforms without a pull, and then the pull."""
    data = client.images.get_registry_data(f"{pushed}:1")
    assert data.id == fake_registry.image(f"{pushed}:1").digest
    assert data.short_id == data.id[:19]
    assert data.attrs == client.api.inspect_distribution(f"{pushed}:1")
    assert data.has_platform("linux/amd64")
    assert not data.has_platform({"os": "linux", "architecture": "s390x"})
    with pytest.raises(docker.errors.InvalidArgument):
        data.has_platform("a/b/c/d")
    data.reload()
    assert data.pull(platform="linux/amd64").id == image.id


@sdk.covers("ImageCollection.search", "ImageApiMixin.search")
def test_a_search_finds_what_was_seeded(client: Sdk, engine: FakeDockerEngine) -> None:
    """The hub of the double is what `seed_hub` gave."""
    for name in ("python:3", "ann/python:3", "redis:7"):
        engine.seed_hub(name)
    assert {found["name"] for found in client.images.search("python")} == {"python", "ann/python"}
    assert len(client.api.search("python", limit=1)) == 1


# --- all of them --------------------------------------------------------------


@sdk.covers("ImageCollection.prune", "ImageApiMixin.prune_images")
@pytest.mark.fake_docker_engine(version="28.5")
def test_prunes(client: Sdk, image: Sdk, build: Build) -> None:
    """What nothing names goes, with `dangling=False` what nothing uses, by label and age."""
    unnamed = build("FROM scratch\nLABEL keep=no\n")
    assert client.images.prune({"label": "other"})["ImagesDeleted"] is None
    assert client.images.prune({"until": "24h"})["ImagesDeleted"] is None
    assert client.images.prune({"label!": "keep"})["ImagesDeleted"] is None
    assert {"Deleted": unnamed} in client.images.prune()["ImagesDeleted"]
    assert client.images.get("app:1")
    answer = client.api.prune_images({"dangling": False})
    assert {"Untagged": "app:1"} in answer["ImagesDeleted"]
    assert answer["SpaceReclaimed"] == 2
    assert client.images.list(all=True) == []


@pytest.mark.parametrize(
    ("until", "goes"),
    [
        ("2h", False),
        ("1h30m", False),
        ("30m", True),
        ("946684800", False),
        ("946695600.5", True),
        ("2000-01-01T02:30:00", True),
        ("2000-01-01", False),
        ("2000-01-01T01:30:00Z", False),
    ],
)
def test_a_prune_knows_moments(until: str, goes: bool) -> None:
    """As a length of time, a number or a date, as clients write them."""
    hour = 3_600_000_000_000
    now = 946_684_800_000_000_000 + 2 * hour  # two o'clock on the first day of 2000
    engine = FakeDockerEngine(clock=lambda: now)
    sdk_client = FakeDockerClient(engine)
    unnamed = engine.seed_image("gone:1").id
    engine.images.untag(engine.parse_name("gone:1").tagged())
    now += hour
    deleted = sdk_client.images.prune({"until": until})["ImagesDeleted"] or []
    sdk_client.close()
    assert ({"Deleted": unnamed} in deleted) is goes


@pytest.mark.fake_docker_engine(version="28.5")
@pytest.mark.parametrize(
    ("until", "words"),
    [("soon", 'time or duration: "soon"'), (["1h", "2h"], "more than one until filter")],
)
def test_a_prune_refuses_what_is_no_moment(client: Sdk, until: str | list[str], words: str) -> None:
    """In the engine's words, which has only one."""
    with pytest.raises(docker.errors.APIError, match=words):
        client.images.prune({"until": until})


@sdk.covers("ImageCollection.build", "ImageCollection.create")
def test_images_are_built_and_not_created(client: Sdk) -> None:
    """The collection's `create` is of other collections; `build` has a module of its own."""
    image, _ = client.images.build(fileobj=io.BytesIO(b"FROM scratch\nENV a=1\n"))
    assert isinstance(image, Image)
    with pytest.raises(NotImplementedError):
        client.images.create()


@sdk.covers("ImageCollection.prune_builds")
def test_there_is_no_build_cache(client: Sdk) -> None:
    """The answer is that of a classic builder."""
    assert client.images.prune_builds()["SpaceReclaimed"] == 0


# --- the engine ---------------------------------------------------------------


@sdk.covers(*(f"DaemonApiMixin.{name}" for name in ("df", "info", "ping", "version")))
def test_the_engine_about_itself(client: Sdk, image: Sdk) -> None:
    """Versions, counts and sizes."""
    assert client.api.ping() is True
    assert client.api.version()["ApiVersion"] == client.api.version(api_version=False)["ApiVersion"]
    assert client.api.info()["Images"] == 3
    used = client.api.df()
    assert used["LayersSize"] == 2
    assert [one["Id"] for one in used["Images"]] == [image.id]


@sdk.covers("DaemonApiMixin.events")
def test_events(client: Sdk, engine: FakeDockerEngine, image: Sdk) -> None:
    """Those of a span of time, by kind, raw or decoded."""
    end = engine.clock() / 1e9 + 0.001
    events = list(client.api.events(since=0, until=end, filters={"type": "image"}, decode=True))
    assert ("tag", image.id) in [(event["Action"], event["Actor"]["ID"]) for event in events]
    assert b'"Action":"tag"' in b"".join(client.api.events(since=0, until=end))
    stream = client.api.events(since=0, decode=True)
    assert next(stream)["scope"] == "local"
    stream.close()


@sdk.covers("DaemonApiMixin.login")
@pytest.mark.fake_registry(auth="basic", users={"ann": "s3cret"})
def test_a_login_is_kept_by_the_sdk(client: Sdk, image: Sdk, fake_registry: FakeRegistry) -> None:
    """A wrong password is refused; a right one is used for what comes after."""
    name = f"{fake_registry.address}/app"
    with pytest.raises(docker.errors.APIError, match="401 Unauthorized"):
        client.login("ann", "wrong", registry=fake_registry.address)
    answer = client.login("ann", "s3cret", registry=fake_registry.address, reauth=True)
    assert answer["Status"] == "Login Succeeded"
    image.tag(name, "1")
    client.images.push(name, "1")
    assert fake_registry.tags("app") == ["1"]


def test_every_method_has_a_row() -> None:
    """The table names what the installed SDK has, no more and no less."""
    sdk.check()


@pytest.mark.fake_docker_engine(version="20.10")
def test_what_is_no_archive_of_images(client: FakeDockerClient) -> None:
    """An index alone makes no layout: the file that names its version is missing."""
    archive = pack({"index.json": '{"schemaVersion":2,"manifests":[]}'})
    (answer,) = client.api.load_image(archive)  # type: ignore[no-untyped-call]
    assert answer["error"].endswith("/repositories: no such file or directory")
