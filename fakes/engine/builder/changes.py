"""The `changes` of import and commit: instructions applied to a configuration."""

from __future__ import annotations

from imagebuilders.dockerfile.signals import is_signal
from imagebuilders.go_text import to_lower

from ...images.config import RunConfig
from .. import messages
from ..dockerfile.dialect import Dialect
from ..dockerfile.instructions import interpret, read
from ..dockerfile.words import Syntax
from ..errors import ApiError, DockerfileError, StepError
from ..versions import EngineVersion
from . import steps
from .arguments import BuildArguments
from .state import StageState

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


def apply_changes(version: EngineVersion, config: RunConfig, changes: list[str]) -> RunConfig:
    """A configuration after the changes.

    Raises:
        ApiError: 400 when one is no instruction that can be applied.
    """
    if not changes:
        return config
    try:
        dialect = Dialect(version)
        dockerfile = read("\n".join(changes).encode("utf-8", "surrogateescape"), dialect)
        syntax = Syntax(dockerfile.escape, dialect)
        for written in dockerfile.instructions:
            keyword = to_lower(written.keyword)
            if keyword not in _ALLOWED - (set() if version >= "23.0" else _NEWER):
                shown = written.keyword if version >= "23.0" else keyword
                raise ApiError(400, f"{shown} is not a valid change command")
        instructions = [interpret(written, dialect) for written in dockerfile.instructions]
    except DockerfileError as error:
        raise ApiError(400, error.message) from error
    state = StageState(config.copy(), BuildArguments({}))
    try:
        for instruction in instructions:
            steps.expand(instruction, state, syntax)
            if instruction.keyword == "stopsignal" and not is_signal(instruction.arguments[0]):
                raise ApiError(400, messages.BAD_SIGNAL(version, instruction.arguments[0]))
            if instruction.keyword == "workdir":
                path = steps.working_directory(state, instruction.arguments[0])
                state.config.working_dir = path
            else:
                steps.CONFIG_STEPS[instruction.keyword](state, instruction, syntax)
    except StepError as error:
        raise ApiError(400, error.message) from error
    return state.config
