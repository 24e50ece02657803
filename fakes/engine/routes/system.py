"""The engine about itself: ping, version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Request, Response, json_response
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

_BUILT = "2024-01-01T00:00:00.000000000+00:00"


@route("GET", "/_ping")
@route("HEAD", "/_ping")
def _ping(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    headers = {
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "Content-Type": "text/plain; charset=utf-8",
        "Pragma": "no-cache",
    }
    if engine.version >= "23.0":
        headers["Builder-Version"] = "1" if engine.buildkit is None else "2"
        headers["Swarm"] = "inactive"
    return Response(200, b"" if request.method == "HEAD" else b"OK", headers)


@route("GET", "/version")
def _version(engine: Daemon, _request: Request, _path: dict[str, str]) -> Response:
    look = engine.version
    details: dict[str, str] = {
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
    if look >= "29.0":
        details |= {"Module": "github.com/moby/moby/v2", "ModuleVersion": f"v2.0.0+{look.version}"}
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
