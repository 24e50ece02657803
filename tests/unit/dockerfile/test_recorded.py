"""The grammar against what BuildKit's own code read."""

from __future__ import annotations

import re
from typing import Any

from imagebuilders.dockerfile import (
    INSTRUCTIONS,
    Dockerfile,
    Instruction,
    Problem,
    Quotes,
    check,
    check_instruction,
    expand,
    parse,
)
from imagebuilders.exceptions import ShellWordError

Case = dict[str, Any]


def _arguments(instruction: Instruction) -> list[str]:
    """The arguments as BuildKit lists them, names and values one after another."""
    if instruction.name not in INSTRUCTIONS:
        return [""]
    if instruction.name == "ARG":
        return [p.name if p.value is None else f"{p.name}={p.value}" for p in instruction.pairs]
    if instruction.name == "ONBUILD":
        inner = instruction.trigger
        return [] if inner is None else [inner.keyword, *_arguments(inner)]
    pairs = [(pair.name, pair.value or "", pair.separator.strip()) for pair in instruction.pairs]
    return [text for pair in pairs for text in pair] or list(instruction.arguments)


def _read(instruction: Instruction) -> Case:
    found = {
        "flags": [str(flag) for flag in instruction.flags],
        "args": _arguments(instruction),
        "comments": list(instruction.comments),
        "exec_form": instruction.exec_form,
        "here_documents": [
            {
                "name": document.name,
                "descriptor": document.descriptor,
                "expand": document.expand,
                "strip_tabs": document.strip_tabs,
                "content": document.content,
            }
            for document in instruction.here_documents
        ],
        "refusal": _refusal(check_instruction(instruction)),
    }
    return {
        "keyword": instruction.keyword,
        "joined": instruction.joined,
        "line": instruction.line,
        "end_line": instruction.end_line,
        **{key: value for key, value in found.items() if value},
    }


def _refusal(problem: Problem | None) -> str:
    return "" if problem is None else _without_hint(problem.message)


def _without_hint(message: str) -> str:
    """Among several words that are equally near, BuildKit takes any."""
    return re.sub(r" \(did you mean \S+\?\)", "", message)


def _stages(dockerfile: Dockerfile) -> list[object]:
    return [
        [
            stage.base,
            stage.name,
            stage.platform,
            stage.instruction.line,
            [step.trigger_text for step in stage.steps if step.trigger_text],
        ]
        for stage in dockerfile.stages
    ]


def _differences(case: Case) -> list[object]:
    dockerfile = parse(case["dockerfile"].encode("utf-8", "surrogateescape"))
    found: list[object] = []

    def compare(what: str, ours: object, expected: object) -> None:
        if ours != expected:
            found.append((what, ours, expected))

    compare("syntax", dockerfile.syntax, case.get("syntax"))
    compare("check", dockerfile.check, case.get("check"))
    errors = [problem.message for problem in dockerfile.problems]
    if "error" in case:
        empty = "the Dockerfile cannot be empty"
        error = case["error"] if case["dockerfile"] else empty
        compare("error", errors[:1], [error])
        return found
    compare("errors", errors, [])
    compare("escape", dockerfile.escape, case["escape"])
    for ours, expected in zip(dockerfile.instructions, case["instructions"], strict=True):
        if "refusal" in expected:
            expected["refusal"] = _without_hint(expected["refusal"])
        compare("instruction", _read(ours), expected)
    warnings = [[warning.message, warning.end_line] for warning in dockerfile.warnings]
    compare("warnings", warnings, case.get("warnings", []))
    if "stages" in case:
        compare("stages", _stages(dockerfile), case["stages"])
    else:
        first = next(check(dockerfile))
        located = re.sub(r"^dockerfile parse error on line \d+: ", "", case["refusal"])
        compare("refusal", _refusal(first), _without_hint(located))
    return found


def test_dockerfiles_are_read_as_buildkit_reads_them(recorded: dict[str, Any]) -> None:
    """Instructions, lines, flags, words, here-documents, stages, warnings and refusals agree."""
    different = {
        case["dockerfile"]: differences
        for case in recorded["files"]
        if (differences := _differences(case))
    }
    assert different == {}


def _expanded(case: Case, environment: dict[str, str]) -> Case:
    try:
        found = expand(
            case["word"],
            environment,
            escape=case.get("escape", "\\"),
            quotes=Quotes[case.get("quotes", "REMOVE")],
            keep_escapes=case.get("keep_escapes", False),
            keep_unset=case.get("keep_unset", False),
        )
    except ShellWordError as error:
        return {"error": str(error)}
    return {
        "text": found.text,
        "words": list(found.words),
        "used": sorted(found.used),
        "unset": sorted(found.unset),
    }


def test_words_are_expanded_as_buildkit_does(recorded: dict[str, Any]) -> None:
    """Text, words, the variables in them, and the errors agree."""
    for case in recorded["words"]:
        outcome = _expanded(case, recorded["environment"])
        assert case == {**case, **outcome}
        assert ("error" in outcome) == ("error" in case)
