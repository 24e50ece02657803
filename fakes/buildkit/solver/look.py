"""What a BuildKit double looks like: a version, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imagebuilders.evaluation.daemon import (
    BUILDKITD,
    CONTAINERD_ENGINE,
    GRAPH_ENGINE,
    GRAPH_ENGINE_20,
    GRAPH_ENGINE_26,
    Daemon,
)
from imagebuilders.evaluation.frontend import NEWEST, Frontend

_OF_GRAPH_DRIVER = frozenset({"moby", "local", "tar"})
_ALL = frozenset({"image", "oci", "docker", "local", "tar"})
_OF_CONTENT_STORE = _ALL | {"moby"}
_ALL_CACHES = frozenset({"inline", "registry", "local", "gha", "s3", "azblob"})
_CACHES_OF_GRAPH_DRIVER = frozenset({"inline"})
_CACHES_OF_CONTENT_STORE = frozenset({"inline", "registry", "local", "gha"})


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
        is_engine: it is inside of an engine, whose images it finds.
        tells_frontend: it says which version its frontend is.
        docker_types: its images have Docker's media types, where nothing else is asked for.
        pushes_apart: it pushes after all is exported, and tells of that apart.
        has_details: whether errors have typed details.
        knows_exporter_lists: whether a request's list of exporters counts, and not only its older
            fields for one.
        asks_for_exporters: whether a request may leave it to the session what becomes of a result.
        finalizes_exports: whether the session is told then what the exporters say.
        asks_for_http_secrets: whether the client is asked how to be let in before a URL is fetched.
        asks_for_git_secrets_of_hosts: whether that is asked for each host of repositories, too.
        unreadable: what it says is wrong with a request that cannot be decoded.
        refusal: what stands before the words with which the frontend refuses a Dockerfile.
    """

    version: str | None
    frontend: Frontend
    files: Daemon
    exporters: frozenset[str] = _ALL
    caches: frozenset[str] = _ALL_CACHES
    provenance: str = "v0.2"
    is_engine: bool = False
    tells_frontend: bool = True
    docker_types: bool = False
    pushes_apart: bool = True
    has_details: bool = True
    knows_exporter_lists: bool = True
    asks_for_exporters: bool = True
    finalizes_exports: bool = True
    asks_for_http_secrets: bool = True
    asks_for_git_secrets_of_hosts: bool = True
    unreadable: str = "unexpected EOF"
    refusal: str = ""

    @property
    def has_graph_driver(self) -> bool:
        """Whether images lie in a graph driver, and not in a content store."""
        return "moby" in self.exporters and "image" not in self.exporters

    @property
    def has_content_store(self) -> bool:
        """Whether images lie in the content store of an engine."""
        return self.is_engine and not self.has_graph_driver


_UNKNOWN = "v0.0.0+unknown"
_NEWER_WORDS = "proto: cannot parse invalid wire-format data"
_OF_28 = Look(
    _UNKNOWN,
    Frontend(1, 19),
    GRAPH_ENGINE,
    _OF_GRAPH_DRIVER,
    _CACHES_OF_GRAPH_DRIVER,
    is_engine=True,
    tells_frontend=False,
    docker_types=True,
    pushes_apart=False,
    finalizes_exports=False,
)
_OF_29 = Look(
    "v0.32.2",
    NEWEST,
    replace(GRAPH_ENGINE, clamps_archives=True),
    _OF_GRAPH_DRIVER,
    _CACHES_OF_GRAPH_DRIVER,
    provenance="v1",
    is_engine=True,
)

LOOKS = {
    "20.10": replace(
        _OF_28,
        version=None,
        frontend=Frontend(1, 2),
        files=GRAPH_ENGINE_20,
        has_details=False,
        knows_exporter_lists=False,
        asks_for_exporters=False,
        asks_for_http_secrets=False,
        asks_for_git_secrets_of_hosts=False,
        refusal="failed to solve with frontend dockerfile.v0: failed to create LLB definition: ",
    ),
    "26.1": replace(
        _OF_28,
        frontend=Frontend(1, 7),
        files=GRAPH_ENGINE_26,
        asks_for_exporters=False,
        asks_for_http_secrets=False,
        asks_for_git_secrets_of_hosts=False,
    ),
    "28.5": replace(_OF_28, unreadable=_NEWER_WORDS),
    "28.5-containerd": replace(
        _OF_28,
        unreadable=_NEWER_WORDS,
        files=CONTAINERD_ENGINE,
        exporters=_OF_CONTENT_STORE,
        caches=_CACHES_OF_CONTENT_STORE,
    ),
    "29.7": replace(
        _OF_29,
        files=replace(CONTAINERD_ENGINE, clamps_archives=True),
        exporters=_OF_CONTENT_STORE,
        caches=_CACHES_OF_CONTENT_STORE,
    ),
    "29.7-overlay2": _OF_29,
    "0.32": Look("v0.32.2", NEWEST, BUILDKITD, provenance="v1"),
}
"""The daemons whose ways are known, by version: of an engine, or of BuildKit itself.

The files of 29's are taken to be as those of 28.5, and of buildkitd 0.32 where that is newer.
"""
