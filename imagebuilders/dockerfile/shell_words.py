"""Words as a shell reads them: quotes, escapes and variables.

BuildKit's rules: https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

from collections.abc import Mapping

from imagebuilders.dockerfile.grammar import BUILDKIT, Grammar
from imagebuilders.dockerfile.shell_reader import Quotes, ShellReader
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Expansion:
    """What became of a word.

    Attributes:
        text: the word with its variables replaced.
        words: the same, split at the spaces that were not quoted.
        used: the variables that have a value, of those it names.
        unset: the variables that have none.
    """

    text: str
    words: tuple[str, ...]
    used: frozenset[str]
    unset: frozenset[str]


def expand(
    word: str,
    env: Mapping[str, str] | None = None,
    *,
    escape: str = "\\",
    quotes: Quotes = Quotes.REMOVE,
    keep_escapes: bool = False,
    keep_unset: bool = False,
    grammar: Grammar = BUILDKIT,
) -> Expansion:
    """Replace the variables of a word and take its quotes and escapes away.

    Args:
        word: as it stands in the Dockerfile.
        env: the variables and their values.
        escape: the escape character.
        quotes: what happens to quotes.
        keep_escapes: leave escapes as they are; they protect the next character all the same.
        keep_unset: leave variables without a value as they are, instead of removing them.
        grammar: which modifiers are known.

    Raises:
        ShellWordError: a quote or brace is unpaired, a modifier or pattern is not known, or
            `${name:?…}` has no value.
    """
    env = env or {}
    reader = ShellReader(word, env, escape, quotes, keep_unset, grammar)
    text = reader.read(keep_escapes)
    used = frozenset(name for name in reader.names if name in env)
    return Expansion(text, tuple(reader.words.done), used, frozenset(reader.names) - used)
