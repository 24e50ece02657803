"""What is taken from Go's standard library."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.go_text import (
    GlobSyntaxError,
    check_glob,
    clean_path,
    match_glob,
    to_lower,
    trim_space,
)


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("", "."),
        (".", "."),
        ("a//b/./c/", "a/b/c"),
        ("a/../../b", "../b"),
        ("/..", "/"),
        ("/../x", "/x"),
        ("//x", "/x"),
        ("..", ".."),
        ("a/..", "."),
    ],
)
def test_clean_path(path: str, clean: str) -> None:
    """Paths are cleaned as `filepath.Clean` does."""
    assert clean_path(path) == clean


@given(st.text("a./", max_size=12))
@settings(max_examples=50, deadline=None)
def test_clean_path_is_stable(path: str) -> None:
    """A clean path stays as it is."""
    assert clean_path(clean_path(path)) == clean_path(path)


def test_trim_space() -> None:
    """What Go calls white space goes away, what only Python does stays."""
    assert trim_space("\x85\xa0 \u3000x\t\v") == "x"
    assert trim_space("\x1cx\u200b\ufeff") == "\x1cx\u200b\ufeff"


@pytest.mark.parametrize(
    "glob",
    ["a[", "[", "[^", "[]", "[]a]", "[-a]", "[a-]", "a\\", "[\\", "*[", "[a\\", "[\udcff]", "*x["],
)
def test_malformed_globs(glob: str) -> None:
    """Globs that `filepath.Match` refuses."""
    with pytest.raises(GlobSyntaxError):
        check_glob(glob)


@pytest.mark.parametrize(
    "glob", ["x*[", "a*b[-", "[a-z]", "[\\]]", "*", "**", "?[^a]", "*.", ".*[x]"]
)
def test_well_formed_globs(glob: str) -> None:
    """Globs that it lets pass, some of them because it looks no further."""
    check_glob(glob)


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("**", "abc", True),
        ("*", "a/b", False),
        ("a*c", "abbc", True),
        ("a*c", "abcb", False),
        ("a*b*c", "aXbYc", True),
        ("*c*", "abcd", True),
        ("a?c", "a/c", False),
        ("\\*", "*", True),
        ("\\*", "x", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[!a]", "!", True),
        ("a b", "a b", True),
    ],
)
def test_match_glob(glob: str, name: str, fits: bool) -> None:
    """Names fit globs as `filepath.Match` has it."""
    assert match_glob(glob, name) is fits


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_plain_globs_are_those_of_the_shell(glob: str, name: str) -> None:
    """Without classes and escapes a glob means what it means everywhere."""
    assert match_glob(glob, name) is fnmatch.fnmatchcase(name, glob)


@pytest.mark.parametrize("glob", ["[", "a[", "*[", "\\", "[a", "[a-"])
def test_malformed_globs_fit_nothing(glob: str) -> None:
    """A malformed glob is an error when it is tried."""
    with pytest.raises(GlobSyntaxError):
        match_glob(glob, "a")


@pytest.mark.parametrize(
    ("text", "lower"),
    [
        ("ABC", "abc"),
        ("ÀÉß", "àéß"),
        ("\u0130X", "ix"),
        ("ΟΔΟΣ", "οδοσ"),
        ("A\udcff", "a\ufffd"),
    ],
)
def test_to_lower(text: str, lower: str) -> None:
    """Each character becomes one, wherever it stands."""
    assert to_lower(text) == lower
