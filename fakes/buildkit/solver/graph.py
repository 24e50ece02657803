"""The vertices of a build: one for each thing that it does, with those it is made from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.ops_pb2 import ProgressGroup
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    Copy,
    GitSource,
    ImageOrigin,
    Lines,
    Origin,
    PathSource,
    Run,
    ScratchOrigin,
    StageOrigin,
    TextSource,
    UrlSource,
)
from imagebuilders.go_text import clean_path

from .progress import vertex, vertex_digest
from .remote_contexts import is_remote, title_of

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex
    from imagebuilders.evaluation.resolution import Resolution
    from imagebuilders.evaluation.steps import Stage, Step

    from .bases import Base, BaseImages

_NUMBERED = re.compile(r"\[(.*?) *\d+/(\d+)\] ")
_NO_LINES = Lines(0, 0)
_TITLE = re.compile(r"(\[[^]]*\] )")
_DOCUMENT = "[internal] preparing inline document"
BUILD_CONTEXT = "[internal] load build context"


class Graph:
    """The vertices of a resolved Dockerfile.

    Args:
        resolution: the Dockerfile.
        images: finds images.
        session: the client's session, on which the vertices of its folders depend.
        contexts: where named contexts lie, by name.
        source: the vertex of the main context, if that is no folder of the client's.
        merges: what is copied by `--link` is a vertex apart from the one that puts it in its place.
        is_index: the result is one of several platforms.
    """

    def __init__(
        self,
        resolution: Resolution,
        images: BaseImages,
        session: str,
        contexts: Mapping[str, str],
        source: Vertex | None = None,
        *,
        merges: bool,
        is_index: bool,
    ) -> None:
        self._resolution = resolution
        self._images = images
        self._session = session
        self._contexts = contexts
        self._source = source
        self._merges = merges
        self._is_index = is_index
        self._steps: dict[int, Vertex] = {}
        self._origins: dict[Origin, Vertex] = {}
        self._sources: dict[UrlSource | GitSource, Vertex] = {}
        self._texts: dict[TextSource, Vertex] = {}
        self._copied: dict[int, Vertex] = {}
        self._last: dict[int, Vertex] = {}
        self.all: list[Vertex] = []
        """In the order in which they can be done."""
        self._add_stage(resolution.target_stage)

    def of_step(self, step: Step) -> Vertex:
        """Return the vertex of a step that makes a layer."""
        return self._steps[id(step)]

    def of_origin(self, origin: ImageOrigin | ContextOrigin) -> Vertex | None:
        """Return the vertex of an image or a context, if it is used."""
        return self._origins.get(origin)

    def of_copied(self, step: Step) -> Vertex:
        """Return the vertex of what a step copies; that of the step, if it is none apart."""
        return self._copied.get(id(step)) or self.of_step(step)

    def texts_of(self, step: Step) -> list[Vertex]:
        """Return the vertices of the here-documents that a step copies."""
        sources = step.sources if isinstance(step, Copy) else ()
        return [self._texts[source] for source in sources if isinstance(source, TextSource)]

    def of_source(self, source: UrlSource | GitSource) -> Vertex:
        """Return the vertex of what a step fetches."""
        return self._sources[replace(source, written="")]

    def is_of_source(self, vertex: Vertex) -> bool:
        """Return whether a vertex is that of what a step fetches."""
        return any(vertex is each for each in self._sources.values())

    def at(self, line: int) -> Vertex | None:
        """Return the vertex of the step that stands in a line of the Dockerfile."""
        return next(
            (
                self.of_copied(step)
                for stage in self._resolution.stages
                for step in stage.steps
                if id(step) in self._steps and step.lines.first == line
            ),
            None,
        )

    def images(self) -> list[tuple[Vertex, Base]]:
        """Return the vertices of images, with the images."""
        return [
            (made, self._images.find(key.reference, key.platform))
            for key, made in self._origins.items()
            if isinstance(key, ImageOrigin)
        ]

    def last(self, stage: int) -> Vertex | None:
        """Return the vertex that a stage ends with."""
        return self._last.get(stage)

    # --- making ---------------------------------------------------------------

    def _add_stage(self, stage: Stage) -> None:
        if stage.index in self._last:
            return
        last = self._add_origin(stage.base, stage)
        for step in stage.steps:
            if step.makes_layer:
                last = self._add_step(step, last, stage)
        if last is not None:
            self._last[stage.index] = last

    def _add_step(self, step: Step, below: Vertex | None, stage: Stage) -> Vertex:
        is_apart = isinstance(step, Copy) and step.link and self._merges
        inputs = [] if below is None or is_apart else [below.digest]
        for origin in origins_of(step):
            found = self._add_origin(origin, None)
            if found is not None and found.digest not in inputs:
                inputs.append(found.digest)
        inputs += [made.digest for made in self._fetched(step)]
        plain = replace(step, lines=_NO_LINES, created_by="")
        made = vertex(step.title, vertex_digest(repr(plain), str(stage.platform), inputs), inputs)
        self.all.append(made)
        if is_apart:
            made = self._linked(step, below, made)
        self._steps[id(step)] = made
        return made

    def _linked(self, step: Step, below: Vertex | None, copied: Vertex) -> Vertex:
        """Return the vertex that puts copied files on what is below; both belong together."""
        group = ProgressGroup(id=copied.digest, name=copied.name, weak=True)
        copied.progressGroup.CopyFrom(group)
        if below is None:
            return copied
        self._copied[id(step)] = copied
        inputs = [below.digest, copied.digest]
        title = _TITLE.sub(r"\1LINK ", copied.name, count=1)
        made = vertex(title, vertex_digest("merge", inputs), inputs)
        made.progressGroup.CopyFrom(group)
        made.progressGroup.weak = False
        self.all.append(made)
        return made

    def _fetched(self, step: Step) -> Iterable[Vertex]:
        """Return the vertices of what a step fetches; they have its name."""
        for source in step.sources if isinstance(step, Copy) else ():
            if isinstance(source, UrlSource | GitSource):
                key = replace(source, written="")
                if key not in self._sources:
                    self._sources[key] = vertex(step.title, vertex_digest(repr(key)))
                    self.all.append(self._sources[key])
                self._sources[key].name = step.title
                yield self._sources[key]
            elif isinstance(source, TextSource):
                if source not in self._texts:
                    digest = vertex_digest("document", source.name, source.content.hex())
                    self._texts[source] = vertex(_DOCUMENT, digest)
                    self.all.append(self._texts[source])
                yield self._texts[source]

    def _add_origin(self, origin: Origin, stage: Stage | None) -> Vertex | None:
        if isinstance(origin, ScratchOrigin):
            return None
        if isinstance(origin, StageOrigin):
            self._add_stage(self._resolution.stages[origin.index])
            return self._last.get(origin.index)
        if isinstance(origin, ImageOrigin):
            return self._add_image(origin, stage)
        if origin not in self._origins:
            digest = vertex_digest("context", origin.name, self._session)
            source = None if origin.name else self._source
            self._keep(origin, source or vertex(self._context_title(origin.name), digest))
        return self._origins[origin]

    def _add_image(self, origin: ImageOrigin, stage: Stage | None) -> Vertex | None:
        if origin.reference in self._images.inputs:
            return None if stage is not None else self._images.input_vertices[origin.reference]
        base = self._images.find(origin.reference, origin.platform)
        title = f"{self._numbered(stage)}FROM {base.title}"
        if base.context:
            title = f"[context {base.context}] {base.title}"
        if origin in self._origins:  # the last name that it is given counts
            self._origins[origin].name = title
        else:
            digest = vertex_digest("image", base.title, str(origin.platform))
            self._keep(origin, vertex(title, digest))
        return self._origins[origin]

    def _keep(self, origin: Origin, made: Vertex) -> None:
        self._origins[origin] = made
        self.all.append(made)

    def _context_title(self, name: str) -> str:
        """Return what the progress calls the loading of a context."""
        if not name:
            return BUILD_CONTEXT
        address = self._contexts[name]
        return (
            title_of(address, name) if is_remote(address) else f"[context {name}] load from client"
        )

    def _numbered(self, stage: Stage | None) -> str:
        """Return the stage and number in front of a FROM, as those of its steps have them."""
        if stage is None:
            return ""
        triggered = sum(step.trigger for step in stage.steps)
        for step in stage.steps:
            if match := _NUMBERED.match(step.title):
                # Of the triggers of a base nothing is known yet when it is named.
                count = str(int(match[2]) - triggered)
                stage_name = f"{match[1]} " if match[1] else ""
                return f"[{stage_name}{'1'.rjust(len(count))}/{count}] "
        title = "" if self._is_alone() else f"{stage.name or f'stage-{stage.index}'} "
        platform = f"{stage.platform} " if self._is_index else ""
        return f"[{platform}{title}1/1] "

    def _is_alone(self) -> bool:
        """Whether there is one stage, and no image that files are taken from."""
        stages = self._resolution.stages
        return len(stages) == 1 and not any(
            isinstance(origin, ImageOrigin)
            for step in stages[0].steps
            for origin in origins_of(step)
        )


def origins_of(step: Step) -> Iterable[Origin]:
    """Return where a step takes files from, besides what it stands on."""
    if isinstance(step, Copy):
        if any(isinstance(source, PathSource) for source in step.sources):
            yield step.origin
    elif isinstance(step, Run):
        for mount in step.mounts:
            if mount.origin is not None:
                yield mount.origin


def context_paths(stages: Iterable[Stage], name: str) -> list[str]:
    """Return the paths that steps take of a context; none for all of it.

    Args:
        stages: the stages of the Dockerfile.
        name: the context's; empty for the main one.
    """
    paths: set[str] = set()
    for stage in stages:
        for step in stage.steps if stage.needed else ():
            if isinstance(step, Copy) and step.origin == ContextOrigin(name):
                paths.update(
                    clean_path(f"/{source.path}/{source.include}")[1:]
                    for source in step.sources
                    if isinstance(source, PathSource)
                )
            elif isinstance(step, Run):
                paths.update(
                    clean_path(f"/{mount.source}")[1:]
                    for mount in step.mounts
                    if mount.origin == ContextOrigin(name)
                )
    if "" in paths:
        return []
    return [
        path for path in sorted(paths) if not any(path.startswith(f"{above}/") for above in paths)
    ]
