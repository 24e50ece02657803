"""The BuildKit doubles as the contract's scenarios need them: bases are there, RUN is told."""

from __future__ import annotations

import io
import json
import re
import socket
import tarfile
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from buildkit_cases import bases

from fakes.buildkit import ScriptedBuildKit
from fakes.contracts.buildkit.messages import Json, bytes_of
from fakes.images.image import Image
from fakes.images.layers import Layer
from fakes.shell.process import Process
from imagebuilders.oci.platform import Platform

_CREATED = "2001-09-09T01:46:40Z"
_SLEEP = re.compile(r"sleep ([\d.]+)")
_ECHO = re.compile(r"echo (\S+) > (/\S+)")
_FLAGS = re.compile(r"^(--\S+ )+")
_HEREDOC = re.compile(r"<<\S+ \((.*?)(\.\.\.)?\)$")
_VARIABLE = re.compile(r"\\\$(\\\{)?\w+(\\\})?")
_TYPES = {"dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE}
_LONGEST_SLEEP = 0.6
_LONG = 10
"""Steps that sleep for more seconds than this are there to be broken off."""

_FASTER = 0.3


@cache
def base_images() -> dict[str, list[tuple[Platform, Image]]]:
    """Return the base images of the scenarios, by name, one for each platform."""
    return {
        name: [(_platform(spec), _image(spec)) for spec in specs] for name, specs in bases().items()
    }


def _platform(spec: Mapping[str, Any]) -> Platform:
    told = spec["platform"]
    return Platform(told["os"], told["architecture"], told.get("variant", ""))


def _image(spec: Mapping[str, Any]) -> Image:
    layers = tuple(Layer(_archive(entries)) for entries in spec["layers"])
    document = {
        "created": _CREATED,
        **spec["platform"],
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [
            {"created": _CREATED, "created_by": f"base layer {number}"}
            for number in range(len(layers))
        ],
        "config": spec["config"],
    }
    return Image(json.dumps(document, separators=(",", ":")).encode(), layers)


def _archive(entries: list[Mapping[str, Any]]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry["path"])
            info.mode, info.mtime = int(entry["mode"], 8), entry["mtime"]
            info.uid, info.gid = entry["uid"], entry["gid"]
            info.type = _TYPES.get(entry["type"], tarfile.REGTYPE)
            info.linkname = entry.get("target", "")
            content = entry.get("content", "").encode()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


class Commands:
    """Does what the RUN steps of a scenario did when it was recorded; a rule of a double."""

    def __init__(self) -> None:
        self.runs: list[Json] = []

    def prepare(self, runs: list[Json]) -> None:
        """Take what the steps of the next scenario did."""
        self.runs = runs

    def __call__(self, process: Process) -> int:
        """Do a command's work."""
        run = self._find(process.command) or {"command": ""}
        nap = _SLEEP.search(run["command"])
        seconds = min(float(nap[1]) * _FASTER, _LONGEST_SLEEP) if nap else 0.0
        if nap and float(nap[1]) > _LONG:
            seconds = 2.0
        printed: list[Any] = run.get("prints") or []
        if not printed:
            process.sleep(seconds)
        for number, (stream, message) in enumerate(printed):
            tell = process.print_error if stream == 2 else process.print
            tell(bytes_of(message), end="")
            if not number:
                process.sleep(seconds)
        if echo := _ECHO.search(run["command"]):
            process.files[echo[2]] = f"{echo[1]}\n".encode()
        return int(run.get("code", 0))

    def _find(self, words: list[str]) -> Json | None:
        """Return the step whose command this is; its name has variables expanded, and is cut."""
        command = words[-1] if words[:2] == ["/bin/sh", "-c"] else json.dumps(words)
        named = [(_FLAGS.sub("", run["command"]), run) for run in self.runs]
        exact = (run for shown, run in named if shown == command)
        near = (run for shown, run in named if _is_meant(shown, command))
        return next(exact, None) or next(near, None)


def _is_meant(shown: str, command: str) -> bool:
    if heredoc := _HEREDOC.match(shown):
        return command.startswith(heredoc[1])
    if shown.startswith("<<"):
        return "\n" in command
    if re.fullmatch(_VARIABLE.sub(".*", re.escape(command)).replace('"', "?"), shown):
        return True
    return _blanks(shown)[:20] == _blanks(command)[:20]


def _blanks(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\\\n", " "))


class Connector:
    """Connects to a double within this process."""

    def __init__(self, buildkit: ScriptedBuildKit) -> None:
        self._buildkit = buildkit
        self._threads: list[threading.Thread] = []

    def __call__(self) -> tuple[socket.socket, bytes]:
        """Return a connected socket, from which nothing was read."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        serve: Callable[[socket.socket], None] = self._buildkit.attach
        thread = threading.Thread(target=serve, args=(theirs,))
        self._threads.append(thread)
        thread.start()
        return ours, b""

    def close(self) -> None:
        """Break all connections, and wait for them."""
        self._buildkit.close()
        for thread in self._threads:
            thread.join()
