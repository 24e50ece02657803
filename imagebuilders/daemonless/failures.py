"""What fails while a Dockerfile is evaluated, in the form that errors of builds have."""

from __future__ import annotations

from imagebuilders.dockerfile import Dockerfile, excerpt, parse
from imagebuilders.exceptions import BuildError, EvaluationError


def evaluation_failure(
    error: EvaluationError, content: bytes, dockerfile_name: str, image_name: str
) -> BuildError:
    """Return the error of a build whose Dockerfile cannot be evaluated.

    Args:
        error: what happened.
        content: the Dockerfile.
        dockerfile_name: what the user calls it.
        image_name: the image's name.
    """
    dockerfile = parse(content)
    shown = excerpt(dockerfile, error.line, error.end_line) if error.line else ""
    instruction = instruction_at(dockerfile, error.line)
    where = f" at {instruction}" if instruction else ""
    behind = f"\n{dockerfile_name}:\n{shown}".rstrip("\n") if shown else ""
    return BuildError(
        f"{image_name} was not built. It failed{where}\n{error.message}{behind}",
        instruction=instruction,
        excerpt=shown or None,
    )


def instruction_at(dockerfile: Dockerfile, line: int) -> str | None:
    """Return the instruction that a line is of; `None` if there is none."""
    for instruction in dockerfile.instructions:
        if instruction.line <= line <= max(instruction.end_line, instruction.line):
            return instruction.code
    return None
