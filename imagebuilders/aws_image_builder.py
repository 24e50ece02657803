"""Builds with AWS CodeBuild: nothing but the context leaves this machine, and no Docker is needed.

The module is longer because one build is seen in one place, from the checks to the digest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from imagebuilders.aws.calls import AWSCalls
from imagebuilders.aws.code_build.checks import (
    check_project,
    is_on_this_machine,
    writes_no_log,
)
from imagebuilders.aws.code_build.service import CodeBuildService
from imagebuilders.aws_image_builder_config import AWSImageBuilderConfig
from imagebuilders.base_image_builder import BaseImageBuilderFlavor
from imagebuilders.build_checks import check_is_build, check_types, names_to_push
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.environment import with_environment
from imagebuilders.build_summary import BuildSummary, emit_results
from imagebuilders.cancellation import stopped_by
from imagebuilders.components.flavor import BuiltInFlavor
from imagebuilders.container_registries.ecr import ECRContainerRegistry
from imagebuilders.evaluated_questions import EvaluatedQuestions
from imagebuilders.events import BuildStarted, Event, ImageBuilt, ImagePushed, Notice, emit
from imagebuilders.exceptions import (
    AWSError,
    BuildError,
    ConfigurationError,
    ImageBuilderError,
)
from imagebuilders.extended_image_builder import ExtendedImageBuilder
from imagebuilders.oci.digest import is_digest
from imagebuilders.oci.reference import parse_build_target

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from imagebuilders.aws.code_build.context import SentContext
    from imagebuilders.aws.code_build.state import BuildState
    from imagebuilders.build_context import BuildContext
    from imagebuilders.cache_misses.explanation import CacheExplanation
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.context.dockerfile_lookup import FoundDockerfile
    from imagebuilders.context.snapshot import ContextSnapshot
    from imagebuilders.oci.reference import ImageReference

_CLOSE_SECONDS = 60.0
"""So long the builds that are stopped by closing the builder are waited for."""


class AWSImageBuilder(ExtendedImageBuilder[AWSImageBuilderConfig], EvaluatedQuestions):
    """Builds with CodeBuild, which fetches the context from S3 and pushes the image itself.

    The active stack's artifact store must be in S3, and the registry one that AWS can reach. As a
    context manager it stops the builds that still run at the block's end.
    """

    def __init__(
        self,
        config: AWSImageBuilderConfig | None = None,
        *,
        name: str = "default",
        id: UUID | None = None,  # noqa: A002  (the documented name)
        **settings: object,
    ) -> None:
        """Make the component; arguments are as in `StackComponent`.

        Raises:
            ConfigurationError: a setting is unknown, missing or has a wrong value.
        """
        super().__init__(config, name=name, id=id, **settings)
        self._calls = AWSCalls("codebuild", self.config)
        self._logs = AWSCalls("logs", self.config)
        self._project: Mapping[str, object] | None = None
        self._running: set[threading.Event] = set()
        self._changed = threading.Condition()

    @property
    def is_building_locally(self) -> bool:
        """`False`."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, object]:
        """Return what a copy needs: it has no builds that run."""
        own = ("_running", "_changed")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)
        self._running = set()
        self._changed = threading.Condition()

    def close(self) -> None:
        """Stop the builds that still run in other threads, and close the connections."""
        with self._changed:
            for stop in self._running:
                stop.set()
            self._changed.wait_for(lambda: not self._running, _CLOSE_SECONDS)
        self._calls.close()
        self._logs.close()

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
        """Build an image with CodeBuild, and push it to the registry.

        The context goes to the active stack's artifact store, unless it is there already. An
        exception of any kind, `KeyboardInterrupt` too, stops the build.

        Args:
            image_name: the name, with an optional tag, that the image gets; it must be given.
            build_context: the files the build may use.
            docker_build_options: options with the Docker SDK's keyword names, or typed ones.
                Build arguments can be read by whoever may look at the build.
            container_registry: where to push the image; it must be given.
            explain_cache, skip_unchanged: as for `LocalImageBuilder.build`. What the cache can
                have is what `cache_from` names, or the project's Docker server keeps.

        Returns:
            The repo digest (`repo@sha256:…`) of the pushed image.

        Raises:
            BuildError: a step or a phase failed, or CodeBuild is out of reach.
            PushError: the registry did not take the image.
            ConfigurationError: the stack or the project cannot build so, or boto3 is missing.
            UploadError: the context was not uploaded.
            ImageNameError: the name is missing, malformed, or does not belong to the registry.
            BuildOptionsError: an option is unknown, has a wrong value, or is about this machine.
            BuildContextError: there is no Dockerfile, or the context is otherwise at fault.
        """
        from imagebuilders.aws.code_build.context import with_dockerfile
        from imagebuilders.build_options.buildx_command import check_elsewhere

        check_types(build_context, container_registry)
        options = with_environment(DockerBuildOptions.from_any(docker_build_options))
        reference = parse_build_target(image_name)
        registry = self._checked_registry(container_registry)
        registry.check_image_name(image_name)
        check_is_build(options)
        check_elsewhere(options, self.config.secrets)
        pushed = names_to_push(image_name, options, registry)
        self._check_store()
        tell = BuildSummary(emit if options.tells_steps else emit_results)
        snapshot = build_context.build_snapshot(options.dockerfile)
        if skip_unchanged:
            unchanged, options = self._decide(reference, snapshot, options, registry, tell)
            if unchanged is not None:
                tell(tell.finished(str(reference)))
                return unchanged
        context = with_dockerfile(snapshot)
        explanation = _explanation(tell) if explain_cache else None
        hear = explanation or tell
        hear(BuildStarted(str(reference), f"CodeBuild, project {self.config.project}"))
        names = tuple(str(parse_build_target(name)) for name in pushed)
        for name in options.tags:
            if str(parse_build_target(name)) not in names:
                tell(Notice(f"{name} is not pushed. The option 'push' pushes every name."))
        try:
            if explanation is not None:
                self._begin_explanation(explanation, snapshot, options, names)
            state = self._built(names, options, context, registry, hear)
        except ImageBuilderError:
            if explanation is not None:
                explanation.finish(failed=True)
            raise
        if explanation is not None:
            explanation.finish()
        digest = self._told_digest(str(reference), state)
        image_id = self._image_id(state) or digest
        tell(ImageBuilt(str(reference), image_id))
        repositories = [parse_build_target(name).repository for name in pushed]
        for repository in dict.fromkeys(repositories):
            tell(ImagePushed(f"{repository}@{digest}"))
        if options.metadata_file:
            from imagebuilders.build_options.result_files import write_metadata

            said = {"containerimage.digest": digest, "image.name": ",".join(names)}
            write_metadata(options.metadata_file, said)
        tell(tell.finished(str(reference)))
        return f"{reference.repository}@{digest}"

    # --- before the build --------------------------------------------------------

    def _checked_registry(
        self, container_registry: BaseContainerRegistry | None
    ) -> BaseContainerRegistry:
        if container_registry is None:
            raise ConfigurationError(
                "A build with CodeBuild needs a container registry to push the image to: nothing "
                "of it stays on the machine that builds. Give the one of the stack, as of the "
                "flavor 'ecr'; on the command line with --push.",
                key="container_registry",
            )
        host = container_registry.address
        if isinstance(container_registry, ECRContainerRegistry):
            return container_registry
        if is_on_this_machine(host):
            raise ConfigurationError(
                f"CodeBuild cannot push to {host}, which is on this machine. Let the stack have a "
                "container registry that AWS can reach, as of the flavor 'ecr'.",
                key="container_registry",
            )
        if container_registry.config.username is not None and not self._credentials_of(host):
            raise ConfigurationError(
                f"The password for {host} is not sent to CodeBuild as text. Put it into a secret "
                "of Secrets Manager with 'username' and 'password', and name that in the image "
                f"builder's setting 'registry_credentials', as in {{{host!r}: "
                "'secretsmanager:NAME'}.",
                key="registry_credentials",
            )
        return container_registry

    def _check_store(self) -> None:
        from imagebuilders.artifact_stores.s3 import S3ArtifactStore

        store = self._active_artifact_store()
        if not isinstance(store, S3ArtifactStore):
            raise ConfigurationError(
                f"CodeBuild fetches the build context from S3, but the active stack's artifact "
                f"store is at {store.path}. Let the stack have one of the flavor 's3', in a bucket "
                "that the project's role can read.",
                key="artifact_store",
            )

    def _checked_project(self, tell: Callable[[Event], None]) -> Mapping[str, object]:
        """Return the project, which is looked at once."""
        if self._project is None:
            try:
                found = CodeBuildService(self._calls).project(self.config.project)
            except AWSError as error:
                if error.code != "AccessDeniedException":
                    raise ConfigurationError(
                        f"The CodeBuild project {self.config.project!r} cannot be looked at. "
                        f"{error}",
                        key="project",
                    ) from error
                tell(
                    Notice(
                        "Without the right codebuild:BatchGetProjects it is not known whether "
                        f"the project {self.config.project!r} can build images."
                    )
                )
                found = {}
            check_project(
                found,
                environment_type=self.config.environment_type,
                compute_type=self.config.compute_type,
            )
            self._project = found
        return self._project

    def _decide(
        self,
        reference: ImageReference,
        snapshot: object,
        options: DockerBuildOptions,
        registry: BaseContainerRegistry,
        tell: Callable[[Event], None],
    ) -> tuple[str | None, DockerBuildOptions]:
        """Return what the registry has, if nothing is to be built; and the build's options."""
        from imagebuilders.auth.keychain import shared_keychain
        from imagebuilders.build_request import with_registry
        from imagebuilders.context.snapshot import ContextSnapshot
        from imagebuilders.unchanged.build_key import ImageInputs
        from imagebuilders.unchanged.skipping import decide

        assert isinstance(snapshot, ContextSnapshot)
        with shared_keychain() as keychain:
            inputs = ImageInputs(snapshot, options, "dockerfile")
            decision = decide(reference, inputs, with_registry(keychain, registry), tell)
        return decision.unchanged, decision.options

    def _begin_explanation(
        self,
        explanation: CacheExplanation,
        snapshot: ContextSnapshot,
        options: DockerBuildOptions,
        names: tuple[str, ...],
    ) -> None:
        """Note what the build is made of, to be compared with the last one."""
        from imagebuilders.auth.keychain import shared_keychain
        from imagebuilders.build_options.job import BuildJob

        with shared_keychain() as keychain:
            explanation.begin(BuildJob(snapshot, options, names, keychain, will_push=True))

    # --- the build ------------------------------------------------------------------

    def _built(
        self,
        names: tuple[str, ...],
        options: DockerBuildOptions,
        context: SentContext,
        registry: BaseContainerRegistry,
        tell: Callable[[Event], None],
    ) -> BuildState:
        """Upload the context, build, and return the build that ended well."""
        from imagebuilders.aws.code_build.failure import failed_build
        from imagebuilders.aws.code_build.log_reader import LogReader
        from imagebuilders.aws.code_build.progress import CodeBuildProgress
        from imagebuilders.aws.code_build.watch import BuildWatch, Limits
        from imagebuilders.aws_build_request import request_for_build

        config = self.config
        project = self._checked_project(tell)
        for name in names:
            registry.prepare_push(name)
        archive = self.upload_build_context(context.snapshot, config.context_folder)
        reads_log = config.stream_logs and not writes_no_log(project)
        if config.stream_logs and not reads_log:
            tell(Notice("The project writes no log to CloudWatch, so its steps are not told."))
        log = LogReader(self._logs) if reads_log else None
        progress = CodeBuildProgress(tell)
        request = request_for_build(
            config, names, options, context, archive, registry=registry, project=project
        )
        with self._stoppable() as stop:
            watch = BuildWatch(
                CodeBuildService(self._calls),
                log,
                progress,
                Limits(config.poll_interval, config.wait_timeout, config.patience),
                image_name=names[0],
                stop=stop,
            )
            try:
                state = watch.run(request)
            except AWSError as error:
                raise BuildError(f"{names[0]} was not built. {error}") from error
            finally:
                progress.close()
        if log is not None and log.lack:
            tell(Notice(log.lack))
        if not state.is_success:
            found: FoundDockerfile | None = context.snapshot.dockerfile
            raise failed_build(
                names[0],
                state,
                progress,
                dockerfile="" if found is None else found.name,
                content=b"" if found is None else found.content,
            )
        return state

    @contextmanager
    def _stoppable(self) -> Iterator[threading.Event]:
        """Lend what stops a build: closing the builder, or ending the task that it is part of."""
        stop = threading.Event()
        with self._changed:
            self._running.add(stop)
        try:
            with stopped_by(stop.set):
                yield stop
        finally:
            with self._changed:
                self._running.discard(stop)
                self._changed.notify_all()

    def _credentials_of(self, host: str) -> str | None:
        return self.config.registry_credentials.get(host)

    # --- after the build --------------------------------------------------------------

    def _told_digest(self, image_name: str, state: BuildState) -> str:
        from imagebuilders.aws.code_build.buildspec import DIGEST_VARIABLE
        from imagebuilders.aws.code_build.failure import untold_digest

        digest = state.exported.get(DIGEST_VARIABLE, "")
        if not is_digest(digest):
            raise untold_digest(image_name, state)
        return digest

    def _image_id(self, state: BuildState) -> str:
        from imagebuilders.aws.code_build.buildspec import IMAGE_ID_VARIABLE

        image_id = state.exported.get(IMAGE_ID_VARIABLE, "")
        return image_id if is_digest(image_id) else ""


def _explanation(tell: Callable[[Event], None]) -> CacheExplanation:
    from imagebuilders.cache_misses.explanation import CacheExplanation

    return CacheExplanation(tell)


class AWSImageBuilderFlavor(BuiltInFlavor, BaseImageBuilderFlavor):
    """The flavor `aws`."""

    name = "aws"
    config_class = AWSImageBuilderConfig
    implementation_class = AWSImageBuilder
