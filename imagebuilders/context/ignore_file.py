"""Reading an ignore file: which file, and which of its lines are patterns.

The lines are read as Docker reads them
(https://github.com/moby/patternmatcher/tree/main/ignorefile).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.exceptions import IgnoreFileError, Remedy
from imagebuilders.go_text import trim_space

IGNORE_FILE = ".dockerignore"

# Docker reads lines with Go's `bufio.Scanner`, which gives up at this length, in bytes.
MAX_LINE_LENGTH = 64 * 1024
_BOM = b"\xef\xbb\xbf"


class IgnoreLine(NamedTuple):
    """A line that is a pattern: its number, from 1, and its text without white space around."""

    number: int
    text: str


def parse_lines(content: bytes, *, path: str | None = None) -> list[IgnoreLine]:
    """Give the lines that are patterns: no blank ones and no comments.

    Args:
        content: the whole file.
        path: the file's name, for errors.

    Raises:
        IgnoreFileError: a line has 65,536 bytes or more.
    """
    lines = []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        if len(raw) >= MAX_LINE_LENGTH:
            raise IgnoreFileError(
                f"{_place(path, number)} has {len(raw)} bytes; Docker reads no line of "
                f"{MAX_LINE_LENGTH} bytes or more. Split it, or shorten the comment.",
                path=path,
                line=number,
            )
        line = raw.removesuffix(b"\r")
        if number == 1:
            line = line.removeprefix(_BOM)
        if line.startswith(b"#"):
            continue
        text = trim_space(line.decode("utf-8", "surrogateescape"))
        if text:
            lines.append(IgnoreLine(number, text))
    return lines


def read_lines(path: str) -> list[IgnoreLine]:
    """Read the patterns of the ignore file at `path`.

    Raises:
        IgnoreFileError: the file cannot be read, or a line is too long.
    """
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):  # to open it would be to wait for a writer
            raise IgnoreFileError(
                f"The ignore file {path} is a named pipe (FIFO), which is read once and then gone.",
                path=path,
                remedy=Remedy.REPLACE_IGNORE_FILE,
            )
        content = Path(path).read_bytes()
    except OSError as error:
        raise IgnoreFileError(
            f"The ignore file {path} cannot be read: {error.strerror}.",
            path=path,
            remedy=Remedy.REPLACE_IGNORE_FILE,
        ) from error
    return parse_lines(content, path=path)


def compile_rules(lines: list[IgnoreLine], *, path: str | None = None) -> IgnoreRules:
    """Compile lines.

    Raises:
        IgnoreFileError: a line is no pattern; the error has its number.
    """
    try:
        return IgnoreRules.compile(lines)
    except RuleError as error:
        raise rule_error(error, path=path) from error


def rule_error(error: RuleError, *, path: str | None) -> IgnoreFileError:
    """Say of a malformed pattern which file and line it stands in."""
    shown = error.pattern.encode("utf-8", "backslashreplace").decode()
    return IgnoreFileError(
        f"{_place(path, error.line)} is no pattern: {shown!r}: {error}. Correct the line, or put "
        "a '#' at its very start to make it a comment.",
        path=path,
        line=error.line or None,
        pattern=error.pattern,
    )


def _place(path: str | None, number: int) -> str:
    where = path or "the ignore rules"
    return f"{where}, line {number}," if number else f"One of {where}"
