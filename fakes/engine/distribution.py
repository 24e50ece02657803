"""Pull and push: moving images between the engine and registries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from fakes.engine import go_text
from fakes.engine.errors import ApiError
from fakes.engine.images import tar
from fakes.engine.images.layers import Layer, digest_of
from fakes.engine.images.reference import HUB, Reference
from fakes.engine.images.store import Image
from fakes.engine.registry_client import (
    CONFIG,
    LAYER,
    MANIFEST,
    MANIFEST_LIST,
    OCI_INDEX,
    Credentials,
    RegistryClient,
    RegistryError,
)

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Message = dict[str, Any]


class Repository(Protocol):
    """What a pull needs of a registry."""

    def manifest(self, name: str) -> tuple[bytes, str, str]:
        """A manifest's bytes, media type and digest."""
        ...

    def blob(self, digest: str) -> bytes:
        """A blob."""
        ...


def manifest_of(image: Image) -> bytes:
    """The manifest the engine pushes for an image, byte for byte the same each time."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(image.document), "digest": image.id},
        "layers": [
            {"mediaType": LAYER, "size": len(layer.compressed), "digest": layer.blob_digest}
            for layer in image.layers
        ],
    }
    return json.dumps(document, indent=3, separators=(",", ": ")).encode()


def _progress(status: str, item: str, detail: Message | None = None, bar: str = "") -> Message:
    message: Message = {"status": status, "progressDetail": detail or {}}
    if bar:
        message["progress"] = bar
    message["id"] = item
    return message


def progress_bar(current: int, total: int) -> str:
    """The bar the engine draws into its messages."""
    width = min(50, current * 50 // total if total else 50)
    bar = "=" * width + ">" + " " * (50 - width)
    shown = go_text.human_size(current)
    if current >= total:
        return f"[{bar}]  {shown}" if current > total else f"[{bar}]  {shown}/{shown}"
    return f"[{bar}]  {shown}/{go_text.human_size(total)}"


class HubRepository:
    """A repository of the public hub, seeded by a test."""

    def __init__(self, images: dict[str, Image]) -> None:
        self._images = images

    def manifest(self, name: str) -> tuple[bytes, str, str]:
        """The manifest behind a tag or digest.

        Raises:
            RegistryError: when nothing of that name was seeded.
        """
        for tag, image in self._images.items():
            body = manifest_of(image)
            if name in (tag, digest_of(body)):
                return body, MANIFEST, digest_of(body)
        raise RegistryError("manifest unknown: manifest unknown", 404)

    def tags(self) -> list[str]:
        """The tags that were seeded, sorted."""
        return sorted(self._images)

    def blob(self, digest: str) -> bytes:
        """A configuration or layer of a seeded image."""
        for image in self._images.values():
            if image.id == digest:
                return image.document
            for layer in image.layers:
                if layer.blob_digest == digest:
                    return layer.compressed
        raise RegistryError("blob unknown: blob unknown to registry", 404)


def pull_failure(reference: Reference, error: RegistryError) -> ApiError:
    """The engine's words for a pull that failed."""
    name = reference.familiar_name
    denied = error.status in (401, 403) or error.message.startswith(("denied", "unauthorized"))
    if denied:
        detail = error.message
        if detail.startswith("denied"):
            return ApiError(
                404,
                f"pull access denied for {name}, repository does not exist or may require "
                f"'docker login': {detail}",
            )
        return ApiError(500, detail)
    if error.status == 404:
        return ApiError(
            404, f"manifest for {reference.familiar} not found: manifest unknown: manifest unknown"
        )
    return ApiError(500, error.message)


def pull(
    engine: FakeDockerEngine,
    reference: Reference,
    credentials: Credentials,
    platform: tuple[str, str, str] | None = None,
) -> Iterator[Message]:
    """Fetch one tag or digest.

    Raises:
        ApiError: when it cannot be had. Nothing has been yielded then.
    """
    try:
        if reference.domain == HUB and not engine.hub_is_real:
            repository = engine.hub_repository(reference)
            if repository is None:
                raise RegistryError("denied: requested access to the resource is denied", 401)
            yield from _pull_from(engine, repository, reference, platform)
            return
        with RegistryClient(reference, credentials, "pull") as client:
            client.ping()
            yield from _pull_from(engine, client, reference, platform)
    except RegistryError as error:
        raise pull_failure(reference, error) from error


def _pull_from(
    engine: FakeDockerEngine,
    repository: Repository,
    reference: Reference,
    platform: tuple[str, str, str] | None,
) -> Iterator[Message]:
    wanted = reference.digest or reference.tag
    body, kind, digest = repository.manifest(wanted)
    yield {"status": f"Pulling from {reference.path}", "id": wanted}
    document = json.loads(body)
    if kind in (MANIFEST_LIST, OCI_INDEX) or "manifests" in document:
        chosen = _choose(document, platform)
        document = json.loads(repository.manifest(chosen)[0])
    image_id = document["config"]["digest"]
    before = engine.images.id_of(reference)
    image = engine.images.get(image_id)
    layers: list[Layer] = []
    if image is None:
        config = repository.blob(image_id)
        known = {
            layer.blob_digest: layer
            for layer in engine.images.layers()
            if "compressed" in layer.__dict__
        }
        for descriptor in document["layers"]:
            item = descriptor["digest"][7:19]
            have = known.get(descriptor["digest"])
            yield _progress("Already exists" if have else "Pulling fs layer", item)
            layers.append(have or Layer(tar.decompress(repository.blob(descriptor["digest"]))))
        for descriptor in document["layers"]:
            if descriptor["digest"] in known:
                continue
            item, size = descriptor["digest"][7:19], descriptor["size"]
            detail = {"current": size, "total": size}
            yield _progress("Downloading", item, detail, progress_bar(size, size))
            yield _progress("Verifying Checksum", item)
            yield _progress("Download complete", item)
            yield _progress("Extracting", item, detail, progress_bar(size, size))
            yield _progress("Pull complete", item)
        image = engine.images.add(Image(config, tuple(layers)))
    yield {"status": f"Digest: {digest}"}
    with engine.lock:
        image = engine.images.add(image)  # again, if somebody removed it since
        engine.images.add_digest(reference.with_digest(digest), image.id)
        if reference.tag and engine.images.id_of(reference) != image.id:
            engine.tag_image(reference, image, event="pull")
    news = "Image is up to date for" if before == image.id else "Downloaded newer image for"
    yield {"status": f"Status: {news} {reference.familiar}"}


def _choose(index: dict[str, Any], platform: tuple[str, str, str] | None) -> str:
    system, architecture, _ = platform or ("linux", "amd64", "")
    for entry in index.get("manifests", []):
        found = entry.get("platform") or {}
        if (found.get("os"), found.get("architecture")) == (system, architecture):
            return str(entry["digest"])
    raise RegistryError(
        f"no matching manifest for {system}/{architecture} in the manifest list entries", 404
    )


def push(
    engine: FakeDockerEngine, reference: Reference, credentials: Credentials
) -> Iterator[Message]:
    """Send one tag to its registry; a refusal is the stream's last message.

    Raises:
        ApiError: when there is no such image.
    """
    with engine.lock:
        image = engine.images.get(engine.images.id_of(reference) or "")
    yield {"status": f"The push refers to repository [{reference.repository}]"}
    if image is None:
        raise ApiError(
            404, f"An image does not exist locally with the tag: {reference.familiar_name}"
        )
    try:
        with RegistryClient(reference, credentials, "push,pull") as client:
            client.ping()
            yield from _push_to(engine, client, image, reference)
    except RegistryError as error:
        yield {"errorDetail": {"message": error.message}, "error": error.message}


def _push_to(
    engine: FakeDockerEngine, client: RegistryClient, image: Image, reference: Reference
) -> Iterator[Message]:
    for layer in reversed(image.layers):
        yield _progress("Preparing", layer.diff_id[7:19])
    done: set[str] = set()
    for layer in image.layers:
        item = layer.diff_id[7:19]
        if layer.blob_digest in done or client.has_blob(layer.blob_digest):
            yield _progress("Layer already exists", item)
        else:
            size = layer.size or len(layer.content)
            sent = len(layer.content)
            yield _progress(
                "Pushing", item, {"current": sent, "total": size}, progress_bar(sent, size)
            )
            client.upload(layer.blob_digest, layer.compressed)
            yield _progress("Pushed", item)
        done.add(layer.blob_digest)
    if not client.has_blob(image.id):
        client.upload(image.id, image.document)
    body = manifest_of(image)
    client.put_manifest(reference.tag, body, MANIFEST)
    digest = digest_of(body)
    engine.images.add_digest(reference.with_digest(digest), image.id)
    engine.emit_event("image", "push", reference.familiar, image)
    yield {"status": f"{reference.tag}: digest: {digest} size: {len(body)}"}
    yield {
        "progressDetail": {},
        "aux": {"Tag": reference.tag, "Digest": digest, "Size": len(body)},
    }
