"""The engine's answers: a stream of JSON objects, cut anywhere by the transport."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from imagebuilders.exceptions import EngineError

Message: TypeAlias = Mapping[str, object]

MAX_MESSAGE_CHARS = 16 * 1024 * 1024
"""A longer message is taken for garbage; the engine's own are a few hundred characters."""

_OUTSIDE_STRING = re.compile(r'["{}]')
_INSIDE_STRING = re.compile(r'["\\]')
_EXCERPT_CHARS = 120


class JsonStreamParser:
    """Splits a byte stream into JSON objects.

    The objects may stand one per line or back to back, and a chunk may end
    anywhere, inside a UTF-8 sequence too. Bytes that are not UTF-8 become
    U+FFFD: a build's output is not worth losing over one.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._scanned = 0
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Take the next bytes; give the objects they complete.

        Raises:
            EngineError: the stream holds something that is no JSON object.
        """
        self._text += self._decoder.decode(chunk)
        return self._complete_objects()

    def close(self) -> None:
        """Say that the stream has ended.

        Raises:
            EngineError: it ended inside an object.
        """
        self._text += self._decoder.decode(b"", final=True)
        if self._text.strip():
            raise EngineError(
                f"The engine's answer ends inside a JSON message: {_excerpt(self._text)}"
            )

    def _complete_objects(self) -> Iterator[Message]:
        while (end := self._end_of_object()) is not None:
            raw, self._text = self._text[:end], self._text[end:]
            self._scanned = 0
            yield _load(raw)

    def _end_of_object(self) -> int | None:
        """Find where the first object ends, going on where the last call stopped."""
        if self._depth == 0:
            self._text = self._text.lstrip()
            if not self._text:
                return None
            if self._text[0] != "{":
                raise EngineError(
                    f"The engine's answer is not a stream of JSON messages: {_excerpt(self._text)}"
                )
        while True:
            pattern = _INSIDE_STRING if self._in_string else _OUTSIDE_STRING
            found = pattern.search(self._text, self._scanned)
            if found is None:
                self._scanned = len(self._text)
                break
            mark, self._scanned = found.group(), found.end()
            if mark == '"':
                self._in_string = not self._in_string
            elif mark == "\\":
                if self._scanned == len(self._text):  # the escaped character is yet to come
                    self._scanned = found.start()
                    break
                self._scanned += 1
            elif mark == "{":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    return self._scanned
        if len(self._text) > MAX_MESSAGE_CHARS:
            raise EngineError(
                f"The engine's answer holds a JSON message of more than {MAX_MESSAGE_CHARS} "
                f"characters: {_excerpt(self._text)}"
            )
        return None


def parse_json_stream(chunks: Iterable[bytes]) -> Iterator[Message]:
    """Give the JSON objects of a byte stream as they come.

    Raises:
        EngineError: the stream is no sequence of JSON objects, or ends inside one.
    """
    parser = JsonStreamParser()
    for chunk in chunks:
        yield from parser.feed(chunk)
    parser.close()


def _load(raw: str) -> Message:
    try:
        # strict=False: a raw control character in a build's output is no reason to stop.
        message: object = json.loads(raw, strict=False)
    except (ValueError, RecursionError) as error:
        raise EngineError(
            f"The engine's answer holds a malformed JSON message: {_excerpt(raw)}"
        ) from error
    assert isinstance(message, dict)  # it begins with a brace
    return message


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS] + "…")
