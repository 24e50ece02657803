"""What daemons say of their workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.ops_pb2 import Platform
from imagebuilders.buildkit.proto.worker_pb2 import BuildkitVersion, WorkerRecord

if TYPE_CHECKING:
    from .look import Look

_LABEL = "org.mobyproject.buildkit.worker."
_GATEWAY = "172.17.0.1"
_VARIANTS = ("", "v2", "v3")


def engine_worker(look: Look) -> WorkerRecord:
    """Return the worker of an engine with a graph driver; the oldest says next to nothing."""
    platforms = [Platform(OS="linux", Architecture="amd64", Variant=each) for each in _VARIANTS]
    platforms.append(Platform(OS="linux", Architecture="386"))
    if look.version is None:
        return WorkerRecord(ID="moby", platforms=platforms)
    return WorkerRecord(
        ID="fake",
        Labels={f"{_LABEL}moby.host-gateway-ip": _GATEWAY},
        platforms=platforms,
        BuildkitVersion=BuildkitVersion(package="github.com/moby/buildkit", version=look.version),
    )


def daemon_worker(look: Look) -> WorkerRecord:
    """Return the worker of a daemon of its own, which builds for two platforms."""
    platforms = [Platform(OS="linux", Architecture="amd64", Variant=each) for each in _VARIANTS]
    platforms += [
        Platform(OS="linux", Architecture="arm64"),
        Platform(OS="linux", Architecture="386"),
    ]
    return WorkerRecord(
        ID="fake",
        Labels={
            f"{_LABEL}executor": "oci",
            f"{_LABEL}hostname": "fake",
            f"{_LABEL}network": "host",
            f"{_LABEL}oci.process-mode": "sandbox",
            f"{_LABEL}selinux.enabled": "false",
            f"{_LABEL}snapshotter": "overlayfs",
        },
        platforms=platforms,
        BuildkitVersion=BuildkitVersion(
            package="github.com/moby/buildkit", version=look.version or ""
        ),
    )
