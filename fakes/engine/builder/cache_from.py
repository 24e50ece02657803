"""Steps found in the history of an image of `cache_from`."""

from __future__ import annotations

from ...go_text import parse_rfc3339
from ...images.config import ImageDocument, RunConfig
from ...images.image import Image
from ..errors import StepError
from ..images.config_forms import written
from ..images.store import ImageStore
from ..versions import CONTAINERD


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
    if images.state.version.image_store == CONTAINERD and len(history) > 1:
        raise StepError(_refusal(target, parent, empty=bool(history[-1].get("empty_layer"))))
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
    made = Image(written(document, images.state.version), layers, parent)
    if images.state.version.image_store == CONTAINERD and images.get(made.target.digest):
        raise StepError(_refusal(target, parent, empty=False, made=made))
    return images.add(Image(written(document, images.state.version), layers, parent))


def _refusal(target: Image, parent: Image | None, *, empty: bool, made: Image | None = None) -> str:
    """Why an engine with containerd's store cannot go on from the history of an image."""
    why = 'failed to read diff archive: InvalidArgument: "" failed validation'
    if not empty:
        why = "failed to read diff archive: not found"
    if made is not None:
        name = f"moby-dangling@{made.target.digest}"
        why = f"creating image {name} failed because it already exists, but failed to resolve"
    return (
        f'failed to restore cached image from "{parent.id if parent else ""}" to {target.id}: '
        f"failed to create cache image: failed to created cached image: {why}"
    )


def _created(history: list[dict[str, object]]) -> int:
    return parse_rfc3339(str(history[-1].get("created") or ""))
