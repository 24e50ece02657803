"""The engine's answers: a stream of JSON objects, cut anywhere by the transport."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from imagebuilders.exceptions import EngineError
from imagebuilders.go_text import replace_lone_surrogates

Message: TypeAlias = Mapping[str, object]

MAX_MESSAGE_CHARS = 16 * 1024 * 1024
"""A longer message is taken for garbage; the engine's own are a few hundred characters."""

_OUTSIDE_STRING = re.compile(r'["{}]')
_INSIDE_STRING = re.compile(r'["\\]')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"\s*")
_EXCERPT_CHARS = 120


class JsonStreamParser:
    """Splits a byte stream into JSON objects.

    The objects may stand one per line or back to back, and a chunk may end
    anywhere, inside a UTF-8 sequence too. Bytes that are not UTF-8 become
    U+FFFD: a build's output is not worth losing over one.

    Every character is looked at once, whatever the chunks and objects are like.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun: list[str] = []  # the pieces of an object that is not complete
        self._begun_chars = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Take the next bytes, and yield the objects they complete.

        Raises:
            EngineError: the stream holds something that is no JSON object.
        """
        return self._complete_objects(self._decoder.decode(chunk))

    def close(self) -> None:
        """Say that the stream has ended.

        Raises:
            EngineError: it ended inside an object.
        """
        for _ in self._complete_objects(self._decoder.decode(b"", final=True)):
            pass
        if self._begun:
            raise EngineError(
                "The engine's answer ends inside a JSON message: "
                f"{_excerpt(''.join(self._begun[:_EXCERPT_CHARS]))}"
            )

    def _complete_objects(self, text: str) -> Iterator[Message]:
        start = 0
        while True:
            if not self._depth:
                start = _end_of_space(text, start)
                if start < len(text) and text[start] != "{":
                    raise EngineError(
                        "The engine's answer is not a stream of JSON messages: "
                        f"{_excerpt(text[start : start + _EXCERPT_CHARS + 1])}"
                    )
            if start == len(text):
                return
            end = self._end_of_object(text, start)
            self._keep(text[start:end])
            if end is None:
                return
            raw = "".join(self._begun)
            self._begun, self._begun_chars = [], 0
            yield _load(raw)
            start = end

    def _keep(self, piece: str) -> None:
        self._begun.append(piece)
        self._begun_chars += len(piece)
        if self._begun_chars > MAX_MESSAGE_CHARS:
            raise EngineError(
                f"The engine's answer holds a JSON message of more than {MAX_MESSAGE_CHARS} "
                f"characters: {_excerpt(''.join(self._begun[:_EXCERPT_CHARS]))}"
            )

    def _end_of_object(self, text: str, at: int) -> int | None:
        """Return where the object that has begun ends; `None` when that is yet to come."""
        if self._escaped:
            self._escaped = False
            at += 1
        while True:
            pattern = _INSIDE_STRING if self._in_string else _OUTSIDE_STRING
            found = pattern.search(text, at)
            if found is None:
                return None
            mark, at = found.group(), found.end()
            if mark == '"':
                self._in_string = not self._in_string
            elif mark == "\\":
                if at == len(text):  # the escaped character is yet to come
                    self._escaped = True
                    return None
                at += 1
            elif mark == "{":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    return at


def parse_json_stream(chunks: Iterable[bytes]) -> Iterator[Message]:
    """Yield the JSON objects of a byte stream as they come.

    Raises:
        EngineError: the stream is no sequence of JSON objects, or ends inside one.
    """
    parser = JsonStreamParser()
    for chunk in chunks:
        yield from parser.feed(chunk)
    parser.close()


def _end_of_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return start if found is None else found.end()


def _load(raw: str) -> Message:
    try:
        # strict=False: a raw control character in a build's output is no reason to stop.
        message: object = json.loads(raw, strict=False)
        if _SURROGATE.search(raw):  # hardly ever
            message = _without_lone_surrogates(message)
    except (ValueError, RecursionError) as error:
        raise EngineError(
            f"The engine's answer holds a malformed JSON message: {_excerpt(raw)}"
        ) from error
    assert isinstance(message, dict)  # it begins with a brace
    return message


def _without_lone_surrogates(value: object) -> object:
    """Return a value whose texts can be printed and sent, as every program in Go reads them."""
    if isinstance(value, str):
        return replace_lone_surrogates(value)
    if isinstance(value, list):
        return [_without_lone_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {
            replace_lone_surrogates(key): _without_lone_surrogates(each)
            for key, each in value.items()
        }
    return value


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS] + "…")
