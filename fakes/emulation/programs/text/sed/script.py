"""Reads the scripts of `sed`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..expressions import compile_expression


class ScriptError(Exception):
    """A script that is none."""


@dataclass(frozen=True)
class Address:
    """Which lines are meant.

    Attributes:
        kind: `line`, `last`, `step`, `pattern`, `plus` or `multiple`.
        number: of the line, or how many.
        step: between lines.
        pattern: what a line matches.
    """

    kind: str
    number: int = 0
    step: int = 0
    pattern: re.Pattern[str] | None = None


@dataclass
class Command:
    """One command with its addresses, and what it knows of the lines before."""

    name: str
    first: Address | None = None
    second: Address | None = None
    negated: bool = False
    text: str = ""
    pattern: re.Pattern[str] | None = None
    flags: str = ""
    count: int = 1
    replacement: list[tuple[str, str]] = field(default_factory=list)
    table: dict[str, str] = field(default_factory=dict)
    target: int = -1
    active: bool = False
    last_line: int = 0
    output: str = ""


class ScriptReader:
    """Reads a script."""

    def __init__(self, source: str, *, extended: bool, is_busybox: bool) -> None:
        self._source = source
        self._is_busybox = is_busybox
        self._extended = extended
        self._position = 0
        self._quiet = source.startswith("#n\n")

    def _peek(self) -> str:
        return self._source[self._position : self._position + 1]

    def _skip(self, letters: str = " \t") -> None:
        while self._peek() and self._peek() in letters:
            self._position += 1

    def commands(self) -> list[Command]:
        """Return the commands.

        Raises:
            ScriptError: that is no script.
        """
        found: list[Command] = []
        blocks: list[int] = []
        labels: dict[str, int] = {}
        jumps: list[tuple[Command, str]] = []
        while True:
            self._skip(" \t\n;")
            if not self._peek():
                break
            if self._peek() == "#":
                self._rest_of_line()
                continue
            command = self._command()
            if command.name == ":":
                labels[command.text] = len(found)
                continue
            if command.name == "}":
                if not blocks:
                    raise ScriptError("unexpected `}'")
                found[blocks.pop()].target = len(found)
                continue
            if command.name == "{":
                blocks.append(len(found))
            if command.name in "btT" and command.name:
                jumps.append((command, command.text))
            found.append(command)
        if blocks:
            raise ScriptError("unmatched `{'")
        for command, label in jumps:
            if label and label not in labels:
                raise ScriptError(f"can't find label for jump to `{label}'")
            command.target = labels[label] if label else len(found)
        return found

    def _rest_of_line(self) -> str:
        stop = self._source.find("\n", self._position)
        stop = len(self._source) if stop < 0 else stop
        text = self._source[self._position : stop]
        self._position = stop
        return text

    def _address(self) -> Address | None:
        letter = self._peek()
        if letter.isdigit():
            number = self._number()
            if self._peek() == "~" and not self._is_busybox:
                self._position += 1
                return Address("step", number, self._number())
            return Address("line", number)
        if letter == "$":
            self._position += 1
            return Address("last")
        if letter == "/" or letter == "\\":
            if letter == "\\":
                self._position += 1
            delimiter = self._peek()
            self._position += 1
            source = self._delimited(delimiter, is_pattern=True)
            ignore_case = False
            while self._peek() and self._peek() in "IM" and not self._is_busybox:
                ignore_case = ignore_case or self._peek() == "I"
                self._position += 1
            return Address("pattern", pattern=self._compiled(source, ignore_case=ignore_case))
        return None

    def _compiled(
        self, source: str, *, ignore_case: bool = False, many_lines: bool = False
    ) -> re.Pattern[str] | None:
        if not source:
            return None
        return compile_expression(
            source, extended=self._extended, ignore_case=ignore_case, many_lines=many_lines
        )

    def _number(self) -> int:
        match = re.compile(r"\d*").match(self._source, self._position)
        assert match is not None
        self._position = match.end()
        return int(match[0] or 0)

    def _delimited(self, delimiter: str, *, is_pattern: bool, what: str = "") -> str:
        out: list[str] = []
        in_bracket = False
        while True:
            letter = self._peek()
            if not letter or (letter == "\n" and is_pattern and what):
                if what:
                    raise ScriptError(f"unterminated `{what}' command")
                raise ScriptError("unterminated address regex")
            self._position += 1
            if letter == "\\" and not in_bracket:
                following = self._peek()
                self._position += 1
                if following == delimiter and delimiter != "\\":
                    out.append(
                        following if delimiter not in "&" or is_pattern else "\\" + following
                    )
                elif following and following in "nrfva" and is_pattern:
                    out.append({"n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}[following])
                elif following == "\n" and not is_pattern:
                    out.append("\\\n")
                else:
                    out.append("\\" + following)
                continue
            if is_pattern and letter == "[" and not in_bracket:
                in_bracket = True
                out.append(letter)
                if self._peek() == "^":
                    out.append("^")
                    self._position += 1
                if self._peek() == "]":
                    out.append("]")
                    self._position += 1
                continue
            if in_bracket:
                if letter == "[" and self._peek() in (":", ".", "=") and self._peek():
                    kind = self._peek()
                    stop = self._source.find(kind + "]", self._position + 1)
                    if stop >= 0:
                        out.append(self._source[self._position - 1 : stop + 2])
                        self._position = stop + 2
                        continue
                if letter == "]":
                    in_bracket = False
                if letter == "\\" and self._peek() in ("n", "t"):
                    out.append("\n" if self._peek() == "n" else "\t")
                    self._position += 1
                    continue
                out.append(letter)
                continue
            if letter == delimiter:
                return "".join(out)
            out.append(letter)

    def _command(self) -> Command:
        command = Command("")
        command.first = self._address()
        if command.first is not None:
            self._skip()
            if self._peek() == ",":
                self._position += 1
                self._skip()
                if self._peek() in ("+", "~") and self._peek():
                    kind = self._peek()
                    self._position += 1
                    command.second = Address("plus" if kind == "+" else "multiple", self._number())
                else:
                    command.second = self._address()
                    if command.second is None:
                        raise ScriptError("unexpected `,'")
        if command.first is not None and (command.first.kind, command.first.number) == ("line", 0):
            second = command.second
            if second is None or second.kind != "pattern":
                raise ScriptError("invalid usage of line address 0")
        self._skip()
        while self._peek() == "!":
            command.negated = True
            self._position += 1
            self._skip()
        name = self._peek()
        if not name:
            raise ScriptError("missing command")
        self._position += 1
        command.name = name
        if self._is_busybox and name in "zFeRWQlv~":
            raise self._unknown(name)
        if name in "{":
            return command
        if name == "}":
            if command.first is not None:
                raise ScriptError("} doesn't want any addresses")
            return command
        if name == ":":
            self._skip()
            command.text = self._label()
            if not command.text:
                raise ScriptError('":" lacks a label')
            return command
        if name in "btT":
            self._skip()
            command.text = self._label()
            return command
        if name in "aic":
            command.text = self._text()
            return command
        if name in "rRwW":
            self._skip()
            command.text = self._rest_of_line()
            if not command.text:
                raise ScriptError("missing filename in r/R/w/W commands")
            return command
        if name == "s":
            self._substitution(command)
            return command
        if name == "y":
            delimiter = self._peek()
            self._position += 1
            old = self._plain(self._delimited(delimiter, is_pattern=False, what="y"))
            new = self._plain(self._delimited(delimiter, is_pattern=False, what="y"))
            if len(old) != len(new):
                raise ScriptError("strings for `y' command are different lengths")
            command.table = dict(zip(old, new, strict=False))
        elif name in "qQl":
            self._skip()
            command.count = self._number() if self._peek().isdigit() else 0
        elif name not in "dDgGhHnNpPx=zFe":
            raise self._unknown(name)
        self._skip()
        if self._peek() not in ("", "\n", ";", "}", "#"):
            raise ScriptError("extra characters after command")
        return command

    def _unknown(self, name: str) -> ScriptError:
        text = f"unsupported command {name}" if self._is_busybox else f"unknown command: `{name}'"
        return ScriptError(text)

    @staticmethod
    def _plain(text: str) -> str:
        return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)

    def _label(self) -> str:
        match = re.compile(r"[^;\n}]*").match(self._source, self._position)
        assert match is not None
        self._position = match.end()
        return match[0].strip()

    def _text(self) -> str:
        self._skip()
        if self._peek() == "\\":
            self._position += 1
            start = self._position
            self._skip()
            if self._peek() == "\n":
                self._position += 1
            else:
                self._position = start  # `a\  text`: what is before the text belongs to it
        elif not self._peek() or self._peek() == "\n":
            raise ScriptError("expected \\ after `a', `c' or `i'")
        out: list[str] = []
        while self._peek():
            letter = self._peek()
            self._position += 1
            if letter == "\\":
                out.append(self._peek())
                self._position += 1
            elif letter == "\n":
                break
            else:
                out.append(letter)
        return "".join(out) + "\n"

    def _substitution(self, command: Command) -> None:
        delimiter = self._peek()
        if not delimiter or delimiter in "\n\\":
            raise ScriptError("unterminated `s' command")
        self._position += 1
        source = self._delimited(delimiter, is_pattern=True, what="s")
        replacement = self._delimited(delimiter, is_pattern=False, what="s")
        ignore_case = many_lines = False
        number = 0
        while self._peek() and self._peek() not in "\n;}#":
            letter = self._peek()
            if letter.isdigit():
                number = self._number()
                if not number:
                    raise ScriptError("number option to `s' command may not be zero")
                continue
            self._position += 1
            if letter in command.flags and letter in "gp":
                raise ScriptError(f"multiple `{letter}' options to `s' command")
            if letter in "gpe":
                command.flags += letter
            elif letter in "iI":
                ignore_case = True
            elif letter in "mM":
                many_lines = True
            elif letter == "w":
                self._skip()
                command.output = self._rest_of_line()
            elif letter in " \t":
                continue
            else:
                raise ScriptError("unknown option to `s'")
        command.count = number or 1
        command.pattern = self._compiled(source, ignore_case=ignore_case, many_lines=many_lines)
        command.replacement = _replacement(replacement, has_cases=not self._is_busybox)
        groups = command.pattern.groups if command.pattern else 9
        for kind, text in command.replacement:
            if kind == "group" and int(text) > groups:
                raise ScriptError(f"invalid reference \\{text} on `s' command's RHS")


def _replacement(text: str, *, has_cases: bool) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        letter = text[position]
        if letter == "&":
            found.append(("group", "0"))
        elif letter == "\\" and position + 1 < len(text):
            position += 1
            following = text[position]
            if following.isdigit():
                found.append(("group", following))
            elif following in "ULulE" and has_cases:
                found.append(("case", following))
            else:
                found.append(
                    (
                        "text",
                        {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}.get(
                            following, following
                        ),
                    )
                )
        else:
            found.append(("text", letter))
        position += 1
    return found
