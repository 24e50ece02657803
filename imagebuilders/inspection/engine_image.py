"""Images of a Docker Engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from imagebuilders.docker.connection import exchange
from imagebuilders.docker.stream import check_status, engine_errors, get, get_list
from imagebuilders.exceptions import EngineResponseError
from imagebuilders.inspection.archive_image import open_archive_image
from imagebuilders.inspection.description import (
    ImageDescription,
    LayerDescription,
    PlatformDescription,
)
from imagebuilders.inspection.stored_image import StoredImage
from imagebuilders.oci.image_config import ContainerConfig
from imagebuilders.oci.json_document import ObjectReader
from imagebuilders.oci.platform import Platform
from imagebuilders.temporary_folder import temporary_folder

if TYPE_CHECKING:
    import docker

_NOT_FOUND = 404


def describe_engine_image(
    client: docker.DockerClient, name: str, place: str
) -> ImageDescription | None:
    """Return what an engine says of an image; `None` when it has none of that name.

    Args:
        client: the engine's client.
        name: the image's name or ID.
        place: what the engine is called.

    Raises:
        EngineError: the engine does not answer, or answers otherwise.
        ImageFormatError: its answer is malformed.
    """
    path = f"/images/{quote(name, safe='/:@')}"
    try:
        answer = get(client, f"{path}/json")
        history = get_list(client, f"{path}/history")
    except EngineResponseError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    what = f"the engine's answer about {name}"
    fields = ObjectReader(answer, what)
    identity = fields.required_text("Id")
    root = fields.child("RootFS")
    digests = (root.texts("Layers") if root is not None else None) or ()
    steps = [ObjectReader(step, what) for step in history]
    # The newest comes first, and steps that made no layer have no bytes.
    made = [(step.text("CreatedBy"), step.integer("Size") or 0) for step in reversed(steps)]
    with_bytes = [step for step in made if step[1]]
    chosen = next((each for each in (with_bytes, made) if len(each) == len(digests)), None)
    layers = tuple(
        LayerDescription(digest, None if chosen is None else chosen[place][1], created_by)
        for place, digest in enumerate(digests)
        for created_by in ["" if chosen is None else chosen[place][0]]
    )
    config = fields.child("Config")
    platform = Platform(
        os=fields.text("Os"),
        architecture=fields.text("Architecture"),
        variant=fields.text("Variant"),
    )
    return ImageDescription(
        name=name,
        place=place,
        digest=identity,
        media_type="",
        platforms=(
            PlatformDescription(
                platform=str(platform),
                digest="",
                config_digest=_config_digest(fields, identity),
                size=fields.integer("Size") or 0,
                created=fields.text("Created"),
                layers=layers,
                config=ContainerConfig() if config is None else ContainerConfig.from_json(config),
            ),
        ),
        names=(*(fields.texts("RepoTags") or ()), *(fields.texts("RepoDigests") or ())),
    )


def _config_digest(fields: ObjectReader, identity: str) -> str:
    """Return the digest of an image's configuration; empty where the engine does not tell it.

    With containerd's store the ID is that of a manifest or an index, which its descriptor shows;
    of what BuildKit made there, an annotation tells the digest.
    """
    descriptor = fields.child("Descriptor")
    if descriptor is None:
        return identity
    notes = descriptor.child("annotations")
    return "" if notes is None else notes.text("config.digest")


@contextmanager
def open_engine_image(client: docker.DockerClient, name: str, place: str) -> Iterator[StoredImage]:
    """Lend an image of an engine for a `with` block; it is exported to a temporary folder.

    Args:
        client: the engine's client.
        name: the image's name or ID.
        place: what the engine is called.

    Raises:
        EngineError: the engine has no such image, or does not answer.
        ImageFormatError: what it exports is malformed.
    """
    with temporary_folder() as folder:
        path = Path(folder) / "image.tar"
        _export(client, name, path)
        with open_archive_image(os.fspath(path)) as found:
            yield replace(found, name=name, place=place)


def _export(client: docker.DockerClient, name: str, path: Path) -> None:
    with (
        engine_errors(),
        exchange(client, "GET", f"/images/{quote(name, safe='/:@')}/get") as answer,
    ):
        check_status(answer)
        with path.open("wb") as file:
            for piece in answer.chunks():
                file.write(piece)
