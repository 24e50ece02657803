"""What is taken from Go's standard library."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.go_text import GlobSyntaxError, check_glob, clean_path, trim_space


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
