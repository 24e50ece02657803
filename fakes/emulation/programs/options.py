"""The options of programs, read as getopt_long(3) does, with the words of GNU or busybox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..endings import ProcessExit

if TYPE_CHECKING:
    from ..process import Process

BUSYBOX = "BusyBox v1.37.0 (2024-09-26 21:31:42 UTC) multi-call binary."


def usage(process: Process, message: str = "", code: int = 1) -> ProcessExit:
    """Say how a program is called; the exception that ends it."""
    name = process.name
    if process.system.programs.is_busybox:
        if message:
            process.complain(message)
        process.print_error(f"{BUSYBOX}\n\nUsage: {name} [OPTIONS]\n")
        return ProcessExit(2 if name in ("grep", "egrep", "fgrep", "sort") else 1)
    if message:
        process.complain(message)
    process.print_error(f"Try '{name} --help' for more information.\n")
    return ProcessExit(code)


_PACKAGES = {
    "diff": "(GNU diffutils) 3.8",
    "cmp": "(GNU diffutils) 3.8",
    "find": "(GNU findutils) 4.9.0",
    "grep": "(GNU grep) 3.8",
    "gzip": "1.12",
    "sed": "(GNU sed) 4.9",
    "tar": "(GNU tar) 1.34",
    "xargs": "(GNU findutils) 4.9.0",
}
"""What a program calls itself that is not of coreutils, as of Debian 12."""


class Options:
    """The options and operands of a call.

    Args:
        process: the process.
        short: letters; one that takes a value is followed by `:`, by `::` where it may.
        long: long names between spaces, as `force:f`, each with the letter that it stands for;
            itself when left out. One that takes a value ends with `=`, as `mode=:m`, with `=?`
            where it may.
        code: the exit code of a wrong call, of GNU's.
        stops: whether options end at the first operand.
        arguments: the words; the process's own when left out.
    """

    def __init__(
        self,
        process: Process,
        short: str,
        long: str = "",
        *,
        code: int = 1,
        stops: bool = False,
        arguments: list[str] | None = None,
        numbers: bool = False,
    ) -> None:
        self.process = process
        self.given: list[tuple[str, str]] = []
        self.operands: list[str] = []
        self._short = short
        self._long: dict[str, str] = {}
        self._letters: dict[str, str] = {}
        for entry in long.split():
            full, colon, letter = entry.partition(":")
            name = full.rstrip("=?")
            self._long[name] = full
            self._letters[full] = letter if colon else name
        self._code = code
        words = list(process.arguments[1:] if arguments is None else arguments)
        while words:
            word = words.pop(0)
            if word == "--":
                self.operands += words
                break
            if word.startswith("--"):
                self._read_long(word, words)
            elif len(word) > 1 and word[0] == "-":
                if numbers and word[1:].isdigit():
                    self.given.append(("number", word[1:]))
                    continue
                self._read_short(word[1:], words)
            else:
                self.operands.append(word)
                if stops:
                    self.operands += words
                    break

    def _read_long(self, word: str, words: list[str]) -> None:
        name, equals, value = word[2:].partition("=")
        matching = [one for one in self._long if one.startswith(name)]
        if name in self._long:
            matching = [name]
        if name == "help":
            self.process.print(f"Usage: {self.process.name} [OPTION]...\n")
            raise ProcessExit(0)
        if (
            name == "version"
            and not self.process.system.programs.is_busybox
            and name not in self._long
        ):
            package = _PACKAGES.get(self.process.name, "(GNU coreutils) 9.1")
            self.process.print(f"{self.process.name} {package}\n")
            raise ProcessExit(0)
        if not matching:
            raise usage(self.process, f"unrecognized option '{word}'", self._code)
        if len(matching) > 1 and len({self._letters[self._long[one]] for one in matching}) > 1:
            raise usage(self.process, f"option '{word}' is ambiguous", self._code)
        full = self._long[matching[0]]
        letter = self._letters[full]
        if full.endswith("=") and not equals:
            if not words:
                raise usage(
                    self.process, f"option '--{matching[0]}' requires an argument", self._code
                )
            value = words.pop(0)
        elif equals and "=" not in full:
            raise usage(
                self.process, f"option '--{matching[0]}' doesn't allow an argument", self._code
            )
        self.given.append((letter, value))

    def _read_short(self, letters: str, words: list[str]) -> None:
        position = 0
        while position < len(letters):
            letter = letters[position]
            position += 1
            place = self._short.find(letter)
            if place < 0 or letter == ":":
                raise usage(self.process, f"invalid option -- '{letter}'", self._code)
            if self._short[place + 1 : place + 3] == "::":
                self.given.append((letter, letters[position:]))
                return
            if self._short[place + 1 : place + 2] == ":":
                if position < len(letters):
                    self.given.append((letter, letters[position:]))
                elif words:
                    self.given.append((letter, words.pop(0)))
                else:
                    raise usage(
                        self.process, f"option requires an argument -- '{letter}'", self._code
                    )
                return
            self.given.append((letter, ""))

    def __contains__(self, letter: str) -> bool:
        return any(one == letter for one, _ in self.given)

    def value(self, letter: str, default: str | None = None) -> str | None:
        """Return the last value that was given for an option."""
        for one, value in reversed(self.given):
            if one == letter:
                return value
        return default

    def number(self, letter: str, default: int) -> int:
        """Return the last value of an option as a number.

        Raises:
            ProcessExit: it is none.
        """
        text = self.value(letter)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError as error:
            raise self.process.fail(f"invalid number '{text}'", self._code) from error

    def values(self, letter: str) -> list[str]:
        """Return all values that were given for an option."""
        return [value for one, value in self.given if one == letter]

    def last(self, letters: str, default: str = "") -> str:
        """Return which of some options was given last."""
        for one, _ in reversed(self.given):
            if one in letters:
                return one
        return default

    def needs(self, count: int, *, file: bool = False) -> None:
        """See to it that there are so many operands.

        Raises:
            ProcessExit: there are not.
        """
        if len(self.operands) >= count:
            return
        kind = "file operand" if file else "operand"
        if self.process.system.programs.is_busybox or not self.operands:
            message = "" if self.process.system.programs.is_busybox else f"missing {kind}"
            raise usage(self.process, message, self._code)
        what = "destination file operand" if file else "operand"
        raise usage(self.process, f"missing {what} after '{self.operands[-1]}'", self._code)
