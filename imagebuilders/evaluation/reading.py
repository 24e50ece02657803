"""From a Dockerfile's bytes to instructions that an engine takes, and what it warns of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imagebuilders.dockerfile import Dockerfile, Instruction, check_instruction, parse
from imagebuilders.dockerfile.document import Stage, stage_name
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.lint import (
    EXPERIMENTAL,
    Linter,
    LintOptions,
    Listener,
    parse_lint_options,
)
from imagebuilders.evaluation.older_words import located, refusal
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.stages import lines_of
from imagebuilders.evaluation.steps import Lines
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import quote, to_lower

_RESERVED = ("context", "scratch")


def read_dockerfile(
    content: bytes, options: ResolveOptions, listener: Listener | None
) -> tuple[Dockerfile, Linter]:
    """Read a Dockerfile.

    Args:
        content: the whole file.
        options: of the build.
        listener: is told of the warnings.

    Raises:
        EvaluationError: BuildKit takes nothing of it.
    """
    if not content:
        raise EvaluationError("the Dockerfile cannot be empty")
    frontend = options.frontend
    dockerfile = parse(content, frontend.grammar)
    linter = _linter(dockerfile, options, listener)
    for problem in dockerfile.problems:
        text = refusal(problem, frontend)
        raise EvaluationError(text, line=problem.line, end_line=problem.end_line)
    for warning in dockerfile.warnings:
        linter.warn(
            "NoEmptyContinuation",
            "Empty continuation line",
            Lines(warning.end_line, warning.end_line),
        )
    _check_instructions(dockerfile.instructions, frontend, linter)
    _check_stage_names(dockerfile.stages, linter)
    _check_casing(dockerfile, linter)
    return dockerfile, linter


def _linter(dockerfile: Dockerfile, options: ResolveOptions, listener: Listener | None) -> Linter:
    frontend = options.frontend
    if not frontend.warns:
        return Linter(LintOptions(), None)
    lint_options = options.lint_options
    if lint_options is None:
        try:
            lint_options = parse_lint_options((dockerfile.check or "").partition(" ")[0])
        except ValueError as error:
            raise EvaluationError(f"failed to parse check options: {error}") from None
    experimental = EXPERIMENTAL
    if not frontend.warns_of_ignored_files:
        experimental |= {"CopyIgnoredFile"}
    return Linter(lint_options, listener, experimental, frontend.checks_comments)


def _check_instructions(
    instructions: Iterable[Instruction], frontend: Frontend, linter: Linter
) -> None:
    has_stage = False
    for instruction in instructions:
        above = linter.above(instruction.comments)
        _warn_before(instruction, above)
        problem = check_instruction(instruction, frontend.grammar)
        if problem is not None:
            raise EvaluationError(
                located(instruction.line, refusal(problem, frontend), frontend),
                line=instruction.line,
                end_line=instruction.end_line,
            )
        _check_description(instruction, above)
        has_stage = has_stage or instruction.name == "FROM"
        if not has_stage and instruction.name != "ARG":
            raise EvaluationError(
                "no build stage in current context",
                line=instruction.line,
                end_line=instruction.end_line,
            )
    if not has_stage:
        raise EvaluationError("dockerfile contains no stages to build")


def _warn_before(instruction: Instruction, linter: Linter) -> None:
    """Warn of what is looked at before the arguments are checked."""
    lines = lines_of(instruction)
    if instruction.name == "MAINTAINER":
        text = "Maintainer instruction is deprecated in favor of using label"
        linter.warn("MaintainerDeprecated", text, lines)
    if instruction.name != "FROM":
        return
    words = instruction.arguments
    if len(words) == 3 and words[2] != to_lower(words[2]):
        text = f"Stage name '{words[2]}' should be lowercase"
        linter.warn("StageNameCasing", text, lines)
    if len(words) >= 3 and not _same_case(instruction.keyword, words[1]):
        text = f"'{words[1]}' and '{instruction.keyword}' keywords' casing do not match"
        linter.warn("FromAsCasing", text, lines)


def _same_case(keyword: str, word: str) -> bool:
    if keyword == keyword.lower():
        return word == to_lower(word)
    return keyword != keyword.upper() or word == word.upper()


def _check_description(instruction: Instruction, linter: Linter) -> None:
    """Warn of a comment above a stage or argument that does not begin with its name."""
    if instruction.name == "FROM":
        name = to_lower(stage_name(instruction))
        names = [name] if name else []
    elif instruction.name == "ARG":
        names = [pair.name for pair in instruction.pairs]
    else:
        return
    if not names or not instruction.comments:
        return
    if instruction.comments[-1].partition(" ")[0] in names:
        return
    example = names[0] if len(names) == 1 else "<arg_key>"
    text = f"Comment for {instruction.name} should follow the format: `# {example} <description>`"
    linter.warn("InvalidDefinitionDescription", text, lines_of(instruction))


def _check_stage_names(stages: Sequence[Stage], linter: Linter) -> None:
    seen: set[str] = set()
    for stage in stages:
        lines = lines_of(stage.instruction)
        if stage.name in _RESERVED:
            name = quote(stage.name)
            text = f"Stage name should not use the same name as reserved stage {name}"
            linter.warn("ReservedStageName", text, lines)
        if stage.name and stage.name in seen:
            text = f"Duplicate stage name {quote(stage.name)}, stage names should be unique"
            linter.warn("DuplicateStageName", text, lines)
        seen.add(stage.name)


def _check_casing(dockerfile: Dockerfile, linter: Linter) -> None:
    """Warn of keywords in another case than most."""
    instructions = [
        instruction
        for stage in dockerfile.stages
        for instruction in (stage.instruction, *stage.steps)
    ]
    lower = sum(found.keyword == found.keyword.lower() for found in instructions)
    upper = sum(found.keyword == found.keyword.upper() for found in instructions)
    wanted = "lowercase" if lower > upper else "uppercase"
    for found in instructions:
        right = found.keyword.lower() if lower > upper else found.keyword.upper()
        if found.keyword != right:
            text = (
                f"Command '{found.keyword}' should match the case of the command majority "
                f"({wanted})"
            )
            linter.warn("ConsistentInstructionCasing", text, lines_of(found))
