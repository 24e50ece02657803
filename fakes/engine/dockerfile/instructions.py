"""Instructions with their meaning, grouped into build stages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from fakes.engine.dockerfile.dialect import OLD, Dialect
from fakes.engine.dockerfile.parser import Dockerfile, Line, heredoc_name, parse_line
from fakes.engine.dockerfile.shell_words import Syntax
from fakes.engine.dockerfile.suggestions import suggestion
from fakes.engine.errors import DockerfileError
from fakes.engine.go_text import parse_duration, quote

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")
_MILLISECOND = 1_000_000

_REPEATABLE = frozenset({"mount", "exclude"})
_BOOLEAN = frozenset({"link", "keep-git-dir", "parents", "unpack"})


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


@dataclass
class Stage:
    """A FROM and the instructions after it."""

    base: str
    name: str
    code: str
    platform: str = ""
    steps: list[Instruction] = field(default_factory=list)


@dataclass
class BuildPlan:
    """A Dockerfile's stages and the ARGs before the first FROM."""

    stages: list[Stage]
    meta_args: list[Instruction]
    syntax: Syntax
    warnings: list[str]


def plan(dockerfile: Dockerfile, dialect: Dialect = OLD) -> BuildPlan:
    """Group a Dockerfile's lines into stages.

    Raises:
        DockerfileError: its message has the location in it.
    """
    stages: list[Stage] = []
    meta_args: list[Instruction] = []
    for line in dockerfile.lines:
        try:
            if line.keyword == "from":
                stages.append(_stage(line, dialect))
                continue
            instruction = interpret(line, dialect)
        except DockerfileError as error:
            message = dialect.located(line.number, error.message)
            raise DockerfileError(message, line.number) from None
        if stages:
            stages[-1].steps.append(instruction)
        elif instruction.keyword == "arg":
            meta_args.append(instruction)
        else:
            raise DockerfileError("no build stage in current context", line.number)
    return BuildPlan(
        stages, meta_args, Syntax(dockerfile.escape, dialect.modern), dockerfile.warnings
    )


def interpret_trigger(text: str, escape: str = "\\", dialect: Dialect = OLD) -> Instruction:
    """An instruction that an ONBUILD of the base image left behind."""
    return interpret(parse_line(text, escape), dialect)


def label(name: str, value: str) -> Instruction:
    """The LABEL step that a build's `--label` adds at the end."""
    return Instruction("label", f"LABEL {name}={value}", pairs=[(name, value)], expand=False)


def interpret(line: Line, dialect: Dialect) -> Instruction:
    """Give one line its meaning.

    Raises:
        DockerfileError: in the engine's words, without a location.
    """
    instruction = Instruction(
        keyword=line.keyword,
        code=line.original.strip(),
        arguments=list(line.arguments),
        is_json=line.is_json,
    )
    reader = _READERS.get(line.keyword)
    if reader is None:
        raise DockerfileError(_unknown(line, dialect))
    reader(instruction, line, dialect)
    return instruction


def _unknown(line: Line, dialect: Dialect) -> str:
    if not dialect.modern:
        return f"unknown instruction: {line.keyword.upper()}"
    # A line that is only its own continuation has no word.
    written = next(iter(line.original.split()), "")
    hint = suggestion(written, [*_READERS, "from"], case_sensitive=False)
    return f"unknown instruction: {written}{hint}"


def _use_flags(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    known = dialect.flags(line.keyword)
    for flag in line.flags:
        name, equals, value = flag[2:].partition("=")
        if name not in known:
            hint = suggestion(name, known, case_sensitive=True) if dialect.modern else ""
            raise DockerfileError(dialect.flag_error("unknown flag", name) + hint)
        if name in instruction.flags and name not in _REPEATABLE:
            raise DockerfileError(dialect.flag_error("duplicate flag specified", name))
        if (equals and not value and name in _BOOLEAN) or (not equals and name not in _BOOLEAN):
            raise DockerfileError(dialect.flag_error("missing a value on flag", name))
        if name in _BOOLEAN:
            value = value.lower() or "true"
            if value not in ("true", "false"):
                complaint = "expecting boolean value for flag"
                text = dialect.flag_error(complaint, name).replace(":", "", 1)
                raise DockerfileError(f"{text}, not: {value}")
        instruction.flags[name] = value


def _stage(line: Line, dialect: Dialect) -> Stage:
    arguments, name = line.arguments, ""
    if len(arguments) == 3 and arguments[1].lower() == "as":
        name = arguments[2].lower()
        if not _STAGE_NAME.fullmatch(name):
            raise DockerfileError(
                f"invalid name for build stage: {quote(arguments[2])}, "
                "name can't start with a number or contain symbols"
            )
    elif len(arguments) != 1:
        raise DockerfileError("FROM requires either one or three arguments")
    instruction = Instruction("from", line.original.strip())
    _use_flags(instruction, line, dialect)
    return Stage(arguments[0], name, instruction.code, instruction.flags.get("platform", ""))


def _need(condition: bool, keyword: str, count: str) -> None:
    if not condition:
        raise DockerfileError(f"{keyword.upper()} requires {count} argument")


def _pairs(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _use_flags(instruction, line, dialect)
    words = line.arguments
    _need(bool(words), line.keyword, "at least one")
    for name, value in zip(words[::2], words[1::2], strict=True):
        if not name:
            raise DockerfileError(f"{line.keyword.upper()} names can not be blank")
        instruction.pairs.append((name, value))


def _one(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _need(len(line.arguments) == 1, line.keyword, "exactly one")
    if line.keyword != "stopsignal":
        _use_flags(instruction, line, dialect)


def _files(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    if len(line.arguments) < 2:
        raise DockerfileError(
            f"{line.keyword.upper()} requires at least two arguments, but only one was "
            "provided. Destination could not be determined"
        )
    _use_flags(instruction, line, dialect)
    if dialect.modern and not line.is_json:
        *sources, target = instruction.arguments
        if heredoc_name(target):
            keyword = line.keyword.upper()
            raise DockerfileError(f"{keyword} cannot accept a heredoc as a destination")
        instruction.arguments = [s for s in sources if not heredoc_name(s)] + [target]


def _command(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _use_flags(instruction, line, dialect)


def _arg(instruction: Instruction, line: Line, _dialect: Dialect) -> None:
    _need(bool(line.arguments), "arg", "at least one")
    for word in line.arguments:
        name, equals, value = word.partition("=")
        if equals and not name:
            raise DockerfileError("ARG names can not be blank")
        instruction.pairs.append((name, value if equals else None))


def _expose(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _need(bool(line.arguments), "expose", "at least one")
    _use_flags(instruction, line, dialect)
    instruction.arguments = sorted(line.arguments)


def _volume(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _need(bool(line.arguments), "volume", "at least one")
    _use_flags(instruction, line, dialect)
    instruction.arguments = [word.strip() for word in line.arguments]
    if not all(instruction.arguments):
        raise DockerfileError("VOLUME specified can not be an empty string")


def _shell(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _use_flags(instruction, line, dialect)
    _need(bool(line.arguments), "shell", "at least one")
    if not line.is_json:
        raise DockerfileError("SHELL requires the arguments to be in JSON form")


def _onbuild(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _need(bool(line.arguments), "onbuild", "at least one")
    _use_flags(instruction, line, dialect)
    trigger = line.arguments[0].strip().upper()
    if trigger == "ONBUILD":
        raise DockerfileError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in ("MAINTAINER", "FROM"):
        raise DockerfileError(f"{trigger} isn't allowed as an ONBUILD trigger")
    expression = re.sub(r"(?i)^\s*ONBUILD\s*", "", line.original)
    instruction.arguments = [expression]


def _interval(instruction: Instruction, name: str, dialect: Dialect) -> int:
    text = instruction.flags.get(name, "")
    if not text:
        return 0
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise DockerfileError(str(error)) from None
    if dialect.modern and value == 0:
        return 0
    if value < _MILLISECOND:
        raise DockerfileError(f"Interval {quote(name)} cannot be less than 1ms")
    return value


def _retries(text: str, dialect: Dialect) -> int:
    if not text:
        return 0
    try:
        value = int(text)
    except ValueError:
        raise DockerfileError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax") from None
    if dialect.modern:
        if value < 0:
            raise DockerfileError(f"--retries cannot be negative ({value})")
    elif value < 1:
        raise DockerfileError(f"--retries must be at least 1 (not {value})")
    return value


def _healthcheck(instruction: Instruction, line: Line, dialect: Dialect) -> None:
    _need(bool(line.arguments), "healthcheck", "at least one")
    kind, command = line.arguments[0].upper(), line.arguments[1:]
    if kind == "NONE":
        if command:
            raise DockerfileError("HEALTHCHECK NONE takes no arguments")
        instruction.health = {"Test": ["NONE"]}
        return
    _use_flags(instruction, line, dialect)
    if kind != "CMD":
        raise DockerfileError(f"Unknown type {quote(kind)} in HEALTHCHECK (try CMD)")
    if not command:
        raise DockerfileError("Missing command after HEALTHCHECK CMD")
    health: dict[str, Any] = {"Test": [kind if line.is_json else "CMD-SHELL", *command]}
    for name, key in (
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start-period", "StartPeriod"),
        ("start-interval", "StartInterval"),
    ):
        if value := _interval(instruction, name, dialect):
            health[key] = value
    if retries := _retries(instruction.flags.get("retries", ""), dialect):
        health["Retries"] = retries
    instruction.health = health


_READERS = {
    "add": _files,
    "arg": _arg,
    "cmd": _command,
    "copy": _files,
    "entrypoint": _command,
    "env": _pairs,
    "expose": _expose,
    "healthcheck": _healthcheck,
    "label": _pairs,
    "maintainer": _one,
    "onbuild": _onbuild,
    "run": _command,
    "shell": _shell,
    "stopsignal": _one,
    "user": _one,
    "volume": _volume,
    "workdir": _one,
}
KEYWORDS = frozenset(_READERS)
"""The instructions that are steps of a stage; FROM begins one."""


def select_target(stages: list[Stage], target: str) -> list[Stage] | None:
    """The stages up to the one named, or `None` when there is none of that name."""
    for index, stage in enumerate(stages):
        if stage.name.lower() == target.lower():
            return stages[: index + 1]
    return None


def with_labels(stages: list[Stage], labels: dict[str, str]) -> list[Stage]:
    """The stages with a LABEL step for each label, sorted, at the end of the last."""
    extra = [label(name, labels[name]) for name in sorted(labels)]
    return [*stages[:-1], replace(stages[-1], steps=[*stages[-1].steps, *extra])]
