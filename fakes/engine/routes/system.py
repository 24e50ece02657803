"""The engine about itself: ping, version, info, events, disk use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fakes.engine import go_text
from fakes.engine.containers.view import summary
from fakes.engine.http import Request, Response, json_response
from fakes.engine.routes.filters import read_filters
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_BUILT = "2024-01-01T00:00:00.000000000+00:00"


def _ping(engine: FakeDockerEngine, request: Request, _path: dict[str, str]) -> Response:
    headers = {
        "Builder-Version": "",
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "Content-Type": "text/plain; charset=utf-8",
        "Pragma": "no-cache",
    }
    if engine.version.name != "20.10":
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


def _info(engine: FakeDockerEngine, _request: Request, _path: dict[str, str]) -> Response:
    images = engine.images.all()
    states = [container.status for container in engine.containers.all()]
    return json_response(
        {
            "ID": "FAKE:DOCKER:ENGINE",
            "Containers": len(states),
            "ContainersRunning": states.count("running"),
            "ContainersPaused": states.count("paused"),
            "ContainersStopped": len(states) - states.count("running") - states.count("paused"),
            "Images": len(images),
            "Driver": "overlay2",
            "DriverStatus": [["Backing Filesystem", "memory"]],
            "SystemStatus": None,
            "Plugins": {
                "Volume": ["local"],
                "Network": ["bridge", "host", "null"],
                "Authorization": None,
                "Log": ["json-file"],
            },
            "MemoryLimit": True,
            "SwapLimit": True,
            "IPv4Forwarding": True,
            "Debug": False,
            "NFd": 0,
            "OomKillDisable": True,
            "NGoroutines": 1,
            "SystemTime": go_text.rfc3339(engine.clock()),
            "LoggingDriver": "json-file",
            "CgroupDriver": "cgroupfs",
            "CgroupVersion": "2",
            "NEventsListener": 0,
            "KernelVersion": "6.1.0",
            "OperatingSystem": "imagebuilders engine double",
            "OSVersion": "",
            "OSType": "linux",
            "Architecture": "x86_64",
            "IndexServerAddress": "https://index.docker.io/v1/",
            "RegistryConfig": {
                "AllowNondistributableArtifactsCIDRs": [],
                "AllowNondistributableArtifactsHostnames": [],
                "InsecureRegistryCIDRs": ["127.0.0.0/8"],
                "IndexConfigs": {
                    "docker.io": {
                        "Name": "docker.io",
                        "Mirrors": [],
                        "Secure": True,
                        "Official": True,
                    }
                },
                "Mirrors": [],
            },
            "NCPU": 1,
            "MemTotal": 1_073_741_824,
            "GenericResources": None,
            "DockerRootDir": "/var/lib/docker",
            "HttpProxy": "",
            "HttpsProxy": "",
            "NoProxy": "",
            "Name": "fake-docker-engine",
            "Labels": [],
            "ExperimentalBuild": False,
            "ServerVersion": engine.version.version,
            "Runtimes": {"runc": {"path": "runc"}},
            "DefaultRuntime": "runc",
            "Swarm": {"NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive"},
            "LiveRestoreEnabled": False,
            "Isolation": "",
            "InitBinary": "docker-init",
            "SecurityOptions": ["name=seccomp,profile=default"],
            "Warnings": None,
        }
    )


def _events(engine: FakeDockerEngine, request: Request, _path: dict[str, str]) -> Response:
    filters = read_filters(request)
    since = _moment(request.parameter("since"))
    until = _moment(request.parameter("until"))
    position = 0 if since is not None else len(engine.event_log)

    def body() -> Iterator[bytes]:
        yield b""
        for event in engine.event_log.follow(position, 0.05):
            now = engine.clock() / 1e9
            if event is None:
                if until is not None and now >= until:
                    return
                yield b""
                continue
            stamp = event["timeNano"] / 1e9
            if (since is not None and stamp < since) or (until is not None and stamp > until):
                continue
            if _wanted(event, filters):
                yield (go_text.dumps(event) + "\n").encode()

    return Response(200, body(), {"Content-Type": "application/json"})


def _moment(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        parsed = go_text.parse_rfc3339(text)
        return parsed / 1e9 if parsed else time.time()


def _wanted(event: dict[str, Any], filters: dict[str, list[str]]) -> bool:
    attributes = event["Actor"]["Attributes"]
    checks: dict[str, Callable[[str], bool]] = {
        "type": lambda v: event["Type"] == v,
        "event": lambda v: event["Action"] == v,
        "image": lambda v: v in (event["Actor"]["ID"], attributes.get("name")),
        "container": lambda v: v in (event["Actor"]["ID"], attributes.get("name")),
        "label": lambda v: (
            attributes.get(v.partition("=")[0]) == v.partition("=")[2]
            if "=" in v
            else v in attributes
        ),
    }
    return all(
        any(checks[name](value) for value in values)
        for name, values in filters.items()
        if name in checks
    )


def _disk_use(engine: FakeDockerEngine, _request: Request, _path: dict[str, str]) -> Response:
    from fakes.engine.routes.image_lists import summaries

    layers = sum(layer.size for layer in engine.images.layers())
    return json_response(
        {
            "LayersSize": layers,
            "Images": summaries(engine, {}, everything=False),
            "Containers": [summary(engine, c, size=True) for c in engine.containers.all()],
            "Volumes": [volume.to_json() for volume in engine.volumes.all()],
            "BuildCache": None,
            "BuilderSize": 0,
        }
    )


ROUTES: list[Route] = [
    ("GET", "/_ping", _ping),
    ("HEAD", "/_ping", _ping),
    ("GET", "/version", _version),
    ("GET", "/info", _info),
    ("GET", "/events", _events),
    ("GET", "/system/df", _disk_use),
]
