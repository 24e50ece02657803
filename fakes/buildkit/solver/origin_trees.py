"""The files of what a Dockerfile's steps begin with, and take files from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.evaluation.steps import ContextOrigin, ImageOrigin, Origin, ScratchOrigin

from .graph import Graph, context_paths

if TYPE_CHECKING:
    from imagebuilders.evaluation.execution import Executor
    from imagebuilders.evaluation.resolution import Resolution
    from imagebuilders.evaluation.trees import Folder

    from .bases import BaseImages
    from .contexts import Contexts, Definition


class OriginTrees:
    """The files of the origins of one image; it is an `imagebuilders.evaluation` `Trees`.

    Args:
        resolution: the Dockerfile.
        graph: the vertices.
        contexts: reads the client's folders.
        images: finds images.
        definition: the Dockerfile as it was read.

    Attributes:
        executor: has the files of stages, once there is one.
    """

    def __init__(
        self,
        resolution: Resolution,
        graph: Graph,
        contexts: Contexts,
        images: BaseImages,
        definition: Definition,
    ) -> None:
        self._resolution = resolution
        self._graph = graph
        self._contexts = contexts
        self._images = images
        self._definition = definition
        self.executor: Executor | None = None

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        """Return the files of an image, or of a build context as far as the steps need them.

        Raises:
            ImageBuilderError: there is no such image.
            CallError: the client refused.
        """
        if isinstance(origin, ImageOrigin):
            return self._images.tree(origin.reference, origin.platform)
        step = self._graph.of_origin(origin)
        assert step is not None
        ignored = (
            self._contexts.named_ignore_lines(origin.name)
            if origin.name
            else self._contexts.ignore_lines(self._definition)
        )
        paths = context_paths(self._resolution.stages, origin.name)
        return self._contexts.tree(step, origin.name, paths, ignored)

    def of(self, origin: Origin) -> Folder | None:
        """Return the files of any origin; `None` if nothing was ever written into it."""
        if isinstance(origin, ScratchOrigin) or self.executor is None:
            return None
        tree = self.executor.tree(origin)
        return None if tree is None else tree.get()
