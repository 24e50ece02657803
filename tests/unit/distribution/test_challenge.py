"""Challenges of registries, in the forms that registries write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.distribution.challenge import Challenge, parse_challenges

_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,5}", fullmatch=True)
_values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=8)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
            'scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        ('Basic realm="a \\"b\\" \\\\c"', [Challenge("basic", {"realm": 'a "b" \\c'})]),
        ("BASIC REALM=x", [Challenge("basic", {"realm": "x"})]),
        ("Basic", [Challenge("basic")]),
        ("Negotiate abc==", [Challenge("negotiate")]),
        (
            'Negotiate, Basic realm="x" , charset = "UTF-8", Bearer realm=https://a/t?x=y',
            [
                Challenge("negotiate"),
                Challenge("basic", {"realm": "x", "charset": "UTF-8"}),
                Challenge("bearer", {"realm": "https://a/t?x=y"}),
            ],
        ),
        ("Bearer realm=a, realm=b", [Challenge("bearer", {"realm": "a"})]),
        (",, Basic realm=x,,", [Challenge("basic", {"realm": "x"})]),
        ("", []),
        ("=", []),
        ('realm="x"', []),
        ('Bearer realm="never closed', [Challenge("bearer")]),
        ('Basic realm="x", "y", Bearer realm=z', [Challenge("basic", {"realm": "x"})]),
    ],
)
def test_a_challenge_is_read(value: str, expected: list[Challenge]) -> None:
    """As RFC 9110 has it; what is malformed ends the reading."""
    assert list(parse_challenges([value])) == expected


def test_each_field_has_challenges() -> None:
    """A response may have several fields."""
    assert [found.scheme for found in parse_challenges(["Basic realm=a", "Bearer realm=b"])] == [
        "basic",
        "bearer",
    ]


@given(
    st.lists(
        st.tuples(_names, st.dictionaries(_names.map(str.lower), _values, min_size=1, max_size=3)),
        max_size=3,
    )
)
def test_any_challenge_is_read_as_it_was_written(
    challenges: list[tuple[str, dict[str, str]]],
) -> None:
    """With quotes and backslashes in its values."""
    written = ", ".join(
        f"{scheme} "
        + ", ".join(
            '{}="{}"'.format(name, text.replace("\\", "\\\\").replace('"', '\\"'))
            for name, text in parameters.items()
        )
        for scheme, parameters in challenges
    )
    assert list(parse_challenges([written])) == [
        Challenge(scheme.lower(), parameters) for scheme, parameters in challenges
    ]


@given(st.text(max_size=60) | st.text('aB=", \\t;', max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    """A hostile field is no way to break the client."""
    parse_challenges([text])


def test_a_long_field_is_read_in_linear_time() -> None:
    """A megabyte of what looks like a challenge takes no minutes."""
    for piece in ('a="', "a ", 'a=b"', "\\", '"\\'):
        parse_challenges(["Bearer " + piece * (200_000 // len(piece))])
