"""What an instruction takes files from: `COPY --from`, and the mounts of a RUN."""

from __future__ import annotations

from imagebuilders.dockerfile import Instruction, expand, flag_fields
from imagebuilders.evaluation.stages import SCRATCH, Stages, StageState
from imagebuilders.evaluation.steps import Lines
from imagebuilders.exceptions import EvaluationError, ShellWordError
from imagebuilders.go_text import to_lower


def sources_of(instruction: Instruction, lines: Lines, stages: Stages) -> tuple[StageState, ...]:
    """Return the stages and images an instruction takes files from; new images are not added.

    Raises:
        EvaluationError: there is no stage of that number, or the name has variables.
    """
    if instruction.name == "COPY":
        name = instruction.flag("from")
        if not name:
            return ()
        try:
            has_variables = expand(name).text != name
        except ShellWordError as error:
            raise EvaluationError(str(error)) from error
        if has_variables:
            raise EvaluationError(
                "variable expansion is not supported for --from, define a new stage with FROM "
                "using ARG from global scope as a workaround"
            )
        return (stages.source(name, lines, by_index=True),)
    if instruction.name == "RUN":
        values = instruction.flag_values("mount")
        return tuple(
            stages.source(_mounted_from(value) or SCRATCH, None, by_index=False) for value in values
        )
    return ()


def _mounted_from(value: str) -> str:
    """Return the last `from=` of a mount."""
    found = ""
    for field in flag_fields(value):
        key, equals, name = field.partition("=")
        if equals and to_lower(key) == "from":
            found = name
    return found
