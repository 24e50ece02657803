"""A scenario's hands for containers: making them, and what of them can be compared."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from .context import MTIME, Files, pack
from .session import Session

Document = dict[str, Any]

_PATIENCE = 20.0
"""Seconds after which a real engine is taken not to do what a scenario waits for."""

_ADDRESSES = frozenset(
    {
        "EndpointID",
        "Gateway",
        "GlobalIPv6Address",
        "GlobalIPv6PrefixLen",
        "IPAddress",
        "IPPrefixLen",
        "IPv6Gateway",
        "MacAddress",
        "NetworkID",
        "SandboxID",
        "SandboxKey",
    }
)
# What depends on the machine and the engine's own settings: `AppArmorProfile` on the kernel,
# `CgroupnsMode` and `OomKillDisable` on the cgroup version, the graph driver on the file system
# below, some masked paths on the number of processors.
_MACHINE = frozenset({"AppArmorProfile", "CgroupnsMode", "GraphDriver", "Pid"})
_ALWAYS_MASKED = frozenset({"OomKillDisable"})
_OF_PROCESSOR = "/cpu/cpu"
_ENV_OF_BASE = "PATH="


def image(s: Session, dockerfile: str, files: Files | None = None, tag: str = "scenario:1") -> None:
    """Build an image without noting it: how that is told is not what a container shows."""
    response = s.request(
        "POST",
        "/build",
        params={"t": tag, "rm": "1"},
        data=pack({"Dockerfile": dockerfile, **(files or {})}),
        headers={"Content-Type": "application/x-tar"},
    )
    if "Successfully built" not in response.text:
        raise AssertionError(f"no image was made: {response.text}")


def create(s: Session, *command: str, name: str = "", **body: Any) -> str:
    """Make a container of the base image without noting it; its id."""
    query = {"name": name} if name else {}
    response = s.request(
        "POST",
        "/containers/create",
        params=query,
        json={"Image": s.base, **({"Cmd": list(command)} if command else {}), **body},
    )
    if response.status_code != 201:
        raise AssertionError(f"no container was made: {response.text}")
    return str(response.json()["Id"])


def start(s: Session, container: str) -> str:
    """Start a container without noting it; its id."""
    response = s.request("POST", f"/containers/{container}/start")
    if response.status_code != 204:
        raise AssertionError(f"the container did not start: {response.text}")
    return container


def run(s: Session, *command: str, name: str = "", **body: Any) -> str:
    """Make and start a container without noting it, and wait until it has ended; its id."""
    container = start(s, create(s, *command, name=name, **body))
    s.request("POST", f"/containers/{container}/wait")
    return container


def sleeping(s: Session, name: str = "", **body: Any) -> str:
    """A container that runs until it is killed; its id. As process 1 it ignores `TERM`."""
    return start(s, create(s, *s.given_container("sleep", "60", service=True), name=name, **body))


def serving(s: Session, name: str = "", **body: Any) -> str:
    """A container that ends in its own way on `TERM`, when it listens to that; its id."""
    script = "trap 'exit 143' TERM; echo ready; sleep 60 & wait"
    command = s.given_container("sh", "-c", script, output="ready\n", service=True)
    container = start(s, create(s, *command, name=name, **body))
    until(lambda: "ready" in printed(s, container)["stdout"])
    return container


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to be")
        time.sleep(0.02)


def status(s: Session, container: str) -> str:
    """The status of a container."""
    return str(s.request("GET", f"/containers/{container}/json").json()["State"]["Status"])


def printed(s: Session, container: str, *, tty: bool = False, **query: Any) -> dict[str, str]:
    """What a container's log holds, by stream."""
    response = s.request(
        "GET", f"/containers/{container}/logs", params={"stdout": "1", "stderr": "1", **query}
    )
    return {"stdout": response.text} if tty else by_stream(response.content)


def by_stream(data: bytes) -> dict[str, str]:
    """Multiplexed output taken apart; how the streams mixed is left to chance by an engine."""
    streams = {1: b"", 2: b""}
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "big")
        streams[data[position]] += data[position + 8 : position + 8 + size]
        position += 8 + size
    return {"stdout": streams[1].decode(), "stderr": streams[2].decode()}


def note_output(s: Session, what: str, response: requests.Response, *, tty: bool = False) -> None:
    """Note an answer that holds output: status, type and what was printed."""
    seen: Document = {
        "status": response.status_code,
        "type": response.headers.get("Content-Type", ""),
    }
    if response.status_code >= 400:
        # Some refusals come after the connection was taken over, as plain text.
        plain = seen["type"].startswith("application/vnd.docker")
        seen["body"] = response.text if plain else response.json()
    else:
        seen["output"] = response.content.decode() if tty else by_stream(response.content)
    s.note(what, seen)


def upgraded(s: Session, path: str, **options: Any) -> None:
    """Note the answer to a client that asks for the bare connection."""
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
    with s.request("POST", path, headers=headers, stream=True, **options) as response:
        keys = ("Content-Type", "Connection", "Upgrade")
        s.note(
            "upgraded",
            {"status": response.status_code, **{k: response.headers.get(k) for k in keys}},
        )


def note_document(
    s: Session,
    container: str,
    what: str = "document",
    *,
    only: tuple[str, ...] = (),
    **query: Any,
) -> Document:
    """Note a container's document, or some parts of it, without what depends on the machine."""
    document = s.request("GET", f"/containers/{container}/json", params=query).json()
    seen = {key: document.get(key, "(not there)") for key in only} if only else document
    s.note(what, comparable(seen))
    return dict(document)


def comparable(value: Any, key: str = "") -> Any:
    """A document in which what depends on the machine is only there or not, or empty or not."""
    if key in _ALWAYS_MASKED:
        return "<machine>"
    if key in _ADDRESSES | _MACHINE:
        return "<some>" if value else value
    if key == "ImageManifestDescriptor" and isinstance(value, Mapping):
        # How long the manifest is depends on the image that the machine has.
        value = {**value, "size": "<size>"}
    if isinstance(value, Mapping):
        return {name: comparable(value[name], name) for name in value}
    if key == "MaskedPaths" and isinstance(value, list):
        return sorted(path for path in value if _OF_PROCESSOR not in path)
    if key == "Env" and isinstance(value, list):
        return [item for item in value if not item.startswith(_ENV_OF_BASE)]
    if key == "Mounts" and isinstance(value, list):
        # An engine keeps them in no order.
        value = sorted(value, key=lambda mount: str(mount.get("Destination")))
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value


def listed(s: Session, what: str, **query: Any) -> None:
    """Note which containers a list has, by name, or the refusal."""
    response = s.request("GET", "/containers/json", params=query)
    lines = response.json()
    if isinstance(lines, dict):
        s.note(what, {"status": response.status_code, "body": lines})
    else:
        s.note(what, [name for line in lines for name in line["Names"]])


def archive(data: bytes) -> list[str]:
    """The entries of a tar, one line each; contents in short, times only when they are fixed."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [_line(tar, info) for info in tar]


def _line(tar: tarfile.TarFile, info: tarfile.TarInfo) -> str:
    kind = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "link"}.get(
        info.type, "file"
    )
    detail = f" -> {info.linkname}" if info.linkname else ""
    if info.isreg():
        source = tar.extractfile(info)
        detail = f" {source.read()!r}" if source else ""
    # The mode of a link is a matter of the file system.
    mode = "" if info.issym() else f" {info.mode & 0o7777:04o}"
    fixed = abs(info.mtime - MTIME) < 1000 and not info.issym()
    return f"{kind}{mode} {info.uid}:{info.gid} {'fixed' if fixed else 'now'} {info.name}{detail}"
