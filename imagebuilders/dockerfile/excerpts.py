"""Lines of a Dockerfile with those marked that something is about."""

from __future__ import annotations

from imagebuilders.dockerfile.document import Dockerfile

_LONGEST_LINE = 160
_MOST_MARKED = 12


def excerpt(dockerfile: Dockerfile, line: int, end_line: int = 0, *, around: int = 2) -> str:
    """Return the lines around an instruction, numbered, its own marked with `>`.

    Long lines are cut, and of a long instruction its first and last lines are shown. Characters
    that a terminal would act on stand as `\\xNN`.

    Args:
        dockerfile: the file.
        line: the first line to mark, from 1.
        end_line: the last one; the first by default.
        around: how many lines to show before and after.

    Returns:
        Lines with their ends; empty if the file has no such line.
    """
    last = min(max(line, end_line), len(dockerfile.lines))
    if not 1 <= line <= last:
        return ""
    first_shown = max(1, line - around)
    last_shown = min(len(dockerfile.lines), last + around)
    width = len(str(last_shown))
    head, tail = line + _MOST_MARKED // 2, last - _MOST_MARKED // 2
    out = []
    for number in range(first_shown, last_shown + 1):
        if last - line >= _MOST_MARKED and head <= number <= tail:
            if number == head:
                out.append(f"  {'…':>{width}} |\n")
            continue
        mark = ">" if line <= number <= last else " "
        out.append(f"{mark} {number:>{width}} | {_shown(dockerfile.lines[number - 1])}\n")
    return "".join(out)


def _shown(text: str) -> str:
    cut = text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"
    return "".join(map(_printable, cut)).rstrip()


def _printable(char: str) -> str:
    if char.isprintable() or char == "\t":
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
