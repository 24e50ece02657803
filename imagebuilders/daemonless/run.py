"""A whole build without a daemon: evaluated, and brought to everywhere it is to go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.image_details import chosen_attestations
from imagebuilders.build_options.job import NAMELESS
from imagebuilders.build_options.result_files import write_result_files
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.daemonless.annotations import Annotations
from imagebuilders.daemonless.build import BuildInputs, DaemonlessBuild
from imagebuilders.daemonless.delivery import deliver
from imagebuilders.daemonless.image_archives import archived_layout
from imagebuilders.daemonless.images import DeliveredImage
from imagebuilders.daemonless.kept_images import remove_unreachable
from imagebuilders.daemonless.layout_destination import LayoutDestination
from imagebuilders.daemonless.linked_images import kept_folder
from imagebuilders.daemonless.outputs import STDOUT, FileOutput, PlannedOutputs, check_archives
from imagebuilders.daemonless.refusals import check_is_local
from imagebuilders.daemonless.registry_destination import RegistryDestination
from imagebuilders.daemonless.settings import read_settings
from imagebuilders.daemonless.whole_files import write_whole
from imagebuilders.distribution import CredentialSource
from imagebuilders.distribution.registries import Registries
from imagebuilders.events import BuildStarted, Event, ImageBuilt, ImagePushed, Notice
from imagebuilders.exceptions import BuildError, ConfigurationError, PushError, RegistryError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference, parse_build_target
from imagebuilders.temporary_folder import temporary_folder
from imagebuilders.user_folders import own_cache_folder

FILE_LISTS = "file-lists"
"""The folder, in the cache folder, of the lists of bases' files."""
LAYERS = "layers"
"""The folder, in the cache folder, of the names of layers that were made."""
_ENGINE = "no daemon"


@dataclass(frozen=True)
class RunSettings:
    """Settings of the builder.

    Attributes:
        links_bases: no step looks into its base.
        file_list_cache: a folder of file lists that machines share.
        authority: certificates by which registries are trusted, beside the system's.
    """

    links_bases: bool = False
    file_list_cache: Path | None = None
    authority: Path | None = None


@dataclass(frozen=True)
class RunRequest:
    """What a build is asked for, checked.

    Attributes:
        image_name: the image's name as it was given; `None` for an image without one.
        names: all names that the image gets, this one first.
        pushed: the names that it is pushed under, as they were given.
        options: the options.
        snapshot: the context, with its Dockerfile.
        planned: what is to become of the image.
        settings: those of the builder.
        proxies: returns the build arguments that tell of proxies.
    """

    image_name: str | None
    names: tuple[ImageReference, ...]
    pushed: tuple[str, ...]
    options: DockerBuildOptions
    snapshot: ContextSnapshot
    planned: PlannedOutputs
    settings: RunSettings = RunSettings()
    proxies: dict[str, str] = field(default_factory=dict, repr=False)


class Run:
    """One build.

    Args:
        request: what is asked for.
        prepare_push: makes what must be there before the image is pushed.
        tell: what to do with events.
    """

    def __init__(
        self,
        request: RunRequest,
        prepare_push: Callable[[], None],
        tell: Callable[[Event], None],
    ) -> None:
        self._request = request
        self._prepare_push = prepare_push
        self._tell = tell
        self._name = str(next(iter(request.names), NAMELESS))
        options = request.options
        self._annotations = Annotations((*options.annotations, *request.planned.annotations))
        self._attestations = chosen_attestations(options.attest, options.sbom, options.provenance)

    def build(self, credentials: CredentialSource) -> tuple[DeliveredImage, str]:
        """Build and deliver; return the image, and what it can be called by.

        Args:
            credentials: knows who to be at which registry.

        Raises:
            BuildError: a step failed, needs a daemon, or a base cannot be read.
            PushError: a registry did not take the image.
            ImageBuilderError: a setting, an option or the context is at fault.
        """
        request = self._request
        check_is_local(request.snapshot.remote)
        self._tell(BuildStarted(str(next(iter(request.names), "")), _ENGINE))
        self._tell_unpushed()
        with (
            Registries(credentials, authority=request.settings.authority) as registries,
            DaemonlessBuild(self._inputs(), registries, self._tell) as build,
        ):
            resolved = build.resolve()
            is_index = resolved.is_index or bool(self._attestations)
            check_archives(request.planned.files, is_index=is_index)
            self._annotations.check(is_index=is_index)
            self._prepare_push()
            delivered = build.execute(resolved)
            for name in request.names or ("",):
                self._tell(ImageBuilt(str(name), delivered.image_id))
            self._deliver(delivered, build, registries)
        self._write_result_files(delivered)
        digest = str(delivered.descriptor.digest)
        if request.image_name is None:
            return delivered, digest
        if request.image_name in request.pushed:
            return delivered, f"{request.names[0].repository}@{digest}"
        return delivered, request.image_name

    def _inputs(self) -> BuildInputs:
        request = self._request
        cache = own_cache_folder()
        own = () if cache is None else (cache / FILE_LISTS,)
        shared = request.settings.file_list_cache
        has_memory = cache is not None and not request.options.nocache
        return BuildInputs(
            request.names,
            request.snapshot,
            read_settings(request.options, request.proxies),
            compression=request.planned.compression,
            links_bases=request.settings.links_bases,
            reproducible=bool(request.options.reproducible),
            list_folders=(*own, *(() if shared is None else (shared,))),
            layer_folder=cache / LAYERS if cache is not None and has_memory else None,
            annotations=self._annotations,
            attestations=self._attestations,
        )

    def _tell_unpushed(self) -> None:
        """Tell which names lead nowhere."""
        request = self._request
        pushed = {str(parse_build_target(name)) for name in request.pushed}
        for name in request.names if pushed and not request.planned.files else ():
            if str(name) not in pushed:
                text = f"{name} is not pushed. The option 'push' pushes every name."
                self._tell(Notice(text))

    # --- where it goes ----------------------------------------------------------------

    def _deliver(
        self, delivered: DeliveredImage, build: DaemonlessBuild, registries: Registries
    ) -> None:
        request = self._request
        for name in request.pushed:
            self._push(delivered, build, registries, parse_build_target(name))
        for output in request.planned.files:
            self._write(delivered, build, output)
        if not request.pushed and not request.planned.files:
            self._keep(delivered, build)
        repositories = [parse_build_target(name).repository for name in request.pushed]
        for repository in dict.fromkeys(repositories):
            self._tell(ImagePushed(f"{repository}@{delivered.descriptor.digest}"))

    def _push(
        self,
        delivered: DeliveredImage,
        build: DaemonlessBuild,
        registries: Registries,
        reference: ImageReference,
    ) -> None:
        try:
            destination = RegistryDestination(registries.repository(reference), reference)
            deliver(delivered, destination, build.new_layers, self._tell)
        except RegistryError as error:
            raise PushError(
                f"{reference} was not pushed. {error}",
                image_name=str(reference),
                registry=reference.domain,
                detail=str(error),
            ) from error

    def _write(self, delivered: DeliveredImage, build: DaemonlessBuild, output: FileOutput) -> None:
        try:
            if output.is_archive:
                self._write_archive(delivered, build, output)
            else:
                self._write_layout(delivered, build, Path(output.dest), self._request.names)
        except OSError as error:
            where = "standard output" if output.dest == STDOUT else output.dest
            raise BuildError(
                f"{self._name} was built, but cannot be written to {where}: "
                f"{error.strerror or error}"
            ) from error

    def _write_archive(
        self, delivered: DeliveredImage, build: DaemonlessBuild, output: FileOutput
    ) -> None:
        names = self._request.names
        with temporary_folder() as folder:
            self._write_layout(delivered, build, Path(folder), names)
            pieces = archived_layout(
                Path(folder),
                delivered,
                [str(name) for name in names],
                for_docker=output.kind == "docker",
            )
            if output.dest != STDOUT:
                write_whole(Path(output.dest), pieces)
                return
            sys.stdout.flush()
            # The descriptor: what Python calls standard output may lead elsewhere.
            with open(1, "wb", closefd=False) as stream:
                stream.writelines(pieces)

    def _write_layout(
        self,
        delivered: DeliveredImage,
        build: DaemonlessBuild,
        folder: Path,
        names: Sequence[ImageReference],
    ) -> None:
        tags = tuple(dict.fromkeys(name.tag or DEFAULT_TAG for name in names))
        try:
            deliver(delivered, LayoutDestination(folder, tags), build.new_layers, self._tell)
        except RegistryError as error:
            raise BuildError(
                f"{self._name} was built, but a layer of its base cannot be read: {error}"
            ) from error

    def _keep(self, delivered: DeliveredImage, build: DaemonlessBuild) -> None:
        """Leave the image in the cache folder."""
        cache = own_cache_folder()
        if cache is None:
            raise ConfigurationError(
                f"There is no place for {self._name}: the user has no home folder. Give a "
                "container registry, the option 'outputs', or set IMAGEBUILDERS_CACHE_DIR.",
                key="container_registry",
            )
        for name in self._request.names:
            folder = kept_folder(cache, name)
            try:
                self._write_layout(delivered, build, folder, (name,))
            except OSError as error:
                raise BuildError(
                    f"{self._name} was built, but cannot be kept in {folder}: "
                    f"{error.strerror or error}"
                ) from error
            remove_unreachable(folder)
            self._tell(Notice(f"{name} is in the image layout {folder}."))

    def _write_result_files(self, delivered: DeliveredImage) -> None:
        metadata = {"containerimage.digest": str(delivered.descriptor.digest)}
        if not delivered.parts:
            metadata["containerimage.config.digest"] = delivered.image_id
        try:
            write_result_files(self._request.options, delivered.image_id, metadata)
        except OSError as error:
            raise BuildError(
                f"{self._name} was built, but what is said of it could not be written: "
                f"{error.strerror}"
            ) from error
