"""How engine versions differ in reading Dockerfiles: as the BuildKit in them does."""

from __future__ import annotations

from dataclasses import dataclass

from imagebuilders.dockerfile import Grammar, Problem, ProblemKind
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.older_words import located, refusal, word_refusal
from imagebuilders.exceptions import ShellWordError

from ..versions import ByVersion, EngineVersion

_FRONTENDS = ByVersion(
    Frontend(1, 2), {"26.0": Frontend(1, 7), "28.0": Frontend(1, 19), "29.0": Frontend(1, 26)}
)


@dataclass(frozen=True)
class Dialect:
    """One version's reading.

    Attributes:
        version: the engine's.
    """

    version: EngineVersion

    @property
    def frontend(self) -> Frontend:
        """The version of BuildKit's frontend that reads the same; both have one parser."""
        return _FRONTENDS.of(self.version)

    @property
    def grammar(self) -> Grammar:
        """What it knows of the language."""
        return self.frontend.grammar

    def located(self, line: int, message: str) -> str:
        """An error with the line it belongs to."""
        return located(line, message, self.frontend)

    def refusal(self, problem: Problem) -> str:
        """A problem in this version's words."""
        if problem.kind is ProblemKind.NO_INSTRUCTIONS:
            return "file with no instructions"
        return refusal(problem, self.frontend)

    def word_refusal(self, error: ShellWordError) -> str:
        """What is wrong with a word, in this version's words."""
        return word_refusal(error, self.frontend)

    def warning(self, problem: Problem) -> str:
        """A warning of the parser, as it stands in the stream."""
        text = problem.message
        if self.version < "23.0":
            text = text.replace(": ", ":\n    ", 1)
        return f"[WARNING]: {text}"
