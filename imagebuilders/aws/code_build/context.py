"""The context that is sent: a snapshot with the Dockerfile in it."""

from __future__ import annotations

from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.exceptions import BuildContextError
from imagebuilders.lazy_dataclass import dataclass

_OWN_NAME = ".imagebuilders.Dockerfile"


@dataclass(frozen=True)
class SentContext:
    """A context that is to be archived.

    Attributes:
        snapshot: what goes into the archive.
        dockerfile: the path of the Dockerfile in it.
        keeps_dockerfile: whether it is a part of the context; else it was added for the way.
    """

    snapshot: ContextSnapshot
    dockerfile: str
    keeps_dockerfile: bool


def with_dockerfile(snapshot: ContextSnapshot) -> SentContext:
    """Return a context in which the Dockerfile is.

    One that the ignore rules drop, or that lies outside the root, is added under a name that
    nothing else has; it is moved out of the folder before the build.

    Raises:
        BuildContextError: the files are not known here, or there is no Dockerfile.
    """
    found = snapshot.dockerfile
    if snapshot.remote is not None or found is None:
        raise BuildContextError(
            "A context whose files are not known here cannot be sent to CodeBuild: take a "
            "BuildContext of a folder."
        )
    if found.path is not None and _is_plain(found.path):
        entry = snapshot.find(found.path)
        if entry is not None and entry.type is EntryType.FILE:
            return SentContext(snapshot, found.path, keeps_dockerfile=True)
    name = _OWN_NAME
    while snapshot.find(name) is not None:
        name += "_"
    added = Entry(name, EntryType.FILE, 0o644, len(found.content), source=found.content)
    return SentContext(snapshot.with_entries([added]), name, keeps_dockerfile=False)


def _is_plain(path: str) -> bool:
    """Return whether a path can stand in a buildspec, which is text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
