"""Which instructions an engine does not take.

Reading keeps everything, since the frontend of a `# syntax=` may know more than this engine. What
is looked for here is what BuildKit's own frontend refuses before a build begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from imagebuilders.dockerfile.document import Dockerfile, stage_name
from imagebuilders.dockerfile.flag_checks import check_flags
from imagebuilders.dockerfile.forms import INSTRUCTIONS
from imagebuilders.dockerfile.grammar import BUILDKIT, Grammar
from imagebuilders.dockerfile.health_check import read_health_check
from imagebuilders.dockerfile.here_documents import begins_here_document
from imagebuilders.dockerfile.run_flags import check_run_flags
from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.dockerfile.values import Instruction, Problem, ProblemKind
from imagebuilders.go_text import quote, to_lower, trim_space

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")


def check(dockerfile: Dockerfile, grammar: Grammar = BUILDKIT) -> Iterator[Problem]:
    """Find what an engine refuses in a Dockerfile, the first of each instruction.

    First come the problems found in reading. Before the message of any other an engine puts
    `dockerfile parse error on line N:`, but not for an instruction before the first FROM.
    """
    yield from dockerfile.problems
    has_stage = False
    for instruction in dockerfile.instructions:
        problem = check_instruction(instruction, grammar)
        if problem is None and not has_stage and instruction.name not in ("FROM", "ARG"):
            problem = Problem(ProblemKind.NO_STAGE, "no build stage in current context")
        if problem is not None:
            yield replace(problem, line=instruction.line, end_line=instruction.end_line)
        has_stage = has_stage or instruction.name == "FROM"
    if not has_stage and not dockerfile.problems:
        yield Problem(ProblemKind.NO_STAGES, "dockerfile contains no stages to build")


def check_instruction(instruction: Instruction, grammar: Grammar = BUILDKIT) -> Problem | None:
    """Return what an engine refuses in one instruction, without its line."""
    if instruction.name not in INSTRUCTIONS:
        hint = suggestion(instruction.keyword, INSTRUCTIONS, case_sensitive=False)
        message = f"unknown instruction: {instruction.keyword}{hint}"
        return Problem(ProblemKind.UNKNOWN_INSTRUCTION, message, subject=instruction.keyword)
    checks = _CHECKS.get(instruction.name, (check_flags,))
    problems = (check(instruction, grammar) for check in checks)
    return next((problem for problem in problems if problem is not None), None)


_Check = Callable[[Instruction, Grammar], Problem | None]


def _wrong_arguments(message: str) -> Problem:
    return Problem(ProblemKind.ARGUMENTS, message)


def _at_least_one(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    if instruction.arguments or instruction.pairs:
        return None
    return _wrong_arguments(f"{instruction.name} requires at least one argument")


def _exactly_one(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    if len(instruction.arguments) == 1:
        return None
    return _wrong_arguments(f"{instruction.name} requires exactly one argument")


def _sources_and_destination(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    if len(instruction.arguments) >= 2:
        return None
    return _wrong_arguments(
        f"{instruction.name} requires at least two arguments, but only one was provided. "
        "Destination could not be determined"
    )


def _destination(instruction: Instruction, grammar: Grammar) -> Problem | None:
    if not grammar.here_documents or not begins_here_document(instruction.arguments[-1], grammar):
        return None
    return _wrong_arguments(f"{instruction.name} cannot accept a heredoc as a destination")


def _names(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    if all(pair.name or pair.value is None for pair in instruction.pairs):
        return None
    return _wrong_arguments(f"{instruction.name} names can not be blank")


def _stage(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    name = stage_name(instruction)
    if not name and len(instruction.arguments) != 1:
        return _wrong_arguments("FROM requires either one or three arguments")
    if not name or _STAGE_NAME.fullmatch(to_lower(name)):
        return None
    message = (
        f"invalid name for build stage: {quote(name)}, "
        "name can't start with a number or contain symbols"
    )
    return Problem(ProblemKind.STAGE_NAME, message, subject=name)


def _shell(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    if instruction.exec_form:
        return None
    return _wrong_arguments("SHELL requires the arguments to be in JSON form")


def _volumes(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    if all(map(trim_space, instruction.arguments)):
        return None
    return _wrong_arguments("VOLUME specified can not be an empty string")


def _trigger(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    # A word may end in white space that does not divide words, such as U+2003.
    name = (
        trim_space(instruction.trigger.keyword).upper() if instruction.trigger is not None else ""
    )
    if name == "ONBUILD":
        message = "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
    elif name in ("MAINTAINER", "FROM"):
        message = f"{name} isn't allowed as an ONBUILD trigger"
    else:
        return None
    return Problem(ProblemKind.TRIGGER, message, subject=name)


def _run_flags(instruction: Instruction, _grammar: Grammar) -> Problem | None:
    return check_run_flags(instruction)


def _health_check(instruction: Instruction, grammar: Grammar) -> Problem | None:
    # The flags of HEALTHCHECK NONE are not looked at.
    if to_lower(instruction.arguments[0]) != "none" and (
        problem := check_flags(instruction, grammar)
    ):
        return problem
    try:
        read_health_check(instruction, grammar)
    except ValueError as error:
        return Problem(ProblemKind.HEALTH_CHECK, str(error))
    return None


# In the order in which BuildKit looks at them, which decides what it tells.
_CHECKS: dict[str, tuple[_Check, ...]] = {
    "ADD": (_sources_and_destination, check_flags, _destination),
    "ARG": (_at_least_one, _names),
    "COPY": (_sources_and_destination, check_flags, _destination),
    "ENV": (check_flags, _at_least_one, _names),
    "EXPOSE": (_at_least_one, check_flags),
    "FROM": (_stage, check_flags),
    "HEALTHCHECK": (_at_least_one, _health_check),
    "LABEL": (check_flags, _at_least_one, _names),
    "MAINTAINER": (_exactly_one, check_flags),
    "ONBUILD": (_at_least_one, check_flags, _trigger),
    "RUN": (check_flags, _run_flags),
    "SHELL": (check_flags, _at_least_one, _shell),
    "STOPSIGNAL": (_exactly_one,),
    "USER": (_exactly_one, check_flags),
    "VOLUME": (_at_least_one, check_flags, _volumes),
    "WORKDIR": (_exactly_one, check_flags),
}
