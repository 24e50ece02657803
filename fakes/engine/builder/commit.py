"""Making an image of a step."""

from __future__ import annotations

from imagebuilders.oci.file_tree import Tree
from imagebuilders.oci.tar_writer import TarStyle

from ...images.config import ImageDocument, RunConfig, history_entry
from ...images.image import Image
from ...images.layers import EMPTY_DIFF_ID, Layer, difference
from ..filesystem.overlay import Overlay
from ..images.config_forms import LEFT_OUT
from ..images.store import ImageStore
from ..images.tar_styles import STYLES
from .state import StageState


def commit_step(
    images: ImageStore,
    state: StageState,
    config: RunConfig,
    container: str,
    overlay: Overlay | None,
) -> Image:
    """The image of a step that ran in an intermediate container."""
    layer = layer_of(overlay, STYLES.of(images.state.version))
    tree = overlay.tree if overlay else None
    image = _child(images, state, config, layer, tree, container)
    images.note_commit(image)
    return image


def commit_files(
    images: ImageStore, state: StageState, config: RunConfig, overlay: Overlay
) -> Image:
    """The image of a COPY or ADD, which needs no container."""
    return _child(
        images, state, config, layer_of(overlay, STYLES.of(images.state.version)), overlay.tree, ""
    )


def layer_of(overlay: Overlay | None, style: TarStyle) -> Layer | None:
    """What was written over the tree below; `None` when that is nothing."""
    if overlay is None:
        return None
    layer = difference(
        overlay.lower,
        overlay.tree,
        overlay.touched,
        opaque=overlay.opaque,
        now=overlay.now,
        style=style,
    )
    return None if layer.diff_id == EMPTY_DIFF_ID else layer


def _child(
    images: ImageStore,
    state: StageState,
    config: RunConfig,
    layer: Layer | None,
    tree: Tree | None,
    container: str,
) -> Image:
    parent = state.image
    now = images.state.clock()
    layers = parent.layers if parent else ()
    history = list(parent.history) if parent else []
    history.append(
        history_entry(
            now,
            " ".join(config.cmd or []),
            author=state.maintainer,
            empty=layer is None,
        )
    )
    if layer is not None:
        layers = (*layers, layer)
    document = ImageDocument(
        architecture=state.architecture,
        os=state.os,
        variant=state.variant,
        author=state.maintainer,
        config=state.config.copy(),
        container=container,
        container_config=config,
        created=now,
        docker_version=images.state.version.named_in_images,
        history=history,
        diff_ids=[item.diff_id for item in layers],
    )
    image = Image(document.to_bytes(LEFT_OUT.of(images.state.version)), layers, parent)
    if layer is None and parent is not None:
        image.remember_tree(parent.tree)
    elif tree is not None:
        image.remember_tree(tree)
    return images.add(image)
