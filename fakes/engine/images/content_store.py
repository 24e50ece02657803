"""Images as containerd's store has them: each name leads to a manifest or an index."""

from __future__ import annotations

from imagebuilders.oci.reference import ImageReference

from ...images.identity import TargetDigestIdentity
from ...images.image import Image
from ...images.layers import Layer, chain_of
from ...images.manifests import Content
from ..state import EngineState
from ..versions import CONTAINERD
from .store import ImageStore

BLOCK = 4096
"""What a file takes on the disk at the least."""


class ContentImageStore(ImageStore):
    """The images of an engine with containerd's store.

    A repository has an image by its digest as long as a name of it leads there, and a digest that
    was pulled is a name like any other.
    """

    def __init__(self, state: EngineState) -> None:
        super().__init__(state, TargetDigestIdentity())

    def put(self, image: Image) -> Image:
        """Keep an image, in place of one with the same id that is for another platform."""
        with self.lock:
            known = self.get(image.target.digest)
            if known is None or known.own_manifest.digest == image.own_manifest.digest:
                return self.add(image)
            names = self.tags_of(known.id)
            self.drop(known.id)
            kept = self.add(image)
            for name in names:
                self.tag(name, kept)
            return kept

    def add_digest(self, reference: ImageReference, image_id: str, *, moving: bool = False) -> None:
        """Do nothing: digests are those of the names."""

    def digests_of(self, image_id: str) -> list[ImageReference]:
        """The repository digests of an image, in the order of its names."""
        names = self.tags_of(image_id)
        return list(
            dict.fromkeys(name if name.digest else name.with_digest(image_id) for name in names)
        )

    def _key(self, reference: ImageReference) -> str:
        """What an image is filed under: a name can have a tag and a digest."""
        if not (reference.tag and reference.digest):
            return super()._key(reference)
        return f"{reference.full_repository}:{reference.tag}@{reference.digest}"

    def id_of(self, reference: ImageReference) -> str | None:
        """The id behind a full name."""
        with self.lock:
            found = super().id_of(reference)
            if found is not None or not reference.digest:
                return found
            repository = reference.full_repository
            named = any(r.full_repository == repository for r in self.tags_of(reference.digest))
            return reference.digest if named else None


def image_store(state: EngineState) -> ImageStore:
    """Return what keeps the images of an engine."""
    return ContentImageStore(state) if has_content(state) else ImageStore(state)


def has_content(state: EngineState) -> bool:
    """Return whether an engine keeps its images in containerd's store."""
    return state.version.image_store == CONTAINERD


def manifest_size(image: Image) -> int:
    """Return the bytes of a manifest and of all that it leads to, layers compressed."""
    layers = sum(len(layer.compressed) for layer in image.layers)
    return len(image.own_manifest.data) + len(image.document) + layers


def content_size(image: Image) -> int:
    """Return the bytes of an image's content for its platform, and of its index."""
    return manifest_size(image) + (len(image.index.data) if image.index else 0)


def snapshot_size(images: ImageStore, image: Image) -> int:
    """Return what is unpacked of an image, in blocks; snapshots are shared."""
    chains = zip(image.layers, image.chain_ids, strict=True)
    return sum(block_size(layer) for layer, chain in chains if images.is_unpacked(chain))


def attestation_size(manifest: Content) -> int:
    """Return the bytes of a manifest and of what it says that it leads to."""
    return len(manifest.data) + sum(int(each["size"]) for each in manifest.leads_to)


def total_size(images: ImageStore, image: Image) -> int:
    """Return what the manifests of an image take with all that they lead to, unpacked, too."""
    here = (image, *image.others)
    own = {each.own_manifest.digest for each in here}
    rest = sum(attestation_size(one) for one in image.beside if one.digest not in own)
    return rest + sum(manifest_size(each) + snapshot_size(images, each) for each in here)


def block_size(layer: Layer) -> int:
    """Return what a layer takes on the disk: whole blocks for each file and folder."""
    blocks = 1
    for member in layer.members:
        if not member.hard_link and member.file.kind in ("dir", "file"):
            size = len(member.file.data) if member.file.kind == "file" else BLOCK
            blocks += -(-size // BLOCK)
    return blocks * BLOCK


def not_unpacked(image: Image) -> str:
    """What is said where the files of an image are needed that could not be unpacked."""
    return f'apply layer error for "": {image.trouble}'


def no_snapshot(image: Image) -> str:
    """What is said where the snapshot of such an image is needed."""
    chain = chain_of((image.parsed.get("rootfs") or {}).get("diff_ids") or [])
    return f"NotFound: parent snapshot {chain} does not exist: not found"


def store_size(images: ImageStore, *, snapshots: bool) -> int:
    """Return what all images take together, each content once.

    Args:
        images: of the engine.
        snapshots: what is unpacked of them, too.
    """
    sizes: dict[str, int] = {}
    for image in images.all():
        contents = [image.own_manifest, *image.beside, *([image.index] if image.index else [])]
        sizes |= {content.digest: len(content.data) for content in contents}
        sizes |= {digest: len(data) for digest, data in image.blobs.items()}
        sizes[image.config_digest] = len(image.document)
        for layer, chain in zip(image.layers, image.chain_ids, strict=True):
            sizes[layer.blob_digest] = len(layer.compressed)
            if snapshots and images.is_unpacked(chain):
                sizes[f"snapshot {chain}"] = block_size(layer)
    return sum(sizes.values())
