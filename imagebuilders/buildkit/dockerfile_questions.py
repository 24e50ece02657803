"""Questions about a Dockerfile to what would build it: its checks, a stage's inputs, its stages.

They are what `docker buildx build --call` asks:
https://docs.docker.com/reference/cli/docker/buildx/build/#call
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.buildkit.frontend_answers import (
        DockerfileCheck,
        DockerfileOutline,
        DockerfileTargets,
    )
    from imagebuilders.context.dockerfile_lookup import FoundDockerfile


class FrontendCall(Enum):
    """What a frontend is asked; the value is its name on the wire."""

    CHECK = "frontend.lint"
    OUTLINE = "frontend.outline"
    TARGETS = "frontend.targets"


class DockerfileQuestions(ABC):
    """What a builder with BuildKit can tell of a Dockerfile without building it."""

    def check(
        self,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
    ) -> DockerfileCheck:
        """Check a Dockerfile by the rules of its frontend, without building it.

        Args:
            build_context: the files that a build may use, with the Dockerfile.
            docker_build_options: the options of the build.

        Returns:
            The rules that it breaks, and why it cannot be built, if so.

        Raises:
            BuildError: the frontend failed, or the daemon went away.
            BuildKitError: the frontend has no checks, or there is no BuildKit.
            BuildOptionsError: an option is unknown, or has no meaning in BuildKit.
            BuildContextError: there is no Dockerfile, or the context is otherwise at fault.
            EngineNotFoundError: no engine answers.
        """
        from imagebuilders.buildkit.frontend_reading import read_check

        metadata, dockerfile = self._ask(FrontendCall.CHECK, build_context, docker_build_options)
        return read_check(metadata, dockerfile=dockerfile.name, content=dockerfile.content)

    def outline(
        self,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
    ) -> DockerfileOutline:
        """Return what a build of a stage takes from outside: arguments, secrets, SSH agents.

        Args:
            build_context: the files that a build may use, with the Dockerfile.
            docker_build_options: the options of the build; `target` names the stage.

        Raises:
            ImageBuilderError: as `check` does.
        """
        from imagebuilders.buildkit.frontend_reading import read_outline

        metadata, _ = self._ask(FrontendCall.OUTLINE, build_context, docker_build_options)
        return read_outline(metadata)

    def targets(
        self,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
    ) -> DockerfileTargets:
        """Return the stages of a Dockerfile that can be built.

        Args:
            build_context: the files that a build may use, with the Dockerfile.
            docker_build_options: the options of the build.

        Raises:
            ImageBuilderError: as `check` does.
        """
        from imagebuilders.buildkit.frontend_reading import read_targets

        metadata, _ = self._ask(FrontendCall.TARGETS, build_context, docker_build_options)
        return read_targets(metadata)

    @abstractmethod
    def _ask(
        self,
        call: FrontendCall,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None,
    ) -> tuple[Mapping[str, bytes], FoundDockerfile]:
        """Ask the frontend; return the metadata of its result, and the Dockerfile it is about."""
