"""Where cached steps come from and go to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.buildkit.build import CacheRequest
from imagebuilders.buildkit.caches import Caches, plan_caches
from imagebuilders.buildkit.layout_contexts import plan_layouts
from imagebuilders.buildkit.session.content import ContentFolder
from imagebuilders.exceptions import BuildOptionsError, ImageFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.media_types import OCI_MANIFEST

DESCRIPTOR = Descriptor.of(b"manifest", OCI_MANIFEST)
DIGEST = str(DESCRIPTOR.digest)


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here opens a connection."""


@pytest.fixture(autouse=True)
def _layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work beside a layout with a manifest of two tags."""
    monkeypatch.chdir(tmp_path)
    blobs = tmp_path / "cache" / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / DESCRIPTOR.digest.encoded).write_bytes(b"manifest")
    ImageLayout("cache").add(DESCRIPTOR.to_json(), ("latest", "other"))


def _plan(cache_from: str = "", cache_to: str = "") -> tuple[Caches, list[str]]:
    options = DockerBuildOptions(cache_from=cache_from or None, cache_to=cache_to or None)
    notes: list[str] = []
    return plan_caches(options.cache_from, options.cache_to, notes.append), notes


@pytest.mark.parametrize("tag", ["", ",tag=other"])
def test_a_folder_s_digest_is_looked_up(tag: str) -> None:
    """By its tag; the daemon reads the blobs by the folder's name."""
    caches, notes = _plan(f"type=local,src=cache{tag}")
    (found,) = caches.imports
    assert found.attributes["digest"] == DIGEST
    assert caches.stores == {"local:cache": ContentFolder(Path("cache"))}
    assert not notes


@pytest.mark.parametrize("source", ["src=missing", "src=cache,tag=nosuch", "src=emptied"])
def test_a_cache_that_is_not_there_is_a_note(source: str) -> None:
    """The build goes on without it."""
    ImageLayout("emptied").add(DESCRIPTOR.to_json())
    caches, notes = _plan(f"type=local,{source}")
    assert not caches.imports
    assert not caches.stores
    (note,) = notes
    assert "is not used" in note


def test_a_folder_that_is_written_gets_an_index() -> None:
    """Once the daemon tells which of the blobs is the cache."""
    caches, _ = _plan(cache_to="type=local,dest=new,mode=max,tag=t")
    assert caches.exports == [CacheRequest("local", {"dest": "new", "mode": "max", "tag": "t"})]
    assert caches.stores == {"local:new": ContentFolder(Path("new"), writable=True)}
    caches.finish({})
    assert not Path("new").exists()
    caches.finish({"cache.manifest": json.dumps(DESCRIPTOR.to_json())})
    found = ImageLayout("new").find("t")
    assert found is not None
    assert str(found.digest) == DIGEST
    with pytest.raises(ImageFormatError):
        caches.finish({"cache.manifest": "{"})


def test_one_folder_may_be_read_and_written() -> None:
    """The right to write it stays."""
    caches, _ = _plan("type=local,src=cache", "type=local,dest=cache")
    assert caches.stores == {"local:cache": ContentFolder(Path("cache"), writable=True)}


def test_other_caches_are_the_daemon_s_affair() -> None:
    """Their attributes go as they are."""
    caches, _ = _plan("app:cache", "type=registry,ref=app:cache,mode=max")
    assert caches.imports == [CacheRequest("registry", {"ref": "app:cache"})]
    assert caches.exports == [CacheRequest("registry", {"ref": "app:cache", "mode": "max"})]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("cache_from", "type=local"),
        ("cache_from", "type=registry"),
        ("cache_to", "type=local,src=x"),
        ("cache_to", "type=registry"),
    ],
)
def test_what_is_missing_is_told_before_the_build(option: str, value: str) -> None:
    """The error names the option."""
    with pytest.raises(BuildOptionsError, match="needs") as caught:
        _plan(**{option: value})
    assert caught.value.option == option


# --- named contexts that are layouts ------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("cache", f":latest@{DIGEST}"),
        ("cache:other", f":other@{DIGEST}"),
        (f"cache@{DIGEST}", f"@{DIGEST}"),
        (f"cache:any@{DIGEST}", f":any@{DIGEST}"),
    ],
)
def test_a_context_may_be_an_image_layout(value: str, shown: str) -> None:
    """The daemon is told a name for the folder, and the digest."""
    attributes, stores = plan_layouts({"base": value})
    (store,) = stores
    assert stores[store] == ContentFolder(Path("cache"))
    name = store.removeprefix("oci:")
    assert attributes == {"context:base": f"oci-layout://{name}{shown}"}


@pytest.mark.parametrize("value", ["missing", "cache:nosuch"])
def test_a_layout_that_is_not_there_is_an_error(value: str) -> None:
    """It is told before the build."""
    with pytest.raises(BuildOptionsError, match="image layout") as caught:
        plan_layouts({"base": value})
    assert caught.value.option == "build_contexts"


def test_a_cache_of_github_takes_what_a_workflow_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given goes before; the token is not to be shown."""
    monkeypatch.setenv("ACTIONS_RUNTIME_TOKEN", "s3cret")
    monkeypatch.setenv("ACTIONS_CACHE_URL", "https://cache.example/")
    options = DockerBuildOptions(cache_from="type=gha", cache_to="type=gha,url=https://mine/")
    planned = plan_caches(options.cache_from, options.cache_to, pytest.fail)
    assert planned.imports[0].attributes == {"token": "s3cret", "url": "https://cache.example/"}
    assert planned.exports[0].attributes == {"token": "s3cret", "url": "https://mine/"}
    assert planned.secrets() == [b"s3cret", b"s3cret"]


def test_a_cache_of_github_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice says why; the build goes on."""
    monkeypatch.delenv("ACTIONS_RUNTIME_TOKEN", raising=False)
    told: list[str] = []
    options = DockerBuildOptions(cache_from="type=gha", cache_to="type=gha")
    planned = plan_caches(options.cache_from, options.cache_to, told.append)
    assert (planned.imports, planned.exports) == ([], [])
    assert all("ACTIONS_RUNTIME_TOKEN" in text for text in told)


@pytest.mark.parametrize("given", ["", ",access_key_id=mine"])
def test_a_cache_in_s3_takes_the_keys_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """All of them or none: keys of two accounts do not go together."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", name.lower())
    options = DockerBuildOptions(cache_from=f"type=s3,bucket=b,region=r{given}")
    (found,) = plan_caches(options.cache_from, (), pytest.fail).imports
    expected = {"bucket": "b", "region": "r"}
    if given:
        expected["access_key_id"] = "mine"
    else:
        names = ("access_key_id", "secret_access_key", "session_token")
        expected |= dict(zip(names, names, strict=True))
    assert found.attributes == expected
