"""Parser directives: `# syntax=`, `# escape=`, `# check=`.

https://docs.docker.com/reference/dockerfile/#parser-directives
"""

from __future__ import annotations

import json
import re

from imagebuilders.dockerfile.grammar import Grammar
from imagebuilders.dockerfile.values import Directive, Problem, ProblemKind
from imagebuilders.go_text import WHITE_SPACE

_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=(.+)")
_SPACES = "\t\n\f\r "
_ESCAPES = ("\\", "`")


class DirectiveReader:
    """Reads the directives from the lines at the top of a file, one after another."""

    def __init__(self, grammar: Grammar, *, comment: str = "#") -> None:
        self.found: list[Directive] = []
        self.problems: list[Problem] = []
        self.escape = "\\"
        self._grammar = grammar
        self._comment = comment
        self._done = False

    @property
    def done(self) -> bool:
        """Whether the place for directives is over."""
        return self._done

    def read(self, text: str, line: int) -> bool:
        """Look at a line.

        Args:
            text: without white space in front, and without its end.
            line: its number, from 1.

        Returns:
            Whether it is a directive.
        """
        match = None
        if not self._done and text.startswith(self._comment):
            match = _DIRECTIVE.fullmatch(text[len(self._comment) :].lstrip(WHITE_SPACE))
        name = match[1].lower() if match else ""
        if match is None or name not in self._grammar.directives:
            self._done = True
            return False
        if any(directive.name == name for directive in self.found):
            message = f"only one {name} parser directive can be used"
            self._refuse(ProblemKind.DUPLICATE_DIRECTIVE, message, line, name)
            return False
        # A value of nothing but spaces is one space.
        value = match[2].strip(_SPACES) or match[2][-1]
        self.found.append(Directive(name, value, line))
        if name == "escape":
            self._set_escape(value, line)
        return True

    def _set_escape(self, value: str, line: int) -> None:
        if value in _ESCAPES:
            self.escape = value
            return
        message = f"invalid escape token '{value}' does not match ` or \\"
        self._refuse(ProblemKind.ESCAPE_CHARACTER, message, line, value)

    def _refuse(self, kind: ProblemKind, message: str, line: int, subject: str) -> None:
        self.problems.append(Problem(kind, message, line, line, subject))


def find_directive(text: str, name: str, grammar: Grammar) -> str | None:
    """Return the value of a directive as an engine finds it before it reads the file.

    A first line `#!…` does not count, and the directives have to begin at the left.
    """
    return _find(text, name, grammar, "#")


def find_syntax(text: str, grammar: Grammar) -> str | None:
    """Return the image of the frontend that a file asks for, if it names one.

    Files in other languages name it in a comment `// syntax=…`, or under the key `syntax` of a
    JSON object.
    """
    value = _find(text, "syntax", grammar, "#") or _find(text, "syntax", grammar, "//")
    if value is not None:
        return value.partition(" ")[0]
    return _syntax_of_json(_without_shebang(text))


def _find(text: str, name: str, grammar: Grammar, comment: str) -> str | None:
    reader = DirectiveReader(grammar, comment=comment)
    rest = _without_shebang(text)
    while rest and not reader.done:
        line, _, rest = rest.partition("\n")
        reader.read(line.removesuffix("\r"), 0)
        if any(problem.kind is ProblemKind.DUPLICATE_DIRECTIVE for problem in reader.problems):
            break
    return next((found.value for found in reader.found if found.name == name), None)


def _without_shebang(text: str) -> str:
    text = text.removeprefix("\ufeff")
    return text.partition("\n")[2] if text.startswith("#!") else text


def _syntax_of_json(text: str) -> str | None:
    if not text.lstrip(" \t\r\n").startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    syntax = document.get("syntax")
    return syntax if isinstance(syntax, str) else None
