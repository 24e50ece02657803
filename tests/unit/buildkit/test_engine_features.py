"""What an engine's BuildKit can do, and what is refused before a build."""

from __future__ import annotations

from typing import Any

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.buildkit.control.client import Worker
from imagebuilders.buildkit.engine_features import EngineFeatures
from imagebuilders.connections.engine_version import EngineVersion
from imagebuilders.exceptions import BuildOptionsError

GATEWAY = {"org.mobyproject.buildkit.worker.moby.host-gateway-ip": "172.17.0.1"}
CONTAINERD = {"org.mobyproject.buildkit.worker.executor": "containerd", **GATEWAY}


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here opens a connection."""


def _features(version: str, api: str, labels: dict[str, str]) -> EngineFeatures:
    return EngineFeatures.of(
        EngineVersion(api, "Docker Engine", version, "linux/amd64"),
        [Worker("id", labels, ("linux/amd64",))],
    )


OLD = _features("20.10.24", "1.41", {})
GRAPH = _features("28.5.2", "1.51", GATEWAY)
STORE = _features("28.5.2", "1.51", CONTAINERD)
FEATURES = {"20.10": OLD, "graph": GRAPH, "containerd": STORE}


@pytest.mark.parametrize(
    ("option", "value", "refused"),
    [
        ("ulimit", "nofile=1:2", {"20.10": "classic builder"}),
        ("shmsize", "64m", {"20.10": "classic builder"}),
        ("extra_hosts", "h:host-gateway", {"20.10": "classic builder"}),
        ("extra_hosts", "h:1.2.3.4", {}),
        ("build_contexts", {"a": "docker-image://b"}, {"20.10": "# syntax="}),
        ("outputs", ["type=local,dest=a", "type=tar,dest=b"], {"20.10": "Docker Engine 26"}),
        ("outputs", "type=local,dest=a", {}),
        ("outputs", "type=oci,dest=a", {"20.10": "containerd", "graph": "containerd"}),
        ("outputs", "type=docker,dest=a", {"20.10": "containerd", "graph": "containerd"}),
        ("outputs", "type=docker", {}),
        ("outputs", "type=registry", {"20.10": "container registry", "graph": "containerd"}),
        ("outputs", "type=image,push=true", {"20.10": "containerd", "graph": "containerd"}),
        ("outputs", "type=image,push=false", {}),
        ("cache_to", "type=inline", {}),
        ("cache_to", "type=local,dest=a", {"20.10": "type=inline", "graph": "containerd"}),
        ("cache_to", "type=registry,ref=a", {"20.10": "containerd", "graph": "type=inline"}),
        ("platform", "linux/amd64,linux/arm64", {"20.10": "containerd", "graph": "once for each"}),
        ("platform", "linux/arm64", {}),
        ("sbom", True, {"20.10": "containerd", "graph": "containerd"}),
        ("provenance", "mode=max", {"20.10": "containerd", "graph": "containerd"}),
        ("attest", "type=x", {"20.10": "containerd", "graph": "containerd"}),
        ("sbom", False, {}),
        ("annotations", "a=b", {}),
        ("annotations", "index:a=b", {"20.10": "containerd", "graph": "makes none"}),
        ("container_limits", {"memory": 5}, dict.fromkeys(FEATURES, "classic builder")),
    ],
)
@pytest.mark.parametrize("store", FEATURES)
def test_what_an_engine_cannot_do_is_refused(
    store: str, option: str, value: Any, refused: dict[str, str]
) -> None:
    """The error names the option, what the engine has, and what would do."""
    features = FEATURES[store]
    options = DockerBuildOptions.from_any({option: value})
    if store not in refused:
        features.check(options, frontend_is_own=True)
        return
    with pytest.raises(BuildOptionsError, match=refused[store]) as caught:
        features.check(options, frontend_is_own=True)
    assert caught.value.option == option
    assert option in str(caught.value)
    assert features.engine in str(caught.value)


@pytest.mark.parametrize(
    ("options", "is_refused"),
    [
        ({"outputs": "type=image", "load": True}, False),
        ({"outputs": "out", "load": True}, True),
        ({"push": True, "load": True}, False),
    ],
)
def test_one_image_is_one_output(options: dict[str, Any], is_refused: bool) -> None:
    """However often it is asked for."""
    given = DockerBuildOptions.from_any(options)
    if not is_refused:
        OLD.check(given, frontend_is_own=True)
        return
    with pytest.raises(BuildOptionsError, match="2 outputs"):
        OLD.check(given, frontend_is_own=True)


def test_a_folder_may_have_several_platforms() -> None:
    """It is the image store that cannot keep them."""
    options = DockerBuildOptions(platform=["linux/amd64", "linux/arm64"], outputs="out")
    GRAPH.check(options, frontend_is_own=True)


def test_a_frontend_that_is_pulled_may_know_more() -> None:
    """Named contexts are its affair."""
    options = DockerBuildOptions(build_contexts={"a": "docker-image://b"})
    OLD.check(options, frontend_is_own=False)


def test_what_is_passed_over_in_silence_is_known() -> None:
    """A classic build honours it."""
    options = DockerBuildOptions(ulimit="nofile=1", shmsize=1, extra_hosts="h:host-gateway")
    assert OLD.ignored(options) == ["ulimit", "shmsize", "extra_hosts"]
    assert GRAPH.ignored(options) == []
    assert GRAPH.host_gateway == "172.17.0.1"
