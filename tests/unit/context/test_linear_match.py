"""Many wild cards, in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.context import linear_match
from imagebuilders.context.linear_match import LinearMatcher
from imagebuilders.context.patterns import compile_pattern

EXPRESSIONS = st.lists(
    st.sampled_from(["[^/]*", "(.*/)?", "a", "b", "/", "[^/]", "[a-b]", r"\."]), max_size=8
)


@given(EXPRESSIONS, st.booleans(), st.text("ab/.\n", max_size=8))
@settings(max_examples=150, deadline=None)
def test_agrees_with_re(expressions: list[str], deep: bool, text: str) -> None:
    """It matches what Python's `re` matches, asked once or twice."""
    expressions += [".*"] * deep
    expected = re.fullmatch("".join(expressions), text) is not None
    matcher = LinearMatcher(expressions)
    assert [matcher(text), matcher(text)] == [expected, expected]


@pytest.mark.parametrize("glob", ["*a" * 30 + "*b", "**/*a" * 12 + "*b", "*?a*[a-c]a*a*a*a*a*a*b"])
def test_takes_no_time(glob: str) -> None:
    """A pattern that tries every way to share out a name is done at once."""
    started = time.process_time()
    assert not compile_pattern(glob).matches("a" * 250)
    assert compile_pattern(glob).matches("a/" * 30 * glob.startswith("**") + "a" * 100 + "b")
    assert time.process_time() - started < 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is forgotten when it grows too large; the answers stay."""
    monkeypatch.setattr(linear_match, "_MOST_REMEMBERED", 3)
    matcher = LinearMatcher(["[^/]*", "a", "[^/]*", "b", "[^/]*"])
    for _ in range(3):
        assert matcher("xxaxxbxx")
        assert not matcher("xxbxxaxx")


def test_classes_and_stray_bytes() -> None:
    """Classes, and bytes that are no UTF-8, are one character each."""
    pattern = compile_pattern("*[a-c]*[x_]?*")
    assert pattern.matches("zbz_\udcff")
    assert not pattern.matches("zbz_")
