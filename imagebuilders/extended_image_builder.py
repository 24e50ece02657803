"""What the image builders of this package can do beyond what every one can."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from imagebuilders.base_image_builder import MAX_PARALLEL, BaseImageBuilder, ConfigT

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.many_builds import BuildResult, BuildTask


class ExtendedImageBuilder(BaseImageBuilder[ConfigT], ABC):
    """A builder whose builds can be explained, skipped, awaited and cancelled."""

    @abstractmethod
    def build(
        self,
        image_name: str | None,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
        *,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> str:
        """Build an image, and push it if a registry is given; see `BaseImageBuilder.build`.

        Args:
            image_name, build_context, docker_build_options, container_registry: as there.
            explain_cache: tell at the end why steps did not come from the cache.
            skip_unchanged: build nothing where the registry has the image already.
        """

    async def abuild(
        self,
        image_name: str | None,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
        *,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> str:
        """Build as `build` does, for asyncio; the event loop goes on meanwhile.

        The build runs in a thread of its own. Its events reach the listeners of the caller's
        context in the event loop's thread. When the task is cancelled, as by `asyncio.timeout`,
        the build is stopped, and nothing of it is left when this ends.

        Args:
            image_name, build_context, docker_build_options, container_registry: as for `build`.
            explain_cache, skip_unchanged: as for `build`.

        Returns:
            What `build` returns.

        Raises:
            ImageBuilderError: what `build` raises.
        """
        from imagebuilders.async_build import run_in_thread  # asyncio takes long to import

        return await run_in_thread(
            partial(
                self.build,
                image_name,
                build_context,
                docker_build_options,
                container_registry,
                explain_cache=explain_cache,
                skip_unchanged=skip_unchanged,
            )
        )

    def build_many(
        self,
        tasks: Sequence[BuildTask],
        *,
        max_parallel: int = MAX_PARALLEL,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> list[BuildResult]:
        """Do several builds side by side; see `BaseImageBuilder.build_many`.

        Args:
            tasks: what is to be built.
            max_parallel: so many may run at a time.
            explain_cache, skip_unchanged: as for `build`, for each task.

        Returns:
            What became of each, in the order of the tasks.

        Raises:
            ConfigurationError: two tasks are called the same, or need each other.
        """

        def build(task: BuildTask) -> str:
            return self.build(
                task.image_name,
                task.build_context,
                task.docker_build_options,
                task.container_registry,
                explain_cache=explain_cache,
                skip_unchanged=skip_unchanged,
            )

        from imagebuilders.many_builds import run_builds

        return run_builds(build, tasks, max_parallel=max_parallel)

    async def abuild_many(
        self,
        tasks: Sequence[BuildTask],
        *,
        max_parallel: int = MAX_PARALLEL,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> list[BuildResult]:
        """Do several builds side by side, as `build_many` does, for asyncio; see `abuild`.

        Args:
            tasks, max_parallel, explain_cache, skip_unchanged: as for `build_many`.

        Returns:
            What `build_many` returns.
        """
        from imagebuilders.async_build import run_in_thread  # asyncio takes long to import

        return await run_in_thread(
            partial(
                self.build_many,
                tasks,
                max_parallel=max_parallel,
                explain_cache=explain_cache,
                skip_unchanged=skip_unchanged,
            )
        )
