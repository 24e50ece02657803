"""How mounts are written in a request: read, and refused as an engine refuses them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from typing import Any

from imagebuilders.oci.rooted_files import is_local

from .. import messages
from ..errors import ApiError
from ..versions import EngineVersion

Mount = dict[str, Any]

_PROPAGATIONS = ("private", "rprivate", "slave", "rslave", "shared", "rshared")
# Of each of these a mode has one at most.
_MODES = (("ro", "rw"), ("z", "Z"), ("nocopy",), _PROPAGATIONS)
_OPTIONS = {"bind": "BindOptions", "volume": "VolumeOptions", "tmpfs": "TmpfsOptions"}
_OWN_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
_VOLUMES_FROM_MODES = ("", "ro", "rw", "z", "Z", "nocopy")


def volume_mount(destination: str, mode: str, name: str = "", *, writable: bool = True) -> Mount:
    """A volume's line in a container's document, without its place."""
    return {
        "Type": "volume",
        "Name": name,
        "Source": "",
        "Destination": destination,
        "Driver": "local",
        "Mode": mode,
        "RW": writable,
        "Propagation": "",
    }


def _bind(source: str, target: str, mode: str, propagation: str, *, writable: bool) -> Mount:
    return {
        "Type": "bind",
        "Source": posixpath.normpath(source),
        "Destination": target,
        "Mode": mode,
        "RW": writable,
        "Propagation": propagation,
    }


def parse_bind(text: str) -> Mount:
    """Read a line of `Binds`: source, target and mode.

    Raises:
        ApiError: 500 when it cannot be.
    """
    invalid = f"invalid volume specification: '{text}'"
    parts = text.split(":")
    source, mode = "", ""
    if len(parts) == 1:
        target = parts[0]
    elif len(parts) == 2 and parts[1] and _is_mode(parts[1]):
        target, mode = parts
    elif len(parts) == 2:
        source, target = parts
    elif len(parts) == 3:
        source, target, mode = parts
    else:
        raise ApiError(500, invalid)
    if not target or (len(parts) > 1 and not parts[0]):
        raise ApiError(500, invalid)
    if mode and not _is_mode(mode):
        raise ApiError(500, f"invalid mode: {mode}")
    kind = "bind" if source.startswith("/") else "volume"
    words = mode.split(",")
    propagation = next((word for word in words if word in _PROPAGATIONS), "")
    refused = f'{invalid}: invalid mount config for type "{kind}": '
    if reason := _place_refusal(target):
        raise ApiError(500, refused + reason)
    if kind == "bind" and "nocopy" in words:
        raise ApiError(500, f"{refused}field VolumeOptions must not be specified")
    if kind == "volume" and propagation:
        raise ApiError(500, f"{refused}field BindOptions must not be specified")
    target, writable = posixpath.normpath(target), "ro" not in words
    if kind == "volume":
        return volume_mount(target, mode or ("z" if source else ""), source, writable=writable)
    return _bind(source, target, mode, propagation or "rprivate", writable=writable)


def _is_mode(text: str) -> bool:
    words = text.split(",")
    kinds = [sum(word in kind for word in words) for kind in _MODES]
    return sum(kinds) == len(words) and max(kinds) == 1


def _place_refusal(target: str) -> str:
    """Why nothing can be mounted at a path; empty when something can."""
    if posixpath.normpath(target) in ("/", "//"):
        return "invalid specification: destination can't be '/'"
    if not target.startswith("/"):
        return f"invalid mount path: '{target}' mount path must be absolute"
    return ""


def check_memory_places(host: Mapping[str, Any]) -> None:
    """Refuse places of memory that cannot be.

    Raises:
        ApiError: 400.
    """
    for target in host.get("Tmpfs") or {}:
        if reason := _place_refusal(target):
            raise ApiError(400, reason)


def parse_mount(asked: Mapping[str, Any], version: EngineVersion) -> Mount:
    """Read an entry of `Mounts`.

    Raises:
        ApiError: 400 when it cannot be.
    """
    kind, target = str(asked.get("Type") or ""), str(asked.get("Target") or "")
    source, writable = str(asked.get("Source") or ""), not asked.get("ReadOnly")
    refused = f'invalid mount config for type "{kind}": '
    known = [*_OPTIONS, *(["image"] if version >= "28.0" else [])]
    if kind not in known:
        raise ApiError(400, f"{refused}mount type unknown")
    _check_options(asked, kind, version)
    if not target:
        raise ApiError(400, f"{refused}field Target must not be empty")
    reason = (
        _place_refusal(target)
        or _source_refusal(kind, source, asked, version)
        or (_subpath_refusal(kind, source, asked) if version >= "26.0" else "")
    )
    if reason:
        raise ApiError(400, refused + reason)
    target = posixpath.normpath(target)
    if kind == "volume":
        options = asked.get("VolumeOptions") or {}
        mount = volume_mount(target, "z", source, writable=writable)
        mount["Driver"] = (options.get("DriverConfig") or {}).get("Name") or mount["Driver"]
        return mount
    if kind == "bind":
        propagation = (asked.get("BindOptions") or {}).get("Propagation") or "rprivate"
        return _bind(source, target, "", propagation, writable=writable)
    return {
        "Type": kind,
        "Source": source,
        "Destination": target,
        "Mode": "",
        "RW": writable,
        "Propagation": "",
    }


def _check_options(asked: Mapping[str, Any], kind: str, version: EngineVersion) -> None:
    for other, name in _OPTIONS.items():
        if other == kind or asked.get(name) is None or (kind == "image"):
            continue
        # Older engines look at some of them only.
        if version >= "23.0" or "Bind" in name or (kind == "bind" and "Volume" in name):
            raise ApiError(400, messages.WRONG_OPTIONS(version, name, kind))


def _source_refusal(
    kind: str, source: str, asked: Mapping[str, Any], version: EngineVersion
) -> str:
    """What is wrong with where a mount comes from; empty when nothing is."""
    if kind == "tmpfs" and source:
        return "field Source must not be specified"
    if kind == "volume" and not source and asked.get("ReadOnly") and version < "29.0":
        return "must not set ReadOnly mode when using anonymous volumes"
    if kind != "bind":
        return ""
    propagation = (asked.get("BindOptions") or {}).get("Propagation") or "rprivate"
    if not source:
        return "field Source must not be empty"
    if propagation not in _PROPAGATIONS:
        return f"invalid propagation mode: {propagation}"
    if not source.startswith("/"):
        return f"invalid mount path: '{source}' mount path must be absolute"
    if source not in _OWN_SOCKETS and not os.path.lexists(source):
        return f"bind source path does not exist: {source}"
    return ""


def _subpath_refusal(kind: str, source: str, asked: Mapping[str, Any]) -> str:
    """What is wrong with the folder of a volume that is mounted; empty when nothing is."""
    below = str((asked.get("VolumeOptions") or {}).get("Subpath") or "")
    if kind != "volume" or not below:
        return ""
    if not source:
        return "must not set Subpath when using anonymous volumes"
    return "" if is_local(below) else "subpath must be a relative path within the volume"


def parse_volumes_from(text: str) -> tuple[str, bool]:
    """Read an entry of `VolumesFrom`: the name of a container, and whether one may write.

    Raises:
        ApiError: 400 when it cannot be.
    """
    name, _, mode = text.partition(":")
    if not name:
        raise ApiError(400, "volumes-from specification cannot be an empty string")
    if mode not in _VOLUMES_FROM_MODES:
        raise ApiError(400, f"invalid mode: {mode}")
    return name, mode != "ro"
