"""What is told of the images of one build: that they are found, pulled, and unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex

    from .bases import Base
    from .look import Look
    from .progress import Progress


class ImageLoads:
    """Tells of the vertices of images.

    An image is looked up when the build begins. Its files come only when a step needs them that
    was not done before: from the registry the first time, from the daemon's own store later.

    Args:
        progress: is told.
        look: what the daemon looks like.
        pulled: the manifests that the daemon has pulled already; one that is pulled is added.
    """

    def __init__(self, progress: Progress, look: Look, pulled: set[str]) -> None:
        self._progress = progress
        self._look = look
        self._pulled = pulled
        self._bases: dict[str, tuple[Vertex, Base]] = {}
        self._ready: set[str] = set()

    def look_up(self, vertex: Vertex, base: Base) -> None:
        """Tell that an image is found.

        Args:
            vertex: its vertex.
            base: the image.
        """
        self._bases[vertex.digest] = (vertex, base)
        with self._progress.running(vertex):
            if base.digest and not self._look.has_graph_driver:
                self._resolve(vertex, base)

    def need(self, digests: list[str]) -> None:
        """Tell that the files of images come, if they have not yet.

        Args:
            digests: the vertices that a step is made from; those of no image do not count.
        """
        for digest in digests:
            if digest in self._bases and digest not in self._ready:
                self._ready.add(digest)
                self._load(*self._bases[digest])

    def _load(self, vertex: Vertex, base: Base) -> None:
        progress = self._progress
        if base.is_here or not base.digest or base.digest in self._pulled:
            progress.start(vertex)
            progress.complete(vertex, cached=True)
            return
        self._pulled.add(base.digest)
        if self._look.has_graph_driver:
            with progress.running(vertex):
                self._resolve(vertex, base)
            with progress.running(vertex):
                self._pull_into_graph(vertex, base)
            return
        progress.look_up(vertex)
        progress.look_up(vertex)
        layers = base.image.layers
        with progress.running(vertex):
            for layer in layers:
                size = len(layer.content)
                progress.status(vertex, layer.diff_id, total=size).complete(size)
        with progress.running(vertex):
            for layer in layers:
                name = f"extracting {layer.diff_id}"
                line = progress.status(vertex, name, "extracting")
                line.tell()
                line.complete()

    def _pull_into_graph(self, vertex: Vertex, base: Base) -> None:
        progress = self._progress
        documents = [
            (base.digest, len(base.image.document)),
            (base.image.config_digest, len(base.image.document)),
        ]
        for digest, size in documents:
            progress.status(vertex, digest, "done", total=size).complete(size)
        for layer in base.image.layers:
            size = len(layer.content)
            line = progress.status(vertex, layer.diff_id, "downloading", total=size)
            line.tell()
            name = f"extracting {layer.diff_id}"
            unpacked = progress.status(vertex, name, "extract")
            unpacked.tell()
            unpacked.complete()
            line.complete(size, kind="done")

    def _resolve(self, vertex: Vertex, base: Base) -> None:
        line = self._progress.status(vertex, f"resolve {base.title}")
        line.tell()
        line.complete()
