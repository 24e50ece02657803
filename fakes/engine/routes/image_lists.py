"""The lines of an image list, and the filters that choose them."""

from __future__ import annotations

import fnmatch
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from imagebuilders.oci.reference import ImageReference

from ... import go_text
from ...images.image import Image
from ..errors import ApiError
from ..images.content_store import has_content, total_size
from ..versions import CONTAINERD, EngineVersion
from .filters import image_older_than, labels_match, truth
from .image_manifests import manifest_lines

if TYPE_CHECKING:
    from ..daemon import Daemon

_ZERO_TIME = -62135596800


def created_seconds(text: str | None, version: EngineVersion) -> int:
    """A time of creation in whole seconds; without one that of Go's zero time, later 0."""
    if text:
        return go_text.parse_rfc3339(text) // 1_000_000_000
    return 0 if version >= "25.0" else _ZERO_TIME


def _summary(engine: Daemon, image: Image, version: str | None) -> dict[str, Any]:
    tags = [str(reference) for reference in engine.images.tags_of(image.id)]
    digests = [str(reference) for reference in engine.images.digests_of(image.id)]
    config = image.parsed.get("config") or {}
    speaks = engine.version.speaks
    line = {
        # Newer engines count the containers; none of the older ones did in a list.
        "Containers": engine.containers.count_of(image.id) if speaks(version, "1.51") else -1,
        "Created": created_seconds(image.parsed.get("created"), engine.version),
        "Id": image.id,
        "Labels": config.get("Labels"),
        "ParentId": image.parent,
        "RepoDigests": digests if digests or speaks(version, "1.43") else None,
        "RepoTags": tags if tags or speaks(version, "1.43") else None,
        "SharedSize": -1,
        "Size": image.size,
    }
    if has_content(engine.state):
        # A list tells the digest of one of its names alone.
        line["RepoDigests"] = digests and [_last_digest(engine, image)]
        line["Size"] = total_size(engine.images, image)
        if speaks(version, "1.48"):
            line["Descriptor"] = image.target.described()
        if engine.version >= "29.0":
            line["Labels"] = line["Labels"] or {}
    if not speaks(version, "1.44"):
        line["VirtualSize"] = image.size
    return line


def _last_digest(engine: Daemon, image: Image) -> str:
    last = engine.images.tags_of(image.id)[-1]
    return str(last.with_digest(last.digest or image.id))


def summaries(
    engine: Daemon,
    filters: dict[str, list[str]],
    *,
    everything: bool,
    version: str | None = None,
    shared_size: bool = False,
    manifests: bool = False,
) -> list[dict[str, Any]]:
    """The lines of an image list, newest first.

    Raises:
        ApiError: when a filter cannot be used.
    """
    with engine.state.lock:
        lines = _summaries(engine, filters, everything, version, shared_size)
        if manifests and has_content(engine.state):
            for line in lines:
                image = engine.images.find(line["Id"])
                line["Manifests"] = manifest_lines(engine.containers, image)
        return lines


def _summaries(
    engine: Daemon,
    filters: dict[str, list[str]],
    everything: bool,
    version: str | None,
    shared_size: bool,
) -> list[dict[str, Any]]:
    dangling = truth(filters, "dangling", engine.version)
    for pattern in filters.get("reference", []):
        broken = "[" in pattern and "]" not in pattern.partition("[")[2]
        if broken and not has_content(engine.state):
            raise ApiError(500, "syntax error in pattern")
    until = image_older_than(filters, engine.clock(), engine.version, several=True)
    before = [engine.images.find(name).created for name in filters.get("before", [])]
    since = [engine.images.find(name).created for name in filters.get("since", [])]
    result: list[tuple[int, dict[str, Any]]] = []
    for image in engine.images.all():
        line = _summary(engine, image, version)
        if before and image.created >= min(before):
            continue
        if since and image.created <= max(since):
            continue
        if until is not None and image.created >= until:
            continue
        if not labels_match(line["Labels"] or {}, filters.get("label", [])):
            continue
        if any(labels_match(line["Labels"] or {}, [item]) for item in filters.get("label!", [])):
            continue
        if "reference" in filters:
            _keep_references(line, filters["reference"], engine.version)
            if not line["RepoTags"] and not line["RepoDigests"]:
                continue
        if not line["RepoTags"] and not line["RepoDigests"]:
            if not everything and engine.images.children(image.id):
                continue
            if dangling is False:
                continue
            if not engine.version.speaks(version, "1.43"):
                line["RepoDigests"] = ["<none>@<none>"]
                line["RepoTags"] = ["<none>:<none>"]
        elif dangling:
            continue
        if dangling is True and engine.images.children(image.id) and not everything:
            continue
        result.append((image.created, line))
    result.sort(key=lambda item: item[0], reverse=True)
    lines = [line for _, line in result]
    if shared_size:
        _add_shared_sizes(engine, lines)
    return lines


def _add_shared_sizes(engine: Daemon, lines: list[dict[str, Any]]) -> None:
    """Tell how much of each image others have as well.

    Older engines look only at what is listed, newer ones at every image.
    """
    listed = {line["Id"] for line in lines}
    chains = {image.id: image.chain_ids for image in engine.images.all()}
    every = engine.version >= "23.0" and not has_content(engine.state)
    counted = [key for key in chains if every or key in listed]
    users = Counter(chain for key in counted for chain in set(chains[key]))
    for line in lines:
        image = engine.images.find(line["Id"])
        line["SharedSize"] = sum(
            layer.size
            for layer, chain in zip(image.layers, chains[image.id], strict=True)
            if users[chain] > 1
        )


def _keep_references(line: dict[str, Any], patterns: list[str], version: EngineVersion) -> None:
    matches = partial(_reference_matches, full_names=version >= "29.0")

    def keep(key: str) -> None:
        kept = [
            name
            for name in line[key] or []
            if any(matches(pattern, ImageReference.parse(name)) for pattern in patterns)
        ]
        line[key] = kept or (None if line[key] is None else [])

    keep("RepoTags")
    if version.image_store != CONTAINERD:
        keep("RepoDigests")
    elif not line["RepoTags"]:
        line["RepoDigests"] = []


def _reference_matches(pattern: str, reference: ImageReference, *, full_names: bool) -> bool:
    names = [str(reference), reference.repository]
    if full_names:
        repository = reference.full_repository
        end = f"@{reference.digest}" if reference.digest else f":{reference.tag}"
        names += [repository, repository + end]
    return any(
        fnmatch.fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")
        for name in names
    )
