"""RUN: recorded, refused, given effects by a rule, or evaluated by an emulated shell."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from queue import Queue

from ...images.config import RunConfig
from ...shell.process import CommandRefusedError, ProcessStoppedError, run
from ...shell.run_rules import RunEffect
from ..containers.container import STDERR, STDOUT
from ..containers.lifecycle_hooks import note_build_run
from ..containers.processes import make_process
from ..containers.variables import process_variables
from ..dockerfile.instructions import Instruction
from ..errors import StepError
from ..filesystem.files import write_files
from ..filesystem.overlay import Overlay
from .cache import find_local, probe
from .commit import commit_step
from .host import BuildHost
from .intermediate import create_container
from .messages import Messages, Saying, said
from .state import BuildState, StageState
from .step_run import StepRun, find_run
from .steps import command_line, needs_buildkit

_STOPPED = 137


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
    command, host = " ".join(instruction.arguments), build.host
    cached = find_local(host.images, state.image_id, step)
    if cached is not None and any(map(host.rules.has, cached.recorded)):
        # A rule that was added since then is not hidden by what did nothing.
        state.cache_busted = True
    if (yield from probe(build, state, step)):
        state.recorded += state.image.recorded if state.image else ()
        return
    running = state.config.copy()
    running.cmd = words
    running.healthcheck = {"Test": ["NONE"]}
    running.env = [*(state.config.env or []), *environment]
    container, overlay = yield from create_container(build, state, running)
    written = overlay or build.overlay(state)
    ran = host.containers.find(container)
    done = find_run(host, running, written, command, build.options.added_hosts)
    if done.effect is None:
        note_build_run(host.containers, ran, 0)
    else:
        overlay = written
        code = yield from _work(host, done, done.effect, running, written)
        note_build_run(host.containers, ran, code)
        _apply(state, done.effect, written, words, code)
    outcome = done.outcome()
    _set_environment(state, outcome.environment)
    build.step.executed = outcome.executed
    state.recorded += outcome.recorded
    state.image = commit_step(host.images, state, step, container, overlay)
    state.image.recorded = outcome.recorded


def _work(
    host: BuildHost, done: StepRun, effect: RunEffect, running: RunConfig, overlay: Overlay
) -> Saying[int]:
    """What a command says, and does; its exit code."""
    yield from _said(STDOUT, effect.output.encode())
    yield from _said(STDERR, effect.error_output.encode())
    if effect.does is None:
        return effect.exit_code
    printed: Queue[tuple[int, bytes] | int | CommandRefusedError] = Queue()
    process = make_process(
        running.cmd or [],
        process_variables(running),
        user=running.user,
        working_dir=running.working_dir,
        open_files=lambda *_wanted: nullcontext(overlay),
        writers=(
            lambda data: printed.put((STDOUT, data)),
            lambda data: printed.put((STDERR, data)),
        ),
    )
    done.check(host, process)
    does = effect.does

    def work() -> None:
        try:
            printed.put(run(does, process))
        except ProcessStoppedError:
            printed.put(_STOPPED)
        except CommandRefusedError as error:
            printed.put(error)

    threading.Thread(target=work, name="fake-run", daemon=True).start()
    try:
        while isinstance(piece := printed.get(), tuple):
            yield from _said(*piece)
    finally:
        # The client may be gone in the middle.
        process.stop()
    if isinstance(piece, CommandRefusedError):
        raise StepError(str(piece)) from piece
    return piece


def _said(stream: int, data: bytes) -> Messages:
    for line in data.decode("utf-8", "replace").splitlines(keepends=True):
        yield said(line if stream == STDOUT else f"\x1b[91m{line}\x1b[0m")


def _apply(
    state: StageState, effect: RunEffect, overlay: Overlay, words: list[str], code: int
) -> None:
    if code:
        command = " ".join(words)
        raise StepError(f"The command '{command}' returned a non-zero code: {code}", code)
    write_files(overlay, effect.files)
    _set_environment(state, effect.env)


def _set_environment(state: StageState, variables: Mapping[str, str]) -> None:
    if variables:
        env = [pair for pair in state.config.env or [] if pair.partition("=")[0] not in variables]
        state.config.env = [*env, *(f"{name}={value}" for name, value in variables.items())]
