"""Making an image of a step."""

from __future__ import annotations

from imagebuilders.oci.file_tree import File, Tree, ancestors
from imagebuilders.oci.layer import WHITEOUT

from ...images.config import ImageDocument, RunConfig, history_entry
from ...images.image import Image
from ...images.layers import EMPTY_DIFF_ID, Layer, difference
from ..filesystem.overlay import Overlay
from ..images.config_forms import written
from ..images.store import ImageStore
from ..images.tar_styles import STYLES
from ..versions import CONTAINERD, EngineVersion
from .state import StageState


def commit_step(
    images: ImageStore,
    state: StageState,
    config: RunConfig,
    container: str,
    overlay: Overlay | None,
) -> Image:
    """The image of a step that ran in an intermediate container."""
    layer = layer_of(overlay, images.state.version)
    tree = _seen(overlay) if overlay else None
    image = _child(images, state, config, layer, tree, container)
    images.note_commit(image)
    return image


def commit_files(
    images: ImageStore, state: StageState, config: RunConfig, overlay: Overlay
) -> Image:
    """The image of a COPY or ADD, which needs no container."""
    layer = layer_of(overlay, images.state.version)
    image = _child(images, state, config, layer, _seen(overlay), "")
    if images.state.version.image_store == CONTAINERD:
        images.note_commit(image)
    return image


def _settled(lower: Tree, tree: Tree) -> Tree:
    """A tree whose folders are as they were where a copy into them changed nothing."""
    changed = {above for p, f in tree.items() if f != lower.get(p) for above in ancestors(p)}

    def settled(path: str, new: File) -> File:
        old = lower.get(path)
        if old is None or path in changed or not old.kind == new.kind == "dir":
            return new
        same = (old.mode, old.uid, old.gid) == (new.mode, new.uid, new.gid)
        return old if same else new

    return {path: settled(path, file) for path, file in tree.items()}


def layer_of(overlay: Overlay | None, version: EngineVersion) -> Layer | None:
    """What was written over the tree below; `None` when that is nothing."""
    if overlay is None:
        return None
    style = STYLES.of(version)
    tree = overlay.tree
    if version.image_store == CONTAINERD:
        tree = _settled(overlay.lower, tree)
    layer = difference(
        overlay.lower,
        tree,
        # What was written as it had been is nothing new to containerd.
        set() if version.image_store == CONTAINERD else overlay.touched,
        opaque=None if version.image_store == CONTAINERD else overlay.opaque,
        now=overlay.now,
        style=style,
    )
    return None if layer.diff_id == EMPTY_DIFF_ID else layer


def _seen(overlay: Overlay) -> Tree | None:
    """The files as the image has them; `None` where the layer decides.

    It does where what was written has the name of a whiteout: there it hides another file.
    """
    marks = any(path.rpartition("/")[2].startswith(WHITEOUT) for path in overlay.touched)
    return None if marks else overlay.tree


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
    author = state.maintainer
    if parent and images.state.version.image_store == CONTAINERD:
        author = author or str(parent.parsed.get("author") or "")
    layers = parent.layers if parent else ()
    history = list(parent.history) if parent else []
    history.append(
        history_entry(
            now,
            " ".join(config.cmd or []),
            author=author,
            empty=layer is None,
        )
    )
    if layer is not None:
        layers = (*layers, layer)
    document = ImageDocument(
        architecture=state.architecture,
        os=state.os,
        variant=state.variant,
        author=author,
        config=state.config.copy(),
        container=container,
        container_config=config,
        created=now,
        docker_version=images.state.version.named_in_images,
        history=history,
        diff_ids=[item.diff_id for item in layers],
    )
    image = Image(written(document, images.state.version), layers, parent, step=config.copy())
    if layer is None and parent is not None:
        image.remember_tree(parent.tree)
    elif tree is not None:
        image.remember_tree(tree)
    return images.add(image)
