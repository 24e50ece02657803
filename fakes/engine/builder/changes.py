"""The `changes` of import and commit: instructions applied to a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.engine.builder import steps
from fakes.engine.builder.arguments import BuildArguments
from fakes.engine.builder.state import StageState
from fakes.engine.dockerfile.instructions import interpret
from fakes.engine.dockerfile.parser import parse
from fakes.engine.dockerfile.shell_words import Syntax
from fakes.engine.errors import ApiError, DockerfileError, StepError
from fakes.engine.images.config import RunConfig

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_ALLOWED = frozenset(
    [
        "cmd",
        "entrypoint",
        "healthcheck",
        "env",
        "expose",
        "label",
        "onbuild",
        "stopsignal",
        "user",
        "volume",
        "workdir",
    ]
)
_NEWER = frozenset(["stopsignal"])


def apply_changes(engine: FakeDockerEngine, config: RunConfig, changes: list[str]) -> RunConfig:
    """A configuration after the changes.

    Raises:
        ApiError: 400 when one is no instruction that can be applied.
    """
    if not changes:
        return config
    try:
        dockerfile = parse("\n".join(changes), modern=engine.version.modern)
        syntax = Syntax(dockerfile.escape, engine.version.modern)
        for line in dockerfile.lines:
            if line.keyword not in _ALLOWED - (_NEWER if not engine.version.modern else set()):
                written = line.original.split()[0]
                shown = written if engine.version.modern else line.keyword
                raise ApiError(400, f"{shown} is not a valid change command")
        instructions = [interpret(line, engine.version.dialect) for line in dockerfile.lines]
    except DockerfileError as error:
        raise ApiError(400, error.message) from error
    state = StageState(config.copy(), BuildArguments({}))
    try:
        for instruction in instructions:
            steps.expand(instruction, state, syntax)
            if instruction.keyword == "stopsignal" and not steps.is_signal(
                instruction.arguments[0]
            ):
                raise ApiError(400, engine.version.words.bad_signal(instruction.arguments[0]))
            if instruction.keyword == "workdir":
                path = steps.working_directory(state, instruction.arguments[0])
                state.config.working_dir = path
            else:
                steps.CONFIG_STEPS[instruction.keyword](state, instruction, syntax)
    except StepError as error:
        raise ApiError(400, error.message) from error
    return state.config
