"""`GET /distribution/{name}/json`: what a registry holds under a name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakes.engine.distribution import pull_failure
from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response, json_response
from fakes.engine.images.reference import HUB, InvalidReferenceError, Reference
from fakes.engine.registry_client import Credentials, RegistryClient, RegistryError
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.distribution import Repository
    from fakes.engine.engine import FakeDockerEngine


def _inspect(engine: FakeDockerEngine, request: Request, path: dict[str, str]) -> Response:
    try:
        reference = engine.parse_name(path["name"]).tagged()
    except InvalidReferenceError as error:
        raise ApiError(400, str(error)) from error
    credentials = Credentials.from_header(request.headers.get("x-registry-auth"))
    try:
        if reference.domain == HUB and not engine.hub_is_real:
            repository = engine.hub_repository(reference)
            if repository is None:
                raise RegistryError("denied: requested access to the resource is denied", 401)
            return json_response(_described(repository, reference))
        with RegistryClient(reference, credentials, "pull") as client:
            client.ping()
            return json_response(_described(client, reference))
    except RegistryError as error:
        if error.status in (401, 403):
            raise ApiError(error.status, error.message) from error
        raise pull_failure(reference, error) from error


def _described(repository: Repository, reference: Reference) -> dict[str, Any]:
    body, kind, digest = repository.manifest(reference.digest or reference.tag)
    document = json.loads(body)
    if "manifests" in document:
        platforms = [entry.get("platform") or {} for entry in document["manifests"]]
    else:
        config = json.loads(repository.blob(document["config"]["digest"]))
        platforms = [{"architecture": config.get("architecture"), "os": config.get("os")}]
    return {
        "Descriptor": {"mediaType": kind, "digest": digest, "size": len(body)},
        "Platforms": platforms,
    }


ROUTES: list[Route] = [("GET", "/distribution/{name:.*}/json", _inspect)]
