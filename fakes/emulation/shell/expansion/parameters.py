"""Parameter expansion (POSIX.1-2017, 2.6.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..jumps import ExpansionError
from ..syntax import Parameter, Text, Word
from ..variables import ReadOnlyError
from .fragments import BREAK, LITERAL, QUOTED, RESULT, Fragment
from .value_changes import ValueChanger


class ParameterExpander(ValueChanger):
    """Expands parameters."""

    def _parameter(self, part: Parameter, *, in_quotes: bool, is_single: bool) -> list[Fragment]:
        shell = self._shell
        if part.is_indirect:
            if part.index is not None and self.text(part.index) in ("@", "*"):
                keys = shell.array_keys(part.name)
                return self._list(keys, "@", in_quotes=in_quotes, is_single=is_single)
            variable = shell.variables.table.get(part.name)
            if variable is not None and variable.refers and part.index is None:
                # Of a reference, it is the name that it leads to.
                return self._with_operator(
                    part, variable.value, in_quotes=in_quotes, is_single=is_single
                )
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
        separators = self._shell.separators
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
                return [(shown, str(len((shell.separators[:1]).join(values))))]
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
