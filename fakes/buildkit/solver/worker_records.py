"""What daemons say of their workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.ops_pb2 import Platform
from imagebuilders.buildkit.proto.worker_pb2 import BuildkitVersion, GCPolicy, WorkerRecord

if TYPE_CHECKING:
    from .look import Look

_ID = "fake0000000000000000fake0"  # 25 letters, as of real ones
_UUID = "00000000-0000-4000-8000-000000000000"
_LABEL = "org.mobyproject.buildkit.worker."
_GATEWAY = "172.17.0.1"
_PACKAGE = "github.com/moby/buildkit"
_SOURCES = "type==source.local,type==exec.cachemount,type==source.git.checkout"
_DAY = 24 * 60 * 60 * 1_000_000_000
_MEGABYTE = 1_000_000
_VARIANTS = ("", "v2", "v3")


def engine_worker(look: Look) -> WorkerRecord:
    """Return the worker of an engine; the oldest says next to nothing."""
    if look.has_content_store:
        return _containerd_worker()
    platforms = [Platform(OS="linux", Architecture="amd64", Variant=each) for each in _VARIANTS]
    platforms.append(Platform(OS="linux", Architecture="386"))
    if look.version is None:
        return WorkerRecord(ID="moby", platforms=platforms)
    return WorkerRecord(
        ID=_ID,
        Labels={f"{_LABEL}moby.host-gateway-ip": _GATEWAY},
        platforms=platforms,
        GCPolicy=[
            GCPolicy(filters=[_SOURCES], keepDuration=2 * _DAY, maxUsedSpace=512 * _MEGABYTE),
            _policy(keep=60 * _DAY),
            _policy(),
            _policy(all_records=True),
        ],
        BuildkitVersion=BuildkitVersion(package=_PACKAGE, version=f"{look.version}-moby"),
    )


def _containerd_worker() -> WorkerRecord:
    """Return the worker of an engine with containerd's store, which tells no version."""
    platforms = [Platform(OS="linux", Architecture="amd64", Variant=each) for each in _VARIANTS]
    return WorkerRecord(
        ID=_ID,
        Labels={
            f"{_LABEL}containerd.namespace": "moby",
            f"{_LABEL}containerd.uuid": _UUID,
            f"{_LABEL}executor": "containerd",
            f"{_LABEL}hostname": "fake",
            f"{_LABEL}moby.host-gateway-ip": _GATEWAY,
            f"{_LABEL}network": "host",
            f"{_LABEL}selinux.enabled": "false",
            f"{_LABEL}snapshotter": "overlayfs",
        },
        platforms=platforms,
        BuildkitVersion=BuildkitVersion(),
    )


def daemon_worker(look: Look) -> WorkerRecord:
    """Return the worker of a daemon of its own, which builds for two platforms."""
    platforms = [Platform(OS="linux", Architecture="amd64", Variant=each) for each in _VARIANTS]
    platforms += [
        Platform(OS="linux", Architecture="arm64"),
        Platform(OS="linux", Architecture="386"),
    ]
    return WorkerRecord(
        ID=_ID,
        Labels={
            f"{_LABEL}executor": "oci",
            f"{_LABEL}hostname": "fake",
            f"{_LABEL}network": "host",
            f"{_LABEL}oci.process-mode": "sandbox",
            f"{_LABEL}selinux.enabled": "false",
            f"{_LABEL}snapshotter": "overlayfs",
        },
        platforms=platforms,
        BuildkitVersion=version_record(look),
    )


def version_record(look: Look) -> BuildkitVersion:
    """Return what a daemon says of its version."""
    frontend = f"{look.frontend}.0" if look.tells_frontend else ""
    return BuildkitVersion(package=_PACKAGE, version=look.version or "", dockerfileVersion=frontend)


def _policy(*, keep: int = 0, all_records: bool = False) -> GCPolicy:
    return GCPolicy(
        all=all_records,
        keepDuration=keep,
        reservedSpace=26_000 * _MEGABYTE,
        maxUsedSpace=202_000 * _MEGABYTE,
        minFreeSpace=51_000 * _MEGABYTE,
    )
