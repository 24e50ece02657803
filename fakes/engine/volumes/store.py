"""Volumes: what they are named, who has them, and what they hold."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imagebuilders.oci.file_tree import File, Tree

from ... import go_text
from ..errors import ApiError
from ..state import EngineState
from ..versions import EngineVersion

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_DRIVER = "local"
_OPTIONS = frozenset({"type", "o", "device", "size"})
# Which options of the local driver need which others.
_NEEDED = {"o": ("device", "type"), "type": ("device",), "device": ("type",)}
ANONYMOUS = "com.docker.volume.anonymous"
"""The label by which newer engines know a volume that nobody named."""


@dataclass
class Volume:
    """A volume.

    Attributes:
        folder: where it is mounted, with its mode and owner.
        tree: what it holds, by the path in it.
    """

    name: str
    driver: str
    created: int
    labels: dict[str, str] | None
    options: dict[str, str] | None
    folder: File = field(default_factory=lambda: File("dir", 0o755))
    tree: Tree = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many bytes are in it."""
        return sum(len(file.data) for file in self.tree.values())

    def to_json(self) -> dict[str, Any]:
        """The API's document."""
        return {
            "CreatedAt": go_text.rfc3339(self.created // 1_000_000_000 * 1_000_000_000),
            "Driver": self.driver,
            "Labels": self.labels,
            "Mountpoint": f"/var/lib/docker/volumes/{self.name}/_data",
            "Name": self.name,
            "Options": self.options,
            "Scope": "local",
        }


class VolumeStore:
    """The volumes of an engine.

    From 23.0 on a volume that nobody named gets a label that says so, and only what changes
    something is told.

    Attributes:
        files_lock: held by whoever reads or writes what volumes hold.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._tells_changes = state.version >= "23.0"
        self._lock = threading.RLock()
        self._volumes: dict[str, Volume] = {}
        self.files_lock = threading.RLock()

    @property
    def version(self) -> EngineVersion:
        """Of the engine."""
        return self._state.version

    def all(self) -> list[Volume]:
        """Every volume, by name."""
        with self._lock:
            return [self._volumes[name] for name in sorted(self._volumes)]

    def create(self, request: dict[str, Any]) -> Volume:
        """Make a volume; one of that name stays as it is.

        Raises:
            ApiError: when it cannot be made as asked for.
        """
        given = str(request.get("Name") or "")
        name = given or self._state.new_id()
        driver = str(request.get("Driver") or _DRIVER)
        if driver != _DRIVER:
            raise ApiError(
                404,
                f"create {name}: error looking up volume plugin {driver}: "
                f'plugin "{driver}" not found',
            )
        with self._lock:
            new = name not in self._volumes
            if new:
                options = request.get("DriverOpts")
                if reason := _refusal(name, options or {}):
                    raise ApiError(400, f"create {name}: {reason}")
                labels = request.get("Labels")
                if not given and self._tells_changes:
                    labels = {**(labels or {}), ANONYMOUS: ""}
                now = self._state.clock()
                volume = self._volumes[name] = Volume(name, driver, now, labels, options)
                volume.folder = volume.folder._replace(mtime=now // 1_000_000_000)
            if new or not self._tells_changes:
                self.note("create", self._volumes[name])
            return self._volumes[name]

    def find(self, name: str) -> Volume:
        """A volume by name.

        Raises:
            ApiError: 404 when there is none.
        """
        with self._lock:
            if name not in self._volumes:
                raise ApiError(404, f"get {name}: no such volume")
            return self._volumes[name]

    def get(self, name: str) -> Volume | None:
        """A volume by name, `None` without one."""
        with self._lock:
            return self._volumes.get(name)

    def remove(self, volume: Volume, *, pruned: bool = False) -> None:
        """Take a volume away."""
        with self._lock:
            if self._volumes.pop(volume.name, None) is None:
                return
        if self._tells_changes or not pruned:
            self.note("destroy", volume)

    def note(self, action: str, volume: Volume, more: Mapping[str, str] | None = None) -> None:
        """Say in the events that something happened to a volume."""
        self._state.events.add(
            "volume", action, volume.name, {"driver": volume.driver, **(more or {})}
        )


def _refusal(name: str, options: Mapping[str, str]) -> str:
    """Why a volume cannot be made, empty when it can."""
    if len(name.encode()) == 1:
        return "volume name is too short, names should be at least two alphanumeric characters"
    if not _NAME.fullmatch(name):
        return (
            f"{go_text.quote(name)} includes invalid characters for a local volume name, only "
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, '
            "use absolute path"
        )
    for option in options:
        if option not in _OPTIONS:
            return f"invalid option: {go_text.quote(option)}"
    for option, others in _NEEDED.items():
        for other in others:
            if option in options and other not in options:
                return f"missing required option: {go_text.quote(other)}"
    return ""
