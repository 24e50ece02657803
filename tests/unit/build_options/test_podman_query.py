"""Options as Podman reads them."""

from __future__ import annotations

import json

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.classic_query import render_classic_query
from imagebuilders.build_options.podman_query import check_podman, render_podman_query
from imagebuilders.exceptions import BuildOptionsError

ENGINE = "Podman Engine 5.8.6 (linux/amd64)"


def _query(**options: object) -> dict[str, str]:
    chosen = DockerBuildOptions.from_any(options)
    check_podman(chosen, ENGINE, (5, 8))
    return dict(render_podman_query(chosen, names=["app:1"], dockerfile="Dockerfile"))


def test_most_options_are_those_of_a_docker_engine() -> None:
    """Names, arguments, labels, switches and limits of memory are sent as to a Docker Engine."""
    options = DockerBuildOptions.from_any(
        {
            "buildargs": {"A": "1"},
            "labels": {"b": "2"},
            "target": "made",
            "platform": "linux/arm64",
            "pull": True,
            "nocache": True,
            "squash": True,
            "shmsize": "64m",
            "container_limits": {"memory": "512m"},
        }
    )
    names = ["app:1", "app:2"]
    assert render_podman_query(options, names=names, dockerfile="x") == render_classic_query(
        options, names=names, dockerfile="x"
    )


def test_what_has_a_form_of_its_own() -> None:
    """Lists are JSON, limits are texts, and a network is a policy with a namespace."""
    query = _query(
        extra_hosts=["db:10.0.0.2", "db:fe80::1"],
        ulimit=["nofile=512:1024", "nproc=7"],
        cache_from=["registry.example/cache"],
        cache_to=["type=registry,ref=registry.example/cache"],
        network_mode="host",
    )
    assert json.loads(query["extrahosts"]) == ["db:10.0.0.2", "db:fe80::1"]
    assert json.loads(query["ulimits"]) == ["nofile=512:1024", "nproc=7:7"]
    assert json.loads(query["cachefrom"]) == ["registry.example/cache"]
    assert json.loads(query["cacheto"]) == ["registry.example/cache"]
    assert query["networkmode"] == "NetworkEnabled"
    assert json.loads(query["nsoptions"]) == [{"Name": "network", "Host": True, "Path": ""}]


@pytest.mark.parametrize(
    ("mode", "sent"), [(None, None), ("default", None), ("none", "NetworkDisabled")]
)
def test_networks(mode: str | None, sent: str | None) -> None:
    """Without a network there is none; the default needs no word."""
    assert _query(network_mode=mode).get("networkmode") == sent


def test_secrets_are_files_of_the_archive() -> None:
    """Each is named with its ID."""
    options = DockerBuildOptions.from_any({"secrets": ["id=token,env=TOKEN"]})
    query = render_podman_query(
        options, names=["app:1"], dockerfile="x", secrets={"token": ".secret-1"}
    )
    assert ("secrets", '["id=token,src=.secret-1"]') in query


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ssh": ["default=/agent"]}, "'ssh' needs BuildKit: Podman Engine"),
        ({"outputs": ["type=tar,dest=x"]}, "'outputs' needs BuildKit: Podman Engine"),
        ({"build_contexts": {"a": "docker-image://b"}}, "'build_contexts' needs BuildKit"),
        ({"no_cache_filter": ["a"]}, "'no_cache_filter' needs BuildKit"),
        ({"sbom": True}, "needs BuildKit"),
        ({"platform": "linux/amd64,linux/arm64"}, "names several platforms"),
        ({"network_mode": "bridge"}, "asks for 'bridge'.* passes over.* default, none, host"),
        ({"cache_from": ["app:1"]}, "names 'app:1' with a tag.* write 'app'"),
        ({"cache_to": ["app@sha256:" + "0" * 64]}, "with a tag or digest"),
        ({"cache_to": ["type=inline"]}, "asks for type=inline.* repositories"),
        ({"cache_from": ["type=local,src=x"]}, "asks for type=local"),
        ({"cache_from": ["UPPER"]}, "names 'UPPER'.* upper case"),
        ({"secrets": [{"id": "a,b", "env": "X"}]}, "has the ID 'a,b' with a comma"),
    ],
)
def test_what_podman_does_not_take_is_refused(options: dict[str, object], words: str) -> None:
    """The error names the option, the engine and what would do."""
    with pytest.raises(BuildOptionsError, match=words) as caught:
        _query(**options)
    assert caught.value.option == next(iter(options))


@pytest.mark.parametrize(
    ("name", "value", "release"),
    [
        ("secrets", ["id=a,env=A"], (3, 4)),
        ("cache_from", ["cache"], (4, 3)),
        ("cache_to", ["cache"], (4, 3)),
    ],
)
def test_what_an_older_podman_does_not_take_is_refused(
    name: str, value: object, release: tuple[int, int]
) -> None:
    """The error says which release does."""
    options = DockerBuildOptions.from_any({name: value})
    with pytest.raises(BuildOptionsError, match=r"Podman 4\.[04] and newer take it") as caught:
        check_podman(options, "Podman Engine 3.4", release)
    assert caught.value.option == name
    check_podman(options, "Podman Engine 4.4", (4, 4))
