"""Text as Go writes it, in the doubles."""

from __future__ import annotations

import pytest

from fakes import go_text

MS, S = 1_000_000, 1_000_000_000


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (999, "999ns"),
        (1_000, "1µs"),
        (1_500, "1.5µs"),
        (MS - 1, "999.999µs"),
        (MS, "1ms"),
        (S - 1, "999.999999ms"),
        (S, "1s"),
        (S + 50 * MS, "1.05s"),
        (59 * S, "59s"),
        (60 * S, "1m0s"),
        (3599 * S, "59m59s"),
        (3600 * S, "1h0m0s"),
        (90061 * S + 1, "25h1m1.000000001s"),
        (-90 * S, "-1m30s"),
        (-5, "-5ns"),
    ],
)
def test_durations(nanoseconds: int, text: str) -> None:
    """Each has the units that it needs, and no zeros at the end of a fraction."""
    assert go_text.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_600_000_000 * S + 120 * MS, "2020-09-13T12:26:40.12Z"),
    ],
)
def test_times(nanoseconds: int, text: str) -> None:
    """Times are written in UTC, and read in any zone; what is none is the epoch."""
    assert go_text.rfc3339(nanoseconds) == text
    assert go_text.parse_rfc3339(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.5-00:30", 1800 * S + 500 * MS),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-02", 0),
        ("", 0),
    ],
)
def test_times_are_read(text: str, nanoseconds: int) -> None:
    """The zone counts."""
    assert go_text.parse_rfc3339(text) == nanoseconds


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1, "1B"),
        (999, "999B"),
        (1000, "1kB"),
        (1234, "1.234kB"),
        (12345, "12.35kB"),
        (999_900, "999.9kB"),
        (999_990, "1000kB"),
        (1_000_000, "1MB"),
        (1.5e9, "1.5GB"),
        (2e12, "2TB"),
        (3e15, "3PB"),
        (3e18, "3000PB"),
        (12345e15, "12345PB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    """Four digits, and the largest unit there is."""
    assert go_text.human_size(size) == text


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "bool"),
        (False, "bool"),
        ("", "string"),
        (0, "number"),
        (1.5, "number"),
        ([], "array"),
        ({}, "object"),
        (None, "null"),
    ],
)
def test_kinds(value: object, name: str) -> None:
    """What is called what."""
    assert go_text.kind_of(value) == name


def test_quoting() -> None:
    """Characters between single quotes, texts between double ones."""
    assert [go_text.quoted_character(ord(char)) for char in "a'\"\n\\"] == [
        "'a'", "'\\''", "'\"'", "'\\n'", "'\\\\'",
    ]  # fmt: skip
    assert go_text.quoted_words([]) == "[]"
    assert go_text.quoted_words(["a", 'b"']) == '["a" "b\\""]'


def test_json() -> None:
    """It has no spaces, keeps the order, and is safe within HTML."""
    assert go_text.dumps({"b": ["<&>", 1, None], "a": "\u2028é\udcff"}) == (
        '{"b":["\\u003c\\u0026\\u003e",1,null],"a":"\\u2028é\ufffd"}'
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "unexpected EOF"),
        ("  ", "unexpected EOF"),
        ('{"a":', "unexpected EOF"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("{x", "invalid character 'x' looking for beginning of object key string"),
        ('{"a" x', "invalid character 'x' after object key"),
        ('{"a":1 x', "invalid character 'x' after object key:value pair"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("nul", "unexpected end of JSON input"),
        ("nulx", "invalid character 'x' in literal null (expecting 'l')"),
        ("trve", "invalid character 'v' in literal true (expecting 'u')"),
        ("fa1se", "invalid character '1' in literal false (expecting 'l')"),
        ("{}", ""),
    ],
)
def test_what_is_wrong_with_json(text: str, words: str) -> None:
    """The first character that cannot stand there, and what was looked for."""
    assert go_text.json_error(text) == words


def test_objects() -> None:
    """What is JSON, but no object, is told apart."""
    assert go_text.parse_object('{"a": 1}') == {"a": 1}
    assert go_text.parse_object("[]") == "json: cannot unmarshal it into an object"
    assert go_text.parse_object("{") == "unexpected EOF"
