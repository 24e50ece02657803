"""What an engine remembers of layers: under which digests registries had them.

A push asks only for digests that the engine knows, and a layer is taken over from another
repository only if the engine saw it there.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from imagebuilders.oci.reference import ImageReference

from .credentials import Credentials

_MOST_PLACES = 50
"""So many places of a layer an engine remembers."""
_MOST_LAYERS = 4096
"""So many layers; an engine keeps them all, on its disk."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place of a layer.

    Attributes:
        digest: of its compressed form.
        domain: the registry.
        path: the repository in it.
        user: who put it there; empty when it was pulled.
    """

    digest: str
    domain: str
    path: str
    user: str = ""

    def is_in(self, reference: ImageReference) -> bool:
        """Whether it is a repository's."""
        return (self.domain, self.path) == (reference.domain, reference.path)


class LayerSources:
    """The places of the layers that were pushed or pulled last; they outlive the images."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_diff: dict[str, list[Source]] = {}
        self._diff_of: dict[str, str] = {}

    def add(
        self, diff_id: str, digest: str, reference: ImageReference, credentials: Credentials | None
    ) -> None:
        """Remember a place, as the newest."""
        user = (credentials.username or credentials.registry_token) if credentials else ""
        source = Source(digest, reference.domain, reference.path, user)
        with self._lock:
            known = [s for s in self._by_diff.pop(diff_id, []) if s != source]
            self._by_diff[diff_id] = [*known[1 - _MOST_PLACES :], source]
            self._diff_of.pop(digest, None)
            self._diff_of[digest] = diff_id
            for table in (self._by_diff, self._diff_of):
                while len(table) > _MOST_LAYERS:
                    table.pop(next(iter(table)))

    def forget(self, diff_id: str, source: Source) -> None:
        """A layer is no longer there."""
        with self._lock:
            known = self._by_diff.get(diff_id, [])
            self._by_diff[diff_id] = [each for each in known if each != source]

    def having(self, digest: str) -> list[Source]:
        """The places of a compressed layer, the newest first."""
        with self._lock:
            known = self._by_diff.get(self._diff_of.get(digest, ""), [])
            return [source for source in reversed(known) if source.digest == digest]

    def diff_id_of(self, digest: str) -> str:
        """The layer whose compressed form has a digest, empty when nobody knows."""
        with self._lock:
            return self._diff_of.get(digest, "")

    def likely(
        self, diff_id: str, reference: ImageReference, credentials: Credentials
    ) -> list[Source]:
        """The places of a layer, the likeliest for a repository first."""
        with self._lock:
            known = list(reversed(self._by_diff.get(diff_id, [])))
        user = credentials.username or credentials.registry_token
        wanted = [reference.domain, *reference.path.split("/")]

        def rank(source: Source) -> tuple[bool, int]:
            parts = [source.domain, *source.path.split("/")]
            alike = [one == two for one, two in zip(parts, wanted, strict=False)]
            return source.user != user, -(alike.index(False) if False in alike else len(alike))

        return sorted(known, key=rank)
