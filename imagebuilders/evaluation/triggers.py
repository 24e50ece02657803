"""ONBUILD: the triggers of a base become commands of the stage that begins with it."""

from __future__ import annotations

from dataclasses import replace

from imagebuilders.dockerfile import Instruction, check_instruction, parse
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.stages import Command, Stages, StageState
from imagebuilders.evaluation.steps import Lines
from imagebuilders.evaluation.take_from import sources_of
from imagebuilders.exceptions import EvaluationError


def add_triggers(state: StageState, stages: Stages, frontend: Frontend) -> bool:
    """Put the triggers of a stage's base in front of its commands.

    Returns:
        Whether they take files from something, which has to be resolved then.

    Raises:
        EvaluationError: a trigger is malformed.
    """
    texts = list(state.image.on_build)
    state.image.on_build = []
    if state.base is not None and not state.triggers_read:
        texts += [
            command.instruction.trigger_text
            for command in state.base.commands
            if command.instruction.name == "ONBUILD"
        ]
        state.triggers_read = True
    lines = state.lines or Lines(0, 0)
    try:
        commands = [_command(text, lines, stages, frontend) for text in texts]
    except EvaluationError as error:
        raise EvaluationError(error.message, line=lines.first, end_line=lines.last) from None
    state.commands = commands + state.commands
    state.step_count += len(commands)
    if not frontend.takes_files_in_triggers:
        return False
    for command in commands:
        state.depend_on(command.sources)
        stages.add_images(command.sources)
    return any(command.sources for command in commands)


def _command(text: str, lines: Lines, stages: Stages, frontend: Frontend) -> Command:
    instruction = _instruction(text, frontend)
    placed = replace(instruction, line=lines.first, end_line=lines.last)
    return Command(placed, lines, sources_of(placed, lines, stages), trigger=True)


def _instruction(text: str, frontend: Frontend) -> Instruction:
    dockerfile = parse(text.encode("utf-8", "surrogateescape"), frontend.grammar)
    for problem in dockerfile.problems:
        raise EvaluationError(problem.message)
    if len(dockerfile.instructions) != 1:
        raise EvaluationError("onbuild trigger should be a single expression")
    instruction = dockerfile.instructions[0]
    problem_found = check_instruction(instruction, frontend.grammar)
    if problem_found is not None:
        raise EvaluationError(problem_found.message)
    if instruction.name == "FROM":
        raise EvaluationError("*instructions.Stage is not a command type")
    return instruction
