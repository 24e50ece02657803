"""One build without a daemon: from a context and options to images that can be delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from pathlib import Path
from types import TracebackType

from imagebuilders.build_options.image_details import SBOM, Attestation
from imagebuilders.build_options.job import NAMELESS
from imagebuilders.context.archive import fixed_mtime
from imagebuilders.context.content import ContentReader
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.daemonless.annotations import Annotations
from imagebuilders.daemonless.assembly import (
    EvaluatedImage,
    FinishedImage,
    evaluate,
    finish,
    timestamp,
)
from imagebuilders.daemonless.attestations import AttestationManifest, attest
from imagebuilders.daemonless.base_images import BaseImages
from imagebuilders.daemonless.build_trees import BuildTrees
from imagebuilders.daemonless.downloads import HttpDownloads
from imagebuilders.daemonless.failures import evaluation_failure
from imagebuilders.daemonless.file_lists import FileLists
from imagebuilders.daemonless.images import DeliveredImage, index_of, single_image
from imagebuilders.daemonless.layer_compression import LayerCompression
from imagebuilders.daemonless.linked_bases import NOTICE, changes, linked
from imagebuilders.daemonless.new_layers import NewLayers
from imagebuilders.daemonless.provenance import provenance
from imagebuilders.daemonless.refusals import check_runs_nothing
from imagebuilders.daemonless.sbom import sbom
from imagebuilders.daemonless.settings import BuildSettings
from imagebuilders.daemonless.told_steps import ToldSteps, warning_notice
from imagebuilders.distribution.registries import Registries
from imagebuilders.evaluation.daemon import BUILDKITD
from imagebuilders.evaluation.download_times import DownloadTimes
from imagebuilders.evaluation.execution import Executor
from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.evaluation.platforms import PlatformResolutions, resolve_platforms
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.evaluation.results import BuildClock
from imagebuilders.events import Event, LayerProgress, Notice
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    EvaluationError,
    ImageFormatError,
    RegistryError,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.reference import ImageReference

_SECOND_NS = 10**9


@dataclass(frozen=True)
class BuildInputs:
    """What a build is made of.

    Attributes:
        names: the image's names.
        snapshot: the context, with its Dockerfile.
        settings: what the options say.
        compression: what new layers are compressed with.
        links_bases: no step looks into its base.
        reproducible: files of contexts have times that tell nothing but their content, and no file
            is younger than `SOURCE_DATE_EPOCH`.
        list_folders: where file lists of bases are kept.
        layer_folder: where names of layers are remembered; `None` not to do so.
        annotations: what manifests and indexes say beside their content.
        attestations: what is to be attested of the image.
    """

    names: tuple[ImageReference, ...]
    snapshot: ContextSnapshot
    settings: BuildSettings
    compression: LayerCompression = LayerCompression.GZIP
    links_bases: bool = False
    reproducible: bool = False
    list_folders: Sequence[Path] = ()
    layer_folder: Path | None = None
    annotations: Annotations = field(default_factory=Annotations)
    attestations: Sequence[Attestation] = ()

    @property
    def image_name(self) -> str:
        """What errors call the image."""
        return str(next(iter(self.names), NAMELESS))


class DaemonlessBuild:
    """A build. Use as a context manager: new layers lie on disk until it is closed.

    Args:
        inputs: what it is made of.
        registries: leads to the bases.
        tell: what to do with events.
    """

    def __init__(
        self, inputs: BuildInputs, registries: Registries, tell: Callable[[Event], None]
    ) -> None:
        self._inputs = inputs
        self._tell = tell
        self._images = BaseImages(registries)
        self._open = ExitStack()
        latest = fixed_mtime() if inputs.reproducible else None
        self.new_layers = self._open.enter_context(
            NewLayers(inputs.compression, inputs.layer_folder, latest=latest)
        )
        self._file_lists = FileLists(inputs.list_folders, tell=self._tell_reading)

    def __enter__(self) -> DaemonlessBuild:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def resolve(self) -> PlatformResolutions:
        """Resolve the Dockerfile, and refuse what needs a daemon.

        Nothing but the Dockerfile and the configurations of images has been read by then.

        Raises:
            BuildError: the Dockerfile cannot be resolved, or needs a daemon.
        """
        inputs = self._inputs
        ignore_file = inputs.snapshot.ignore_file
        lines = () if ignore_file is None else tuple(line.text for line in ignore_file.lines)
        times = DownloadTimes(HttpDownloads())
        options = replace(inputs.settings.resolve, ignore_lines=lines, source_times=times)
        warned: set[LintWarning] = set()

        def warn(warning: LintWarning) -> None:
            if warning not in warned:
                warned.add(warning)
                self._tell(warning_notice(warning))

        try:
            found = resolve_platforms(
                self._dockerfile, options, self._images, inputs.settings.platforms, warn=warn
            )
        except EvaluationError as error:
            raise self._failure(error) from error
        check_runs_nothing(found.resolutions, self._dockerfile, inputs.image_name)
        if not inputs.links_bases:
            return found
        if changes(found.resolutions):
            self._tell(Notice(NOTICE))
        return replace(found, resolutions=tuple(map(linked, found.resolutions)))

    def execute(self, resolved: PlatformResolutions) -> DeliveredImage:
        """Execute what was resolved; make the layers that are not known.

        Raises:
            BuildError: a step fails, or a base cannot be read.
            ContextChangedError: a file of the context changed meanwhile.
        """
        inputs = self._inputs
        trees = BuildTrees(
            inputs.snapshot,
            inputs.settings.folders,
            self._images,
            self._file_lists,
            # It stays open: layers whose names are known are made later, or never.
            self._open.enter_context(ContentReader()),
            BuildClock(self._created(resolved.resolutions[0]) * _SECOND_NS),
            has_content_times=inputs.reproducible,
        )
        try:
            finished = [
                self._finished(self._evaluated(resolution, trees, label))
                for resolution, label in _labelled(resolved)
            ]
        except EvaluationError as error:
            raise self._failure(error) from error
        except (RegistryError, ImageFormatError) as error:
            raise BuildError(f"{inputs.image_name} was not built. {error}") from error
        if not resolved.is_index and not inputs.attestations:
            return single_image(finished[0])
        attested = [self._attested(image) for image in finished if inputs.attestations]
        return index_of(finished, attested, inputs.annotations)

    # --- inside -----------------------------------------------------------------------

    @property
    def _dockerfile(self) -> bytes:
        found = self._inputs.snapshot.dockerfile
        if found is None:
            raise BuildContextError("The build context has no Dockerfile.")
        return found.content

    def _evaluated(self, resolution: Resolution, trees: BuildTrees, label: str) -> EvaluatedImage:
        created = self._created(resolution)
        executor = self._open.enter_context(
            Executor(
                resolution.stages,
                trees,
                downloads=HttpDownloads(),
                daemon=replace(BUILDKITD, links_modes=self._inputs.links_bases),
                clock=BuildClock(created * _SECOND_NS),
                epoch=resolution.source_date_epoch,
            )
        )
        told = ToldSteps(self._tell, label)
        return evaluate(
            resolution, executor, self._images, self.new_layers, created, told=told.done
        )

    def _finished(self, evaluated: EvaluatedImage) -> FinishedImage:
        names = [self.new_layers.names(layer) for layer in evaluated.layers]
        return finish(evaluated, names, self._inputs.annotations)

    def _attested(self, image: FinishedImage) -> AttestationManifest:
        inputs = self._inputs
        predicates = []
        for wanted in inputs.attestations:
            if wanted.type == SBOM:
                predicates.append(sbom(image.evaluated))
            else:
                options = inputs.settings.resolve
                is_full = ("mode", "max") in wanted.attributes
                platform = image.evaluated.platform
                predicates.append(
                    provenance(options, platform, self._name, self._images.used, is_full=is_full)
                )
        return attest(image, inputs.names, predicates)

    @staticmethod
    def _created(resolution: Resolution) -> int:
        epoch = resolution.source_date_epoch
        if epoch is None:
            return fixed_mtime()
        try:
            timestamp(epoch)
        except (OverflowError, ValueError, OSError) as error:
            raise BuildError(
                f"SOURCE_DATE_EPOCH is {epoch}, a time that no image can have."
            ) from error
        return epoch

    def _failure(self, error: EvaluationError) -> BuildError:
        return evaluation_failure(error, self._dockerfile, self._name, self._inputs.image_name)

    @property
    def _name(self) -> str:
        """The Dockerfile's name."""
        found = self._inputs.snapshot.dockerfile
        return "Dockerfile" if found is None else found.name

    def _tell_reading(self, layer: Descriptor) -> None:
        name = layer.digest.encoded[:12]
        self._tell(LayerProgress(name, "Reading file list", 0, layer.size))


def _labelled(resolved: PlatformResolutions) -> Sequence[tuple[Resolution, str]]:
    """Return the resolutions, each with what tells its steps from those of others."""
    return [
        (resolution, f"{resolution.platform} " if resolved.is_index else "")
        for resolution in resolved.resolutions
    ]
