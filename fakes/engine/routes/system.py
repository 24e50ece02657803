"""The engine about itself: ping, version, login."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response, json_response
from fakes.engine.images.reference import HUB, Reference
from fakes.engine.registry_client import Credentials, RegistryClient, RegistryError
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_BUILT = "2024-01-01T00:00:00.000000000+00:00"


def _ping(engine: FakeDockerEngine, request: Request, _path: dict[str, str]) -> Response:
    headers = {
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "Content-Type": "text/plain; charset=utf-8",
        "Pragma": "no-cache",
    }
    if engine.version.modern:
        # A real engine names the builder that this double does not have.
        headers["Builder-Version"] = "1"
        headers["Swarm"] = "inactive"
    return Response(200, b"" if request.method == "HEAD" else b"OK", headers)


def _version(engine: FakeDockerEngine, _request: Request, _path: dict[str, str]) -> Response:
    look = engine.version
    details = {
        "ApiVersion": look.api,
        "Arch": "amd64",
        "BuildTime": _BUILT,
        "Experimental": "false",
        "GitCommit": look.git_commit,
        "GoVersion": look.go_version,
        "KernelVersion": "6.1.0",
        "MinAPIVersion": look.minimum_api,
        "Os": "linux",
    }
    return json_response(
        {
            "Platform": {"Name": "imagebuilders engine double"},
            "Components": [{"Name": "Engine", "Version": look.version, "Details": details}],
            "Version": look.version,
            "ApiVersion": look.api,
            "MinAPIVersion": look.minimum_api,
            "GitCommit": look.git_commit,
            "GoVersion": look.go_version,
            "Os": "linux",
            "Arch": "amd64",
            "KernelVersion": "6.1.0",
            "BuildTime": _BUILT,
        }
    )


def _auth(engine: FakeDockerEngine, request: Request, _path: dict[str, str]) -> Response:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise ApiError(400, f"invalid JSON: {error}") from error
    address = str(body.get("serveraddress") or "https://index.docker.io/v1/")
    domain = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    credentials = Credentials(str(body.get("username") or ""), str(body.get("password") or ""))
    if domain in ("index.docker.io", HUB) and not engine.hub_is_real:
        if not credentials.username:
            raise ApiError(
                401,
                'Get "https://registry-1.docker.io/v2/": unauthorized: '
                "incorrect username or password",
            )
    else:
        _log_in(domain, credentials)
    engine.logins[domain] = (credentials.username, credentials.password)
    return json_response({"Status": "Login Succeeded", "IdentityToken": ""})


def _log_in(domain: str, credentials: Credentials) -> None:
    base = f"http://{domain}"
    try:
        with RegistryClient(Reference(domain, ""), credentials, "") as client:
            client.log_in()
    except RegistryError as error:
        if error.status in (401, 403):
            raise ApiError(
                401, f"login attempt to {base}/v2/ failed with status: 401 Unauthorized"
            ) from error
        raise ApiError(500, error.message) from error


ROUTES: list[Route] = [
    ("GET", "/_ping", _ping),
    ("HEAD", "/_ping", _ping),
    ("GET", "/version", _version),
    ("POST", "/auth", _auth),
]
