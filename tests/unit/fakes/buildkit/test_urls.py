"""URLs that no request is sent for, in the words of real engines."""

from __future__ import annotations

import pytest
from buildkit_builds import Build

from fakes.buildkit.solver.urls import problem_of_url, shown_url
from imagebuilders.exceptions import BuildError


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://", 'Get "http:": http: no Host in request URL'),
        ("https:///x", 'Get "https:///x": http: no Host in request URL'),
        ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
        ("http://[::1]x", 'parse "http://[::1]x": invalid port "x" after host'),
        ("http://h:99999/f", 'Get "http://h:99999/f": dial tcp: address 99999: invalid port'),
        ("http://h:x/f", 'parse "http://h:x/f": invalid port ":x" after host'),
        ("http://%zz/f", 'parse "http://%zz/f": invalid URL escape "%zz"'),
        ("http://h/%", 'parse "http://h/%": invalid URL escape "%"'),
        ("http://a b/", 'parse "http://a b/": invalid character " " in host name'),
        ("http://h", ""),
        ("http://u:p@h:80/f?q=%#x", ""),
        ("http://[::1]:80/f", ""),
        ("file:/x", ""),
    ],
)
def test_what_is_wrong_with_a_url(url: str, problem: str) -> None:
    """As Go's packages say it."""
    assert problem_of_url(url) == problem


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:secret@h/f", "http://u:***@h/f"),
        ("http://u@h/f", "http://u@h/f"),
        ("http://h/u:p@f", "http://h/u:p@f"),
        ("x", "x"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    """The name stays."""
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://[::1", "parse \"http://\\[::1\": missing '\\]' in host"),
        ("http://u:secret@h.example/f", r'Get "http://u:\*\*\*@h.example/f": dial tcp: lookup'),
        ("http://127.0.0.1:x/f.git", "."),
    ],
)
def test_a_build_tells_what_is_wrong_with_a_url(build: Build, url: str, words: str) -> None:
    """It is the step's failure."""
    with pytest.raises(BuildError, match=words):
        build(f"FROM base:1\nADD {url} /\n")
