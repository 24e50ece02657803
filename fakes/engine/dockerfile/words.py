"""Substitution of variables, with the errors of an engine's version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imagebuilders.dockerfile import Expansion, expand
from imagebuilders.exceptions import ShellWordError

from ..errors import DockerfileError
from .dialect import Dialect


class Syntax(NamedTuple):
    """How words are written.

    Attributes:
        escape: the escape character.
        dialect: the version that reads them.
    """

    escape: str
    dialect: Dialect


def process_word(word: str, env: Mapping[str, str], syntax: Syntax) -> str:
    """Substitute the variables of a word and take its quotes away.

    Raises:
        DockerfileError: on a quote or brace without its partner, or a modifier that fails.
    """
    return _expand(word, env, syntax).text


def process_words(word: str, env: Mapping[str, str], syntax: Syntax) -> list[str]:
    """As `process_word`, but split at the spaces that are left unquoted."""
    return list(_expand(word, env, syntax).words)


def _expand(word: str, env: Mapping[str, str], syntax: Syntax) -> Expansion:
    try:
        return expand(word, env, escape=syntax.escape, grammar=syntax.dialect.grammar)
    except ShellWordError as error:
        raise DockerfileError(syntax.dialect.word_refusal(error)) from None
