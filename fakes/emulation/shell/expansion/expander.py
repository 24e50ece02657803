"""The expansion of whole words, as commands ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..braces import expand_braces
from ..globbing import expand_path
from ..jumps import ExpansionError
from ..patterns import Piece, has_magic, plain
from ..syntax import (
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
from .fragments import BREAK, QUOTED, RESULT, FieldSplitter, Fragment
from .parameters import ParameterExpander
from .tildes import expand_literal


class Expander(ParameterExpander):
    """Expands the words of one shell."""

    def fields(self, words: Iterable[Word]) -> list[str]:
        """Expand words to the arguments of a command."""
        found: list[str] = []
        for word in words:
            for one in expand_braces(word) if self._shell.dialect.has_braces else (word,):
                found += self._fields(one)
        return found

    def text(self, word: Word, *, is_value: bool = False) -> str:
        """Expand a word to one text, as `ValueChanger.text` says."""
        fragments = self._fragments(word.parts, is_value=is_value, is_single=True)
        return self._shell.process.hold(
            "".join(" " if kind == BREAK else text for kind, text in fragments)
        )

    def pattern(self, word: Word) -> list[Piece]:
        """Expand a word to a pattern, as `ValueChanger.pattern` says."""
        return [
            (" " if kind == BREAK else text, kind == QUOTED)
            for kind, text in self._fragments(word.parts, is_single=True)
        ]

    def regular_expression(self, word: Word) -> str:
        """Expand the right side of `=~`."""
        return "".join(
            re.escape(text) if kind == QUOTED else text
            for kind, text in self._fragments(word.parts, is_single=True)
        )

    # --- fields -----------------------------------------------------------------------

    def _fields(self, word: Word) -> list[str]:
        fragments = self._fragments(word.parts)
        found: list[str] = []
        for pieces in FieldSplitter(self._shell.separators).split(fragments):
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
                deep=shell.shopt("globstar"),
            )
            if paths:
                return paths
            if shell.shopt("nullglob"):
                return []
            if shell.shopt("failglob"):
                raise ExpansionError(f"no match: {plain(pieces)}")
        return [plain(pieces)]

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
                    found += expand_literal(
                        self._shell,
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


def _is_list(part: Part) -> bool:
    return isinstance(part, Parameter) and (
        part.name == "@" or (part.index is not None and part.index.literal == "@")
    )
