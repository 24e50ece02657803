"""The expansion of words (POSIX.1-2017, 2.6).

It is longer because all kinds of expansion make the same fragments, which are then split.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..bounded_expressions import compile_bounded
from .arithmetic import Evaluator, ExpressionError
from .braces import expand_braces
from .globbing import expand_path
from .patterns import Piece, compile_pattern, has_magic, plain, regular_source
from .quoting import quoted
from .state import ExpansionError
from .syntax import (
    Arithmetic,
    BadParameter,
    Parameter,
    Part,
    ProcessSubstitution,
    Quotes,
    Substitution,
    Text,
    Word,
)
from .variables import ReadOnlyError

if TYPE_CHECKING:
    from .state import Shell

QUOTED, LITERAL, RESULT, BREAK = "quoted", "literal", "result", "break"
Fragment = tuple[str, str]
"""What kind of letters they are, and the letters."""


class Expander:
    """Expands the words of one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    # --- what commands ask for --------------------------------------------------------

    def fields(self, words: Iterable[Word]) -> list[str]:
        """Expand words to the arguments of a command."""
        found: list[str] = []
        for word in words:
            for one in expand_braces(word) if self._shell.dialect.has_braces else (word,):
                found += self._fields(one)
        return found

    def text(self, word: Word, *, is_value: bool = False) -> str:
        """Expand a word to one text, without splitting or paths.

        Args:
            word: the word.
            is_value: it is an assignment's, where a tilde may follow a colon.
        """
        fragments = self._fragments(word.parts, is_value=is_value, is_single=True)
        return self._shell.process.hold(
            "".join(" " if kind == BREAK else text for kind, text in fragments)
        )

    def pattern(self, word: Word) -> list[Piece]:
        """Expand a word to a pattern, whose quoted letters stand for themselves."""
        return [
            (" " if kind == BREAK else text, kind == QUOTED)
            for kind, text in self._fragments(word.parts, is_single=True)
        ]

    def carets(self, pieces: list[Piece]) -> list[Piece]:
        """Quote carets that stand for themselves: in dash, `[^a]` is no complement."""
        if not self._shell.dialect.is_dash:
            return pieces
        found: list[Piece] = []
        for text, is_quoted in pieces:
            if is_quoted or "^" not in text:
                found.append((text, is_quoted))
                continue
            found += [(part, part == "^") for part in re.split(r"(\^)", text) if part]
        return found

    def regular_expression(self, word: Word) -> str:
        """Expand the right side of `=~`."""
        return "".join(
            re.escape(text) if kind == QUOTED else text
            for kind, text in self._fragments(word.parts, is_single=True)
        )

    def arithmetic(self, word: Word) -> int:
        """Expand a word, and return its value as an arithmetic expression.

        Raises:
            ExpansionError: it has none.
        """
        return self.evaluate(self.text(word))

    def evaluate(self, source: str) -> int:
        """Return the value of an arithmetic expression.

        Raises:
            ExpansionError: it has none.
        """
        dialect = self._shell.dialect
        names = _ShellNames(self._shell)
        try:
            return Evaluator(
                source, names, is_bash=dialect.is_bash, is_dash=dialect.is_dash
            ).value()
        except ExpressionError as error:
            raise ExpansionError(self._arithmetic_message(source, str(error))) from error
        except ReadOnlyError as error:
            raise ExpansionError(self._shell.read_only_message(str(error))) from error

    def _arithmetic_message(self, source: str, message: str) -> str:
        dialect = self._shell.dialect
        if dialect.is_busybox:
            return "divide by zero" if "zero" in message else "arithmetic syntax error"
        if dialect.is_dash:
            if message.startswith("Illegal number"):
                return message
            return f'arithmetic expression: {message}: "{source}"'
        shown = source.strip()
        return f"{shown}: {message}" if shown != message.split(":")[0] else message

    # --- fields -----------------------------------------------------------------------

    def _fields(self, word: Word) -> list[str]:
        fragments = self._fragments(word.parts)
        found: list[str] = []
        for pieces in self._split(fragments):
            found += self._paths(pieces)
        return found

    def _paths(self, pieces: list[Piece]) -> list[str]:
        shell = self._shell
        extended = shell.shopt("extglob")
        magic = has_magic(pieces) or (
            extended and re.search(r"[?*+@!]\(", plain(pieces)) is not None
        )
        if not shell.options.get("noglob") and magic:
            paths = expand_path(
                shell.process,
                self.carets(pieces),
                hidden=shell.shopt("dotglob"),
                extended=extended,
                has_dots=not shell.dialect.is_bash,
            )
            if paths:
                return paths
            if shell.shopt("nullglob"):
                return []
            if shell.shopt("failglob"):
                raise ExpansionError(f"no match: {plain(pieces)}")
        return [plain(pieces)]

    def _split(self, fragments: Sequence[Fragment]) -> list[list[Piece]]:
        separators = self._shell.separators
        white = [one for one in separators if one in " \t\n"]
        found: list[list[Piece]] = []
        current: list[Piece] = []
        is_begun = False

        def close() -> None:
            nonlocal current, is_begun
            if is_begun:
                found.append(current)
            current, is_begun = [], False

        after_separator = False
        for kind, text in fragments:
            if kind == BREAK:
                close()
                after_separator = False
            elif kind in (QUOTED, LITERAL):
                current.append((text, kind == QUOTED))
                is_begun = is_begun or kind == QUOTED or bool(text)
                after_separator = False
            elif not separators:
                current.append((text, False))
                is_begun = is_begun or bool(text)
            else:
                letters: list[str] = []
                for letter in text:
                    if letter not in separators:
                        letters.append(letter)
                        is_begun = True
                        after_separator = False
                        continue
                    if letters:
                        current.append(("".join(letters), False))
                        letters = []
                    if letter in white:
                        if is_begun:
                            close()
                            after_separator = True
                    else:
                        if not is_begun and not after_separator:
                            is_begun = True
                        close()
                        after_separator = False
                if letters:
                    current.append(("".join(letters), False))
        close()
        return found

    # --- fragments --------------------------------------------------------------------

    def _fragments(
        self,
        parts: Sequence[Part],
        *,
        in_quotes: bool = False,
        is_value: bool = False,
        is_single: bool = False,
    ) -> list[Fragment]:
        found: list[Fragment] = []
        for position, part in enumerate(parts):
            if isinstance(part, Text):
                if part.is_quoted or in_quotes:
                    found.append((QUOTED, part.text))
                else:
                    found += self._literal(
                        part.text,
                        is_first=position == 0,
                        is_value=is_value,
                        is_last=position == len(parts) - 1,
                    )
            elif isinstance(part, Quotes):
                found += self._quotes(part, is_single=is_single)
            else:
                found += self._part(part, in_quotes=in_quotes, is_single=is_single)
        return found

    def _quotes(self, part: Quotes, *, is_single: bool) -> list[Fragment]:
        inner = self._fragments(part.parts, in_quotes=True, is_single=is_single)
        lists = [one for one in part.parts if _is_list(one)]
        if not inner and lists and len(lists) == len(part.parts):
            return []  # "$@" without parameters is no field
        return inner or [(QUOTED, "")]

    def _literal(
        self, text: str, *, is_first: bool, is_value: bool, is_last: bool
    ) -> list[Fragment]:
        if "~" not in text:
            return [(LITERAL, text)]
        if is_value:
            pieces = text.split(":")
            expanded = [
                self._tilde(piece, may_end=is_last or number < len(pieces) - 1)
                if number or is_first
                else piece
                for number, piece in enumerate(pieces)
            ]
            return [(LITERAL, ":".join(expanded))]
        if is_first and text.startswith("~"):
            home = self._tilde(text, may_end=is_last)
            return [(QUOTED, home)] if home != text else [(LITERAL, text)]
        return [(LITERAL, text)]

    def _tilde(self, text: str, *, may_end: bool) -> str:
        if not text.startswith("~"):
            return text
        name, slash, rest = text[1:].partition("/")
        if not slash and not may_end:
            return text
        if name == "":
            home = self._shell.variables.get("HOME")
            if home is None:
                home = self._shell.home_of(self._shell.process.credentials.uid)
        elif name == "+" and self._shell.dialect.is_bash:
            home = self._shell.variables.get("PWD")
        elif name == "-" and self._shell.dialect.is_bash:
            home = self._shell.variables.get("OLDPWD")
        else:
            home = self._shell.home_of(name)
        return text if home is None else home + slash + rest

    def _part(self, part: Part, *, in_quotes: bool, is_single: bool) -> list[Fragment]:
        kind = QUOTED if in_quotes else RESULT
        if isinstance(part, Parameter):
            return self._parameter(part, in_quotes=in_quotes, is_single=is_single)
        if isinstance(part, Substitution):
            return [(kind, self._shell.substitute(part.body))]
        if isinstance(part, Arithmetic):
            return [(kind, str(self.arithmetic(part.word)))]
        if isinstance(part, ProcessSubstitution):
            return [(QUOTED, self._shell.process_substitution(part))]
        assert isinstance(part, BadParameter)
        dialect = self._shell.dialect
        if dialect.is_bash:
            raise ExpansionError(f"{part.source}: bad substitution", 1)
        raise ExpansionError(
            "Bad substitution" if dialect.is_dash else "syntax error: bad substitution", 2
        )

    # --- parameters -------------------------------------------------------------------

    def _parameter(self, part: Parameter, *, in_quotes: bool, is_single: bool) -> list[Fragment]:
        shell = self._shell
        if part.is_indirect:
            if part.index is not None and self.text_of_index(part.index) in ("@", "*"):
                keys = shell.array_keys(part.name)
                return self._list(keys, "@", in_quotes=in_quotes, is_single=is_single)
            target = self._scalar(Parameter(part.name, index=part.index)) or ""
            match = re.fullmatch(r"([A-Za-z_]\w*|\d+|[@*#?$!-])(?:\[(.*)\])?", target)
            if match is None:
                raise ExpansionError(f"{part.name}: invalid indirect expansion", 1)
            index = Word((Text(match[2]),)) if match[2] is not None else None
            part = Parameter(match[1], part.operator, part.word, part.second, index)
        if part.operator.startswith("prefix"):
            names = sorted(name for name in shell.variables.table if name.startswith(part.name))
            return self._list(names, part.operator[-1], in_quotes=in_quotes, is_single=is_single)
        listed = self._listed(part)
        if listed is not None:
            return self._list_parameter(part, *listed, in_quotes=in_quotes, is_single=is_single)
        value = self._scalar(part)
        return self._with_operator(part, value, in_quotes=in_quotes, is_single=is_single)

    def text_of_index(self, index: Word) -> str:
        """Expand what stands in brackets."""
        return self.text(index)

    def _listed(self, part: Parameter) -> tuple[list[str], str] | None:
        """The values of `$@` and `${a[@]}`, and which of both kinds it is."""
        if part.name in ("@", "*") and part.index is None:
            return list(self._shell.positional), part.name
        if part.index is not None:
            index = part.index.literal or self.text(part.index)
            if index in ("@", "*"):
                return self._shell.array_values(part.name), index
        return None

    def _list(
        self, values: Sequence[str], kind: str, *, in_quotes: bool, is_single: bool
    ) -> list[Fragment]:
        separators = self._shell.separators_or_default
        if kind == "*" and (in_quotes or is_single):
            return (
                [(QUOTED if in_quotes else RESULT, separators[:1].join(values))]
                if values
                else ([(QUOTED, "")] if in_quotes else [])
            )
        fragments: list[Fragment] = []
        for position, value in enumerate(values):
            if position:
                fragments.append((BREAK, ""))
            fragments.append((QUOTED if in_quotes else RESULT, value))
        return fragments

    def _list_parameter(
        self, part: Parameter, values: list[str], kind: str, *, in_quotes: bool, is_single: bool
    ) -> list[Fragment]:
        operator = part.operator
        shown = QUOTED if in_quotes else RESULT
        shell = self._shell
        if operator == "length":
            if part.index is None and not shell.dialect.is_bash:
                return [(shown, str(len((shell.separators_or_default[:1]).join(values))))]
            return [(shown, str(len(values)))]
        if operator.lstrip(":") in ("-", "+", "?", "="):
            is_set = bool(values) and (":" not in operator or any(values))
            bare = operator.lstrip(":")
            if (bare == "+") != is_set:
                if bare == "+":
                    return []
                return self._alternative(part, in_quotes=in_quotes, is_single=is_single)
            if bare == "+":
                return self._word_fragments(part.word, in_quotes=in_quotes, is_single=is_single)
        elif operator and part.index is None and not shell.dialect.is_bash:
            values = self._joined(part, values)
        elif operator == ":":
            values = self._slice(part, values)
        elif operator:
            values = [self._transformed(part, value) for value in values]
        return self._list(values, kind, in_quotes=in_quotes, is_single=is_single)

    def _joined(self, part: Parameter, values: list[str]) -> list[str]:
        """Change `$@` as dash and busybox do: as if it were one text."""
        if not values:
            return []
        if part.operator == ":":
            return [self._substring(part, " ".join(values))]
        if part.operator[0] == "#":
            return [self._transformed(part, values[0]), *values[1:]]
        if part.operator[0] == "%":
            return [*values[:-1], self._transformed(part, values[-1])]
        return [self._transformed(part, value) for value in values]

    def _slice(self, part: Parameter, values: list[str]) -> list[str]:
        start = self.arithmetic(part.word or Word(()))
        if part.name in ("@", "*"):
            values = [self._shell.name, *values]
        if start < 0:
            start += len(values)
        stop = len(values)
        if part.second is not None:
            length = self.arithmetic(part.second)
            stop = start + length if length >= 0 else stop + length
        return values[start:stop] if start >= 0 else []

    def _scalar(self, part: Parameter) -> str | None:
        shell = self._shell
        if part.index is not None:
            return shell.array_item(part.name, self.text(part.index))
        return shell.parameter(part.name)

    def _with_operator(
        self, part: Parameter, value: str | None, *, in_quotes: bool, is_single: bool
    ) -> list[Fragment]:
        shown = QUOTED if in_quotes else RESULT
        operator = part.operator
        bare = operator.lstrip(":") if operator not in (":", "") else operator
        if operator and bare in ("-", "=", "?", "+"):
            is_set = value is not None and (":" not in operator or value != "")
            if bare == "+":
                if not is_set:
                    return [(shown, "")] if in_quotes else []
                return self._word_fragments(part.word, in_quotes=in_quotes, is_single=is_single)
            if not is_set:
                return self._alternative(part, in_quotes=in_quotes, is_single=is_single)
            return [(shown, value or "")]
        if value is None:
            if self._shell.options.get("nounset") and part.name not in ("@", "*"):
                raise ExpansionError(self._shell.unset_message(part.name), 127)
            value = ""
        if operator == "length":
            return [(shown, str(len(value)))]
        if operator == ":":
            return [(shown, self._substring(part, value))]
        if operator:
            value = self._transformed(part, value)
        return [(shown, value)]

    def _word_fragments(
        self, word: Word | None, *, in_quotes: bool, is_single: bool
    ) -> list[Fragment]:
        if word is None or not word.parts:
            return [(QUOTED, "")] if in_quotes else []
        fragments = self._fragments(word.parts, in_quotes=in_quotes, is_single=is_single)
        if in_quotes:
            return fragments or [(QUOTED, "")]
        return [(RESULT if kind == LITERAL else kind, text) for kind, text in fragments]

    def _alternative(self, part: Parameter, *, in_quotes: bool, is_single: bool) -> list[Fragment]:
        bare = part.operator.lstrip(":")
        if bare == "-":
            return self._word_fragments(part.word, in_quotes=in_quotes, is_single=is_single)
        text = self.text(part.word) if part.word is not None else ""
        if bare == "=":
            if not re.fullmatch(r"[A-Za-z_]\w*", part.name):
                raise ExpansionError(self._shell.bad_assignment_message(part.name))
            try:
                self._shell.assign(part.name, text, index=part.index)
            except ReadOnlyError as error:
                raise ExpansionError(self._shell.read_only_message(str(error))) from error
            return [(QUOTED if in_quotes else RESULT, text)]
        raise ExpansionError(
            self._shell.missing_message(part.name, text, ":" in part.operator), 127
        )

    def _substring(self, part: Parameter, value: str) -> str:
        start = self.arithmetic(part.word or Word(()))
        if start < 0:
            start += len(value)
            if start < 0:
                return ""
        if part.second is None:
            return value[start:]
        length = self.arithmetic(part.second)
        if length >= 0:
            return value[start : start + length]
        stop = len(value) + length
        if stop < start:
            if self._shell.dialect.is_bash:
                raise ExpansionError(f"{length}: substring expression < 0")
            return ""
        return value[start:stop]

    def _transformed(self, part: Parameter, value: str) -> str:
        operator = part.operator
        if operator[0] in "#%":
            return self._trimmed(operator, self.pattern(part.word or Word(())), value)
        if operator[0] == "/":
            return self._replaced(part, value)
        if operator[0] in "^,":
            return self._recased(part, value)
        if operator == "@Q":
            return quoted(value)
        if operator in ("@U", "@u", "@L"):
            return (
                value.upper()
                if operator == "@U"
                else value.lower()
                if operator == "@L"
                else (value[:1].upper() + value[1:])
            )
        if operator == "@E":
            from .escapes import dollar_quoted

            return dollar_quoted(value)
        if operator == "@a":
            return self._shell.attributes(part.name)
        return value

    def _trimmed(self, operator: str, pieces: list[Piece], value: str) -> str:
        pattern = compile_pattern(self.carets(pieces), extended=self._shell.shopt("extglob"))
        positions = range(len(value) + 1)
        longest = len(operator) == 2
        if operator[0] == "#":
            for stop in reversed(positions) if longest else positions:
                if pattern.match(value[:stop]):
                    return value[stop:]
        else:
            for start in positions if longest else reversed(positions):
                if pattern.match(value[start:]):
                    return value[:start]
        return value

    def _replaced(self, part: Parameter, value: str) -> str:
        pieces = self.pattern(part.word or Word(()))
        operator = part.operator
        if not plain(pieces) and operator not in ("/#", "/%"):
            return value
        source = regular_source(pieces, extended=self._shell.shopt("extglob"))
        new = self._fragments(part.second.parts, is_single=True) if part.second is not None else []
        anchors = {"/#": ("\\A", ""), "/%": ("", "\\Z")}.get(operator, ("", ""))
        expression = compile_bounded(anchors[0] + "(?:" + source + ")" + anchors[1], re.S)
        shows_match = self._shell.dialect.is_bash

        def replacement(match: re.Match[str]) -> str:
            return "".join(
                text.replace("&", match[0]) if shows_match and kind != QUOTED else text
                for kind, text in new
            )

        return expression.sub(replacement, value, count=0 if operator == "//" else 1)

    def _recased(self, part: Parameter, value: str) -> str:
        operator = part.operator
        pieces = self.pattern(part.word) if part.word is not None else []
        if not plain(pieces):
            return _recased(operator, value)
        pattern = compile_pattern(pieces, extended=self._shell.shopt("extglob"))
        changed = [_recased(operator, one) if pattern.match(one) else one for one in value]
        return "".join(changed if len(operator) == 2 else [*changed[:1], *value[1:]])


class _ShellNames:
    """A shell's variables, as arithmetic sees them."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get(self, name: str, index: str | None) -> str:
        shell = self._shell
        value = shell.array_item(name, index) if index is not None else shell.parameter(name)
        if value is None and shell.options.get("nounset"):
            raise ExpansionError(shell.unset_message(name), 127)
        return value or ""

    def set(self, name: str, index: str | None, value: int) -> None:
        word = Word((Text(index, is_quoted=True),)) if index is not None else None
        self._shell.assign(name, str(value), index=word)


def _is_list(part: Part) -> bool:
    return isinstance(part, Parameter) and (
        part.name == "@" or (part.index is not None and part.index.literal == "@")
    )


def _recased(operator: str, value: str) -> str:
    if len(operator) == 2:
        return value.upper() if operator[0] == "^" else value.lower()
    first = value[:1].upper() if operator[0] == "^" else value[:1].lower()
    return first + value[1:]
