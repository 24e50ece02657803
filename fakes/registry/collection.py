"""Collecting what a registry need not keep: manifests that no tag leads to, and their blobs."""

from __future__ import annotations

from collections.abc import Iterator

from .storage import Manifest, Repository, Storage

_ALWAYS_KEPT = 100
"""So many are kept in any case: an index is pushed after what it lists."""
_LISTS = ("config", "layers", "manifests")


def collect_untagged(storage: Storage, name: str, kept: int) -> None:
    """Delete all but the newest of a repository's manifests that nothing leads to any more.

    A tag leads to a manifest, and so does an index, and a manifest that another is about (its
    `subject`) to those about it. With a manifest its blobs go that no other one lists.

    Args:
        storage: what the registry keeps.
        name: of the repository.
        kept: how many of them are kept; no fewer than a hundred are.
    """
    kept = max(kept, _ALWAYS_KEPT)
    with storage.lock:
        repository = storage.repository(name)
        if len(repository.manifests) <= kept + len(repository.tags):
            return
        reached = _reached(repository)
        unreached = [digest for digest in repository.manifests if digest not in reached]
        gone = [repository.manifests[digest] for digest in unreached[: len(unreached) - kept]]
        for manifest in gone:
            storage.delete_manifest(name, manifest.digest)
        listed = {digest for left in repository.manifests.values() for digest in _listed(left)}
        for manifest in gone:
            for digest in _listed(manifest):
                if digest not in listed and digest in repository.blobs:
                    storage.delete_blob(name, digest)


def _reached(repository: Repository) -> set[str]:
    """The manifests that a tag leads to, on whatever way."""
    about: dict[str, list[str]] = {}
    for digest, manifest in repository.manifests.items():
        if manifest.subject:
            about.setdefault(manifest.subject, []).append(digest)
    reached: set[str] = set()
    waiting = list(repository.tags.values())
    while waiting:
        digest = waiting.pop()
        if digest in reached:
            continue
        reached.add(digest)
        waiting += about.get(digest, [])
        found = repository.manifests.get(digest)
        if found is not None and found.is_index:
            waiting += _listed(found)
    return reached


def _listed(manifest: Manifest) -> Iterator[str]:
    for key in _LISTS:
        for entry in manifest.descriptors(key):
            yield str(entry.get("digest"))
