"""Build contexts that are no folders of the client: repositories, and what lies at URLs.

Their forms are those of `frontend/dockerui/context.go` of https://github.com/moby/buildkit.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from imagebuilders.evaluation.git_sources import GitReference, parse_git
from imagebuilders.evaluation.image_names import full_name, parse_name
from imagebuilders.evaluation.steps import GitSource, UrlSource
from imagebuilders.evaluation.trees import Folder, folder_of
from imagebuilders.evaluation.url_sources import is_url
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File

from .remote_contents import RemoteContents

_WITHOUT_SCHEME = "github.com/"
_FILE_MODE = 0o600
_NAME = "context"


def repository_of(address: str) -> GitReference | None:
    """Return what an address says of a repository; `None` if it is none of a repository.

    Raises:
        EvaluationError: its query is malformed; in BuildKit's words.
    """
    if address.startswith(_WITHOUT_SCHEME):
        address = f"https://{address}"
        host, _, rest = address.partition("#")
        address = f"{host.removesuffix('.git')}.git" + (f"#{rest}" if rest else "")
    return parse_git(address)


def is_remote(address: str) -> bool:
    """Whether a context is a repository or lies at a URL."""
    return is_url(address) or repository_of(address) is not None


def title_of(address: str, name: str) -> str:
    """Return what the progress calls the loading of a context.

    Args:
        address: where it lies.
        name: that of a named context; empty for the main one.
    """
    if repository_of(address) is not None:
        return f"[internal] load git source {address}"
    return f"[context {name}] {address}" if name else "[internal] load remote build context"


def fetch_repository(remote: RemoteContents, address: str) -> Folder | None:
    """Return the files of a repository; `None` if the address is none of a repository.

    Raises:
        ImageBuilderError: it cannot be fetched.
    """
    found = repository_of(address)
    if found is None:
        return None
    source = GitSource(address, found.remote, found.ref, found.folder)
    return remote.repositories.fetch(source)


def fetch_file(remote: RemoteContents, address: str) -> bytes:
    """Return what lies at a URL.

    Raises:
        ImageBuilderError: it cannot be fetched.
    """
    if not is_url(address):
        raise EvaluationError(f"the BuildKit double has no build context {address}")
    return remote.downloads.read(UrlSource(address, address, _NAME))


def fetch_named(remote: RemoteContents, address: str) -> Folder:
    """Return the files of a named context; what lies at a URL is its one file.

    Raises:
        ImageBuilderError: it cannot be fetched.
    """
    found = fetch_repository(remote, address)
    if found is not None:
        return found
    file = File("file", _FILE_MODE, data=fetch_file(remote, address))
    return folder_of({_NAME: file})


def image_contexts(contexts: Mapping[str, str]) -> dict[str, str]:
    """Return the names of named contexts that are images, by the images' references.

    Args:
        contexts: where named contexts lie, by name.
    """
    found = {}
    for name, address in contexts.items():
        kind, _, image = address.partition("://")
        if kind == "docker-image":
            with suppress(ValueError):  # what is malformed is refused where it is used
                found[full_name(parse_name(image))] = name
    return found
