"""One pattern, alone."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.context.patterns import (
    PatternKind,
    PatternSyntaxError,
    compile_pattern,
    literal_pattern,
)


@pytest.mark.parametrize(
    ("text", "kind", "hit", "missed"),
    [
        ("a/b", PatternKind.EXACT, ["a/b"], ["a", "a/b/c", "x/a/b"]),
        ("/a/../b/", PatternKind.EXACT, ["b"], ["a/b"]),
        ("**x", PatternKind.SUFFIX, ["x", "ax", "a/bx"], ["xa"]),
        ("**/x", PatternKind.SUFFIX, ["x", "a/x"], ["ax"]),
        ("**", PatternKind.SUFFIX, ["x", "a/x"], []),
        ("a/**", PatternKind.PREFIX, ["a/b", "a/b/c"], ["a", "ab"]),
        ("a**", PatternKind.PREFIX, ["a", "ax", "a/b"], ["ba"]),
        ("*.py", PatternKind.REGEXP, ["x.py", ".py"], ["a/x.py", "xpy"]),
        ("a?c", PatternKind.REGEXP, ["abc", "aüc"], ["a/c", "ac"]),
        ("a/**/b", PatternKind.REGEXP, ["a/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("a**b", PatternKind.REGEXP, ["ab", "ax/b"], ["axb"]),
        ("**x*", PatternKind.REGEXP, ["x", "a/xy"], ["ax"]),
        ("[^q]x*", PatternKind.REGEXP, ["ax", "/x"], ["qx"]),
        ("[!c]*", PatternKind.REGEXP, ["!", "c"], ["d"]),
        ("zz|*b", PatternKind.REGEXP, ["zzz", "x/ab"], ["za"]),
        ("d{2}*", PatternKind.REGEXP, ["dd", "ddx"], ["d{2}"]),
        ("*.{a,b}", PatternKind.REGEXP, ["x.{a,b}"], ["x.a"]),
        (r"\d\pL*", PatternKind.REGEXP, ["1x", "2é"], ["11"]),
        (r"\Q*", PatternKind.REGEXP, ["[^/]*$"], ["Q"]),
        ("!.", PatternKind.EXACT, [], ["a"]),
        ("!!x", PatternKind.EXACT, ["!x"], ["x"]),
        ("/ /", PatternKind.EXACT, [], [" "]),
        ("\ufeff*x", PatternKind.REGEXP, ["ax"], ["\ufeffy"]),
        ("\ufeff**/x", PatternKind.SUFFIX, [], ["x"]),
    ],
)
def test_kinds(text: str, kind: PatternKind, hit: list[str], missed: list[str]) -> None:
    """A pattern is compared as Docker compares it."""
    pattern = compile_pattern(text)
    assert pattern.kind is kind
    assert [path for path in hit + missed if pattern.matches(path)] == hit


@pytest.mark.parametrize("text", ["!", "! ", "!/", "!//", "[", "[]", "[a-]", "[-a]", "x\\", "x\\ "])
def test_malformed(text: str) -> None:
    """What Docker refuses when it reads the file is refused at once."""
    with pytest.raises(PatternSyntaxError):
        compile_pattern(text)


@pytest.mark.parametrize(
    "text", ["[d-b]", "[Local-Only]", "*{2}", r"\x", r"\q", r"\1", "\\ß", "x*[", "[[:foo:]]"]
)
def test_malformed_when_tried(text: str) -> None:
    """What Docker refuses when it first tries the pattern is refused then, and not before."""
    pattern = compile_pattern(text)
    with pytest.raises(PatternSyntaxError):
        pattern.matches("a")


def test_negation_and_line() -> None:
    """A pattern knows its text, its line and whether it is negated; the slash goes away."""
    pattern = compile_pattern("! /a ", line=7)
    assert (pattern.negated, pattern.glob, pattern.line) == (True, "a", 7)
    assert repr(pattern) == "<Pattern '! /a '>"


def test_stray_bytes() -> None:
    """A byte that is no UTF-8 is itself in a plain pattern, and U+FFFD in an expression."""
    assert compile_pattern("a\udcff").matches("a\udcff")
    assert compile_pattern("a\ufffd*").matches("a\udcffx")
    assert compile_pattern("?").matches("\udcff")


@given(st.text(min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    """No text makes the compiler fail in any other way than by saying that it is no pattern."""
    with suppress(PatternSyntaxError):
        compile_pattern(text).matches("some/path.py")


PIECES = st.lists(
    st.sampled_from(
        [
            "*",
            "?",
            "**",
            "[",
            "]",
            "^",
            "-",
            "\\",
            "{2}",
            "{",
            "}",
            "|",
            "/",
            "!",
            ".",
            "a",
            "Q",
            "d",
            "p",
            "[:alpha:]",
            "$",
            "(",
            ")",
            "+",
            "ü",
            " ",
            "x{1,3}",
            "\\Q",
            "\\E",
            "\\pL",
            "\udcff",
        ]
    ),
    min_size=1,
    max_size=9,
).map("".join)


@given(PIECES)
@settings(max_examples=60, deadline=None)
def test_any_pieces_compile_or_are_refused(text: str) -> None:
    """So does no heap of the characters that mean something."""
    with suppress(PatternSyntaxError):
        pattern = compile_pattern(text)
        for path in ("a", "a/b", "ü\n", "a\udcff"):
            pattern.matches(path)


NAMES = st.text(
    st.characters(exclude_characters="/\0\n", exclude_categories=()), min_size=1, max_size=6
).filter(lambda name: name not in (".", "..") and not name.startswith("\ufeff"))


@given(st.lists(NAMES, min_size=1, max_size=3).map("/".join))
@settings(max_examples=60, deadline=None)
def test_literal_pattern(path: str) -> None:
    """The pattern for one path hits it, negated or not, and is no comment."""
    path = path.encode("utf-8", "replace").decode()
    text = literal_pattern(path)
    assert not text.startswith("#")
    assert compile_pattern(text).matches(path)
    assert not compile_pattern(text).negated
    assert compile_pattern("!" + text).matches(path)
    assert compile_pattern("!" + text).negated


def test_literal_pattern_of_a_line_feed() -> None:
    """A line feed, which no line can hold, is hit by a wild card."""
    assert literal_pattern("a\nb") == "a?b"
