"""Patterns of sources and ignore files, and platforms, as the engine reads them."""

from __future__ import annotations

import pytest

from fakes.engine.builder import go_glob, ignore
from fakes.engine.errors import ApiError
from fakes.engine.platforms import parse_platform


@pytest.mark.parametrize(
    ("pattern", "hit", "missed"),
    [
        ("*", ["a", "", "a.b"], ["a/b"]),
        ("a?", ["ab", "a\n"], ["a", "a/", "abc"]),
        ("a*/b", ["a/b", "axy/b"], ["a/x/b"]),
        (r"a\*", ["a*"], ["ab", "a\\*"]),
        ("a.b", ["a.b"], ["axb"]),
        ("[a-c]", ["a", "b", "c"], ["d", "-", "", "ab"]),
        ("[^a-c]", ["d", "-"], ["a", "b", "c", "/"]),
        ("[ab]x", ["ax", "bx"], ["cx"]),
        (r"[\]a]", ["]", "a"], ["\\"]),
        (r"[\--0]", ["-", ".", "/"][:2], ["/", "1"]),
        ("[c-a]", [], ["a", "b", "c"]),
        ("[^c-a]", ["b"], ["/"]),
    ],
)
def test_globs(pattern: str, hit: list[str], missed: list[str]) -> None:
    """A star, a question mark and a class do not go over a slash."""
    assert [text for text in hit + missed if go_glob.match(pattern, text)] == hit


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "[a-", "[a-]", "[-a]", "a\\", "[\\", "[^"])
def test_malformed_globs_match_nothing(pattern: str) -> None:
    """Not even themselves."""
    assert not go_glob.match(pattern, pattern)


@pytest.mark.parametrize(
    ("path", "wild"), [("a*", True), ("a?", True), ("[a]", True), (r"a\*", False), ("a.b", False)]
)
def test_wildcards(path: str, wild: bool) -> None:
    """A backslash takes the meaning away from what follows."""
    assert go_glob.has_wildcards(path) is wild


def test_ignore_files() -> None:
    """Lines are cleaned, and comments and empty lines are no patterns."""
    text = "\ufeff# no\n #yes\n\n  a/../b/ \n/c\n/\n! d \n!\n**/e\n"
    assert ignore.read_patterns(text) == ["#yes", "b", "c", "/", "!d", "!", "**/e"]


@pytest.mark.parametrize(
    ("patterns", "hit", "missed"),
    [
        (["a"], ["a", "a/b", "a/b/c"], ["b/a", "ab"]),
        (["*.py"], ["x.py"], ["d/x.py"]),
        (["**/*.py"], ["x.py", "d/x.py", "d/e/x.py"], ["x.pyc"]),
        (["a/**"], ["a/b", "a/b/c"], ["a", "b"]),
        (["a/**/b"], ["a/b", "a/x/b", "a/x/y/b"], ["ab"]),
        (["a?"], ["ab"], ["a", "a/"]),
        (["[ab]"], ["a", "b"], ["c"]),
        ([r"\!a", r"a\b"], ["!a", "ab"], ["a"]),
        (["a.b"], ["a.b"], ["axb"]),
        (["*", "!a"], ["b"], ["a"]),
        (["*", "!a", "a/b"], ["a/b", "c"], ["a", "a/c"]),
        (["!a", "*"], ["a", "b"], []),
        (["[a", "[z-a]"], [], ["[a", "z", "a"]),
    ],
)
def test_what_is_ignored(patterns: list[str], hit: list[str], missed: list[str]) -> None:
    """The last pattern that matches counts, for a folder and all in it."""
    assert [path for path in hit + missed if ignore.is_ignored(path, patterns)] == hit


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
    assert parse_platform(text) == platform


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
