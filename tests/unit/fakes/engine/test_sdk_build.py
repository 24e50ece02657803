"""Every way the SDK builds, each parameter included."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import docker.errors
import pytest
import requests.exceptions
from docker.api.build import BuildApiMixin
from sdk_coverage import SdkTable

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack

sdk = SdkTable(BuildApiMixin)

# The client; the SDK's stubs know less than it can do.
Sdk: TypeAlias = Any
_DOCKERFILE = "FROM scratch\nCOPY a /a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build context on disk."""
    root = tmp_path / "context"
    root.mkdir()
    (root / "Dockerfile").write_text(_DOCKERFILE)
    (root / "a").write_text("from the folder")
    (root / "secret").write_text("not sent")
    (root / ".dockerignore").write_text("secret\n")
    return root


def _tar(dockerfile: str = _DOCKERFILE) -> io.BytesIO:
    return io.BytesIO(pack({"Dockerfile": dockerfile, "a": "1"}))


def _lines(stream: Any) -> list[dict[str, Any]]:
    """The messages of a stream that is not decoded: lines of JSON."""
    return [json.loads(line) for chunk in stream for line in chunk.splitlines() if line]


@sdk.covers("BuildApiMixin.build")
def test_a_folder(client: Sdk, engine: FakeDockerEngine, folder: Path) -> None:
    """The SDK packs it, leaving out what .dockerignore says."""
    messages = _lines(client.api.build(path=str(folder), tag="app:1"))
    assert messages[-1] == {"stream": "Successfully tagged app:1\n"}
    assert engine.image_tree("app:1")["a"].data == b"from the folder"
    assert "secret" not in engine.builds[-1].context_files


def test_a_folder_compressed(client: Sdk, engine: FakeDockerEngine, folder: Path) -> None:
    """`gzip=True` sends the context compressed."""
    list(client.api.build(path=str(folder), tag="app:1", gzip=True))
    assert engine.image_tree("app:1")["a"].data == b"from the folder"


def test_a_dockerfile_outside_the_context(
    client: Sdk, engine: FakeDockerEngine, folder: Path, tmp_path: Path
) -> None:
    """The SDK puts it into the context under a name of its own."""
    (tmp_path / "Other").write_text("FROM scratch\nCOPY a /other\n")
    client.images.build(path=str(folder), dockerfile=str(tmp_path / "Other"), tag="app:1")
    assert "other" in engine.image_tree("app:1")
    assert engine.builds[-1].dockerfile.startswith(".dockerfile.")


def test_a_dockerfile_within_the_context(
    client: Sdk, engine: FakeDockerEngine, folder: Path
) -> None:
    """`dockerfile` is a path in it."""
    (folder / "b.Dockerfile").write_text("FROM scratch\nCOPY a /b\n")
    client.images.build(path=str(folder), dockerfile="b.Dockerfile", tag="app:1")
    assert "b" in engine.image_tree("app:1")
    assert engine.builds[-1].dockerfile == "b.Dockerfile"


def test_a_dockerfile_alone(client: Sdk, engine: FakeDockerEngine) -> None:
    """`fileobj` without `custom_context` is a Dockerfile and nothing else."""
    image, log = client.images.build(fileobj=io.BytesIO(b"FROM scratch\nENV a=1\n"))
    assert image.attrs["Config"]["Env"][-1] == "a=1"
    assert next(iter(log)) == {"stream": "Step 1/2 : FROM scratch"}
    assert engine.builds[-1].context_files == ["Dockerfile"]


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_context_of_ones_own(client: Sdk, encoding: str | None) -> None:
    """`custom_context` is a tar, compressed as `encoding` says."""
    content = _tar().getvalue()
    sent = io.BytesIO(gzip.compress(content) if encoding else content)
    image, _ = client.images.build(fileobj=sent, custom_context=True, encoding=encoding)
    assert image.attrs["RootFS"]["Layers"]


def test_decoded_and_raw_streams_say_the_same(client: Sdk) -> None:
    """`decode` gives the messages that the bytes hold."""
    client.images.build(fileobj=_tar(), custom_context=True)
    raw = _lines(client.api.build(fileobj=_tar(), custom_context=True))
    decoded = list(client.api.build(fileobj=_tar(), custom_context=True, decode=True))
    assert decoded == raw


def test_quiet_builds_say_only_the_id(client: Sdk) -> None:
    """One message: the image's id."""
    (message,) = client.api.build(fileobj=_tar(), custom_context=True, quiet=True, decode=True)
    image_id = message["stream"].strip()
    assert client.images.get(image_id).id == image_id


def test_the_cache_is_used_unless_told_not_to(client: Sdk, engine: FakeDockerEngine) -> None:
    """`nocache` runs every step again."""
    for options in ({}, {}, {"nocache": True}):
        client.images.build(fileobj=_tar(), custom_context=True, **options)
    assert [build.steps[1].cached for build in engine.builds] == [False, True, False]


def test_intermediate_containers(client: Sdk, engine: FakeDockerEngine) -> None:
    """`rm` takes those of good steps away, `forcerm` those of a step that fails too."""
    engine.on_run("bad", exit_code=1)
    good = "FROM scratch\nENV a=1\n"
    client.images.build(fileobj=_tar(good), custom_context=True, rm=True)
    assert client.containers.list(all=True) == []
    client.images.build(fileobj=_tar(good), custom_context=True, nocache=True)
    assert len(client.containers.list(all=True)) == 1
    client.containers.prune()
    for options, left in (({"rm": True}, 1), ({"forcerm": True}, 1), ({}, 2)):
        with pytest.raises(docker.errors.BuildError, match="non-zero code: 1"):
            client.images.build(
                fileobj=_tar("FROM scratch\nRUN bad\n"), custom_context=True, **options
            )
        assert len(client.containers.list(all=True)) == left


def test_pull_fetches_the_base_again(client: Sdk, engine: FakeDockerEngine) -> None:
    """`pull=True` takes the newest base, else the one here is used."""
    engine.seed_image("base:1", labels={"of": "here"})
    engine.seed_hub("base:1", labels={"of": "hub"})
    seen = []
    for pull in (False, True):
        image, _ = client.images.build(
            fileobj=_tar("FROM base:1\nENV a=1\n"), custom_context=True, pull=pull
        )
        seen.append(image.labels["of"])
    assert seen == ["here", "hub"]


def test_a_timeout_is_the_sdks_own(client: Sdk, engine: FakeDockerEngine) -> None:
    """`timeout` is how long the SDK waits for the first byte."""
    engine.faults.delay("POST /build", 60)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.api.build(fileobj=_tar(), custom_context=True, timeout=0.01)


def test_arguments_labels_and_targets(client: Sdk, engine: FakeDockerEngine) -> None:
    """`buildargs`, `labels` and `target` do to the image what they do to a real one."""
    dockerfile = "FROM scratch AS one\nARG v\nENV v=$v\nFROM one\nENV w=2\n"
    image, _ = client.images.build(
        fileobj=_tar(dockerfile),
        custom_context=True,
        buildargs={"v": "7"},
        labels={"l": "x"},
        target="one",
    )
    assert image.labels == {"l": "x"}
    assert image.attrs["Config"]["Env"][-1] == "v=7"
    record = engine.builds[-1]
    assert (record.build_args, record.labels, record.target) == ({"v": "7"}, {"l": "x"}, "one")


def test_proxies_of_the_configuration_are_build_arguments(
    client: Sdk, engine: FakeDockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless `use_config_proxy=False`."""
    proxies = type(client.api._proxy_configs)({"http": "http://proxy:1"})
    monkeypatch.setattr(client.api, "_proxy_configs", proxies)
    for use in (True, False):
        client.images.build(fileobj=_tar(), custom_context=True, use_config_proxy=use)
    with_proxy, without = (build.build_args for build in engine.builds)
    assert with_proxy["http_proxy"] == "http://proxy:1"
    assert without == {}


def test_images_of_cache_from_are_looked_at(client: Sdk, engine: FakeDockerEngine) -> None:
    """A step in the history of an image that was loaded is not run again."""
    image, _ = client.images.build(fileobj=_tar(), custom_context=True, tag="old:1")
    saved = b"".join(image.save(named=True))
    client.images.remove("old:1")
    client.images.load(saved)
    again, _ = client.images.build(fileobj=_tar(), custom_context=True, cache_from=["old:1"])
    assert engine.builds[-1].steps[1].cached
    assert again.id == image.id


def test_what_concerns_running_commands_is_accepted_and_recorded(
    client: Sdk, engine: FakeDockerEngine
) -> None:
    """Limits, shared memory, hosts, network and isolation change nothing where nothing runs."""
    client.images.build(
        fileobj=_tar(),
        custom_context=True,
        container_limits={"memory": 4_000_000, "memswap": -1, "cpushares": 2, "cpusetcpus": "0"},
        shmsize=1024,
        extra_hosts={"db": "127.0.0.9"},
        network_mode="none",
        isolation="default",
    )
    recorded = engine.builds[-1].options
    assert recorded["memory"] == "4000000"
    assert (recorded["memswap"], recorded["cpushares"], recorded["cpusetcpus"]) == ("-1", "2", "0")
    assert (recorded["shmsize"], recorded["extrahosts"]) == ("1024", "db:127.0.0.9")
    assert (recorded["networkmode"], recorded["isolation"]) == ("none", "default")


@pytest.mark.fake_docker_engine(version="28.5")
def test_a_platform(client: Sdk) -> None:
    """The image says it is for that one."""
    image, _ = client.images.build(fileobj=_tar(), custom_context=True, platform="linux/arm64")
    assert image.attrs["Architecture"] == "arm64"
    with pytest.raises(docker.errors.APIError, match="amiga"):
        client.images.build(fileobj=_tar(), custom_context=True, platform="amiga/x/y/z")


def test_squash_is_experimental(client: Sdk) -> None:
    """Refused in the words of an engine without experimental features."""
    with pytest.raises(docker.errors.APIError, match="squash is only supported with experim"):
        client.images.build(fileobj=_tar(), custom_context=True, squash=True)


@pytest.mark.parametrize("url", ["http://host/a.tar", "git://host/a.git", "github.com/a/b"])
def test_remote_contexts_are_refused_by_name(client: Sdk, url: str) -> None:
    """The double goes to no network: 501 and what it is that is missing."""
    with pytest.raises(docker.errors.APIError, match=r"POST /build\?remote=") as caught:
        client.images.build(path=url)
    assert caught.value.status_code == 501


@sdk.covers("BuildApiMixin.prune_builds")
@pytest.mark.parametrize(
    "prune",
    [
        lambda client: client.images.prune_builds(),
        lambda client: client.api.prune_builds(
            filters={"until": "24h"}, keep_storage=100, all=True
        ),
    ],
)
def test_there_is_no_build_cache_to_prune(
    client: Sdk, prune: Callable[[Sdk], dict[str, Any]]
) -> None:
    """The classic builder keeps its cache as images."""
    assert prune(client)["SpaceReclaimed"] == 0


def test_every_method_has_a_row() -> None:
    """The table names what the installed SDK has, no more and no less."""
    sdk.check()


@pytest.mark.fake_docker_engine(version="28.5")
def test_an_image_is_made_for_the_platform_of_its_base(
    client: FakeDockerClient, engine: FakeDockerEngine, build: Callable[..., str]
) -> None:
    """Unless there is none: then it is made for the engine's."""
    engine.seed_image("board", architecture="arm64")
    found = [
        client.images.get(build(f"FROM {base}\nLABEL x=y")).attrs["Architecture"]
        for base in ("board", "scratch")
    ]
    assert found == ["arm64", "amd64"]


def test_an_argument_of_a_stage_is_none_of_the_next_from(build: Callable[..., str]) -> None:
    """FROM knows those alone that stand before the first one."""
    assert build("ARG X=scratch\nFROM $X\nLABEL x=y")
    with pytest.raises(docker.errors.BuildError, match="should not be blank"):
        build("FROM scratch AS a\nARG X=scratch\nLABEL x=y\nFROM $X")
