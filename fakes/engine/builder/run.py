"""RUN: recorded, refused or given effects, never executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.engine.builder.commit import commit_step
from fakes.engine.builder.copy import Overlay
from fakes.engine.builder.run_policy import RunEffect
from fakes.engine.builder.state import StageState
from fakes.engine.builder.steps import command_line, needs_buildkit
from fakes.engine.containers.files import write_files
from fakes.engine.containers.surroundings import note_build_run
from fakes.engine.dockerfile.instructions import Instruction
from fakes.engine.errors import StepError

if TYPE_CHECKING:
    from fakes.engine.builder.build import Build


def run_step(build: Build, state: StageState, instruction: Instruction) -> None:
    """One RUN: the cache is asked, then the engine's policy.

    Raises:
        StepError: when the policy refuses, or gives an exit code.
    """
    if instruction.flags:
        flag = next(iter(instruction.flags))
        raise needs_buildkit(flag)
    words = command_line(state, instruction)
    environment = state.arguments.environment(state.config.env or [])
    saved = words
    if environment:
        shown = [
            pair for pair in environment if state.arguments.shows_in_history(pair.partition("=")[0])
        ]
        saved = [f"|{len(shown)}", *shown, *words]
    probe = state.config.copy()
    probe.cmd = saved
    if saved:
        probe.entrypoint = None
    if build.probe(state, probe):
        return
    running = state.config.copy()
    running.cmd = words
    running.healthcheck = {"Test": ["NONE"]}
    running.env = [*(state.config.env or []), *environment]
    container, created = build.create_container(state, running)
    effect = build.engine.effect_of_run(instruction)
    ran = build.engine.containers.find(container)
    note_build_run(build.engine, ran, effect.exit_code if effect else 0)
    overlay: Overlay | None = created
    if effect is not None:
        build._executed = True
        overlay = _apply(build, state, effect, words)
    else:
        build._executed = False
    state.image = commit_step(build.engine, state, probe, container, overlay)


def _apply(build: Build, state: StageState, effect: RunEffect, words: list[str]) -> Overlay:
    for line in effect.output.splitlines(keepends=True):
        build.emit(line)
    for line in effect.error_output.splitlines(keepends=True):
        build.emit(f"\x1b[91m{line}\x1b[0m")
    if effect.exit_code:
        command = " ".join(words)
        raise StepError(
            f"The command '{command}' returned a non-zero code: {effect.exit_code}",
            effect.exit_code,
        )
    overlay = build.overlay(state)
    write_files(overlay, effect.files)
    if effect.env:
        env = [pair for pair in state.config.env or [] if pair.partition("=")[0] not in effect.env]
        state.config.env = [*env, *(f"{name}={value}" for name, value in effect.env.items())]
    return overlay
