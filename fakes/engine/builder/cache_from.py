"""Steps found in the history of an image of `cache_from`."""

from __future__ import annotations

from ...go_text import parse_rfc3339
from ...images.config import ImageDocument, RunConfig
from ...images.image import Image
from ..images.config_forms import LEFT_OUT
from ..images.store import ImageStore


def restore(images: ImageStore, target: Image, parent: Image | None, config: RunConfig) -> Image:
    """The image after one more step of the target's history."""
    length = len(parent.history) if parent else 0
    if len(target.history) - 1 == length:
        if parent is not None:
            images.adopt(target, parent)
        return target
    history = target.history[: length + 1]
    count = sum(not entry.get("empty_layer") for entry in history)
    layers = target.layers[:count]
    document = ImageDocument(
        architecture=target.parsed.get("architecture") or "",
        os=target.parsed.get("os") or "",
        author=target.parsed.get("author") or "",
        config=config,
        container_config=RunConfig(),
        created=_created(history),
        docker_version=images.state.version.named_in_images,
        history=history,
        diff_ids=[layer.diff_id for layer in layers],
    )
    return images.add(Image(document.to_bytes(LEFT_OUT.of(images.state.version)), layers, parent))


def _created(history: list[dict[str, object]]) -> int:
    return parse_rfc3339(str(history[-1].get("created") or ""))
