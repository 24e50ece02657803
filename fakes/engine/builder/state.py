"""The state of a stage while its steps run."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...images.config import DEFAULT_PATH, RunConfig
from ...images.image import Image
from ...records import StepRecord
from ..dockerfile.words import Syntax
from ..errors import StepError
from ..filesystem.overlay import Overlay
from ..images.content_store import no_snapshot
from .arguments import BuildArguments
from .context import SentContext
from .host import BuildHost
from .options import BuildOptions

DEFAULT_SHELL = ["/bin/sh", "-c"]


@dataclass
class StageState:
    """What the steps of one stage have made so far.

    Attributes:
        config: what the image will run.
        arguments: the build arguments visible here.
        image: the image after the last step; `None` before the first of a
            stage that starts from nothing.
        maintainer: of MAINTAINER.
        cmd_set: a CMD of this stage stands, and an ENTRYPOINT keeps it.
        architecture: of the images made.
        os: of the images made.
        variant: of the images made.
        recorded: the commands that were not executed.
    """

    config: RunConfig
    arguments: BuildArguments
    image: Image | None = None
    maintainer: str = ""
    cmd_set: bool = False
    architecture: str = "amd64"
    os: str = "linux"
    variant: str = ""
    name: str = ""
    cache_busted: bool = False
    recorded: list[str] = field(default_factory=list)

    @property
    def image_id(self) -> str:
        """The id after the last step, empty when there is none yet."""
        return self.image.id if self.image else ""

    def shell(self) -> list[str]:
        """What the shell form of an instruction is handed to."""
        return list(self.config.shell or DEFAULT_SHELL)

    def begin(self, image: Image | None) -> None:
        """Start from an image, or from nothing."""
        self.image = image
        base = image.run_config() if image else None
        self.config = base.copy() if base else RunConfig()
        env = self.config.env
        if not any(pair.partition("=")[0] == "PATH" for pair in env or []):
            self.config.env = [*(env or []), DEFAULT_PATH]
        self.config.open_stdin = self.config.stdin_once = False
        if image is not None:
            self.architecture = image.parsed.get("architecture") or self.architecture
            self.os = image.parsed.get("os") or self.os
            self.variant = image.parsed.get("variant") or ""


@dataclass
class BuildState:
    """What the steps of one build share.

    Attributes:
        host: the engine.
        context: the files that were sent.
        options: what was asked for.
        syntax: how the words of the Dockerfile are written.
        stages: those that are done.
        step: what is recorded of the step at work.
        sources: the images that bases and `--from` named.
        cache_sources: the images of `cache_from`, looked at afresh by each stage.
        containers: the intermediate containers of the step at work.
        hollow: the images of COPY steps that changed nothing.
    """

    host: BuildHost
    context: SentContext
    options: BuildOptions
    syntax: Syntax
    stages: list[StageState] = field(default_factory=list)
    step: StepRecord = field(default_factory=lambda: StepRecord(0, ""))
    sources: dict[str, Image] = field(default_factory=dict)
    cache_sources: list[Image] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    hollow: set[str] = field(default_factory=set)

    def overlay(self, stage: StageState) -> Overlay:
        """Return a tree to write a step's changes to.

        Raises:
            StepError: the files of the image below could not be unpacked.
        """
        state = self.host.state
        if stage.image is not None and stage.image.trouble:
            raise StepError(no_snapshot(stage.image))
        lower = stage.image.tree if stage.image else {}
        return Overlay(lower, state.clock() // 1_000_000_000, state.version, state.new_id())


def substitution_env(state: StageState) -> dict[str, str]:
    """The variables an instruction can use: the image's, then the arguments'."""
    env: dict[str, str] = {}
    for pair in [*(state.config.env or []), *state.arguments.environment(state.config.env or [])]:
        name, _, value = pair.partition("=")
        env[name] = value
    return env
