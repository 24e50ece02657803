"""A buildspec, read strictly: what CodeBuild does not know is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .builds import PhaseFailedError

_PHASES = ("install", "pre_build", "build", "post_build")
_KEYS = frozenset({"version", "env", "phases"})


@dataclass(frozen=True)
class Command:
    """A command: in which phase, and its text."""

    phase: str
    text: str


@dataclass(frozen=True)
class Buildspec:
    """What a build is told to do.

    Attributes:
        phases: the phases that have commands, in order.
        commands: the commands of all of them.
        exported: the names of the variables that the build exports.
    """

    phases: tuple[str, ...]
    commands: tuple[Command, ...]
    exported: tuple[str, ...] = ()


def read_buildspec(text: str) -> Buildspec:
    """Read a buildspec.

    Raises:
        PhaseFailedError: it is none, or has parts that the double does not know.
    """
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _malformed(str(error)) from error
    if not isinstance(found, dict) or str(found.get("version")) != "0.2":
        raise _malformed("version is 0.2")
    _only(found, _KEYS, "the buildspec")
    env = found.get("env") or {}
    _only(env, {"exported-variables"}, "env")
    phases = found.get("phases") or {}
    _only(phases, set(_PHASES), "phases")
    commands = []
    for phase in _PHASES:
        content = phases.get(phase) or {}
        _only(content, {"commands", "on-failure"}, f"phases.{phase}")
        if content.get("on-failure", "ABORT") != "ABORT":
            raise _malformed("the double knows on-failure: ABORT alone")
        for command in content.get("commands") or ():
            if not isinstance(command, str):
                raise _malformed(f"a command of {phase} is no text")
            commands.append(Command(phase, command))
    named = {command.phase for command in commands}
    return Buildspec(
        tuple(phase for phase in _PHASES if phase in named),
        tuple(commands),
        tuple(env.get("exported-variables") or ()),
    )


def _only(given: Mapping[str, Any], known: set[str] | frozenset[str], where: str) -> None:
    unknown = set(given) - known
    if unknown:
        raise _malformed(f"{where} has {', '.join(sorted(unknown))}, which the double knows not")


def _malformed(words: str) -> PhaseFailedError:
    return PhaseFailedError("YAML_FILE_ERROR", f"Message: {words}")
