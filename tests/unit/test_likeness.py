"""Which name somebody may have meant."""

from __future__ import annotations

import pytest

from imagebuilders.likeness import nearest

FLAGS = ["--secret", "--target", "--no-cache", "--tag", "--push", "--pull", "--platform", "--ssh"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--no-cash", "--no-cache"),
        ("--platfrom", "--platform"),
        ("--tags", "--tag"),
        ("--Secret", "--secret"),
        ("--secrets", "--secret"),
    ],
)
def test_very_like_names_are_suggested(given: str, meant: str) -> None:
    """What fingers slip to."""
    assert nearest(given, FLAGS) == meant


@pytest.mark.parametrize("given", ["--secret", "--store", "--pu", "--x", "", "--"])
def test_others_are_not(given: str) -> None:
    """A wrong suggestion is worse than none: `--secret` is not `--target`."""
    assert nearest(given, [flag for flag in FLAGS if flag != "--secret"]) is None
    assert nearest(given, []) is None
