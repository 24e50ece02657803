"""What the Dockerfile frontend answers without building: its checks, outlines and targets.

The forms are those of `frontend/subrequests` of https://github.com/moby/buildkit.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imagebuilders.dockerfile import parse
from imagebuilders.evaluation.outline import targets_of
from imagebuilders.evaluation.resolution import resolve
from imagebuilders.exceptions import EvaluationError

if TYPE_CHECKING:
    from imagebuilders.evaluation.lint import LintWarning
    from imagebuilders.evaluation.options import ResolveOptions
    from imagebuilders.evaluation.outline import SessionValue
    from imagebuilders.evaluation.questions import Images
    from imagebuilders.evaluation.steps import Lines

LINT = "frontend.lint"
OUTLINE = "frontend.outline"
VIOLATION = "lint violation found"

_VERSION = "1.0.0"
_SHOWN_LINES = 2
_NAMES = {
    "frontend.outline": "List all parameters current build target supports",
    "frontend.targets": "List all targets current build supports",
    "frontend.subrequests.describe": "List available subrequest types",
}


@dataclass(frozen=True)
class Question:
    """A Dockerfile that a question is about.

    Attributes:
        content: its bytes.
        filename: its path.
        options: what a build of it would be asked for.
        images: knows images.
    """

    content: bytes = field(repr=False)
    filename: str
    options: ResolveOptions
    images: Images


class UnknownQuestionError(EvaluationError):
    """A question that the frontend does not know."""


def answer(name: str, question: Question) -> Mapping[str, bytes]:
    """Return the metadata of an answer.

    Raises:
        UnknownQuestionError: there is no such question.
        EvaluationError: the Dockerfile cannot be read.
    """
    found = _ANSWERS.get(name)
    if found is None:
        raise UnknownQuestionError(f"unsupported request {name}")
    return {**found(question), "version": _VERSION.encode()}


# --- outline -----------------------------------------------------------------


def _outline(question: Question) -> Mapping[str, bytes]:
    resolution = resolve(question.content, question.options, question.images)
    found = resolution.outline
    document: dict[str, object] = _present({"name": found.name, "description": found.description})
    arguments = [
        {
            "name": argument.name,
            **_present({"description": argument.description, "value": argument.value}),
            "location": _location(argument.lines),
        }
        for argument in found.arguments
    ]
    if arguments:
        document["args"] = arguments
    if found.secrets:
        document["secrets"] = [_asked_for(value) for value in found.secrets]
    if found.agents:
        document["ssh"] = [_asked_for(value) for value in found.agents]
    document["sources"] = [_encoded(question.content)]
    text = ""
    if found.name:
        text += f"TARGET: {found.name}\n"
    if found.description:
        text += f"DESCRIPTION: {found.description}\n"
    text += "\n" if text else ""
    if found.arguments:
        rows = [(each.name, each.value, each.description) for each in found.arguments]
        text += _table(("BUILD ARG", "VALUE", "DESCRIPTION"), rows, 3) + "\n"
    for title, asked in (("SECRET", found.secrets), ("SSH", found.agents)):
        if asked:
            flags = [(each.name, "true" if each.required else "") for each in asked]
            text += _table((title, "REQUIRED"), flags, 3) + "\n"
    return _documents(document, text)


def _asked_for(value: SessionValue) -> dict[str, object]:
    required: dict[str, object] = {"required": True} if value.required else {}
    return {"name": value.name, **required, "location": _location(value.lines)}


# --- targets -----------------------------------------------------------------


def _targets(question: Question) -> Mapping[str, bytes]:
    dockerfile = parse(question.content, question.options.frontend.grammar)
    for problem in dockerfile.problems:
        raise EvaluationError(problem.message, line=problem.line, end_line=problem.end_line)
    rows = []
    targets = []
    for target in targets_of(dockerfile):
        shown = f"{target.name} (default)".strip() if target.default else target.name
        rows.append((shown, target.description))
        targets.append(
            {
                **_present({"name": target.name}),
                **({"default": True} if target.default else {}),
                **_present(
                    {
                        "description": target.description,
                        "base": target.base,
                        "platform": target.platform,
                    }
                ),
                "location": _location(target.lines),
            }
        )
    document = {"targets": targets, "sources": [_encoded(question.content)]}
    return _documents(document, _table(("TARGET", "DESCRIPTION"), rows, 1))


# --- lint --------------------------------------------------------------------


def _lint(question: Question) -> Mapping[str, bytes]:
    warnings: list[LintWarning] = []
    failure: EvaluationError | None = None
    try:
        options = replace(question.options, all_stages=True)
        resolve(question.content, options, question.images, warn=warnings.append)
    except EvaluationError as error:
        if not error.message.startswith(VIOLATION):
            failure = error
    told = [
        {
            "ruleName": warning.rule,
            **_present({"description": warning.description, "url": warning.url}),
            "detail": warning.text,
            **({"location": _location(warning.lines)} if warning.lines else {}),
        }
        for warning in warnings
    ]
    source = {
        "filename": question.filename,
        "data": _encoded(question.content),
        "language": "Dockerfile",
    }
    document: dict[str, object] = {"warnings": told or None, "sources": [source]}
    if failure is not None:
        error_document: dict[str, object] = {"message": failure.message}
        if failure.line:
            error_document["location"] = _ranges(failure.line, failure.end_line)
        document["buildError"] = error_document
    in_order = sorted(warnings, key=lambda warning: warning.lines.first if warning.lines else 0)
    text = "".join(_warning_text(question, warning) for warning in in_order)
    is_clean = not warnings and failure is None
    return {**_documents(document, text), "result.statuscode": b"0" if is_clean else b"1"}


def _warning_text(question: Question, warning: LintWarning) -> str:
    page = f" - {warning.url}" if warning.url else ""
    text = f"\nWARNING: {warning.rule}{page}\n{warning.text}\n"
    if warning.lines is None:
        return text
    first, last = warning.lines.first, warning.lines.last
    lines = question.content.decode("utf-8", "replace").split("\n")
    begin, end = max(1, first - _SHOWN_LINES), min(len(lines), last + _SHOWN_LINES)
    text += f"{question.filename}:{first}\n{'-' * 20}\n"
    for number in range(begin, end + 1):
        mark = ">>>" if first <= number <= last else "   "
        text += f" {number:>3} | {mark} {lines[number - 1]}\n"
    return f"{text}{'-' * 20}\n"


# --- describe ----------------------------------------------------------------


def _describe(_question: Question) -> Mapping[str, bytes]:
    results = [{"name": name, "description": ""} for name in ("result.json", "result.txt")]
    target = [{"name": "target", "description": "Target build stage"}]
    options: dict[str, object] = {"frontend.outline": target, "frontend.targets": []}
    document = [
        {
            "name": name,
            "version": _VERSION,
            "type": "rpc",
            "description": description,
            "opts": options.get(name),
            "inputs": None,
            "metadata": results,
            "refs": None,
        }
        for name, description in _NAMES.items()
    ]
    rows = [
        (name.removeprefix("frontend."), _VERSION, description)
        for name, description in _NAMES.items()
    ]
    return _documents(document, _table(("NAME", "VERSION", "DESCRIPTION"), rows, 1))


_ANSWERS: Mapping[str, Callable[[Question], Mapping[str, bytes]]] = {
    OUTLINE: _outline,
    "frontend.targets": _targets,
    LINT: _lint,
    "frontend.subrequests.describe": _describe,
}


# --- forms -------------------------------------------------------------------


def _documents(document: object, text: str) -> dict[str, bytes]:
    written = json.dumps(document, indent=2, ensure_ascii=False)
    return {"result.json": written.encode(), "result.txt": text.encode()}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], padding: int) -> str:
    """Return a table as Go's `text/tabwriter` aligns it."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) + padding for column in range(len(head) - 1)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False))
        + f"{line[-1]}\n"
        for line in lines
    )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _location(lines: Lines) -> dict[str, object]:
    return _ranges(lines.first, lines.last)


def _ranges(first: int, last: int) -> dict[str, object]:
    return {
        "ranges": [
            {"start": {"line": line}, "end": {"line": line}} for line in range(first, last + 1)
        ]
    }


def _present(fields: Mapping[str, str]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}
