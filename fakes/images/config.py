"""Configurations: what runs in a container of an image, and the image's own document."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields
from typing import Any

from .. import go_text

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class RunConfig:
    """The engine's container configuration; `None` and empty differ, as they do there.

    It has what the image format has not, changes while an image is built, and is written byte for
    byte as engines do; `imagebuilders.oci.image_config` has what all images have, and is frozen.
    """

    hostname: str = ""
    domainname: str = ""
    user: str = ""
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    exposed_ports: dict[str, dict[str, str]] | None = None
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    env: list[str] | None = None
    cmd: list[str] | None = None
    healthcheck: dict[str, Any] | None = None
    image: str = ""
    volumes: dict[str, dict[str, str]] | None = None
    working_dir: str = ""
    entrypoint: list[str] | None = None
    mac_address: str = ""
    on_build: list[str] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: list[str] | None = None

    def copy(self) -> RunConfig:
        """A copy that shares nothing that changes but the health check.

        An engine's copy holds the same one, so that what a commit completes of it stays.
        """
        result = RunConfig()
        held = vars(result)
        held.update(vars(self))
        for name in _CONTAINERS:
            if (value := held[name]) is not None:
                held[name] = value.copy()
        return result

    def to_oci_json(self) -> dict[str, Any]:
        """The JSON form of the image format: what says something, and is not of a container alone.

        The order is that of `ImageConfig` of OCI, and Docker's own fields after it.
        """
        every = self.to_json()
        return {key: every[key] for key in _OCI_KEYS if every.get(key)}

    def to_json(self, left_out: Collection[str] = ()) -> dict[str, Any]:
        """The JSON form, keys in the engine's order, which is that of the fields here.

        Args:
            left_out: keys that are left out where they say nothing, besides those that every
                engine leaves out.
        """
        out = {_KEYS[name]: value for name, value in vars(self).items()}
        for name in _SORTED:
            if value := out[_KEYS[name]]:
                out[_KEYS[name]] = dict(sorted(value.items()))
        for name in _LEFT_OUT_WITHOUT_VALUE:
            if out[_KEYS[name]] is None:
                del out[_KEYS[name]]
        for name in _LEFT_OUT_EMPTY:
            if not out[_KEYS[name]]:
                del out[_KEYS[name]]
        for key in left_out:
            if key in out and not out[key]:
                del out[key]
        return out

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> RunConfig:
        """Read the JSON form; unknown keys are left out."""
        result = cls()
        for name, default in vars(result).copy().items():
            given = value.get(_KEYS[name]) if value else None
            if name in _LISTS:
                given = _strings(given)
            elif name == "healthcheck":
                given = dict(given) if given else None
            elif default is not None:
                given = given or default
            setattr(result, name, given)
        return result


_KEYS = {
    each.name: "".join(part.capitalize() for part in each.name.split("_"))
    for each in fields(RunConfig)
}
_OCI_KEYS = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels"),
    *("StopSignal", "Healthcheck", "OnBuild", "Shell"),
)
_LISTS = ("env", "cmd", "entrypoint", "on_build", "shell")
_SORTED = ("exposed_ports", "volumes", "labels")
_CONTAINERS = (*_LISTS, *_SORTED)
_LEFT_OUT_EMPTY = ("exposed_ports", "mac_address", "stop_signal", "shell")
_LEFT_OUT_WITHOUT_VALUE = ("healthcheck", "stop_timeout")


def _strings(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [value] if isinstance(value, str) else [str(item) for item in value]


@dataclass(frozen=True)
class ImageDocument:
    """An image's document as engines without BuildKit write it, from which its id is computed.

    Each byte counts: it has fields of Docker's own, and empty ones, which
    `imagebuilders.oci.image_config`, by which documents are read, leaves out.
    """

    architecture: str = "amd64"
    os: str = "linux"
    variant: str = ""
    author: str = ""
    comment: str = ""
    config: RunConfig | None = field(default_factory=RunConfig)
    container: str = ""
    container_config: RunConfig | None = None
    created: int | None = 0
    docker_version: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    diff_ids: list[str] = field(default_factory=list)

    def to_oci_bytes(self) -> bytes:
        """The document as the image format has it, which engines with containerd's store write."""
        created = go_text.ZERO_TIME if self.created is None else go_text.rfc3339(self.created)
        document: dict[str, Any] = {"created": created}
        if self.author:
            document["author"] = self.author
        document["architecture"] = self.architecture
        if self.variant:
            document["variant"] = self.variant
        document["os"] = self.os
        document["config"] = {} if self.config is None else self.config.to_oci_json()
        document["rootfs"] = {"type": "layers", "diff_ids": self.diff_ids or None}
        if self.history:
            document["history"] = self.history
        return go_text.dumps(document).encode()

    def to_bytes(self, left_out: Collection[str] = ()) -> bytes:
        """The document as the engine writes it: keys sorted at the top.

        Args:
            left_out: as for `RunConfig.to_json`.
        """
        document: dict[str, Any] = {"architecture": self.architecture}
        if self.author:
            document["author"] = self.author
        if self.comment:
            document["comment"] = self.comment
        if self.config is not None:
            document["config"] = self.config.to_json(left_out)
        if self.container:
            document["container"] = self.container
        if self.container_config is not None:
            document["container_config"] = self.container_config.to_json(left_out)
        document["created"] = (
            go_text.ZERO_TIME if self.created is None else go_text.rfc3339(self.created)
        )
        if self.docker_version:
            document["docker_version"] = self.docker_version
        document["history"] = self.history or None
        document["os"] = self.os
        rootfs: dict[str, Any] = {"type": "layers"}
        if self.diff_ids:
            rootfs["diff_ids"] = self.diff_ids
        document["rootfs"] = rootfs
        if self.variant:
            document["variant"] = self.variant
        return go_text.dumps(document).encode()


def history_entry(
    created: int | None,
    created_by: str,
    *,
    author: str = "",
    comment: str = "",
    empty: bool = False,
) -> dict[str, Any]:
    """One line of an image's history."""
    entry: dict[str, Any] = {
        "created": go_text.ZERO_TIME if created is None else go_text.rfc3339(created)
    }
    if author:
        entry["author"] = author
    if created_by:
        entry["created_by"] = created_by
    if comment:
        entry["comment"] = comment
    if empty:
        entry["empty_layer"] = True
    return entry
