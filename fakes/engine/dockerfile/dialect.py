"""How engine versions differ in reading Dockerfiles."""

from __future__ import annotations

from dataclasses import dataclass

from imagebuilders.dockerfile import MODIFIERS, Grammar, Problem, ProblemKind
from imagebuilders.exceptions import ShellWordError
from imagebuilders.go_text import quote, to_lower

from ..versions import ByVersion, EngineVersion

_ABOUT_FLAGS = frozenset(
    {
        ProblemKind.UNKNOWN_FLAG,
        ProblemKind.DUPLICATE_FLAG,
        ProblemKind.MISSING_FLAG_VALUE,
        ProblemKind.FLAG_VALUE,
    }
)


@dataclass(frozen=True)
class Dialect:
    """One version's reading.

    Attributes:
        version: the engine's.
    """

    version: EngineVersion

    @property
    def grammar(self) -> Grammar:
        """What it knows of the language."""
        return _GRAMMARS.of(self.version)

    def located(self, line: int, message: str) -> str:
        """An error with the line it belongs to."""
        where = "on line" if self.version >= "23.0" else "line"
        return f"dockerfile parse error {where} {line}: {message}"

    def refusal(self, problem: Problem) -> str:
        """A problem in this version's words."""
        text, subject = problem.message, problem.subject
        if problem.kind is ProblemKind.NO_INSTRUCTIONS:
            return "file with no instructions"
        if problem.kind is ProblemKind.UNKNOWN_INSTRUCTION and self.version < "23.0":
            return f"unknown instruction: {to_lower(subject).upper()}"
        if problem.kind in _ABOUT_FLAGS:
            if self.version < "28.0":
                text = text.replace(f"--{subject}", subject, 1)
            if self.version < "23.0":
                text, _, _ = text.partition(" (did you mean ")
                text = text[0].upper() + text[1:]
        return text

    def word_refusal(self, error: ShellWordError) -> str:
        """What is wrong with a word, in this version's words."""
        if self.version >= "23.0" or not error.modifier:
            return str(error)
        problem = "missing ':' in substitution"
        if error.modifier.startswith(":"):
            problem = f"unsupported modifier ({error.modifier[1:]}) in substitution"
        return f"failed to process {quote(error.word)}: {problem}"

    def warning(self, problem: Problem) -> str:
        """A warning of the parser, as it stands in the stream."""
        text = problem.message
        if self.version < "23.0":
            text = text.replace(": ", ":\n    ", 1)
        return f"[WARNING]: {text}"


_OLD_FLAGS = {
    "ADD": frozenset({"chown", "chmod"}),
    "COPY": frozenset({"chown", "from", "chmod"}),
    "FROM": frozenset({"platform"}),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "retries"}),
    "RUN": frozenset({"mount"}),
}
_FLAGS_OF_26 = {
    **_OLD_FLAGS,
    "ADD": _OLD_FLAGS["ADD"] | {"link", "keep-git-dir", "checksum"},
    "COPY": _OLD_FLAGS["COPY"] | {"link"},
    "HEALTHCHECK": _OLD_FLAGS["HEALTHCHECK"] | {"start-interval"},
    "RUN": _OLD_FLAGS["RUN"] | {"network"},
}
_FLAGS_OF_28 = {
    **_FLAGS_OF_26,
    "ADD": _FLAGS_OF_26["ADD"] | {"exclude", "unpack"},
    "COPY": _FLAGS_OF_26["COPY"] | {"exclude"},
    "RUN": _FLAGS_OF_26["RUN"] | {"device"},
}
_FLAGS_OF_29 = {
    **_FLAGS_OF_28,
    "COPY": _FLAGS_OF_28["COPY"] | {"parents"},
    "RUN": _FLAGS_OF_28["RUN"] | {"security"},
}
_OLD_DIRECTIVES = frozenset({"escape", "syntax"})

_GRAMMARS = ByVersion(
    Grammar(
        directives=_OLD_DIRECTIVES,
        here_documents=False,
        here_document_spaces=False,
        whole_json=False,
        flag_escape=False,
        word_before_modifier=True,
        modifiers=frozenset({":-", ":+", ":?", "?"}),
        flags=_OLD_FLAGS,
    ),
    {
        "26.0": Grammar(
            directives=_OLD_DIRECTIVES,
            here_document_spaces=False,
            whole_json=False,
            flag_escape=False,
            word_before_modifier=True,
            modifiers=MODIFIERS | {":#", ":%"},
            flags=_FLAGS_OF_26,
        ),
        "28.0": Grammar(flags=_FLAGS_OF_28),
        "29.0": Grammar(flags=_FLAGS_OF_29),
    },
)
