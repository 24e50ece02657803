"""The abstraction every image builder implements."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from typing_extensions import TypeVar

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.components.flavor import Flavor
from imagebuilders.components.overridable import overridable_property

if TYPE_CHECKING:
    from imagebuilders.artifact_stores import BaseArtifactStore
    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.context.snapshot import ContextSnapshot
    from imagebuilders.many_builds import BuildResult, BuildTask

MAX_PARALLEL = 4
"""So many builds of `build_many` run at a time when nothing else is said."""


class BaseImageBuilderConfig(StackComponentConfig):
    """Base of the settings of image builders."""


ConfigT = TypeVar(
    "ConfigT", bound=BaseImageBuilderConfig, default=BaseImageBuilderConfig, covariant=True
)


class BaseImageBuilder(StackComponent[ConfigT], ABC):
    """Builds container images from a build context.

    A builder with settings of its own names their class between brackets, as in
    `class KiteImageBuilder(BaseImageBuilder[KiteConfig])`.
    """

    config_class = BaseImageBuilderConfig

    @property
    def build_context_class(self) -> type[BuildContext]:
        """The class to make build contexts with; a builder that needs its own overrides this."""
        from imagebuilders.build_context import BuildContext

        return BuildContext

    @property
    @abstractmethod
    def is_building_locally(self) -> bool:
        """Whether the build runs on this machine."""

    @abstractmethod
    def build(
        self,
        image_name: str | None,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Build an image, and push it if a registry is given.

        Args:
            image_name: the name, with an optional tag, that the image gets; `None` for none.
            build_context: the files the build may use.
            docker_build_options: options with the Docker SDK's keyword names, or typed ones.
            container_registry: where to push the image; without one it is not pushed.

        Returns:
            The repo digest (`repo@sha256:…`) of the pushed image, else the image name. Of an image
            without a name: its ID where an engine has it, else the digest of what the option
            `outputs` wrote; empty where that is no image.

        Raises:
            BuildError: a step failed.
            PushError: the registry did not take the image.
            ImageNameError: the name is malformed or does not belong to the registry, or the image
                needs one: it is to be pushed, or would be nowhere.
            BuildOptionsError: an option is unknown or has a wrong value.
        """

    def build_many(
        self, tasks: Sequence[BuildTask], *, max_parallel: int = MAX_PARALLEL
    ) -> list[BuildResult]:
        """Do several builds side by side, each with its own result or error, and wait for all.

        Builders that speak to a daemon do so by one connection and one session for each context:
        a context that several tasks have is sent once. Events reach listeners in this thread, each
        as the `event` of a `OneOfMany`. An exception of a listener, or `KeyboardInterrupt`, stops
        all builds.

        Args:
            tasks: what is to be built. One whose context is another's image
                (`build_contexts={"base": "target:NAME"}`) is built after that one.
            max_parallel: so many may run at a time.

        Returns:
            What became of each, in the order of the tasks; their `result()` returns what `build`
            returns, or raises what it raises.

        Raises:
            ConfigurationError: two tasks are called the same, or need each other.
        """

        def build(task: BuildTask) -> str:
            return self.build(
                task.image_name,
                task.build_context,
                task.docker_build_options,
                task.container_registry,
            )

        from imagebuilders.many_builds import run_builds

        return run_builds(build, tasks, max_parallel=max_parallel)

    def upload_build_context(
        self, build_context: BuildContext | ContextSnapshot, folder: str
    ) -> str:
        """Put the context's archive into the active stack's artifact store.

        For builders that build elsewhere. An archive of the same content that is there already is
        not made or sent again.

        Args:
            build_context: the context, or how it was at one moment.
            folder: the folder below the store's path; made when missing.

        Returns:
            The path of the archive in the artifact store.

        Raises:
            UploadError: it could not be uploaded; nothing stands under the final name.
        """
        return self._upload_build_context(build_context, folder)

    @staticmethod
    def _active_artifact_store() -> BaseArtifactStore:
        """Return the artifact store of the active stack.

        Raises:
            ConfigurationError: the stack has none, or its settings are wrong.
        """
        from imagebuilders.stack import Client

        return Client().active_stack.artifact_store

    @staticmethod
    def _upload_build_context(
        build_context: BuildContext | ContextSnapshot, parent_path_directory_name: str
    ) -> str:
        """Put the context's archive into the active stack's artifact store.

        The object is `{artifact store path}/{parent_path_directory_name}/{hash}.tar.gz`, where
        `hash` is the context's digest. An archive that is already there is not made or sent again.

        Args:
            build_context: the context, or how it was at one moment.
            parent_path_directory_name: the folder below the store's path; made when missing.

        Returns:
            The path of the archive in the artifact store.

        Raises:
            UploadError: it could not be uploaded; nothing stands under the final name.
        """
        from imagebuilders.artifact_stores.upload import upload_build_context

        return upload_build_context(
            build_context, BaseImageBuilder._active_artifact_store(), parent_path_directory_name
        )


class BaseImageBuilderFlavor(Flavor, ABC):
    """Base of the flavors of image builders."""

    @overridable_property
    def type(self) -> StackComponentType:
        """`StackComponentType.IMAGE_BUILDER`."""
        return StackComponentType.IMAGE_BUILDER

    @overridable_property
    def config_class(self) -> builtins.type[BaseImageBuilderConfig]:
        """The class of the builder's settings."""
        return BaseImageBuilderConfig

    @overridable_property
    def implementation_class(self) -> builtins.type[BaseImageBuilder]:
        """The builder's class."""
        return BaseImageBuilder
