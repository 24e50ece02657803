"""POSIX regular expressions (regex(7)) in Python's words."""

from __future__ import annotations

import re
from functools import lru_cache

from ...bounded_expressions import compile_bounded
from ...shell.patterns import _CLASSES

_ESCAPES = {
    "w": r"\w",
    "W": r"\W",
    "s": r"\s",
    "S": r"\S",
    "b": r"\b",
    "B": r"\B",
    "<": r"\b(?=\w)",
    ">": r"\b(?<=\w)",
    "`": r"\A",
    "'": r"\Z",
    "n": r"\n",
    "t": r"\t",
}
"""What GNU's escapes are in Python's words."""


class ExpressionError(ValueError):
    """An expression that is none."""


def to_python(source: str, *, extended: bool) -> str:
    """Return an expression in Python's words.

    Args:
        source: the expression.
        extended: whether it is an extended one (`grep -E`), not a basic one.

    Raises:
        ExpressionError: it is none.
    """
    return _Translator(source, extended=extended).translate()


@lru_cache(maxsize=512)
def compile_expression(
    source: str, *, extended: bool, ignore_case: bool = False, many_lines: bool = False
) -> re.Pattern[str]:
    """Return an expression that can be searched for.

    Raises:
        ExpressionError: it is none.
    """
    flags = (re.I if ignore_case else 0) | (re.M if many_lines else 0)
    try:
        return compile_bounded(to_python(source, extended=extended), flags | re.A)
    except re.error as error:
        raise ExpressionError(str(error)) from error


class _Translator:
    def __init__(self, source: str, *, extended: bool) -> None:
        self._source = source
        self._extended = extended
        self._position = 0
        self._out: list[str] = []
        self._open = 0
        self._groups = 0

    def translate(self) -> str:
        source = self._source
        can_repeat = False
        while self._position < len(source):
            letter = source[self._position]
            if letter == "\\":
                can_repeat = self._escape(can_repeat)
                continue
            if letter == "[":
                self._out.append(self._bracket())
                can_repeat = True
                continue
            self._position += 1
            if letter == ".":
                self._out.append("[^\\n]")
                can_repeat = True
            elif letter == "*":
                if can_repeat:
                    self._repeat("*")
                else:
                    self._out.append("\\*" if not self._extended else "")
                    can_repeat = not self._extended
            elif letter == "^":
                is_anchor = self._extended or self._at_start()
                self._out.append("^" if is_anchor else "\\^")
                can_repeat = not is_anchor
            elif letter == "$":
                is_anchor = self._extended or self._at_stop()
                self._out.append("(?=\\n|\\Z)" if is_anchor else "\\$")
                can_repeat = not is_anchor
            elif self._extended and letter in "+?":
                if can_repeat:
                    self._repeat(letter)
            elif self._extended and letter == "{":
                can_repeat = self._interval("}", can_repeat)
            elif self._extended and letter == "(":
                self._begin_group()
                can_repeat = False
            elif self._extended and letter == ")":
                can_repeat = self._end_group()
            elif self._extended and letter == "|":
                self._out.append("|")
                can_repeat = False
            else:
                self._out.append(re.escape(letter))
                can_repeat = True
        if self._open:
            raise ExpressionError("Unmatched ( or \\(")
        return "".join(self._out)

    def _repeat(self, operator: str) -> None:
        if self._out and self._out[-1][:1] in "*+?" and self._out[-1]:
            self._out[-1] = "*" if self._out[-1] != operator else operator
        else:
            self._out.append(operator)

    def _at_start(self) -> bool:
        before = self._source[: self._position - 1]
        return not before or before.endswith(("\\(", "\\|", "\n"))

    def _at_stop(self) -> bool:
        after = self._source[self._position :]
        return not after or after.startswith(("\\)", "\\|", "\n"))

    def _begin_group(self) -> None:
        self._out.append("(")
        self._open += 1
        self._groups += 1

    def _end_group(self) -> bool:
        if not self._open:
            if self._extended:
                raise ExpressionError("Unmatched ) or \\)")
            raise ExpressionError("Unmatched ) or \\)")
        self._open -= 1
        self._out.append(")")
        return True

    def _escape(self, can_repeat: bool) -> bool:
        source = self._source
        if self._position + 1 >= len(source):
            raise ExpressionError("Trailing backslash")
        letter = source[self._position + 1]
        self._position += 2
        if not self._extended:
            if letter == "(":
                self._begin_group()
                return False
            if letter == ")":
                return self._end_group()
            if letter == "{":
                return self._interval("\\}", can_repeat)
            if letter == "|":
                self._out.append("|")
                return False
            if letter in "+?":
                if can_repeat:
                    self._repeat(letter)
                    return True
                self._out.append(re.escape(letter))
                return True
        if letter.isdigit() and letter != "0":
            if int(letter) > self._groups:
                raise ExpressionError("Invalid back reference")
            self._out.append(f"(?:\\{letter})")
            return True
        if letter in _ESCAPES:
            self._out.append(_ESCAPES[letter])
            return letter not in "bB<>`'"
        self._out.append(re.escape(letter))
        return True

    def _interval(self, end: str, can_repeat: bool) -> bool:
        stop = self._source.find(end, self._position)
        text = self._source[self._position : stop] if stop >= 0 else ""
        match = re.fullmatch(r"(\d*)(,?)(\d*)", text) if stop >= 0 else None
        if match is None or not (match[1] or match[3]):
            if self._extended:
                self._out.append(r"\{")
                return True
            raise ExpressionError("Unmatched \\{" if stop < 0 else "Invalid content of \\{\\}")
        self._position = stop + len(end)
        if not can_repeat:
            if self._extended:
                return False
            raise ExpressionError("Invalid preceding regular expression")
        low = match[1] or "0"
        if match[3] and int(match[3]) < int(low):
            raise ExpressionError("Invalid content of \\{\\}")
        self._out.append("{" + low + (match[2] + match[3] if match[2] else "") + "}")
        return True

    def _bracket(self) -> str:
        source = self._source
        position = self._position + 1
        negated = source[position : position + 1] == "^"
        position += negated
        out: list[str] = []
        is_first = True
        while position < len(source):
            letter = source[position]
            if letter == "]" and not is_first:
                self._position = position + 1
                body = "".join(out)
                if negated:
                    return f"[^{body}\\n]" if "\n" not in source else f"[^{body}]"
                return f"[{body}]"
            is_first = False
            if letter == "[" and source[position + 1 : position + 2] in (":", ".", "="):
                kind = source[position + 1]
                stop = source.find(kind + "]", position + 2)
                if stop >= 0:
                    name = source[position + 2 : stop]
                    if kind == ":":
                        if name not in _CLASSES:
                            raise ExpressionError("Invalid character class name")
                        out.append(_CLASSES[name])
                    else:
                        out.append(re.escape(name))
                    position = stop + 2
                    continue
            if source[position + 1 : position + 2] == "-" and source[
                position + 2 : position + 3
            ] not in ("]", ""):
                last = source[position + 2]
                if ord(last) < ord(letter):
                    raise ExpressionError("Invalid range end")
                out.append(f"{_class_letter(letter)}-{_class_letter(last)}")
                position += 3
                continue
            out.append(_class_letter(letter))
            position += 1
        raise ExpressionError("Unmatched [, [^, [:, [., or [=")


def _class_letter(letter: str) -> str:
    return "\\" + letter if letter in "\\]^-[&~|" else letter


def literal_expression(text: str) -> str:
    """Return what matches a text itself, in Python's words."""
    return re.escape(text)
