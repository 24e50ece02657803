"""What a BuildKit double looks like: a version, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from imagebuilders.evaluation.daemon import (
    BUILDKITD,
    GRAPH_ENGINE,
    GRAPH_ENGINE_20,
    GRAPH_ENGINE_26,
    Daemon,
)
from imagebuilders.evaluation.frontend import NEWEST, Frontend

_OF_GRAPH_DRIVER = frozenset({"moby", "local", "tar"})
_ALL = frozenset({"image", "oci", "docker", "local", "tar"})
_ALL_CACHES = frozenset({"inline", "registry", "local", "gha", "s3", "azblob"})
_CACHES_OF_GRAPH_DRIVER = frozenset({"inline"})


@dataclass(frozen=True)
class Look:
    """What a daemon looks like.

    Attributes:
        version: what `Info` answers; `None` for a daemon that has neither `Info` nor history.
        frontend: the version of its Dockerfile frontend.
        files: its ways with files.
        exporters: the types that it has.
        caches: the types of caches that it exports.
        provenance: the version of provenance that it writes.
        is_engine: it is inside of an engine, whose images it looks at first.
        has_details: whether errors have typed details.
        knows_exporter_lists: whether a request's list of exporters counts, and not only its older
            fields for one.
        refusal: what stands before the words with which the frontend refuses a Dockerfile.
    """

    version: str | None
    frontend: Frontend
    files: Daemon
    exporters: frozenset[str] = _ALL
    caches: frozenset[str] = _ALL_CACHES
    provenance: str = "v0.2"
    is_engine: bool = False
    has_details: bool = True
    knows_exporter_lists: bool = True
    refusal: str = ""

    @property
    def has_graph_driver(self) -> bool:
        """Whether images lie in a graph driver, and not in a content store."""
        return "moby" in self.exporters and "image" not in self.exporters


LOOKS = {
    "20.10": Look(
        None,
        Frontend(1, 2),
        GRAPH_ENGINE_20,
        _OF_GRAPH_DRIVER,
        _CACHES_OF_GRAPH_DRIVER,
        is_engine=True,
        has_details=False,
        knows_exporter_lists=False,
        refusal="failed to solve with frontend dockerfile.v0: failed to create LLB definition: ",
    ),
    "26.1": Look(
        "v0.0.0+unknown", Frontend(1, 7), GRAPH_ENGINE_26, _OF_GRAPH_DRIVER, is_engine=True
    ),
    "28.5": Look("v0.0.0+unknown", Frontend(1, 19), GRAPH_ENGINE, _OF_GRAPH_DRIVER, is_engine=True),
    "0.32": Look("v0.32.2", NEWEST, BUILDKITD, provenance="v1"),
}
"""The daemons whose ways are known, by version: of an engine, or of BuildKit itself."""
