"""The steps that an engine makes of a Dockerfile's instructions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imagebuilders import dockerfile
from imagebuilders.dockerfile import ProblemKind
from imagebuilders.go_text import to_lower, trim_space

from ..errors import DockerfileError
from .dialect import Dialect
from .health import health_config

KEYWORDS = frozenset(name.lower() for name in dockerfile.INSTRUCTIONS - {"FROM"})
"""The instructions that are steps of a stage; FROM begins one."""


@dataclass
class Instruction:
    """One step of a stage.

    Attributes:
        keyword: in lower case.
        code: what the step's line in the build's output shows.
        arguments: the words; for ENV, LABEL and ARG `pairs` is used instead.
        pairs: names and values; an ARG without a default has `None`.
        flags: the flags used, by name.
        is_json: the exec form was used.
        expand: whether variables are to be substituted.
        health: of HEALTHCHECK, in the configuration's form.
    """

    keyword: str
    code: str
    arguments: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str | None]] = field(default_factory=list)
    flags: dict[str, str] = field(default_factory=dict)
    is_json: bool = False
    expand: bool = True
    health: dict[str, Any] | None = None


def read(content: bytes, dialect: Dialect) -> dockerfile.Dockerfile:
    """Read a Dockerfile as far as an engine does before it looks at the instructions.

    Raises:
        DockerfileError: with the engine's words.
    """
    parsed = dockerfile.parse(content, dialect.grammar)
    for problem in parsed.problems:
        raise DockerfileError(dialect.refusal(problem), problem.line)
    return parsed


def interpret_trigger(text: str, dialect: Dialect) -> Instruction:
    """An instruction that an ONBUILD of the base image left behind.

    Raises:
        DockerfileError: in the engine's words, without a location.
    """
    parsed = read(text.encode("utf-8", "surrogateescape"), dialect)
    if len(parsed.instructions) != 1:
        raise DockerfileError("onbuild trigger should be a single expression")
    return interpret(parsed.instructions[0], dialect)


def label(name: str, value: str) -> Instruction:
    """The LABEL step that a build's `--label` adds at the end."""
    return Instruction("label", f"LABEL {name}={value}", pairs=[(name, value)], expand=False)


def interpret(written: dockerfile.Instruction, dialect: Dialect) -> Instruction:
    """Make a step of an instruction.

    Raises:
        DockerfileError: in the engine's words, without a location.
    """
    refuse(written, dialect)
    step = Instruction(
        keyword=to_lower(written.keyword),
        code=written.code,
        arguments=list(written.arguments),
        pairs=[(pair.name, pair.value) for pair in written.pairs],
        flags={flag.name: _value(flag) for flag in written.flags},
        is_json=written.exec_form,
    )
    if step.keyword in ("add", "copy") and not step.is_json:
        *sources, target = step.arguments
        step.arguments = [s for s in sources if not _is_here_document(s, dialect)] + [target]
    elif step.keyword == "expose":
        step.arguments.sort()
    elif step.keyword == "volume":
        step.arguments = [trim_space(word) for word in step.arguments]
    elif step.keyword == "onbuild":
        step.arguments = [written.trigger_text]
    elif step.keyword == "healthcheck":
        step.health = health_config(written, dialect)
    return step


def refuse(written: dockerfile.Instruction, dialect: Dialect) -> None:
    """Refuse an instruction that an engine of a version does not take.

    Raises:
        DockerfileError: in the engine's words, without a location.
    """
    problem = dockerfile.check_instruction(written, dialect.grammar)
    if problem is not None and problem.kind is not ProblemKind.HEALTH_CHECK:
        raise DockerfileError(dialect.refusal(problem))


def _value(flag: dockerfile.Flag) -> str:
    if flag.name in dockerfile.BOOLEAN_FLAGS:
        return to_lower(flag.value or "true")
    return flag.value or ""


def _is_here_document(word: str, dialect: Dialect) -> bool:
    return dialect.grammar.here_documents and dockerfile.begins_here_document(word, dialect.grammar)
