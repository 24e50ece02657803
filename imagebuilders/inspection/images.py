"""Finding an image by what the user calls it.

The spellings are those of `skopeo` and `podman`
(https://github.com/containers/image/blob/main/docs/containers-transports.5.md):
`docker://NAME` is an image of a registry, `docker-daemon:NAME` one of the Docker Engine,
`oci:FOLDER[:TAG]` one of an image layout, `docker-archive:FILE[:NAME]` and `oci-archive:FILE[:TAG]`
one of an archive. Without such a word, an image layout or file of that name counts first, then the
engine's image, then the registry's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from imagebuilders.auth.keychain import Keychain
from imagebuilders.connections.discovery import find_engine
from imagebuilders.docker.client import EngineClient
from imagebuilders.exceptions import EngineNotFoundError, ImageBuilderError
from imagebuilders.inspection.archive_image import open_archive_image
from imagebuilders.inspection.description import ImageDescription, describe
from imagebuilders.inspection.engine_image import describe_engine_image, open_engine_image
from imagebuilders.inspection.layout_image import layout_image
from imagebuilders.inspection.registry_image import open_registry_image
from imagebuilders.inspection.stored_image import StoredImage
from imagebuilders.lazy_dataclass import dataclass

_ENGINE = "docker-daemon:"
_REGISTRY = "docker://"
_LAYOUT = "oci:"
_ARCHIVES = ("docker-archive:", "oci-archive:")


@dataclass(frozen=True)
class _Place:
    """Where to look: one of the kinds, and what is looked for there."""

    kind: str
    name: str
    inner: str = ""


def describe_image(where: str, keychain: Keychain | None = None) -> ImageDescription:
    """Return the description of an image, wherever it is; of its layers nothing is read.

    Args:
        where: what the user calls it: a name, a folder, a file, or one of the spellings above.
        keychain: knows who to be at registries; a new one by default.

    Raises:
        ImageBuilderError: there is no such image, it is malformed, or cannot be asked for.
    """
    keychain = Keychain() if keychain is None else keychain
    place = _place(where)
    if place.kind in ("engine", "anywhere"):
        with _engine(keychain, is_needed=place.kind == "engine") as client:
            found = None
            if client is not None:
                found = describe_engine_image(client, place.name, _called(client))
            if found is not None:
                return found
        if place.kind == "engine":
            raise ImageBuilderError(f"The Docker Engine has no image {place.name!r}.")
    with _open(place, keychain) as image:
        return describe(image)


@contextmanager
def open_image(where: str, keychain: Keychain | None = None) -> Iterator[StoredImage]:
    """Lend an image, wherever it is, for a `with` block.

    Args:
        where: as for `describe_image`.
        keychain: knows who to be at registries; a new one by default.

    Raises:
        ImageBuilderError: as for `describe_image`.
    """
    keychain = Keychain() if keychain is None else keychain
    place = _place(where)
    if place.kind in ("engine", "anywhere"):
        with _engine(keychain, is_needed=place.kind == "engine") as client:
            if client is not None and (
                place.kind == "engine"
                or describe_engine_image(client, place.name, "the Docker Engine") is not None
            ):
                with open_engine_image(client, place.name, _called(client)) as image:
                    yield image
                return
    with _open(place, keychain) as image:
        yield image


@contextmanager
def _open(place: _Place, keychain: Keychain) -> Iterator[StoredImage]:
    if place.kind == "layout":
        yield layout_image(place.name, place.inner)
    elif place.kind == "archive":
        with open_archive_image(place.name, place.inner) as image:
            yield image
    else:
        with open_registry_image(place.name, keychain) as image:
            yield image


def _place(where: str) -> _Place:
    if where.startswith(_REGISTRY):
        return _Place("registry", where.removeprefix(_REGISTRY))
    if where.startswith(_ENGINE):
        return _Place("engine", where.removeprefix(_ENGINE))
    if where.startswith(_LAYOUT):
        return _Place("layout", *_path_and_name(where.removeprefix(_LAYOUT)))
    for prefix in _ARCHIVES:
        if where.startswith(prefix):
            return _Place("archive", *_path_and_name(where.removeprefix(prefix)))
    path, inner = _path_and_name(where)
    if os.path.isdir(path) and (_is_layout(path) or where.startswith((".", "/"))):
        return _Place("layout", path, inner)
    if os.path.isfile(path):
        return _Place("archive", path, inner)
    return _Place("anywhere", where)


def _is_layout(folder: str) -> bool:
    """Tell a layout from the folder of an image's sources, which often has the image's name."""
    return any(os.path.exists(os.path.join(folder, name)) for name in ("oci-layout", "index.json"))


def _path_and_name(text: str) -> tuple[str, str]:
    """Divide what stands behind a path's colon from the path, as far as the path is there."""
    position = len(text)
    while position > 0:
        if os.path.exists(text[:position]):
            return text[:position], text[position + 1 :]
        position = text.rfind(":", 0, position)
    return text, ""


@contextmanager
def _engine(keychain: Keychain, *, is_needed: bool) -> Iterator[EngineClient | None]:
    try:
        found = find_engine(docker_config=keychain.config)
    except EngineNotFoundError:
        if is_needed:
            raise
        yield None
        return
    with closing(EngineClient(found, keychain.config)) as client:
        yield client


def _called(client: EngineClient) -> str:
    return f"the {client.found.version}"
