"""Text from files and programs, made harmless for a terminal."""

from __future__ import annotations

import re

from imagebuilders.context.entries import show_path

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")


def printable(text: str) -> str:
    """Spell what would move the cursor or cannot be encoded: `\\n`, `\\x1b`, `\\xff`.

    Names of files may hold anything; those that are not UTF-8 show their bytes.
    """
    return show_path(text)


def output_line(text: str) -> str:
    """Give a line of a program's output without its colours, and printable."""
    return printable(_ANSI.sub("", text).expandtabs(4).rstrip())


def printable_lines(text: str) -> str:
    """Give a text of several lines, which may quote a program's output, line by line printable."""
    return "\n".join(map(output_line, text.split("\n")))
