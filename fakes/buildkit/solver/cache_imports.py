"""Caches that a build imports: of registries, of the client, and of images.

A cache that cannot be had is no failure of the build, but of the vertex that tells of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.exceptions import ImageBuilderError, RegistryError, RegistryNotFoundError
from imagebuilders.oci.manifest import Index, Manifest, parse_manifest
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from .cache_records import CONFIG_TYPE, CacheReader, read_config, read_inline
from .progress import Progress, vertex, vertex_digest
from .registry_words import registry_words

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex
    from imagebuilders.oci.platform import Platform

    from ...images.image import Image
    from ..session_peer import SessionPeer
    from .bases import BaseImages
    from .registries import Registries
    from .step_cache import DoneStep, StepCache

_KNOWN = frozenset({"registry", "local", "gha", "s3", "azblob"})


class ImportedSteps:
    """The steps of a daemon, and those of the caches that a build imports.

    Args:
        cache: the steps that the daemon did itself.
        readers: what was imported.
    """

    def __init__(self, cache: StepCache, readers: list[CacheReader]) -> None:
        self._cache = cache
        self._readers = readers

    def find(self, key: str, now: int, title: str) -> DoneStep | None:
        """Return what was made of a key; what was imported is kept when it is used.

        Args:
            key: the key.
            now: nanoseconds since the epoch.
            title: what the progress calls the step.
        """
        known = self._cache.find(key, now)
        if known is not None:
            return known
        for reader in self._readers:
            found = reader.find(key, title)
            if found is not None:
                self._cache.keep(found)
                return found
        return None

    def keep(self, done: DoneStep) -> None:
        """Keep what a step made."""
        self._cache.keep(done)


class CacheImports:
    """Imports caches for one build, and tells of it.

    Args:
        images: finds images.
        registries: asks registries.
        find_session: returns the client's session.
        progress: is told.
    """

    def __init__(
        self,
        images: BaseImages,
        registries: Registries,
        find_session: Callable[[], SessionPeer],
        progress: Progress,
    ) -> None:
        self._images = images
        self._registries = registries
        self._find_session = find_session
        self._progress = progress

    def open(self, attributes: Mapping[str, str], platform: Platform) -> list[CacheReader]:
        """Return the caches that a build shall import.

        Args:
            attributes: what the frontend is told.
            platform: what is built for.
        """
        readers = []
        for kind, wanted in _wanted(attributes):
            name = wanted.get("ref") if kind == "registry" else None
            title = f"importing cache manifest from {name or _shown(kind, wanted)}"
            step = vertex(title, vertex_digest("import", kind, wanted))
            self._progress.start(step)
            problem = ""
            try:
                readers += self._read(step, kind, wanted, platform)
            except CallError as error:
                problem = error.status.message
            except (ImageBuilderError, LookupError, TypeError, ValueError) as error:
                problem = str(error)
            self._progress.complete(step, error=problem)
        return readers

    def _read(
        self, step: Vertex, kind: str, wanted: Mapping[str, str], platform: Platform
    ) -> list[CacheReader]:
        if kind not in _KNOWN:
            raise ImageBuilderError(f"unknown cache importer: {kind}")
        if kind == "registry":
            return self._of_name(step, wanted.get("ref", ""), platform)
        if kind == "local":
            return self._of_client(wanted)
        raise ImageBuilderError(f"the BuildKit double imports no caches of type {kind}")

    def _of_client(self, wanted: Mapping[str, str]) -> list[CacheReader]:
        session, store = self._find_session(), f"local:{wanted.get('src', '')}"
        digest = wanted.get("digest", "")
        if not digest:
            raise ImageBuilderError(
                "failed to configure local cache importer: local cache importer requires "
                "explicit digest"
            )

        def read(digest: str) -> bytes:
            return session.read_content(store, digest)

        return _of_manifest(parse_manifest(read(digest)), read)

    def _of_name(self, step: Vertex, name: str, platform: Platform) -> list[CacheReader]:
        image = self._images.seeded(name, platform)
        if image is not None:
            return _of_image(image)
        reference = ImageReference.parse(name)
        which = reference.digest or reference.tag or DEFAULT_TAG
        repository = self._registries.repository(reference)
        try:
            found = repository.read_manifest(which).parse()
            inferred = f"inferred cache manifest type: {found.media_type}"
            with self._progress.doing(step, inferred):
                pass
            readers = _of_manifest(found, repository.read_blob)
            if readers:
                return readers
            image, _ = self._registries.pull(reference, platform)
        except RegistryNotFoundError as error:
            words = f"failed to configure registry cache importer: {name}: not found"
            raise ImageBuilderError(words) from error
        except RegistryError as error:
            url = self._registries.manifest_url(reference)
            words = f"failed to configure registry cache importer: {registry_words(error, url)}"
            raise ImageBuilderError(words) from error
        return _of_image(image)


def _of_manifest(found: Manifest | Index, read: Callable[[str], bytes]) -> list[CacheReader]:
    """Return the cache that a manifest is of; none if it is that of an image."""
    listed = [found.config] if isinstance(found, Manifest) else found.manifests
    return [
        read_config(read(str(entry.digest)), read)
        for entry in listed
        if entry.media_type == CONFIG_TYPE
    ]


def _of_image(image: Image) -> list[CacheReader]:
    reader = read_inline(image.parsed, lambda number: image.layers[number].content)
    return [] if reader is None else [reader]


def _shown(kind: str, attributes: Mapping[str, str]) -> str:
    """Return what the progress calls a cache without a name, as long as a hash of BuildKit's."""
    text = json.dumps(dict(attributes), sort_keys=True)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return f"{kind}:{number}"


def _wanted(attributes: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
    try:
        listed = json.loads(attributes.get("cache-imports") or "[]")
        found = [(str(each["Type"]), dict(each.get("Attrs") or {})) for each in listed]
    except (AttributeError, KeyError, TypeError, ValueError):
        found = []
    names = filter(None, attributes.get("cache-from", "").split(","))
    return [*found, *(("registry", {"ref": name}) for name in names)]
