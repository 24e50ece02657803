"""Steps that change no file."""

from __future__ import annotations

import posixpath

from imagebuilders.dockerfile.signals import is_signal

from ...images.config import RunConfig
from .. import messages
from ..dockerfile.instructions import Instruction
from ..errors import StepError
from . import steps
from .cache import probe
from .commit import commit_step
from .intermediate import create_container
from .messages import Messages, said
from .state import BuildState, StageState


def config_step(build: BuildState, stage: StageState, instruction: Instruction) -> Messages:
    """One step that changes the configuration alone.

    Raises:
        StepError: when it cannot be.
    """
    keyword, version = instruction.keyword, build.host.state.version
    old = stage.config.healthcheck
    comment = steps.CONFIG_STEPS[keyword](stage, instruction, build.syntax)
    if keyword == "stopsignal" and not is_signal(instruction.arguments[0]):
        raise StepError(messages.BAD_SIGNAL(version, instruction.arguments[0]))
    if keyword == "healthcheck":
        comment = steps.health_comment(instruction, version)
        if old and old.get("Test", ["NONE"])[0] != "NONE":
            yield said(f"Note: overriding previous HEALTHCHECK: [{' '.join(old['Test'])}]\n")
    config = stage.config.copy()
    config.cmd = [*stage.shell(), "#(nop) ", comment]
    yield from _commit(build, stage, config)


def workdir_step(build: BuildState, stage: StageState, instruction: Instruction) -> Messages:
    """One WORKDIR.

    Raises:
        StepError: when there is no path left after substitution.
    """
    path = steps.working_directory(stage, instruction.arguments[0])
    if build.host.state.version >= "23.0":
        path = posixpath.normpath(path)
    stage.config.working_dir = path
    config = stage.config.copy()
    config.cmd = [*stage.shell(), f"#(nop) WORKDIR {path}"]
    yield from _commit(build, stage, config)


def _commit(build: BuildState, stage: StageState, config: RunConfig) -> Messages:
    if (yield from probe(build, stage, config)):
        return
    container, overlay = yield from create_container(build, stage, config)
    stage.image = commit_step(build.host.images, stage, config, container, overlay)
