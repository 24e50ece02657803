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


def test_a_name_with_one_word_more_is_suggested() -> None:
    """Where only one has it: the kind stands before it."""
    assert nearest("client", ["docker_client", "uri"]) == "docker_client"
    assert nearest("client", ["docker_client", "other_client"]) is None
    assert nearest("docker", ["docker_client"]) is None
    assert nearest("--", ["--a--b"]) is None


@pytest.mark.parametrize("given", ["--secret", "--store", "--pu", "--x", "", "--"])
def test_others_are_not(given: str) -> None:
    """A wrong suggestion is worse than none: `--secret` is not `--target`."""
    assert nearest(given, [flag for flag in FLAGS if flag != "--secret"]) is None
    assert nearest(given, []) is None
