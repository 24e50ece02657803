"""Patterns in substitutions, against regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebuilders.dockerfile.shell_patterns import (
    PatternError,
    replace,
    trim_prefix,
    trim_suffix,
)

_PATTERNS = st.text("ab*?\n", max_size=6)
_VALUES = st.text("ab\n", max_size=12)


def _expression(pattern: str, *, greedy: bool) -> re.Pattern[str]:
    star = ".*" if greedy else ".*?"
    meaning = {"*": star, "?": "."}
    return re.compile("".join(meaning.get(char, re.escape(char)) for char in pattern))


@given(_PATTERNS, _VALUES, st.booleans())
@example("*b", "\nb", True)
@example("*b", "a\nb", False)
def test_prefix(pattern: str, value: str, greedy: bool) -> None:
    """What goes is what the regular expression matches at the beginning."""
    match = _expression(pattern, greedy=greedy).match(value)
    expected = value[match.end() :] if match else value
    assert trim_prefix(value, pattern, greedy=greedy) == expected


@given(_PATTERNS, _VALUES, st.booleans())
def test_suffix_is_the_prefix_from_behind(pattern: str, value: str, greedy: bool) -> None:
    """Both ends are treated alike."""
    expected = trim_prefix(value[::-1], pattern[::-1], greedy=greedy)[::-1]
    assert trim_suffix(value, pattern, greedy=greedy) == expected


@given(_PATTERNS, _VALUES)
def test_first_match(pattern: str, value: str) -> None:
    """The first match is replaced, and the replacement is taken as it is."""
    match = _expression(pattern, greedy=True).search(value)
    expected = f"{value[: match.start()]}$0{value[match.end() :]}" if match else value
    assert replace(value, pattern, "$0", everywhere=False) == expected


@pytest.mark.parametrize(
    ("value", "pattern", "replacement", "expected"),
    [
        ("abcabc", "b", "<$0>", "a<b>ca<b>c"),
        ("abc", "*", "x", "x"),
        ("abc", "", "-", "-a-b-c-"),
        ("a\nb", "*", "x", "x\nx"),
        ("aaa", "aa", "$$${0}$1$x", "$aaa"),
        ("a}b", "\\}", "$", "a$b"),
        ("a*b", "\\*", "${", "a${b"),
    ],
)
def test_every_match(value: str, pattern: str, replacement: str, expected: str) -> None:
    """Every match is replaced; in the replacement `$0` is the match, as in Go."""
    assert replace(value, pattern, replacement, everywhere=True) == expected


@pytest.mark.parametrize("pattern", ["\\x", "a\\"])
def test_escapes_that_are_not_needed(pattern: str) -> None:
    """Only what means something may be escaped."""
    with pytest.raises(PatternError, match="invalid escape"):
        trim_prefix("a", pattern, greedy=False)


def test_many_stars_take_no_longer() -> None:
    """A regular expression that tries every division of the text would never end here."""
    assert trim_prefix("a" * 2_000, "*a" * 200 + "b", greedy=True) == "a" * 2_000
    assert replace("a" * 2_000, "*a?" * 60 + "b", "", everywhere=True) == "a" * 2_000
