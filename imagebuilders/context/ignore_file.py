"""Reading an ignore file: which file, and which of its lines are patterns.

The lines are read as Docker reads them
(https://github.com/moby/patternmatcher/tree/main/ignorefile).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from imagebuilders.context.entries import show_path
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.control_files import ControlFile, read_control_file
from imagebuilders.exceptions import ControlFileError, IgnoreFileError, Remedy
from imagebuilders.go_text import trim_space
from imagebuilders.lazy_dataclass import dataclass

IGNORE_FILE = ".dockerignore"

# Docker reads lines with Go's `bufio.Scanner`, which gives up at this length, in bytes.
MAX_LINE_LENGTH = 64 * 1024
_BOM = b"\xef\xbb\xbf"


class IgnoreLine(NamedTuple):
    """A line that is a pattern: its number, from 1, and its text without white space around."""

    number: int
    text: str


@dataclass(frozen=True)
class IgnoreFile:
    """An ignore file as it was read.

    Attributes:
        file: path, content and status.
        lines: the lines that are patterns.
    """

    file: ControlFile
    lines: tuple[IgnoreLine, ...]


def parse_lines(content: bytes, *, path: str | None = None) -> list[IgnoreLine]:
    """Return the lines that are patterns: no blank ones and no comments.

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


def read_ignore_file(path: str) -> IgnoreFile:
    """Read the ignore file at `path`; the null device stands for one without lines.

    Raises:
        IgnoreFileError: the file cannot be read, or a line is too long.
    """
    if path == os.devnull:
        return IgnoreFile(ControlFile(path, b"", os.stat(path)), ())
    try:
        file = read_control_file(path)
    except ControlFileError as error:
        raise IgnoreFileError(
            f"The ignore file {show_path(path)} cannot be read: {error.reason}.",
            path=path,
            remedy=Remedy.REPLACE_IGNORE_FILE,
        ) from error
    return IgnoreFile(file, tuple(parse_lines(file.content, path=path)))


def compile_rules(lines: Sequence[IgnoreLine], *, path: str | None = None) -> IgnoreRules:
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
