"""RUN: recorded, refused or given effects, never executed."""

from __future__ import annotations

from ..containers.lifecycle_hooks import note_build_run
from ..dockerfile.instructions import Instruction
from ..errors import StepError
from ..filesystem.files import write_files
from ..filesystem.overlay import Overlay
from .cache import probe
from .commit import commit_step
from .effects import RunEffect
from .intermediate import create_container
from .messages import Messages, Saying, said
from .state import BuildState, StageState
from .steps import command_line, needs_buildkit


def run_step(build: BuildState, state: StageState, instruction: Instruction) -> Messages:
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
    step = state.config.copy()
    step.cmd = saved
    if saved:
        step.entrypoint = None
    if build.host.rules.is_recorded(" ".join(instruction.arguments)):
        state.recorded.append(" ".join(instruction.arguments))
    if (yield from probe(build, state, step)):
        return
    running = state.config.copy()
    running.cmd = words
    running.healthcheck = {"Test": ["NONE"]}
    running.env = [*(state.config.env or []), *environment]
    host = build.host
    container, overlay = yield from create_container(build, state, running)
    effect = host.rules.effect_of(" ".join(instruction.arguments))
    ran = host.containers.find(container)
    note_build_run(host.containers, ran, effect.exit_code if effect else 0)
    if effect is not None:
        overlay = yield from _apply(build, state, effect, words)
    build.step.executed = effect is not None
    state.image = commit_step(host.images, state, step, container, overlay)


def _apply(
    build: BuildState, state: StageState, effect: RunEffect, words: list[str]
) -> Saying[Overlay]:
    for line in effect.output.splitlines(keepends=True):
        yield said(line)
    for line in effect.error_output.splitlines(keepends=True):
        yield said(f"\x1b[91m{line}\x1b[0m")
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
