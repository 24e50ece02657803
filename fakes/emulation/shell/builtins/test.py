"""`test` and `[`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..conditions import compare_files, compare_numbers, has_variable, test_one
from .registry import builtin

if TYPE_CHECKING:
    from ...process import Process
    from ..state import Shell

_UNARY = frozenset(f"-{letter}" for letter in "bcdefghkLnOGprSstuwxz")
_BINARY = frozenset(
    ["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~"]
)
_NUMBERS = frozenset(["-eq", "-ne", "-lt", "-le", "-gt", "-ge"])


class TestError(Exception):
    """What is no condition."""


@builtin("test", "[")
def _test(shell: Shell, words: list[str]) -> int:
    return run_test(shell.process, words, shell.dialect.name, shell=shell)


def run_test(
    process: Process, words: Sequence[str], dialect: str, shell: Shell | None = None
) -> int:
    """Do `test`; 0 where it holds, 1 where not, 2 for what is no condition."""
    name, rest = words[0], list(words[1:])

    def complain(message: str) -> None:
        if shell is not None:
            shell.complain(f"{name}: {message}")
        else:
            process.complain(message)

    if name.rpartition("/")[2] == "[":
        if rest[-1:] != ["]"]:
            complain({"bash": "missing `]'", "dash": "missing ]"}.get(dialect, "missing ]"))
            return 2
        rest = rest[:-1]
    try:
        return int(not _Condition(process, rest, dialect, shell).value())
    except TestError as error:
        complain(str(error))
        return 2


class _Condition:
    def __init__(
        self, process: Process, words: list[str], dialect: str, shell: Shell | None
    ) -> None:
        self._process = process
        self._words = words
        self._dialect = dialect
        self._shell = shell
        self._position = 0

    def value(self) -> bool:
        words = self._words
        if not words:
            return False
        short = self._short(words)
        if short is not None:
            return short
        result = self._or()
        if self._position < len(words):
            self._unexpected(words[self._position])
        return result

    def _short(self, words: list[str]) -> bool | None:
        """What POSIX says of up to four words."""
        count = len(words)
        if count == 1:
            return bool(words[0])
        if count == 2:
            if words[0] == "!":
                return not words[1]
            if self._is_unary(words[0]):
                return self._one(words[0], words[1])
            if self._dialect == "bash":
                raise TestError(f"{words[0]}: unary operator expected")
            return None
        if count == 3:
            if words[1] in ("-a", "-o") and self._dialect == "bash":
                both = (bool(words[0]), bool(words[2]))
                return all(both) if words[1] == "-a" else any(both)
            if words[1] in _BINARY and self._knows(words[1]):
                return self._two(*words)
            if words[0] == "!":
                return not self._short(words[1:])
            if words[0] == "(" and words[2] == ")":
                return bool(words[1])
            if self._dialect == "bash":
                raise TestError(f"{words[1]}: binary operator expected")
        if count == 4 and words[0] == "!":
            inner = self._short(words[1:])
            return None if inner is None else not inner
        return None

    def _knows(self, operator: str) -> bool:
        if operator == "==":
            return self._dialect != "dash"
        if operator == "=~":
            return self._dialect == "busybox"
        return True

    def _is_unary(self, word: str) -> bool:
        if word in ("-v", "-o", "-a", "-R") and self._dialect == "bash":
            return True
        return word in _UNARY

    def _peek(self, offset: int = 0) -> str | None:
        position = self._position + offset
        return self._words[position] if position < len(self._words) else None

    def _or(self) -> bool:
        value = self._and()
        while self._peek() == "-o":
            self._position += 1
            right = self._and()
            value = value or right
        return value

    def _and(self) -> bool:
        value = self._not()
        while self._peek() == "-a":
            self._position += 1
            right = self._not()
            value = value and right
        return value

    def _not(self) -> bool:
        if self._peek() == "!":
            self._position += 1
            return not self._not()
        return self._primary()

    def _primary(self) -> bool:
        word = self._peek()
        if word is None:
            raise TestError("argument expected")
        following = self._peek(1)
        if following in _BINARY and self._knows(following) and self._peek(2) is not None:
            left, right = word, self._peek(2)
            self._position += 3
            return self._two(left, following, right or "")
        if word == "(":
            self._position += 1
            value = self._or()
            if self._peek() != ")":
                raise TestError(
                    "closing paren expected" if self._dialect != "bash" else "`)' expected"
                )
            self._position += 1
            return value
        if self._is_unary(word) and following is not None:
            self._position += 2
            return self._one(word, following)
        if following in _BINARY and self._knows(following):
            raise TestError(
                f"{following}: argument expected"
                if self._dialect != "bash"
                else f"{word}: unary operator expected"
            )
        self._position += 1
        return bool(word)

    def _unexpected(self, word: str) -> None:
        if self._dialect == "bash":
            raise TestError("too many arguments")
        if self._dialect == "dash":
            shown = self._words[0] if self._position == 1 else word
            raise TestError(f"{shown}: unexpected operator")
        raise TestError(f"{word}: unknown operand")

    def _one(self, operator: str, text: str) -> bool:
        if operator == "-t" and not re.fullmatch(r"\s*\d+\s*", text):
            raise TestError(self._bad_number(text))
        if operator == "-v" and self._shell is not None:
            return has_variable(self._shell, text)
        if operator == "-o" and self._shell is not None and self._dialect == "bash":
            return bool(self._shell.options.get(text))
        return test_one(self._process, operator, text)

    def _two(self, left: str, operator: str, right: str) -> bool:
        if operator in ("=", "=="):
            return left == right
        if operator == "!=":
            return left != right
        if operator in ("<", ">"):
            return left < right if operator == "<" else left > right
        if operator in ("-nt", "-ot", "-ef"):
            return compare_files(
                self._process, left, operator, right, needs_both=self._dialect != "bash"
            )
        if operator == "=~":
            return re.search(right, left) is not None
        return compare_numbers(self._number(left), operator, self._number(right))

    def _number(self, text: str) -> int:
        if not re.fullmatch(r"\s*[-+]?\d+\s*", text):
            raise TestError(self._bad_number(text))
        value = int(text)
        if not -(1 << 63) <= value < 1 << 63:
            raise TestError(
                self._bad_number(text) if self._dialect != "dash" else f"Illegal number: {text}"
            )
        return value

    def _bad_number(self, text: str) -> str:
        if self._dialect == "bash":
            return f"{text}: integer expression expected"
        if self._dialect == "dash":
            return f"Illegal number: {text}"
        return f"{text}: bad number"
