"""The parser of the engine's JSON streams."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from imagebuilders.docker import json_stream
from imagebuilders.docker.json_stream import JsonStreamParser, parse_json_stream
from imagebuilders.exceptions import EngineError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
messages = st.dictionaries(st.text(max_size=5), values, max_size=4)


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[Sequence[object], list[bytes]]:
    """Messages, and their bytes cut anywhere."""
    expected = draw(st.lists(messages, max_size=5))
    raw = b""
    for message in expected:
        ascii_only = draw(st.booleans())
        raw += json.dumps(message, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        raw += draw(st.sampled_from([b"", b"\n", b"\r\n", b" \t\n"]))
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    edges = [0, *cuts, len(raw)]
    return expected, [raw[a:b] for a, b in itertools.pairwise(edges)]


@settings(max_examples=40, deadline=None)
@given(cut_streams())
def test_cuts_anywhere_do_not_matter(case: tuple[Sequence[object], list[bytes]]) -> None:
    """The same messages come out wherever the transport cuts the stream."""
    expected, chunks = case
    assert list(parse_json_stream(chunks)) == expected


def test_messages_come_as_soon_as_they_are_complete() -> None:
    """A message is given before the next one arrives."""
    parser = JsonStreamParser()
    assert list(parser.feed(b'{"a":1}{"b":')) == [{"a": 1}]
    assert list(parser.feed(b'"\\"}"}')) == [{"b": '"}'}]
    parser.close()


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    """A build's output in another encoding does not stop the build."""
    assert list(parse_json_stream([b'{"stream":"caf\xe9"}'])) == [{"stream": "caf\ufffd"}]


def test_lone_surrogates_are_replaced() -> None:
    """They are in no text of Go's, and no terminal, file or service takes one."""
    raw = rb'{"a\udcff":["\uD800!",{"b":"\ud83d\ude00"}],"c":1}'
    assert list(parse_json_stream([raw])) == [
        {"a\N{REPLACEMENT CHARACTER}": ["\N{REPLACEMENT CHARACTER}!", {"b": "\U0001f600"}], "c": 1}
    ]


def test_raw_control_characters_are_accepted() -> None:
    """An unescaped newline within a string is taken as it is."""
    assert list(parse_json_stream([b'{"stream":"a\nb"}'])) == [{"stream": "a\nb"}]


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"<html>no engine</html>", "not a stream of JSON messages: '<html>"),
        (b'{"a":1}[2]', "not a stream of JSON messages: '\\[2\\]'"),
        (b'{"a" 1}', "malformed JSON message"),
        (b'{"a": "cut', "ends inside a JSON message"),
        (b'{"a":1} \xc3', "ends inside a JSON message|not a stream"),
    ],
)
def test_what_is_no_stream_of_objects_is_an_error(raw: bytes, complaint: str) -> None:
    """The error shows the beginning of what came instead."""
    with pytest.raises(EngineError, match=complaint):
        list(parse_json_stream([raw]))


def test_a_message_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Garbage that looks like one endless message does not fill the memory."""
    monkeypatch.setattr(json_stream, "MAX_MESSAGE_CHARS", 100)
    with pytest.raises(EngineError, match="more than 100 characters"):
        list(parse_json_stream([b'{"a": "', b"x" * 200, b'"}']))


def test_long_garbage_is_quoted_in_part() -> None:
    """The error does not repeat megabytes of garbage."""
    with pytest.raises(EngineError) as caught:
        list(parse_json_stream([b"x" * 10_000]))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("size", [1, 65536, 10_000_000])
def test_every_character_is_looked_at_once(mocker: MockerFixture, size: int) -> None:
    """However many messages a chunk holds, and however many chunks a message."""
    raw = b'{"a":"' + b"x" * 20_000 + b'"}' + b'{"b":1}' * 5_000
    looked_at = 0

    class Counting:
        """A pattern that counts the characters it goes over."""

        def __init__(self, pattern: re.Pattern[str]) -> None:
            self._pattern = pattern

        def search(self, text: str, at: int) -> re.Match[str] | None:
            """As the pattern does."""
            nonlocal looked_at
            found = self._pattern.search(text, at)
            looked_at += (len(text) if found is None else found.end()) - at
            return found

    for name in ("_OUTSIDE_STRING", "_INSIDE_STRING"):
        mocker.patch.object(json_stream, name, Counting(getattr(json_stream, name)))
    kept = mocker.spy(JsonStreamParser, "_keep")
    chunks = [raw[start : start + size] for start in range(0, len(raw), size)]
    assert len(list(parse_json_stream(chunks))) == 5_001
    assert looked_at <= len(raw)
    assert sum(len(call.args[1]) for call in kept.call_args_list) == len(raw)
