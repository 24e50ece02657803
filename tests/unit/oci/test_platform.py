"""Platforms: their spellings, their normal form, and which image runs where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.json_document import ObjectReader
from imagebuilders.oci.platform import Platform


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/amd64", "linux/amd64"),
        ("Linux/X86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/amd64/3", "linux/amd64/3"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm64/9", "linux/arm64/9"),
        ("linux/arm64", "linux/arm64"),
        ("linux/aarch64/v8", "linux/arm64"),
        ("linux/arm64/v9", "linux/arm64/v9"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/arm/5", "linux/arm/v5"),
        ("i386", "linux/386"),
        ("arm64", "linux/arm64"),
        ("windows", "windows/amd64"),
        ("macos/arm64", "darwin/arm64"),
        ("solaris/sparc", "solaris/sparc"),
    ],
)
def test_a_platform_has_one_normal_form(text: str, normal: str) -> None:
    """As containerd writes it."""
    assert str(Platform.parse(text)) == normal


@pytest.mark.parametrize("text", ["", "/", "linux/", "a/b/c/d", "linux/*", "li nux/amd64", "beos"])
def test_what_is_not_a_platform_is_refused(text: str) -> None:
    """The error shows the form."""
    with pytest.raises(ImageFormatError, match="linux/arm64/v8"):
        Platform.parse(text)


@given(st.text(max_size=30))
def test_any_text_is_a_platform_or_refused(text: str) -> None:
    """And the normal form is its own normal form."""
    try:
        platform = Platform.parse(text)
    except ImageFormatError:
        return
    assert platform.normalized() == platform
    assert platform.runs(platform)


@pytest.mark.parametrize(
    ("machine", "image", "runs"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/amd64/v2", False),
        ("linux/amd64/v3", "linux/amd64/v2", True),
        ("linux/amd64/v3", "linux/amd64", True),
        ("linux/arm/v7", "linux/arm/v6", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64", "linux/arm/v7", False),
        ("linux/amd64", "windows/amd64", False),
        ("linux/mips/x", "linux/mips/y", False),
    ],
)
def test_a_machine_runs_its_own_variant_and_lower_ones(
    machine: str, image: str, runs: bool
) -> None:
    """Of the same system and architecture."""
    assert Platform.parse(machine).runs(Platform.parse(image)) is runs


def test_a_platform_keeps_what_it_does_not_know() -> None:
    """Read from a descriptor and written again."""
    document = {
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0.1",
        "os.features": ["win32k"],
        "variant": "v2",
        "features": ["sse4"],
    }
    platform = Platform.from_json(ObjectReader(document, "the platform"))
    assert platform.os_features == ("win32k",)
    assert platform.unknown == {"features": ["sse4"]}
    assert platform.to_json() == document
    assert len({platform, Platform.from_json(ObjectReader(document, "it"))}) == 1
