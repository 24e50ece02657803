"""The words in which older versions of the frontend refuse a Dockerfile."""

from __future__ import annotations

from imagebuilders.dockerfile import Problem, ProblemKind
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.exceptions import ShellWordError
from imagebuilders.go_text import quote, to_lower

_ABOUT_FLAGS = frozenset(
    {
        ProblemKind.UNKNOWN_FLAG,
        ProblemKind.DUPLICATE_FLAG,
        ProblemKind.MISSING_FLAG_VALUE,
        ProblemKind.FLAG_VALUE,
    }
)
_FIRST_SUGGESTIONS = Frontend(1, 3)
_FIRST_DASHES = Frontend(1, 8)


def located(line: int, message: str, frontend: Frontend) -> str:
    """Return an error with the line it belongs to."""
    where = "on line" if frontend >= _FIRST_SUGGESTIONS else "line"
    return f"dockerfile parse error {where} {line}: {message}"


def refusal(problem: Problem, frontend: Frontend) -> str:
    """Return a problem of an instruction in a version's words."""
    text, subject = problem.message, problem.subject
    is_first = frontend < _FIRST_SUGGESTIONS
    if problem.kind is ProblemKind.UNKNOWN_INSTRUCTION and is_first:
        return f"unknown instruction: {to_lower(subject).upper()}"
    if problem.kind in _ABOUT_FLAGS:
        if frontend < _FIRST_DASHES:
            text = text.replace(f"--{subject}", subject, 1)
        if is_first:
            text, _, _ = text.partition(" (did you mean ")
            text = text[0].upper() + text[1:]
    return text


def word_refusal(error: ShellWordError, frontend: Frontend) -> str:
    """Return what is wrong with a word, in a version's words."""
    if frontend >= _FIRST_SUGGESTIONS or not error.modifier:
        return str(error)
    problem = "missing ':' in substitution"
    if error.modifier.startswith(":"):
        problem = f"unsupported modifier ({error.modifier[1:]}) in substitution"
    return f"failed to process {quote(error.word)}: {problem}"
