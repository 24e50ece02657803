"""Caches as they are handed on: the layers of steps, and what each step was made of.

The form is that of `cache/remotecache/v1/types/spec.go` of https://github.com/moby/buildkit. Keys
are the doubles' own: they know what doubles did, and not what real daemons did.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagebuilders.evaluation.trees import Folder, folder_of
from imagebuilders.oci.layer import apply_layer
from imagebuilders.oci.media_types import OCI_LAYER_GZIP

from ... import go_text
from ...images import tar
from ...images.layers import Layer
from .step_cache import DoneStep

if TYPE_CHECKING:
    from imagebuilders.oci.file_tree import Tree

CONFIG_TYPE = "application/vnd.buildkit.cacheconfig.v0"
INLINE = "moby.buildkit.cache.v0"
"""Where an image's configuration has the records of a cache that is inline."""

_ALGORITHM = "sha256:"
_OWN = "fakes.step"


@dataclass(frozen=True)
class StepChain:
    """The steps of a stage, from the first of the stages that it stands on.

    Attributes:
        below: the layers of the image that it begins with.
        steps: those that make layers, lowest first.
    """

    below: tuple[Layer, ...]
    steps: tuple[DoneStep, ...]


class CacheWriter:
    """Collects the layers and records of a cache.

    Attributes:
        layers: the layers that records name, in their order.
    """

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self._parents: list[int] = []
        self._known: dict[tuple[int, str], int] = {}
        self._records: dict[str, tuple[int, dict[str, object]]] = {}

    def add(self, chain: StepChain) -> None:
        """Add the steps of a stage."""
        parent, below = -1, -1
        for layer in chain.below:
            parent = self._add_layer(layer, parent)
        for step in chain.steps:
            parent = self._add_layer(step.layer, parent)
            if step.key:
                below = self._add_record(step, parent, below)

    def records(self) -> list[dict[str, object]]:
        """Return the records."""
        return [record for _, record in self._records.values()]

    def config(self) -> bytes:
        """Return the document of a cache that stands alone."""
        layers = [
            {
                "blob": layer.blob_digest,
                "parent": parent,
                "annotations": {
                    "mediaType": OCI_LAYER_GZIP,
                    "diffID": layer.diff_id,
                    "size": len(layer.compressed),
                },
            }
            for layer, parent in zip(self.layers, self._parents, strict=True)
        ]
        return _written({"layers": layers, "records": self.records()})

    def _add_layer(self, layer: Layer, parent: int) -> int:
        key = (parent, layer.diff_id)
        if key not in self._known:
            self._known[key] = len(self.layers)
            self.layers.append(layer)
            self._parents.append(parent)
        return self._known[key]

    def _add_record(self, step: DoneStep, layer: int, below: int) -> int:
        if step.key not in self._records:
            record: dict[str, object] = {
                "layers": [{"layer": layer, "createdAt": go_text.rfc3339(step.created)}],
                "digest": f"{_ALGORITHM}{step.key}",
            }
            if below >= 0:
                record["inputs"] = [[{"link": below}]]
            record[_OWN] = {
                "executed": step.executed,
                "environment": dict(step.environment),
                "recorded": list(step.recorded),
            }
            self._records[step.key] = (len(self._records), record)
        return self._records[step.key][0]


def with_inline_cache(document: bytes, chain: StepChain) -> bytes:
    """Return an image's configuration with the records of its own steps in it.

    Args:
        document: the configuration.
        chain: what the image is made of.
    """
    writer = CacheWriter()
    writer.add(chain)
    added = json.dumps(_encoded(_written(writer.records())))
    return document.rstrip()[:-1] + f',"{INLINE}":{added}}}'.encode()


class CacheReader:
    """The steps of a cache that was handed on.

    Args:
        records: as they are written.
        parents: of each layer the number of the one below; -1 for none.
        read: returns the archive of a layer, by its number.
    """

    def __init__(
        self,
        records: Iterable[Mapping[str, object]],
        parents: Sequence[int],
        read: Callable[[int], bytes],
    ) -> None:
        self._records = {
            str(record.get("digest", "")).removeprefix(_ALGORITHM): record for record in records
        }
        self._parents = parents
        self._read = read
        self._layers: dict[int, Layer] = {}
        self._trees: dict[int, Tree] = {-1: {}}

    def find(self, key: str, title: str) -> DoneStep | None:
        """Return what a step made; `None` if it is not in the cache.

        Args:
            key: what the step is made of.
            title: what the progress calls it.
        """
        record = self._records.get(key)
        if record is None:
            return None
        results = record.get("layers")
        if not isinstance(results, list) or not results:
            return None
        number = int(results[0]["layer"])
        own = record.get(_OWN)
        more = own if isinstance(own, Mapping) else {}
        return DoneStep(
            key,
            title,
            tuple(self._layer(number).members),
            self._folder(number),
            go_text.parse_rfc3339(str(results[0].get("createdAt", ""))),
            more.get("executed"),
            dict(more.get("environment") or {}),
            tuple(more.get("recorded") or ()),
        )

    def _folder(self, number: int) -> Folder:
        return folder_of(self._tree(number))

    def _tree(self, number: int) -> Tree:
        if number not in self._trees:
            below = self._tree(self._parents[number])
            self._trees[number] = apply_layer(below, self._layer(number).members)
        return self._trees[number]

    def _layer(self, number: int) -> Layer:
        if number not in self._layers:
            self._layers[number] = Layer(tar.plain(self._read(number)))
        return self._layers[number]


def read_config(content: bytes, read_blob: Callable[[str], bytes]) -> CacheReader:
    """Read the document of a cache that stands alone.

    Args:
        content: the document.
        read_blob: returns a blob by its digest.

    Raises:
        ValueError: it is malformed.
    """
    document = json.loads(content)
    layers = document.get("layers") or []
    parents = [int(layer.get("parent", -1)) for layer in layers]
    return CacheReader(
        document.get("records") or [],
        parents,
        lambda number: read_blob(str(layers[number]["blob"])),
    )


def read_inline(document: Mapping[str, object], read: Callable[[int], bytes]) -> CacheReader | None:
    """Read the cache inside of an image; `None` if there is none.

    Args:
        document: the image's configuration.
        read: returns the archive of a layer of the image, by its number.

    Raises:
        ValueError: it is malformed.
    """
    written = document.get(INLINE)
    if not isinstance(written, str):
        return None
    records = json.loads(base64.b64decode(written))
    rootfs = document.get("rootfs")
    count = len(rootfs.get("diff_ids") or ()) if isinstance(rootfs, Mapping) else 0
    return CacheReader(records, range(-1, count - 1), read)


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
