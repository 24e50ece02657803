"""Splitting the text of an instruction into flags and words.

Engines read flags, and the first word of a HEALTHCHECK, byte by byte. Text beyond ASCII comes out
of that changed, and is kept here as they keep it.
"""

from __future__ import annotations

import re

from imagebuilders.dockerfile.values import Flag
from imagebuilders.go_text import WHITE_SPACE, replace_undecodable

BLANKS = re.compile(r"[\t\v\f\r ]+")
"""What engines separate plain words by; other white space is part of a word."""

_SPACE = frozenset(WHITE_SPACE)
_BEFORE_FLAGS = re.compile(r"[\t\n\v\f\r ]*(?:--|[\udc85\udca0])")


def bytes_as_text(text: str) -> str:
    """Return text with one character, U+0000 to U+00FF, for each of its bytes in UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def text_of_bytes(text: str) -> str:
    """Undo `bytes_as_text`."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def split_flags(text: str, escape: str) -> tuple[tuple[Flag, ...], str]:
    """Take the flags from the front of an instruction's text; a lone `--` ends them.

    Returns:
        The flags, and the text behind them.
    """
    if not _BEFORE_FLAGS.match(text):
        return (), text
    source = bytes_as_text(text)
    flags: list[Flag] = []
    position = 0
    while True:
        while source[position : position + 1] in _SPACE:
            position += 1
        if not source.startswith("--", position):
            break
        word, position = _flag_word(source, position, escape)
        if word == "--":
            break
        name, equals, value = word[2:].partition("=")
        flags.append(Flag(name, value if equals else None))
    return tuple(flags), text_of_bytes(source[position:])


def _flag_word(source: str, position: int, escape: str) -> tuple[str, int]:
    """Return the word at a position without its quotes, and where it ends."""
    word: list[str] = []
    quote = ""
    while position < len(source):
        char = source[position]
        if not quote and char in _SPACE:
            break
        position += 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char != escape:
            word.append(char)
        elif position < len(source):
            word.append(source[position])
            position += 1
        else:
            quote = ""
    return "".join(word), position


def split_words(text: str, escape: str) -> list[str]:
    """Split text at white space outside quotes; quotes and escapes stay in the words."""
    source = replace_undecodable(text)
    words: list[str] = []
    position = 0
    while True:
        while source[position : position + 1] in _SPACE:
            position += 1
        if position == len(source):
            return words
        word, position = _quoted_word(source, position, escape)
        if word:
            words.append(word)


def _quoted_word(source: str, position: int, escape: str) -> tuple[str, int]:
    """Return the word at a position with its quotes, and where it ends."""
    word: list[str] = []
    quote = ""
    while position < len(source):
        char = source[position]
        if not quote and char in _SPACE:
            break
        position += 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        if char == escape and quote != "'":
            if position == len(source):
                break
            word.append(char)
            char = source[position]
            position += 1
        word.append(char)
    return "".join(word), position
