"""Builds without any daemon: new layers on top of bases that stay in their registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from imagebuilders.base_image_builder import (
    MAX_PARALLEL,
    BaseImageBuilder,
    BaseImageBuilderConfig,
    BaseImageBuilderFlavor,
)
from imagebuilders.build_checks import (
    check_is_build,
    check_types,
    names_to_push,
    parse_image_name,
)
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.environment import with_environment
from imagebuilders.build_request import proxy_arguments, with_registry
from imagebuilders.build_summary import BuildSummary, emit_results
from imagebuilders.components.flavor import DOCS_URL, BuiltInFlavor
from imagebuilders.components.user_path import UserPath
from imagebuilders.events import emit
from imagebuilders.exceptions import ImageNameError
from imagebuilders.oci.reference import ImageReference, parse_build_target

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.daemonless.outputs import PlannedOutputs
    from imagebuilders.daemonless.run import RunSettings
    from imagebuilders.many_builds import BuildResult, BuildTask


class DaemonlessImageBuilderConfig(BaseImageBuilderConfig):
    """Settings of the daemonless image builder."""

    base_files: Literal["read", "link"] = "read"
    """Whether steps may depend on the files of their base, whose list is read then; `link` does
    every COPY and ADD as with `--link`, and leaves making of WORKDIR's folder to the runtime."""
    compression: Literal["gzip", "zstd", "uncompressed"] = "gzip"
    """What new layers are compressed with, where `outputs` do not say otherwise."""
    file_list_cache: UserPath | None = None
    """A folder for lists of the files of bases that machines may share, beside the user's own."""
    tls_ca: UserPath | None = None
    """A file of certificates by which registries are trusted, beside the system's."""


class DaemonlessImageBuilder(BaseImageBuilder[DaemonlessImageBuilderConfig]):
    """Builds Dockerfiles that run no command, without a daemon, and pushes the image itself.

    Without a registry and `outputs` the image is left in an image layout in the cache folder.
    """

    @property
    def is_building_locally(self) -> bool:
        """`True`."""
        return True

    def build(
        self,
        image_name: str | None,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Build an image, and push it if a registry is given, or by the options.

        Args:
            image_name: the name, with an optional tag, that the image gets; `None` for none, with
                the option `outputs`.
            build_context: the files the build may use.
            docker_build_options: options with the Docker SDK's keyword names, or typed ones.
                Those that concern commands alone do not matter.
            container_registry: where to push the image.

        Returns:
            The repo digest (`repo@sha256:…`) of the pushed image, else the image name; of an image
            without a name the digest of what `outputs` wrote.

        Raises:
            BuildError: a step failed, needs a daemon, or a base cannot be read.
            PushError: the registry did not take the image.
            RegistryError: a credential helper failed.
            ImageNameError: the name is malformed, does not belong to the registry, or is missing
                though the image is to be pushed or would be nowhere.
            BuildOptionsError: an option is unknown, has a wrong value, or needs a daemon.
            BuildContextError: there is no Dockerfile, or the context is otherwise at fault.
            ConfigurationError: Docker's configuration file is malformed, the settings cannot be
                used, or there is no place for the image.
        """
        from imagebuilders.auth.keychain import shared_keychain
        from imagebuilders.daemonless.run import Run, RunRequest

        check_types(build_context, container_registry)
        options = with_environment(DockerBuildOptions.from_any(docker_build_options))
        names = _names(image_name, options, container_registry)
        planned, pushed = self._plan(image_name, options, container_registry)
        summary = BuildSummary(emit if options.tells_steps else emit_results)
        snapshot = build_context.build_snapshot(options.dockerfile)
        with shared_keychain() as keychain:
            request = RunRequest(
                image_name,
                names,
                pushed,
                options,
                snapshot,
                planned,
                self._settings,
                dict(proxy_arguments(options, keychain, ())),
            )

            def prepare_push() -> None:
                if container_registry is not None:
                    for name in pushed:
                        container_registry.prepare_push(name)

            run = Run(request, prepare_push, summary)
            delivered, result = run.build(with_registry(keychain, container_registry))
        summary(summary.finished(str(next(iter(names), "")), delivered.size))
        return result

    async def abuild(
        self,
        image_name: str | None,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Build as `build` does, for asyncio; the event loop goes on meanwhile.

        Args:
            image_name, build_context, docker_build_options, container_registry: as for `build`.

        Returns:
            What `build` returns.

        Raises:
            ImageBuilderError: what `build` raises.
        """
        from imagebuilders.async_build import run_in_thread  # asyncio takes long to import

        return await run_in_thread(
            partial(self.build, image_name, build_context, docker_build_options, container_registry)
        )

    def build_many(
        self, tasks: Sequence[BuildTask], *, max_parallel: int = MAX_PARALLEL
    ) -> list[BuildResult]:
        """Do several builds side by side; see `BaseImageBuilder.build_many`.

        Where one's context is another's image, that is taken from the registry or image layout
        that it went to.
        """
        from imagebuilders.daemonless.linked_images import image_address, with_images
        from imagebuilders.many_builds import run_builds

        built: dict[str, str] = {}

        def build(task: BuildTask) -> str:
            options = with_images(DockerBuildOptions.from_any(task.docker_build_options), built)
            result = self.build(
                task.image_name, task.build_context, options, task.container_registry
            )
            built[task.label] = image_address(result, task.image_name, options)
            return result

        return run_builds(build, tasks, max_parallel=max_parallel)

    @property
    def _settings(self) -> RunSettings:
        from imagebuilders.daemonless.run import RunSettings

        config = self.config
        return RunSettings(config.base_files == "link", config.file_list_cache, config.tls_ca)

    def _plan(
        self,
        image_name: str | None,
        options: DockerBuildOptions,
        container_registry: BaseContainerRegistry | None,
    ) -> tuple[PlannedOutputs, tuple[str, ...]]:
        """Return what is to become of the image, and the names that it is pushed under."""
        from imagebuilders.daemonless.layer_compression import LayerCompression
        from imagebuilders.daemonless.outputs import plan_outputs
        from imagebuilders.daemonless.settings import check_options

        check_is_build(options)
        check_options(options)
        planned = plan_outputs(options, LayerCompression(self.config.compression))
        if planned.pushes:
            options = options.model_copy(update={"push": True})
        pushed = names_to_push(image_name, options, container_registry)
        if image_name is None and not planned.files:
            raise ImageNameError(
                "An image that is built without a daemon needs a name, or the option 'outputs' to "
                "say where it goes, as in outputs='type=oci,dest=app.tar': no engine has it.",
                image_name="",
            )
        return planned, pushed


def _names(
    image_name: str | None,
    options: DockerBuildOptions,
    container_registry: BaseContainerRegistry | None,
) -> tuple[ImageReference, ...]:
    """Return all names that the image gets.

    Raises:
        ImageNameError: one is malformed, or belongs to another registry.
    """
    first = parse_image_name(image_name, container_registry)
    others = tuple(map(parse_build_target, options.tags))
    return others if first is None else (first, *others)


class DaemonlessImageBuilderFlavor(BuiltInFlavor, BaseImageBuilderFlavor):
    """The flavor `daemonless`."""

    name = "daemonless"
    config_class = DaemonlessImageBuilderConfig
    implementation_class = DaemonlessImageBuilder
    logo_url = f"{DOCS_URL}/_static/daemonless.svg"
