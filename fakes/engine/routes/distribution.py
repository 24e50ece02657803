"""`GET /distribution/{name}/json`: what a registry holds under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.manifest import Index, parse_manifest
from imagebuilders.oci.media_types import DOCKER_MANIFEST
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ...images.reference import InvalidReferenceError, is_id
from ..errors import ApiError
from ..http import Request, Response, json_response
from ..registries.credentials import Credentials
from ..registries.errors import RegistryError
from ..versions import PASSES_REFUSALS_ON
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon
    from ..registries.pulling import Repository


@route("GET", "/distribution/{name:.*}/json")
def _inspect(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    if is_id(path["name"]):
        raise ApiError(500, "no manifest found for full image ID")
    try:
        reference = engine.parse_name(path["name"]).tagged()
    except InvalidReferenceError as error:
        raise ApiError(400, str(error)) from error
    credentials = Credentials.from_header(request.headers.get("x-registry-auth"))
    try:
        if engine.registries.is_seeded(reference):
            repository = engine.registries.hub.repository(reference)
            return json_response(_described(repository, reference))
        with engine.registries.client(reference, credentials, "pull") as client:
            client.ping()
            return json_response(_described(client, reference))
    except RegistryError as error:
        # Older engines do not look into the failure of a request.
        deep = engine.version.has(PASSES_REFUSALS_ON) or not error.wrapped
        raise ApiError(error.status if deep else 500, error.message) from error


def _described(repository: Repository, reference: ImageReference) -> dict[str, Any]:
    digest = reference.digest or repository.resolve(reference.tag or DEFAULT_TAG)
    body, kind = repository.manifest(digest)
    document = parse_manifest(body, kind)
    platforms: list[dict[str, object]] = []
    if isinstance(document, Index):
        platforms = [each.platform.to_json() for each in document.manifests if each.platform]
    elif kind == DOCKER_MANIFEST:
        # The configuration of an OCI manifest is not looked into.
        config = ImageConfig.parse(b"".join(repository.blob(str(document.config.digest))))
        platforms = [{"architecture": config.platform.architecture, "os": config.platform.os}]
    return {
        "Descriptor": {"mediaType": kind, "digest": digest, "size": len(body)},
        "Platforms": platforms or None,
    }
