"""JSON as Go's decoder takes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.auth.go_fields import FieldTypeError, JSONObject, JSONSyntaxError, decode


def _object(text: str) -> JSONObject:
    found = decode(text.encode("utf-8", "surrogatepass"))
    assert isinstance(found, JSONObject)
    return found


@pytest.mark.parametrize("text", [b"", b" \r\n\t", b"null", b" null and more"])
def test_an_empty_text_has_no_value(text: bytes) -> None:
    """An empty file is as good as `null`."""
    assert decode(text) is None


def test_what_follows_the_first_value_does_not_count() -> None:
    """Unless the caller wants the text to hold one value alone."""
    assert _object('{"a": "b"} {"a": "c"}').text("a") == "b"
    with pytest.raises(JSONSyntaxError):
        decode(b'{"a": "b"} x', single=True)
    assert isinstance(decode(b" {} \n", single=True), JSONObject)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"{", 1),
        (b'\n\n {"a":\n}', 4),
        (b'{"a": NaN}', None),
        (b"-Infinity", None),
        (b"[" * 100_000, None),
        (b"\xef\xbb\xbf{}", 1),
        (b"\xff", 1),
        (b'{"a": "\x01"}', 1),
    ],
)
def test_what_is_not_json_is_an_error_with_its_line(text: bytes, line: int | None) -> None:
    """The error quotes nothing of the text, and chains nothing that does."""
    with pytest.raises(JSONSyntaxError) as caught:
        decode(text)
    assert caught.value.line == line
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_numbers_of_any_size_are_passed_over() -> None:
    """Python refuses to read an integer of 5,000 digits."""
    assert _object('{"n": %s, "m": 1e999, "a": "b"}' % ("9" * 5000)).text("a") == "b"


def test_names_of_fields_have_no_case() -> None:
    """The members of a table do."""
    content = _object('{"CREDSSTORE": "x", "credHelpers": {"R": "1", "r": "2"}}')
    assert content.text("credsStore") == "x"
    assert content.text_table("CredHelpers") == {"R": "1", "r": "2"}


def test_null_leaves_a_text_and_empties_a_table() -> None:
    """And a name that comes twice counts twice."""
    content = _object('{"a": "b", "a": null, "t": {"x": "1"}, "t": null, "t": {"y": null}}')
    assert content.text("a") == "b"
    assert content.text_table("t") == {"y": ""}
    assert _object('{"t": {"x": "1", "y": "2"}, "T": {"x": "3"}}').table("t") == {
        "x": "3",
        "y": "2",
    }


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('{"a": 1}', "a", "a string"),
        ('{"t": []}', "t", "an object"),
        ('{"t": "x"}', "t", "an object"),
        ('{"t": {"x": 1}}', "t.x", "a string"),
    ],
)
def test_a_wrong_type_is_named(text: str, key: str, expected: str) -> None:
    """The error says which key, and what it should be."""
    content = _object(text)
    with pytest.raises(FieldTypeError) as caught:
        content.text("a") + str(content.text_table("t"))
    assert (caught.value.key, caught.value.expected) == (key, expected)


def test_text_that_is_not_unicode_is_replaced() -> None:
    """Lone surrogates and wrong bytes would fail later, with another's error."""
    found = decode(b'{"a": "\\ud800x", "b": "\xff", "c": "\\ud83d\\ude00", "\\udc00": 1}')
    assert isinstance(found, JSONObject)
    assert [found.text(name) for name in "abc"] == ["\ufffdx", "\ufffd", "\U0001f600"]
    assert "\ufffd" in found.as_table()


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
)
def test_a_table_of_texts_comes_back(table: dict[str, str]) -> None:
    """What another program wrote as JSON is what is read."""
    assert _object(json.dumps({"table": table})).text_table("table") == table
