"""What is told of the images of one build, and of what it fetches: found, pulled, unpacked."""

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
        self._fetched: dict[str, Vertex] = {}
        self._links: dict[str, Vertex] = {}
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

    def found(self, vertex: Vertex) -> None:
        """Note that what lies at an address was looked at; it comes when a step needs it."""
        self._fetched[vertex.digest] = vertex

    def link(self, vertex: Vertex) -> None:
        """Note what puts copied files in their place; that is done when a step needs it."""
        self._links[vertex.digest] = vertex

    def need(self, digests: list[str], *, merges: bool = True) -> None:
        """Tell that the files of images come, if they have not yet.

        Args:
            digests: the vertices that a step is made from; those of no image, and of nothing that
                is fetched or linked, do not count.
            merges: whether it is told that linked files are put in their place.
        """
        for digest in digests:
            if digest in self._fetched and digest not in self._ready:
                self._ready.add(digest)
                self._progress.start(self._fetched[digest])
                self._progress.complete(self._fetched[digest], cached=digest in self._pulled)
                self._pulled.add(digest)
            if digest in self._links and digest not in self._ready:
                self._ready.add(digest)
                self._merge(self._links[digest], merges=merges)
            if digest in self._bases and digest not in self._ready:
                self._ready.add(digest)
                self._load(*self._bases[digest])

    def _merge(self, vertex: Vertex, *, merges: bool) -> None:
        has_others = vertex.inputs[0] in self._links
        self.need(list(vertex.inputs), merges=False)
        if merges and has_others:
            with self._progress.running(vertex):
                line = self._progress.status(vertex, "merging", "merging")
                line.tell()
                line.complete()

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
        for layer in base.image.layers:
            name = f"extracting {layer.diff_id}"
            unpacked = progress.status(vertex, name, "extract")
            unpacked.tell()
            size = len(layer.content)
            line = progress.status(vertex, layer.diff_id, "downloading", total=size)
            line.tell()
            unpacked.complete()
            line.complete(size, kind="done")
        for digest, size in documents:
            progress.status(vertex, digest, "done", total=size).complete(size)

    def _resolve(self, vertex: Vertex, base: Base) -> None:
        line = self._progress.status(vertex, f"resolve {base.title}")
        line.tell()
        line.complete()
