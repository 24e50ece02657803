"""Exporters of a daemon that keeps and pushes images: image, oci and docker."""

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

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex

    from ..script import ScriptedBuild
    from .outcome import Outcome
    from .registries import Registries
    from .worker import Worker

_TITLES = {
    "image": "exporting to image",
    "oci": "exporting to oci image format",
    "docker": "exporting to docker image format",
}
IMAGE_EXPORTERS = frozenset(_TITLES)
"""The types of exporters that make images of registries."""

_CONTENT = "/containerd.services.content.v1.Content/Write"
_STORE = "export"


class ImageExports:
    """Exports images of one build.

    Args:
        build: the build.
        worker: keeps images.
        progress: is told.
        registries: opens registries to push to.
    """

    def __init__(
        self,
        build: ScriptedBuild,
        worker: Worker,
        progress: Progress,
        registries: Callable[[], Registries],
    ) -> None:
        self._build = build
        self._worker = worker
        self._progress = progress
        self._registries = registries

    def export(
        self, number: int, kind: str, attributes: Mapping[str, str], outcome: Outcome
    ) -> dict[str, str]:
        """Export a result; return what is said of it.

        Raises:
            CallError: it cannot be exported.
        """
        names = [name for name in attributes.get("name", "").split(",") if name]
        references = [parse_reference(name) for name in names]
        step = vertex(_TITLES[kind], vertex_digest("export", self._build.ref, number))
        with self._progress.running(step):
            packed = pack(outcome, attributes)
            for line in packed.lines:
                with self._progress.doing(step, line):
                    pass
            created = "" if kind == "image" else outcome.images[0].image.parsed.get("created", "")
            response = packed.response(created)
            if names:
                response["image.name"] = ",".join(names)
            if kind != "image":
                self._send(number, step, kind, attributes, packed, names, response)
            elif attributes.get("store") != "false":
                for built in outcome.images:
                    self._worker.keep(built.image, names)
        if kind == "image" and attributes.get("push") == "true" and names:
            with self._progress.running(step):
                for name, reference in zip(names, references, strict=True):
                    self._push(step, name, reference, packed)
        return response

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
            if _CONTENT.lower() not in {method.lower() for method in session.methods}:
                raise _failed(f"method {_CONTENT} not supported by the client")
            for digest, content in packed.everything().items():
                session.write_content(_STORE, digest, content)
            return
        full = [_full(parse_reference(name)) for name in names]
        files = layout_files(packed, full, is_docker=kind == "docker")
        metadata = tuple((f"exporter-md-{name}", value) for name, value in response.items())
        with self._progress.doing(step, "sending tarball"):
            session.send_file(archive(files), exporter=number, metadata=metadata)

    def _push(
        self, step: Vertex, name: str, reference: ImageReference, packed: PackedImage
    ) -> None:
        """Push an image.

        Raises:
            CallError: the registry refused it.
        """
        tag = reference.tag or DEFAULT_TAG
        digest = packed.descriptor.digest
        try:
            with self._registries() as registries:
                repository = registries.repository(reference)
                with self._progress.doing(step, "pushing layers"):
                    for blob, content in packed.blobs.items():
                        repository.upload_blob(content, digest=blob)
                with self._progress.doing(step, f"pushing manifest for {name}@{digest}"):
                    for content, media_type in packed.manifests.values():
                        repository.write_manifest(content, media_type)
                    repository.write_manifest(packed.content, packed.descriptor.media_type, tag)
        except CallError:
            raise
        except ImageBuilderError as error:
            blob = next(iter(packed.blobs))
            url = f"http://{reference.domain}/v2/{reference.path}/blobs/{blob}"
            raise _failed(f"failed to push {name}: {registry_words(error, url)}") from error


def _full(reference: ImageReference) -> str:
    return f"{reference.full_repository}:{reference.tag or DEFAULT_TAG}"


def _failed(words: str) -> CallError:
    return CallError(RpcStatus(Code.UNKNOWN, words))
