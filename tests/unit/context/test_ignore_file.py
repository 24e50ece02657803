"""Reading an ignore file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.context.ignore_file import (
    IgnoreLine,
    compile_rules,
    parse_lines,
    read_ignore_file,
    rule_error,
)
from imagebuilders.context.rules import RuleError
from imagebuilders.exceptions import ControlFileError, IgnoreFileError


def texts(content: bytes) -> list[str]:
    """Give the texts of the lines."""
    return [line.text for line in parse_lines(content)]


def test_lines() -> None:
    """Blank lines and comments go, white space around is trimmed, numbers count all lines."""
    lines = parse_lines(b"# c\n\n a \n\tb\r\n #d\n")
    assert lines == [IgnoreLine(3, "a"), IgnoreLine(4, "b"), IgnoreLine(5, "#d")]


def test_byte_order_mark() -> None:
    """A BOM is taken from the first line only."""
    assert texts(b"\xef\xbb\xbf#a\n\xef\xbb\xbfb") == ["\ufeffb"]


def test_carriage_return() -> None:
    """One trailing carriage return belongs to the line's end; others are white space."""
    assert texts(b"a\r\r\nb\rc") == ["a", "b\rc"]


@pytest.mark.parametrize("line", [b"a" * 65536, b"#" * 65536, b"a" * 65535 + b"\r"])
def test_too_long(line: bytes) -> None:
    """A line of 65,536 bytes is refused with its number; one byte less is not."""
    with pytest.raises(IgnoreFileError, match="line 2") as caught:
        parse_lines(b"x\n" + line + b"\ny", path="f")
    assert (caught.value.line, caught.value.path) == (2, "f")
    assert len(texts(b"x\n" + line[1:] + b"\ny")) >= 2


def test_unreadable(tmp_path: Path) -> None:
    """A file that cannot be read is an error that names it."""
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(IgnoreFileError, match="cannot be read") as caught:
            read_ignore_file(str(path))
        assert caught.value.path == str(path)
        assert isinstance(caught.value.__cause__, ControlFileError)


def test_named_pipe(tmp_path: Path) -> None:
    """A named pipe is refused: to read it would be to wait for somebody to write to it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(IgnoreFileError, match=r"it is a pipe \(FIFO\)") as caught:
        read_ignore_file(str(path))
    assert caught.value.path == str(path)


def test_device_without_content() -> None:
    """The null device is an ignore file without lines."""
    assert read_ignore_file(os.devnull).lines == ()


def test_malformed_line() -> None:
    """The error has the file, the number of the line and the pattern."""
    with pytest.raises(IgnoreFileError, match=r"f, line 3, is no pattern: '\[a'") as caught:
        compile_rules(parse_lines(b"x\n\n[a\n"), path="f")
    assert (caught.value.path, caught.value.line, caught.value.pattern) == ("f", 3, "[a")


def test_malformed_without_a_file() -> None:
    """Rules from no file have no number."""
    error = rule_error(RuleError("[", 0, "why"), path=None)
    assert str(error).startswith("One of the ignore rules is no pattern")
    assert error.line is None


@given(st.binary(max_size=60))
@settings(max_examples=80, deadline=None)
def test_any_bytes(content: bytes) -> None:
    """Any bytes are lines that compile, or an error of one kind."""
    with suppress(IgnoreFileError):
        compile_rules(parse_lines(content))
