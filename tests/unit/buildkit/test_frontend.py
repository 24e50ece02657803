"""What reads the Dockerfile, and which registries a build names."""

from __future__ import annotations

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.buildkit.frontend import (
    Frontend,
    choose_frontend,
    ended_frontend_advice,
    pull_advice,
)
from imagebuilders.buildkit.named_registries import named_registries
from imagebuilders.dockerfile import parse
from imagebuilders.exceptions import BuildOptionsError


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here opens a connection."""


@pytest.mark.parametrize(
    ("setting", "arguments", "frontend"),
    [
        ("dockerfile", {}, Frontend()),
        ("dockerfile", {"BUILDKIT_SYNTAX": None}, Frontend()),
        ("builtin", {}, Frontend("dockerfile.v0", {"cmdline": "dockerfile.v0"})),
        ("r/f:1", {}, Frontend("gateway.v0", {"source": "r/f:1", "cmdline": "r/f:1"})),
        (
            "builtin",
            {"BUILDKIT_SYNTAX": "r/f:1 more"},
            Frontend("gateway.v0", {"source": "r/f:1", "cmdline": "r/f:1 more"}),
        ),
    ],
)
def test_a_frontend_is_the_daemon_s_or_an_image(
    setting: str, arguments: dict[str, str | None], frontend: Frontend
) -> None:
    """The build argument goes before the setting."""
    assert choose_frontend(setting, arguments) == frontend
    assert frontend.is_own == (not frontend.image)


def test_an_empty_frontend_is_an_error() -> None:
    """A daemon would tell it less well."""
    with pytest.raises(BuildOptionsError, match="BUILDKIT_SYNTAX"):
        choose_frontend("dockerfile", {"BUILDKIT_SYNTAX": " "})


def test_advice_is_for_the_pull_of_a_frontend_alone() -> None:
    """A base image that cannot be pulled is another matter."""
    assert "builtin" in pull_advice("resolve image config for docker-image://r/f:1", {})
    assert not pull_advice("[internal] load metadata for r/f:1", {})


@pytest.mark.parametrize(
    ("told", "image", "is_scanner"),
    [
        ("type=sbom", "docker.io/docker/buildkit-syft-scanner:stable-1", True),
        ("type=sbom,generator=r.test/s:1", "r.test/s:1", True),
        ("type=sbom,generator=r.test/s", f"r.test/s:latest@sha256:{'0' * 64}", True),
        ("type=sbom,generator=r.test/s", "r.test/f:latest", False),
        ("type=sbom,generator=", "docker.io/docker/dockerfile:1", False),
        ("type=sbom,generator=not an image", "not/an image", False),
        ("type", "docker.io/docker/dockerfile:1", False),
    ],
)
@pytest.mark.parametrize("step", ["resolve image config for docker-image://", "docker-image://"])
def test_advice_for_the_pull_of_a_scanner(
    step: str, told: str, image: str, is_scanner: bool
) -> None:
    """It is an image of its own, which another option names."""
    advice = pull_advice(f"{step}{image}", {"attest:sbom": told})
    assert ("generator=NAME" in advice, "builtin" in advice) == (is_scanner, not is_scanner)


def test_every_registry_that_a_build_names_is_known() -> None:
    """Of bases, stages' sources, caches, contexts, the frontend, and outputs."""
    dockerfile = parse(
        b"# syntax=syntax.test/f:1\n"
        b"ARG R=arg.test\n"
        b"ARG GIVEN=none.test\n"
        b"FROM $R/base AS build\n"
        b"COPY --from=copy.test:5000/x / /\n"
        b"RUN --mount=type=bind,from=mount.test/x true\n"
        b"FROM ${GIVEN}/y\n"
        b"FROM ${bad\n"
        b"FROM alpine\n"
    )
    options = DockerBuildOptions(
        cache_from="from.test/c",
        cache_to="type=registry,ref=to.test/c",
        build_contexts={"a": "docker-image://context.test/a", "b": "folder"},
    )
    found = named_registries(
        dockerfile,
        options,
        build_arguments={"GIVEN": "given.test"},
        further=("frontend.test/x", "app:1", ""),
    )
    assert found == {
        *("syntax.test", "arg.test", "copy.test:5000", "mount.test", "given.test", "docker.io"),
        *("from.test", "to.test", "context.test", "frontend.test"),
    }


@pytest.mark.parametrize(
    "words", ["exit code: 1", "failed to solve with frontend gateway.v0: exit code: 1"]
)
def test_an_image_that_is_no_frontend(words: str) -> None:
    """Daemons say no more than its exit code; what it is the code of is added."""
    assert "'frontend'" in ended_frontend_advice(words)
    assert not ended_frontend_advice(f"process ended: {words}")
