"""Harmless text."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.sanitize import output_line, printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain/näme.txt", "plain/näme.txt"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[2Jboo", "\\x1b[2Jboo"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\u202egnp", "\\u202egnp"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """Control characters, tricks with direction and stray bytes are spelled out."""
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_printable_is_printable(text: str) -> None:
    """Whatever comes in, what comes out is printable and can be encoded."""
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


def test_output_loses_its_colours() -> None:
    """A program's colours and window titles are left out, tabs become spaces."""
    line = "\x1b]0;title\x07\x1b[1;31mred\x1b[0m\tend  "
    assert output_line(line) == "red end"


@given(st.text(st.characters(exclude_categories=[])))
def test_output_is_printable(text: str) -> None:
    """No escape sequence gets through."""
    assert output_line(text).isprintable()


def test_lines_stay_lines() -> None:
    """A message keeps its lines, and each is harmless."""
    text = "failed:\n  \x1b]0;title\x07\x1b[31mred\r\n  \x07bell"
    assert printable_lines(text) == "failed:\n  red\n  \\x07bell"
