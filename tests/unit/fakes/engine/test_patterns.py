"""Patterns of sources and ignore files, and platforms, as the engine reads them."""

from __future__ import annotations

import json
from collections.abc import Callable

import docker.errors
import pytest

from fakes import FakeDockerEngine
from fakes.engine.errors import ApiError
from fakes.engine.platforms import parse_platform

Build = Callable[..., str]


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("*.py", ["a.py"]),
        ("[ab].py", ["a.py"]),
        ("sub/?", ["c"]),
        (r"star\*", ["star*"]),
        ("[^a", []),
        ("sub/[", []),
    ],
)
def test_sources(engine: FakeDockerEngine, build: Build, source: str, taken: list[str]) -> None:
    """Patterns do not go over a slash; a malformed one matches nothing, as engines have it."""
    files = {"a.py": "", "star*": "", "sub/c": "", "sub/d.py": "", "[^a": ""}
    dockerfile = f'FROM scratch\nCOPY ["keep", {json.dumps(source)}, "/"]\n'
    if not taken:
        with pytest.raises(docker.errors.BuildError, match="no source files were specified"):
            build(dockerfile.replace('"keep", ', ""), files)
        return
    build(dockerfile, {**files, "keep": ""}, tag="app:1")
    assert sorted(engine.image_tree("app:1")) == sorted([*taken, "keep"])


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ("\ufeff# no\n Dockerfile \n.dockerignore\n", []),
        ("*\n!.dockerignore\n", [".dockerignore"]),
        ("**/Dockerfile\n", [".dockerignore"]),
        ("Dockerfile/x\n", [".dockerignore", "Dockerfile"]),
        ("Dockerfile\n[a\n", [".dockerignore", "Dockerfile"]),
    ],
)
def test_control_files_that_are_ignored(
    engine: FakeDockerEngine, build: Build, patterns: str, left: list[str]
) -> None:
    """The daemon takes these two out; of a file with a malformed pattern it takes no notice."""
    build("FROM scratch\nCOPY . /\n", {".dockerignore": patterns, "a": ""}, tag="app:1")
    assert sorted(engine.image_tree("app:1")) == sorted([*left, "a"])


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux", ("linux", "amd64", "")),
        ("Windows", ("windows", "amd64", "")),
        ("arm64", ("linux", "arm64", "")),
        ("arm", ("linux", "arm", "v7")),
        ("x86_64", ("linux", "amd64", "")),
        ("aarch64", ("linux", "arm64", "")),
        ("linux/amd64", ("linux", "amd64", "")),
        ("Linux/X86_64", ("linux", "amd64", "")),
        ("linux/arm", ("linux", "arm", "v7")),
        ("linux/arm/6", ("linux", "arm", "v6")),
        ("linux/arm/V6", ("linux", "arm", "v6")),
        ("linux/arm64/v8", ("linux", "arm64", "")),
        ("linux/arm64/v9", ("linux", "arm64", "v9")),
        ("linux/amd64/2", ("linux", "amd64", "2")),
        ("plan10/sparc", ("plan10", "sparc", "")),
    ],
)
def test_platforms(text: str, platform: tuple[str, str, str]) -> None:
    """What is left out is filled in, and other names are replaced."""
    found = parse_platform(text)
    assert (found.os, found.architecture, found.variant) == platform


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("linux/*", '"linux/*": wildcards not yet supported: invalid argument'),
        ("", '"" is an invalid component of ""'),
        ("linux/", '"" is an invalid component of "linux/"'),
        ("a.b/c", '"a.b" is an invalid component of "a.b/c"'),
        ("sparc", '"sparc": unknown operating system or architecture: invalid argument'),
        ("a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'),
    ],
)
def test_malformed_platforms(text: str, words: str) -> None:
    """They are refused in the engine's words."""
    with pytest.raises(ApiError) as caught:
        parse_platform(text)
    assert caught.value.status == 400
    assert words in caught.value.message
