"""Options as the query of a classic build."""

from __future__ import annotations

import json

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.classic_query import render_classic_query
from imagebuilders.exceptions import BuildOptionsError


def _query(options: dict[str, object]) -> list[tuple[str, str]]:
    fixed = {("t", "app:1"), ("dockerfile", "Dockerfile"), ("rm", "1"), ("forcerm", "1")}
    rendered = render_classic_query(
        DockerBuildOptions.from_any(options), names=["app:1"], dockerfile="Dockerfile"
    )
    return [field for field in rendered if field not in fixed]


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, []),
        ({"nocache": True}, [("nocache", "1")]),
        ({"pull": False}, [("pull", "0")]),
        ({"squash": True}, [("squash", "1")]),
        ({"rm": False, "forcerm": False}, [("rm", "0"), ("forcerm", "0")]),
        ({"target": "t"}, [("target", "t")]),
        ({"platform": "linux/arm64"}, [("platform", "linux/arm64")]),
        ({"network_mode": "host"}, [("networkmode", "host")]),
        ({"isolation": "default"}, [("isolation", "default")]),
        ({"shmsize": "64k"}, [("shmsize", "65536")]),
        (
            {"extra_hosts": ["a:1.1.1.1", "b:::1", "a:2.2.2.2"]},
            [("extrahosts", "a:1.1.1.1"), ("extrahosts", "b:::1"), ("extrahosts", "a:2.2.2.2")],
        ),
        (
            {"container_limits": {"memory": 5, "memswap": -1, "cpushares": 2, "cpusetcpus": "0"}},
            [("memory", "5"), ("memswap", "-1"), ("cpushares", "2"), ("cpusetcpus", "0")],
        ),
        ({"quiet": True, "timeout": 3, "gzip": True, "use_config_proxy": False}, []),
    ],
)
def test_an_option_is_a_field(options: dict[str, object], fields: list[tuple[str, str]]) -> None:
    """Names and forms are those that the `docker` command sends."""
    assert _query(options) == fields


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({"buildargs": {"A": "1", "B": None}}, "buildargs", {"A": "1", "B": None}),
        ({"labels": ["a=b", "c"]}, "labels", {"a": "b", "c": ""}),
        ({"cache_from": ["x", "type=registry,ref=y"]}, "cachefrom", ["x", "y"]),
        (
            {"ulimit": "nofile=1:2"},
            "ulimits",
            [{"Name": "nofile", "Soft": 1, "Hard": 2}],
        ),
    ],
)
def test_what_has_parts_is_json(options: dict[str, object], name: str, value: object) -> None:
    """The engine reads one JSON value."""
    ((field, text),) = _query(options)
    assert (field, json.loads(text)) == (name, value)


def test_an_image_may_have_several_names() -> None:
    """Each is a field of its own."""
    rendered = render_classic_query(DockerBuildOptions(), names=["a:1", "b:2"], dockerfile="D")
    assert [value for name, value in rendered if name == "t"] == ["a:1", "b:2"]


def test_given_arguments_come_before_those_of_the_surroundings() -> None:
    """A proxy that the caller sets is not replaced by the user's configuration."""
    rendered = render_classic_query(
        DockerBuildOptions(buildargs={"HTTP_PROXY": "mine"}),
        names=["a"],
        dockerfile="D",
        build_arguments={"HTTP_PROXY": "theirs", "NO_PROXY": "x"},
    )
    assert json.loads(dict(rendered)["buildargs"]) == {"HTTP_PROXY": "mine", "NO_PROXY": "x"}


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"secrets": "id=a"}, "secrets"),
        ({"ssh": "default"}, "ssh"),
        ({"cache_to": "type=inline"}, "cache_to"),
        ({"outputs": "-"}, "outputs"),
        ({"build_contexts": {"a": "docker-image://b"}}, "build_contexts"),
        ({"no_cache_filter": "a"}, "no_cache_filter"),
        ({"platform": "linux/amd64,linux/arm64"}, "platform"),
        ({"cache_from": "type=gha"}, "cache_from"),
        ({"encoding": "bzip2"}, "encoding"),
    ],
)
def test_what_a_classic_build_cannot_do_is_an_error(
    options: dict[str, object], option: str
) -> None:
    """It is never left out in silence."""
    with pytest.raises(BuildOptionsError, match=option) as caught:
        _query(options)
    assert caught.value.option == option
