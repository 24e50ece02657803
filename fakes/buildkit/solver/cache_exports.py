"""Caches that a build exports: into its image, to a registry, or to the client."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.media_types import OCI_LAYER_GZIP

from ...images.image import Image
from .bases import parse_reference
from .cache_records import CONFIG_TYPE, CacheWriter, with_inline_cache
from .progress import Progress, vertex, vertex_digest
from .registry_words import registry_words

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import CacheOptionsEntry, Vertex

    from ..script import ScriptedBuild
    from .look import Look
    from .outcome import BuiltImage, Outcome
    from .registries import Registries

INLINE = "inline"
_SETTINGS = {
    "gha": (
        ("token", "token not set for github actions cache"),
        ("url", "url not set for github actions cache"),
    ),
    "s3": (
        ("bucket", "bucket ($AWS_BUCKET) not set for s3 cache"),
        ("region", "region ($AWS_REGION) not set for s3 cache"),
    ),
    "azblob": (
        ("account_url", "unable to retrieve account url from environment variable or attrs"),
    ),
}
"""Of caches that a double has not what real daemons ask for first, and how they ask."""

_TITLES = {
    "registry": "exporting cache to registry",
    "local": "exporting cache to client directory",
}


def check_cache_exports(build: ScriptedBuild, look: Look) -> None:
    """See whether the caches that a build shall export can be.

    Raises:
        CallError: there is no such exporter, it lacks settings, or the double has not what the
            daemon has.
    """
    for export in build.request.Cache.Exports:
        if export.Type not in look.caches:
            raise _failed(f'unknown cache exporter: "{export.Type}"')
        if export.Type in _SETTINGS:
            raise _failed(_missing(export) or _has_not("exports", export.Type))


def _missing(export: CacheOptionsEntry) -> str:
    for name, words in _SETTINGS[export.Type]:
        if not export.Attrs.get(name) and not export.Attrs.get(f"{name}_v2"):
            return f"failed to configure {export.Type} cache exporter: {words}"
    return ""


def _has_not(does: str, kind: str) -> str:
    return f"the BuildKit double {does} no caches of type {kind}"


def with_inline_caches(build: ScriptedBuild, outcome: Outcome) -> Outcome:
    """Return a result with caches in its images, if the build shall export one there."""
    if all(export.Type != INLINE for export in build.request.Cache.Exports):
        return outcome
    images = tuple(map(_with_cache, outcome.images))
    return replace(outcome, images=images, has_inline_cache=True)


def _with_cache(built: BuiltImage) -> BuiltImage:
    if not built.chains:
        return built
    document = with_inline_cache(built.image.document, built.chains[0])
    image = Image(document, built.image.layers, built.image.made_from)
    image.remember_tree(built.image.tree)
    return replace(built, image=image)


class CacheExports:
    """Exports the caches of one build.

    Args:
        build: the build.
        progress: is told.
        open_registries: opens the registries that are pushed to.
    """

    def __init__(
        self,
        build: ScriptedBuild,
        progress: Progress,
        open_registries: Callable[[], Registries],
    ) -> None:
        self._build = build
        self._progress = progress
        self._open_registries = open_registries

    def export(self, outcome: Outcome) -> dict[str, str]:
        """Export what is asked for; return what is said of it.

        Raises:
            CallError: a cache cannot be exported, and that is no matter of indifference.
        """
        response: dict[str, str] = {}
        for number, wanted in enumerate(self._build.request.Cache.Exports):
            if wanted.Type not in _TITLES:
                continue
            step = vertex(
                _TITLES[wanted.Type], vertex_digest("cache export", self._build.ref, number)
            )
            try:
                with self._progress.running(step):
                    response |= self._export(step, wanted.Type, dict(wanted.Attrs), outcome)
            except CallError:
                if wanted.Attrs.get("ignore-error") != "true":
                    raise
        return response

    def _export(
        self, step: Vertex, kind: str, attributes: Mapping[str, str], outcome: Outcome
    ) -> dict[str, str]:
        writer = CacheWriter()
        with self._progress.doing(step, "preparing build cache for export"):
            for built in outcome.images:
                # Of the other stages nothing is in the image.
                for chain in built.chains if attributes.get("mode") == "max" else built.chains[:1]:
                    writer.add(chain)
        if not writer.layers:
            with self._progress.doing(step, "skipping cache export for empty result"):
                return {}
        config = writer.config()
        content, descriptor = _manifest(writer, config, attributes)
        blobs = {layer.blob_digest: layer.compressed for layer in writer.layers}
        described = Descriptor.of(config, CONFIG_TYPE)
        with self._progress.doing(step, "sending cache export"):
            if kind == "local":
                blobs[str(described.digest)] = config
                self._send(step, blobs, attributes.get("dest", ""), content, descriptor)
            else:
                self._push(step, blobs, attributes.get("ref", ""), config, content, descriptor)
        return {"cache.manifest": json.dumps(descriptor.to_json(), separators=(",", ":"))}

    def _send(
        self,
        step: Vertex,
        blobs: Mapping[str, bytes],
        folder: str,
        content: bytes,
        descriptor: Descriptor,
    ) -> None:
        """Write a cache into a folder of the client."""
        session, store = self._build.session, f"local:{folder}"
        for digest, blob in blobs.items():
            with self._progress.doing(step, f"writing layer {digest}"):
                session.write_content(store, digest, blob)
        with self._progress.doing(step, _line(descriptor)):
            session.write_content(store, str(descriptor.digest), content)

    def _push(
        self,
        step: Vertex,
        blobs: Mapping[str, bytes],
        name: str,
        config: bytes,
        content: bytes,
        descriptor: Descriptor,
    ) -> None:
        """Push a cache to a registry."""
        reference = parse_reference(name)
        url = self._open_registries().blob_url(reference, next(iter(blobs)))
        what = "writing layer blob"
        try:
            with self._open_registries() as registries:
                repository = registries.repository(reference)
                for digest, blob in blobs.items():
                    with self._progress.doing(step, f"writing layer {digest}"):
                        repository.upload_blob(blob, digest=digest)
                what = "writing config blob"
                described = Descriptor.of(config, CONFIG_TYPE)
                with self._progress.doing(step, f"writing config {described.digest}"):
                    repository.upload_blob(config, digest=described.digest)
                what = "writing manifest blob"
                with self._progress.doing(step, _line(descriptor)):
                    repository.write_manifest(
                        content, descriptor.media_type, reference.digest or reference.tag
                    )
        except CallError:
            raise
        except ImageBuilderError as error:
            raise _failed(f"error {what}: {registry_words(error, url)}") from error


def _manifest(
    writer: CacheWriter, config: bytes, attributes: Mapping[str, str]
) -> tuple[bytes, Descriptor]:
    described = Descriptor.of(config, CONFIG_TYPE)
    layers = {
        layer.blob_digest: Descriptor.of(layer.compressed, OCI_LAYER_GZIP)
        for layer in writer.layers
    }
    if attributes.get("image-manifest") == "false":
        index = Index((*layers.values(), described))
        content = index.to_bytes()
        return content, Descriptor.of(content, index.media_type)
    manifest = Manifest(described, tuple(layers.values()))
    content = manifest.to_bytes()
    return content, Descriptor.of(content, manifest.media_type)


def _line(descriptor: Descriptor) -> str:
    kind = "image manifest" if "image.manifest" in descriptor.media_type else "manifest"
    return f"writing cache {kind} {descriptor.digest}"


def _failed(words: str) -> CallError:
    return CallError(RpcStatus(Code.UNKNOWN, words))
