"""Versions are in order, and a new one behaves as the newest that is not newer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from fakes.engine.messages import Message
from fakes.engine.versions import (
    DEFAULT,
    ERRORS_IN_JSON,
    NEWEST,
    OLDEST,
    PASSES_REFUSALS_ON,
    STRICT_JSON,
    VERSIONS,
    ByVersion,
)

_old = VERSIONS["20.10"]


def test_versions_stand_in_their_order() -> None:
    """Oldest first, and the default is one of them."""
    known = list(VERSIONS.values())
    assert all(newer >= older.version for older, newer in pairwise(known))
    assert (known[0].name, known[-1].name) == (OLDEST, NEWEST)
    assert DEFAULT in VERSIONS


@pytest.mark.parametrize(
    ("other", "newer"), [("9.9", True), ("20.9", True), ("20.10", True), ("20.11", False)]
)
def test_parts_are_compared_as_numbers(other: str, newer: bool) -> None:
    """10 is more than 9."""
    assert (_old >= other) is newer
    assert (_old < other) is not newer


@pytest.mark.parametrize(
    ("version", "seen"),
    [
        ("20.10.24", "a"),
        ("25.0.1", "a"),
        ("26.0", "b"),
        ("27.9", "b"),
        ("28.0.0", "c"),
        ("99", "c"),
    ],
)
def test_the_newest_value_that_is_not_newer(version: str, seen: str) -> None:
    """Versions between two that are known are as the older of them."""
    value = ByVersion("a", {"26.0": "b", "28.0": "c"})
    assert value.of(replace(_old, version=version)) == seen


def test_a_text_tells_what_it_is_about() -> None:
    """In the words of the version, which need not name everything."""
    text = Message("no {0} in {1}", {"23.0": "{1}: nothing"})
    assert text(_old, "a", "b") == "no a in b"
    assert text(VERSIONS["26.1"], "a", "b") == "b: nothing"


@pytest.mark.parametrize(
    ("version", "seen"),
    [
        ("20.10.24", (False, False, False, 500)),
        ("23.0", (True, False, False, 400)),
        ("26.0", (True, True, False, 400)),
        ("27.0", (True, True, True, 400)),
        ("27.9.9", (True, True, True, 400)),
        ("28.0", (True, False, True, 400)),
        ("99", (True, False, True, 400)),
    ],
)
def test_named_behaviours(version: str, seen: tuple[bool, bool, bool, int]) -> None:
    """Each begins with a version, and may end with one."""
    asked = replace(_old, version=version)
    behaviours = (STRICT_JSON, ERRORS_IN_JSON, PASSES_REFUSALS_ON)
    assert (*map(asked.has, behaviours), asked.bad_request()) == seen
