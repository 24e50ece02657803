"""What a registry keeps: repositories with their blobs, manifests and tags."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import cast

from imagebuilders.oci.media_types import INDEX_TYPES

from ..http.messages import Buffer
from .errors import OciError


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index as it was pushed.

    Attributes:
        repository: where it is.
        digest: of the content, in the algorithm the client chose.
        media_type: the Content-Type it came with, without parameters.
        content: the exact bytes.
    """

    repository: str
    digest: str
    media_type: str
    content: bytes = field(repr=False)

    @property
    def document(self) -> dict[str, object]:
        """The parsed content."""
        return cast("dict[str, object]", json.loads(self.content))

    @property
    def size(self) -> int:
        """The content's length in bytes."""
        return len(self.content)

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests rather than layers."""
        return self.media_type in INDEX_TYPES

    @property
    def subject(self) -> str | None:
        """The digest of the manifest that this one is about, if it says so."""
        subject = self.document.get("subject")
        digest = subject.get("digest") if isinstance(subject, dict) else None
        return digest if isinstance(digest, str) else None

    def descriptors(self, key: str) -> list[Mapping[str, object]]:
        """The descriptors under `config`, `layers` or `manifests`; none where the key is absent."""
        value = self.document.get(key)
        found = value if isinstance(value, list) else [value]
        return [entry for entry in found if isinstance(entry, dict)]


@dataclass
class Repository:
    """One repository.

    Attributes:
        name: without the registry's address.
        blobs: content by digest.
        manifests: by digest.
        tags: a manifest's digest by tag.
        is_established: whether a manifest was ever pushed, which makes the tags listable.
    """

    name: str
    blobs: dict[str, Buffer] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    is_established: bool = False


class Storage:
    """All repositories of one registry, and how much they hold.

    Content that several repositories share counts once. Hold `lock` around a step that reads
    and then writes.

    Args:
        limit: the most bytes to keep; `None` for no limit.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.lock = RLock()
        self.limit = limit
        self.repositories: dict[str, Repository] = {}
        self._holders: Counter[str] = Counter()
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes kept, without uploads under way."""
        return self._used

    def check_room(self, size: int) -> None:
        """Refuse when `size` more bytes would not fit.

        Raises:
            OciError: DENIED, as registries with a quota answer.
        """
        if self.limit is not None and self._used + size > self.limit:
            raise OciError(
                "DENIED",
                {"limit": self.limit, "used": self._used, "requested": size},
                message="the registry's storage limit would be exceeded",
            )

    def repository(self, name: str) -> Repository:
        """The repository, made when it is not there."""
        with self.lock:
            return self.repositories.setdefault(name, Repository(name))

    def known(self, name: str) -> Repository:
        """A repository that a manifest was pushed to.

        Raises:
            OciError: NAME_UNKNOWN.
        """
        repository = self.repositories.get(name)
        if repository is None or not repository.is_established:
            raise OciError("NAME_UNKNOWN", {"name": name})
        return repository

    def blob(self, name: str, digest: str) -> Buffer:
        """A blob of a repository.

        Raises:
            OciError: BLOB_UNKNOWN.
        """
        repository = self.repositories.get(name)
        content = repository.blobs.get(digest) if repository else None
        if content is None:
            raise OciError("BLOB_UNKNOWN", {"digest": digest})
        return content

    def holders(self, digest: str) -> list[Repository]:
        """The repositories that have a blob."""
        with self.lock:
            return [found for found in self.repositories.values() if digest in found.blobs]

    def find_blob(self, digest: str) -> Buffer | None:
        """A blob wherever it is."""
        return next((holder.blobs[digest] for holder in self.holders(digest)), None)

    def put_blob(self, name: str, digest: str, content: Buffer) -> None:
        """Keep a blob; content that is known already is not kept twice."""
        with self.lock:
            if digest in self.repository(name).blobs:
                return
            kept = self.find_blob(digest)
            if kept is None:
                self.check_room(len(content))
                kept = content
            self.repository(name).blobs[digest] = kept
            self._hold(digest, len(content))

    def delete_blob(self, name: str, digest: str) -> None:
        """Forget a blob of a repository.

        Raises:
            OciError: BLOB_UNKNOWN.
        """
        with self.lock:
            content = self.blob(name, digest)
            del self.repositories[name].blobs[digest]
            self._release(digest, len(content))

    def manifest(self, name: str, target: str) -> Manifest:
        """A manifest by tag or digest.

        Raises:
            OciError: MANIFEST_UNKNOWN.
        """
        with self.lock:
            repository = self.repositories.get(name)
            if repository is not None:
                digest = repository.tags.get(target, target)
                if digest in repository.manifests:
                    return repository.manifests[digest]
        raise OciError("MANIFEST_UNKNOWN", {"name": name, "reference": target})

    def put_manifest(self, manifest: Manifest, tags: list[str]) -> None:
        """Keep a manifest under its digest and under tags."""
        with self.lock:
            repository = self.repository(manifest.repository)
            if manifest.digest not in repository.manifests:
                if not self._holders[f"manifest {manifest.digest}"]:
                    self.check_room(manifest.size)
                self._hold(f"manifest {manifest.digest}", manifest.size)
            repository.manifests[manifest.digest] = manifest
            repository.is_established = True
            for tag in tags:
                repository.tags[tag] = manifest.digest

    def delete_tag(self, name: str, tag: str) -> None:
        """Forget a tag; the manifest stays.

        Raises:
            OciError: MANIFEST_UNKNOWN.
        """
        with self.lock:
            self.manifest(name, tag)
            del self.repositories[name].tags[tag]

    def delete_manifest(self, name: str, digest: str) -> None:
        """Forget a manifest and the tags that point to it.

        Raises:
            OciError: MANIFEST_UNKNOWN.
        """
        with self.lock:
            manifest = self.manifest(name, digest)
            repository = self.repositories[name]
            del repository.manifests[digest]
            repository.tags = {t: d for t, d in repository.tags.items() if d != digest}
            self._release(f"manifest {digest}", manifest.size)

    def _hold(self, key: str, size: int) -> None:
        self._holders[key] += 1
        if self._holders[key] == 1:
            self._used += size

    def _release(self, key: str, size: int) -> None:
        self._holders[key] -= 1
        if self._holders[key] == 0:
            del self._holders[key]
            self._used -= size
