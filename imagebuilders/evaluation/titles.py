"""What BuildKit calls a step in its progress."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from imagebuilders.dockerfile import Quotes, expand
from imagebuilders.evaluation.stages import StageState
from imagebuilders.evaluation.variables import Environment
from imagebuilders.exceptions import ImageFormatError, ShellWordError
from imagebuilders.go_text import trim_space
from imagebuilders.oci.platform import Platform


def expanded(
    text: str, environment: Mapping[str, str], escape: str, *, is_command: bool = False
) -> str:
    """Return an instruction as a title shows it: its variables replaced, its keyword in capitals.

    Args:
        text: the instruction.
        environment: the variables.
        escape: the escape character.
        is_command: quotes stay, and so do variables without a value.
    """
    quotes = Quotes.KEEP if is_command else Quotes.REMOVE
    with contextlib.suppress(ShellWordError):  # a title shows it as it is written then
        text = expand(text, environment, escape=escape, quotes=quotes, keep_unset=is_command).text
    keyword, space, rest = text.partition(" ")
    return f"{keyword.upper()}{space}{rest}"


def numbered(state: StageState, text: str, *, with_platform: bool, trigger: bool) -> str:
    """Return a title with the stage and the step's number: `[build 2/3] RUN make`."""
    if not state.step_count:
        return text
    platform = _platforms(state.runs_on, state.environment) if with_platform else ""
    stage = f"{state.title} " if state.title else ""
    state.step_number += 1
    number = str(state.step_number).rjust(len(str(state.step_count)))
    triggered = "ONBUILD " if trigger else ""
    return f"[{platform}{stage}{number}/{state.step_count}] {triggered}{text}"


def _platforms(platform: Platform, environment: Environment) -> str:
    target = _target(environment)
    if target is None:
        return f"{platform} "
    target = Platform(
        target.os or platform.os, target.architecture or platform.architecture, target.variant
    ).normalized()
    if target.os != platform.os:
        return f"{platform}->{target} "
    if target.architecture != platform.architecture:
        variant = f"/{target.variant}" if target.variant else ""
        return f"{platform}->{target.architecture}{variant} "
    return f"{platform} "


def _target(environment: Environment) -> Platform | None:
    """Return the platform that the arguments TARGET… tell, if they are declared."""
    parts = {"TARGETOS": "", "TARGETARCH": "", "TARGETVARIANT": ""}
    declared = False
    for name, value in environment.items():
        if name == "TARGETPLATFORM":
            try:
                return Platform.parse(value)
            except ImageFormatError:
                continue
        if name in parts:
            parts[name], declared = value, True
    os, architecture, variant = parts.values()
    return Platform(os, architecture, variant) if declared else None


def first_line(text: str) -> str:
    """Return the first line of a here-document, with an ellipsis if there are more."""
    first, newline, _ = trim_space(text).replace("\r\n", "\n").partition("\n")
    return f"{first}..." if newline else first
