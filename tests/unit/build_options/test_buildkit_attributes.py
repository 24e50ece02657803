"""Options as what BuildKit is told."""

from __future__ import annotations

import json

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.buildkit_attributes import (
    BuildKitAttributes,
    makes_index,
    render_buildkit_attributes,
    render_cache_imports,
    without_meaning,
)
from imagebuilders.exceptions import BuildOptionsError


def _render(options: dict[str, object]) -> BuildKitAttributes:
    return render_buildkit_attributes(DockerBuildOptions.from_any(options), dockerfile="Dockerfile")


@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        ({}, {}),
        ({"buildargs": {"A": "1", "B": None}}, {"build-arg:A": "1"}),
        ({"labels": "l=v"}, {"label:l": "v"}),
        ({"target": "t"}, {"target": "t"}),
        ({"platform": ["linux/amd64", "linux/arm64"]}, {"platform": "linux/amd64,linux/arm64"}),
        ({"nocache": True}, {"no-cache": ""}),
        ({"no_cache_filter": "a,b"}, {"no-cache": "a,b"}),
        ({"pull": True}, {"image-resolve-mode": "pull"}),
        ({"network_mode": "none"}, {"force-network-mode": "none"}),
        ({"extra_hosts": ["h:1.1.1.1", "i:[::1]"]}, {"add-hosts": "h=1.1.1.1,i=::1"}),
        ({"shmsize": "64k"}, {"shm-size": "65536"}),
        ({"ulimit": ["nproc=3", "nofile=1:2"]}, {"ulimit": "nofile=1:2,nproc=3:3"}),
        ({"rm": True, "forcerm": True, "gzip": True, "network_mode": "default"}, {}),
        ({"cgroup_parent": "/x"}, {"cgroup-parent": "/x"}),
        ({"cgroup_parent": ""}, {}),
        (
            {"container_limits": {"memory": "2g", "memswap": -1}},
            {"memory": "2147483648", "memswap": "-1"},
        ),
        ({"resource": ["cpu-quota=5", "cpu-period=6"]}, {"cpuquota": "5", "cpuperiod": "6"}),
        (
            {"resource": ["cpuset-cpus=0-1", "cpuset-mems=0"]},
            {"cpusetcpus": "0-1", "cpusetmems": "0"},
        ),
        ({"resource": "cpu-shares=7"}, {"cpushares": "7"}),
        ({"provenance": True}, {"attest:provenance": "type=provenance"}),
        ({"provenance": "true", "sbom": "0"}, {"attest:provenance": "type=provenance"}),
        ({"provenance": ""}, {}),
        (
            {"provenance": False, "attest": "type=provenance,mode=max"},
            {"attest:provenance": "type=provenance,mode=max"},
        ),
        ({"provenance": {"mode": "max"}}, {"attest:provenance": "type=provenance,mode=max"}),
        ({"sbom": "generator=b"}, {"attest:sbom": "type=sbom,generator=b"}),
        ({"attest": ["type=sbom,disabled=true"], "sbom": True}, {}),
        ({"attest": ["type=a,z=1,b=2", "type=a"]}, {"attest:a": "type=a,b=2,z=1"}),
        ({"attest": ["type=sbom,disabled=false"]}, {"attest:sbom": "type=sbom"}),
    ],
)
def test_an_option_is_an_attribute(options: dict[str, object], attributes: dict[str, str]) -> None:
    """Names and forms are those that `docker buildx build` sends."""
    given = {"filename": "Dockerfile", "image-resolve-mode": "local"}
    assert _render(options).frontend == {**given, **attributes}


def test_the_host_network_needs_to_be_allowed() -> None:
    """The entitlement goes with the attribute."""
    rendered = _render({"network_mode": "host"})
    assert rendered.frontend["force-network-mode"] == "host"
    assert rendered.entitlements == ("network.host",)


def test_what_a_build_is_allowed_is_said_once() -> None:
    """Whatever asks for it."""
    rendered = _render({"network_mode": "host", "allow": ["network.host", "device=a/b=c", ""]})
    assert rendered.entitlements == ("network.host", "device=a/b=c")


@pytest.mark.parametrize(
    ("options", "is_index"),
    [
        ({}, False),
        ({"platform": "linux/amd64"}, False),
        ({"platform": "linux/amd64,linux/arm64"}, True),
        ({"sbom": True}, True),
        ({"sbom": False, "provenance": "disabled=true"}, False),
    ],
)
def test_several_platforms_or_attestations_make_an_index(
    options: dict[str, object], is_index: bool
) -> None:
    """Which some outputs have no place for."""
    assert makes_index(DockerBuildOptions.from_any(options)) is is_index


def test_caches_are_named_to_the_frontend() -> None:
    """Only there a daemon looks for those that it imports."""
    rendered = render_cache_imports([("registry", {"ref": "app:c"}), ("local", {"src": "d"})])
    assert json.loads(rendered["cache-imports"]) == [
        {"Type": "registry", "Attrs": {"ref": "app:c"}},
        {"Type": "local", "Attrs": {"src": "d"}},
    ]
    assert render_cache_imports([]) == {}


@pytest.mark.parametrize(
    ("options", "types"),
    [
        ({"cache_to": "type=inline"}, ["inline"]),
        ({"buildargs": {"BUILDKIT_INLINE_CACHE": "1"}}, ["inline"]),
        ({"buildargs": {"BUILDKIT_INLINE_CACHE": "1"}, "cache_to": "type=inline"}, ["inline"]),
        ({"buildargs": {"BUILDKIT_INLINE_CACHE": "0"}}, []),
    ],
)
def test_an_inline_cache_may_be_asked_for_by_an_argument(
    options: dict[str, object], types: list[str]
) -> None:
    """As with `docker buildx`, but once."""
    assert [cache.type for cache in _render(options).cache_to] == types


def test_the_host_gateway_is_an_address() -> None:
    """The caller knows which."""
    options = DockerBuildOptions(extra_hosts=["h:host-gateway", "i:1.2.3.4"])
    rendered = render_buildkit_attributes(
        options, dockerfile="Dockerfile", host_gateway="172.17.0.1"
    )
    assert rendered.frontend["add-hosts"] == "h=172.17.0.1,i=1.2.3.4"


@pytest.mark.parametrize("platform", ["bogus", "a/b/c/d", "linux/amd64, linux/arm64"])
def test_a_malformed_platform_is_an_error(platform: str) -> None:
    """It is told before the build."""
    with pytest.raises(BuildOptionsError, match="platform") as caught:
        _render({"platform": platform})
    assert caught.value.option == "platform"


def test_a_context_s_name_is_that_of_an_image() -> None:
    """In the form in which the frontend looks for it."""
    given = {"docker.io/library/alpine:latest": "/a", "busybox:1": "oci-layout:///b:tag"}
    rendered = _render({"build_contexts": given})
    assert rendered.folders == {"alpine": "/a"}
    assert rendered.layouts == {"busybox:1": "/b:tag"}
    with pytest.raises(BuildOptionsError, match="Base"):
        _render({"build_contexts": {"Base": "/a"}})


def test_a_named_context_is_a_folder_or_an_address() -> None:
    """A folder is sent under its name; those that the frontend uses itself get another."""
    rendered = _render(
        {"build_contexts": {"base": "docker-image://b", "extra": "/x", "context": "/y"}}
    )
    assert rendered.folders == {"extra": "/x", "_context": "/y"}
    assert rendered.frontend["context:base"] == "docker-image://b"
    assert rendered.frontend["context:extra"] == "local:extra"
    assert rendered.frontend["context:context"] == "local:_context"


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"squash": True}, "squash"),
        ({"isolation": "hyperv"}, "isolation"),
        ({"network_mode": "my-network"}, "network_mode"),
    ],
)
def test_what_has_no_meaning_is_an_error(options: dict[str, object], option: str) -> None:
    """It is never left out in silence, and can be asked about before."""
    assert without_meaning(DockerBuildOptions.from_any(options)) == [option]
    with pytest.raises(BuildOptionsError, match="no meaning in BuildKit") as caught:
        _render(options)
    assert caught.value.option == option


def test_two_ways_to_build_anew_exclude_each_other() -> None:
    """As with `docker buildx`."""
    with pytest.raises(BuildOptionsError, match="exclude each other"):
        _render({"nocache": True, "no_cache_filter": "a"})
