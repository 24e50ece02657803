"""Configurations: what runs in a container of an image, and the image's own document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import go_text

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class RunConfig:
    """The engine's container configuration; `None` and empty differ, as they do there."""

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
    mac_address: str = ""
    entrypoint: list[str] | None = None
    on_build: list[str] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: list[str] | None = None

    def copy(self) -> RunConfig:
        """A copy that shares nothing that changes."""
        return RunConfig(
            hostname=self.hostname,
            domainname=self.domainname,
            user=self.user,
            attach_stdin=self.attach_stdin,
            attach_stdout=self.attach_stdout,
            attach_stderr=self.attach_stderr,
            exposed_ports=None if self.exposed_ports is None else dict(self.exposed_ports),
            tty=self.tty,
            open_stdin=self.open_stdin,
            stdin_once=self.stdin_once,
            env=None if self.env is None else list(self.env),
            cmd=None if self.cmd is None else list(self.cmd),
            healthcheck=self.healthcheck,
            image=self.image,
            volumes=None if self.volumes is None else dict(self.volumes),
            working_dir=self.working_dir,
            mac_address=self.mac_address,
            entrypoint=None if self.entrypoint is None else list(self.entrypoint),
            on_build=None if self.on_build is None else list(self.on_build),
            labels=None if self.labels is None else dict(self.labels),
            stop_signal=self.stop_signal,
            stop_timeout=self.stop_timeout,
            shell=None if self.shell is None else list(self.shell),
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON form, keys in the engine's order."""
        out: dict[str, Any] = {
            "Hostname": self.hostname,
            "Domainname": self.domainname,
            "User": self.user,
            "AttachStdin": self.attach_stdin,
            "AttachStdout": self.attach_stdout,
            "AttachStderr": self.attach_stderr,
        }
        if self.exposed_ports:
            out["ExposedPorts"] = _sorted(self.exposed_ports)
        out["Tty"] = self.tty
        out["OpenStdin"] = self.open_stdin
        out["StdinOnce"] = self.stdin_once
        out["Env"] = self.env
        out["Cmd"] = self.cmd
        if self.healthcheck is not None:
            out["Healthcheck"] = self.healthcheck
        out["Image"] = self.image
        out["Volumes"] = _sorted(self.volumes)
        out["WorkingDir"] = self.working_dir
        out["Entrypoint"] = self.entrypoint
        if self.mac_address:
            out["MacAddress"] = self.mac_address
        out["OnBuild"] = self.on_build
        out["Labels"] = _sorted(self.labels)
        if self.stop_signal:
            out["StopSignal"] = self.stop_signal
        if self.stop_timeout is not None:
            out["StopTimeout"] = self.stop_timeout
        if self.shell:
            out["Shell"] = self.shell
        return out

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> RunConfig:
        """Read the JSON form; unknown keys are left out."""
        value = value or {}
        return cls(
            hostname=value.get("Hostname") or "",
            domainname=value.get("Domainname") or "",
            user=value.get("User") or "",
            attach_stdin=bool(value.get("AttachStdin")),
            attach_stdout=bool(value.get("AttachStdout")),
            attach_stderr=bool(value.get("AttachStderr")),
            exposed_ports=value.get("ExposedPorts"),
            tty=bool(value.get("Tty")),
            open_stdin=bool(value.get("OpenStdin")),
            stdin_once=bool(value.get("StdinOnce")),
            env=_strings(value.get("Env")),
            cmd=_strings(value.get("Cmd")),
            healthcheck=dict(value["Healthcheck"]) if value.get("Healthcheck") else None,
            image=value.get("Image") or "",
            volumes=value.get("Volumes"),
            working_dir=value.get("WorkingDir") or "",
            mac_address=value.get("MacAddress") or "",
            entrypoint=_strings(value.get("Entrypoint")),
            on_build=_strings(value.get("OnBuild")),
            labels=value.get("Labels"),
            stop_signal=value.get("StopSignal") or "",
            stop_timeout=value.get("StopTimeout"),
            shell=_strings(value.get("Shell")),
        )


def _sorted(mapping: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if mapping is None else {key: mapping[key] for key in sorted(mapping)}


def _strings(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [value] if isinstance(value, str) else [str(item) for item in value]


@dataclass
class ImageConfig:
    """An image's document, from which its id is computed."""

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

    def to_bytes(self) -> bytes:
        """The document as the engine writes it: keys sorted at the top."""
        document: dict[str, Any] = {"architecture": self.architecture}
        if self.author:
            document["author"] = self.author
        if self.comment:
            document["comment"] = self.comment
        if self.config is not None:
            document["config"] = self.config.to_json()
        if self.container:
            document["container"] = self.container
        if self.container_config is not None:
            document["container_config"] = self.container_config.to_json()
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
