"""The build cache: which step was built before (from the same parent, with the same words)."""

from __future__ import annotations

from ...images.config import RunConfig
from ...images.image import Image
from ..images.store import ImageStore
from .cache_from import restore
from .messages import Saying, said
from .state import BuildState, StageState


def same_step(a: RunConfig, b: RunConfig) -> bool:
    """Whether two configurations count as the same step."""
    if a.open_stdin or b.open_stdin:
        return False
    return (
        (a.attach_stdout, a.attach_stderr, a.user, a.tty)
        == (b.attach_stdout, b.attach_stderr, b.user, b.tty)
        and (a.cmd or []) == (b.cmd or [])
        and (a.env or []) == (b.env or [])
        and (a.labels or {}) == (b.labels or {})
        and set(a.exposed_ports or {}) == set(b.exposed_ports or {})
        and (a.entrypoint or []) == (b.entrypoint or [])
        and set(a.volumes or {}) == set(b.volumes or {})
    )


def find_local(store: ImageStore, parent_id: str, step: RunConfig) -> Image | None:
    """The newest child of an image that the same step made."""
    found: Image | None = None
    for child in store.children(parent_id):
        if not child.has_step or not same_step(child.container_config(), step):
            continue
        if found is None or found.created < child.created:
            found = child
    return found


def find_in_history(sources: list[Image], parent: Image | None, step: RunConfig) -> Image | None:
    """An image of `cache_from` whose history continues the parent's with this step."""
    command = " ".join(step.cmd or [])
    for target in sources:
        length = len(parent.history) if parent else 0
        if _continues(target, parent) and target.history[length].get("created_by", "") == command:
            return target
    return None


def _continues(target: Image, parent: Image | None) -> bool:
    if not target.history:
        return False
    if parent is None or (not parent.history and not parent.layers):
        return True
    if len(parent.history) >= len(target.history) or len(parent.layers) > len(target.layers):
        return False
    ids = [layer.diff_id for layer in parent.layers]
    return (
        target.history[: len(parent.history)] == parent.history
        and [layer.diff_id for layer in target.layers[: len(ids)]] == ids
    )


def is_ancestor(store: ImageStore, image: Image, ancestor_id: str) -> bool:
    """Whether an image was made, step by step, from another."""
    parent = image.parent
    while parent:
        if parent == ancestor_id:
            return True
        above = store.get(parent)
        parent = above.parent if above else ""
    return False


def probe(build: BuildState, stage: StageState, config: RunConfig) -> Saying[bool]:
    """Take a step from the cache if it is there."""
    if build.options.no_cache or stage.cache_busted:
        return False
    images = build.host.images
    found = find_local(images, stage.image_id, config)
    if build.options.cache_from:
        sources = build.cache_sources
        if not (found and any(is_ancestor(images, s, found.id) for s in sources)):
            target = find_in_history(sources, stage.image, config)
            found = target and restore(images, target, stage.image, config)
            if found is not None and target is not None:
                build.cache_sources = [target]
    if found is None:
        stage.cache_busted = True
        return False
    yield said(" ---> Using cache\n")
    build.step.cached = True
    stage.image = found
    return True
