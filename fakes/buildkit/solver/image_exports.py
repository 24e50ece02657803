"""Exporters of a daemon that keeps and pushes images: image, moby, oci and docker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from .bases import parse_reference
from .packing import PackedImage, archive, layout_files, pack
from .progress import Progress, vertex, vertex_digest
from .registry_words import registry_words
from .stored_images import is_for_machine, stored_image

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex

    from ..script import ScriptedBuild
    from .look import Look
    from .outcome import Outcome
    from .registries import Registries
    from .worker import Worker

_TITLES = {
    "image": "exporting to image",
    "moby": "exporting to image",
    "oci": "exporting to oci image format",
    "docker": "exporting to docker image format",
}
IMAGE_EXPORTERS = frozenset(_TITLES)
"""The types of exporters that make images of registries."""

_STORE = "export"
_KEPT = ("image", "moby")
"""The types whose images stay with the daemon, or go to registries."""
_DANGLING = "moby-dangling"


class ImageExports:
    """Exports images of one build.

    Args:
        build: the build.
        worker: keeps images.
        look: what the daemon looks like.
        progress: is told.
        registries: opens registries to push to.
    """

    def __init__(
        self,
        build: ScriptedBuild,
        worker: Worker,
        look: Look,
        progress: Progress,
        registries: Callable[[], Registries],
    ) -> None:
        self._build = build
        self._worker = worker
        self._look = look
        self._progress = progress
        self._registries = registries

    def export(
        self, number: int, kind: str, attributes: Mapping[str, str], outcome: Outcome
    ) -> dict[str, str]:
        """Export a result; return what is said of it.

        Raises:
            CallError: it cannot be exported.
        """
        if kind not in _KEPT:
            outcome = outcome.for_files()
        if kind == "docker" and len(outcome.images) > 1:
            raise _failed("docker exporter does not currently support exporting manifest lists")
        names = [name for name in attributes.get("name", "").split(",") if name]
        if kind != "image":
            names = [_full(parse_reference(name)) for name in names]
        docker_types = self._look.docker_types and kind != "oci"
        step = vertex(_TITLES[kind], vertex_digest("export", self._build.ref, number))
        is_pushed = attributes.get("push") == "true" and bool(names) and kind in _KEPT
        with self._progress.running(step):
            wanted = {**attributes, "name": ",".join(names)}
            packed = pack(outcome, wanted, docker_types=docker_types)
            created = "" if kind in _KEPT else _created(outcome)
            response = packed.response(created)
            if names:
                response["image.name"] = ",".join(names)
            for line in packed.lines:
                with self._progress.doing(step, line):
                    pass
            if kind not in _KEPT:
                self._send(number, step, kind, attributes, packed, names, response)
            elif attributes.get("store") != "false":
                response |= self._keep(step, kind, attributes, packed, outcome, names)
            if is_pushed and not self._look.pushes_apart:
                self._push_all(step, attributes, packed, names)
        if is_pushed and self._look.pushes_apart:
            with self._progress.running(step):
                self._push_all(step, attributes, packed, names)
        return response

    # --- the daemon's own store -----------------------------------------------

    def _keep(
        self,
        step: Vertex,
        kind: str,
        attributes: Mapping[str, str],
        packed: PackedImage,
        outcome: Outcome,
        names: list[str],
    ) -> dict[str, str]:
        """Keep an image; return what else is said of it."""
        if not self._look.has_content_store:
            for built in outcome.images:
                self._worker.keep(built.image, names)
            return {}
        prefix = attributes.get("dangling-name-prefix", "")
        said = {}
        if kind == "moby":
            prefix = "" if names else _DANGLING
        dangling = [f"{prefix}@{packed.descriptor.digest}"] if prefix else []
        if dangling:
            said["image.name"] = ",".join([*names, *dangling])
        unpacks = kind == "moby" or attributes.get("unpack") == "true"
        image = stored_image(packed, outcome, is_unpacked=unpacks)
        if kind == "moby":
            image.builds = ((self._build.ref, self._worker.time_ns()),)
        canonical = attributes.get("name-canonical") == "true"
        suffix = f"@{packed.descriptor.digest}" if canonical else ""
        if names or dangling:
            digests = [name + suffix for name in names if suffix]
            self._worker.keep(image, [*names, *digests])
        for name in [*names, *dangling]:
            with self._progress.doing(step, f"naming to {name}"):
                pass
            if unpacks and is_for_machine(outcome):
                with self._progress.doing(step, f"unpacking to {name}{suffix}"):
                    pass
        return said

    # --- the client -----------------------------------------------------------

    def _send(
        self,
        number: int,
        step: Vertex,
        kind: str,
        attributes: Mapping[str, str],
        packed: PackedImage,
        names: list[str],
        response: Mapping[str, str],
    ) -> None:
        session = self._build.session
        if attributes.get("tar") == "false":
            for digest, content in packed.everything().items():
                session.write_content(_STORE, digest, content)
            return
        files = layout_files(packed, names, is_docker=kind == "docker")
        metadata = tuple((f"exporter-md-{name}", value) for name, value in response.items())
        with self._progress.doing(step, "sending tarball"):
            session.send_file(archive(files), exporter=number, metadata=metadata)

    # --- registries -----------------------------------------------------------

    def _push_all(
        self, step: Vertex, attributes: Mapping[str, str], packed: PackedImage, names: list[str]
    ) -> None:
        by_digest = attributes.get("push-by-digest") == "true"
        for name in names:
            self._push(step, name, packed, by_digest=by_digest)

    def _push(self, step: Vertex, name: str, packed: PackedImage, *, by_digest: bool) -> None:
        """Push an image.

        Raises:
            CallError: the registry refused it.
        """
        reference = parse_reference(name)
        digest = packed.descriptor.digest
        if by_digest and (reference.tag or reference.digest):
            shown = _full(reference) if reference.tag else str(reference)
            raise _failed(f"failed to push {name}: can't push tagged ref {shown} by digest")
        tag = None if by_digest else reference.tag or DEFAULT_TAG
        place = reference.full_repository if by_digest else name
        try:
            with self._registries() as registries:
                repository = registries.repository(reference)
                with self._progress.doing(step, "pushing layers"):
                    for blob, content in packed.blobs.items():
                        repository.upload_blob(content, digest=blob)
                with self._progress.doing(step, f"pushing manifest for {place}@{digest}"):
                    for content, media_type in packed.manifests.values():
                        repository.write_manifest(content, media_type)
                    repository.write_manifest(packed.content, packed.descriptor.media_type, tag)
        except CallError:
            raise
        except ImageBuilderError as error:
            url = self._registries().blob_url(reference, next(iter(packed.blobs)))
            raise _failed(f"failed to push {name}: {registry_words(error, url)}") from error


def _created(outcome: Outcome) -> str:
    return str(outcome.images[0].image.parsed.get("created", ""))


def _full(reference: ImageReference) -> str:
    return f"{reference.full_repository}:{reference.tag or DEFAULT_TAG}"


def _failed(words: str) -> CallError:
    return CallError(RpcStatus(Code.UNKNOWN, words))
