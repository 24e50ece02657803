"""The engine about itself and its machine, as `GET /info` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import go_text
from ..containers.resources import CPUS
from ..http import Request, Response, json_response
from ..images.content_store import has_content
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

_COMMIT = {"ID": "", "Expected": ""}


@route("GET", "/info")
def _info(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    states = [container.status for container in engine.containers.all()]
    return json_response(
        {
            "ID": "FAKE:DOCKER:ENGINE",
            "Containers": len(states),
            "ContainersRunning": states.count("running"),
            "ContainersPaused": states.count("paused"),
            "ContainersStopped": len(states) - states.count("running") - states.count("paused"),
            "Images": len(engine.images.all()),
            **_driver(engine),
            "Plugins": {
                "Volume": ["local"],
                "Network": ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"],
                "Authorization": None,
                "Log": ["json-file"],
            },
            "MemoryLimit": True,
            "SwapLimit": True,
            "CpuCfsPeriod": True,
            "CpuCfsQuota": True,
            "CPUShares": True,
            "CPUSet": True,
            "PidsLimit": True,
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
            "RegistryConfig": _registries(engine, request.version),
            "NCPU": CPUS,
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
            "Swarm": {
                "NodeID": "",
                "NodeAddr": "",
                "LocalNodeState": "inactive",
                "ControlAvailable": False,
                "Error": "",
                "RemoteManagers": None,
            },
            "LiveRestoreEnabled": False,
            "Isolation": "",
            "InitBinary": "docker-init",
            "ContainerdCommit": _COMMIT,
            "RuncCommit": _COMMIT,
            "InitCommit": _COMMIT,
            "SecurityOptions": ["name=seccomp,profile=default"],
            "Warnings": None,
            **_of_version(engine, request.version),
        }
    )


def _driver(engine: Daemon) -> dict[str, Any]:
    """Where images are kept."""
    if has_content(engine.state):
        status = [["driver-type", "io.containerd.snapshotter.v1"]]
        return {"Driver": "overlayfs", "DriverStatus": status}
    return {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "memory"]]}


def _registries(engine: Daemon, version: str | None) -> dict[str, Any]:
    # Newer engines write what is empty as nothing.
    none: list[str] | None = None if engine.version >= "23.0" else []
    artifacts = {
        "AllowNondistributableArtifactsCIDRs": none,
        "AllowNondistributableArtifactsHostnames": none,
    }
    hub = {"Name": "docker.io", "Mirrors": [], "Secure": True, "Official": True}
    return {
        **({} if engine.version.speaks(version, "1.49") else artifacts),
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "IndexConfigs": {"docker.io": hub},
        "Mirrors": [] if engine.version >= "29.0" else none,
    }


def _of_version(engine: Daemon, version: str | None) -> dict[str, Any]:
    """What came and went with versions of the engine, or of its API."""
    fields: dict[str, Any] = {} if engine.version >= "29.0" else {"KernelMemoryTCP": True}
    if engine.version >= "23.0":
        fields["CDISpecDirs"] = []
    if not engine.version.speaks(version, "1.25") and engine.version < "28.0":
        fields["ExecutionDriver"] = "<not supported>"
    if not engine.version.speaks(version, "1.42") and engine.version < "29.0":
        fields["KernelMemory"] = True
    if engine.version.speaks(version, "1.46"):
        fields["Containerd"] = {"Address": "/run/containerd/containerd.sock", "Namespaces": {}}
    if not engine.version.speaks(version, "1.50"):
        fields |= {"BridgeNfIptables": True, "BridgeNfIp6tables": True}
    return fields
