"""Programs named `kubectl` or `ssh` that lead to a BuildKit daemon, as the real ones would.

A stand-in notes how it was called, and carries its standard input and output to the daemon.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.buildkit_gateway import upgraded

_PIECE = 64 * 1024
_PROGRAM = """\
#!{python}
import sys
sys.path.insert(0, {support!r})
from stand_in_command import run
sys.exit(run({settings!r}))
"""


def write_command(
    folder: Path, name: str, address: str, *, pods: Sequence[Mapping[str, object]] = ()
) -> Path:
    """Write a program.

    Args:
        folder: where; to be put into `PATH`.
        name: what it is called.
        address: `unix://…` of a daemon, or `engine+tcp://…`, `engine+unix://…` of an engine.
        pods: what `get pods` lists.

    Returns:
        The file that it notes its calls in, each a line of JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    settings = json.dumps({"address": address, "log": str(log), "pods": list(pods)})
    support = str(Path(__file__).parent)
    program = folder / name
    program.write_text(_PROGRAM.format(python=sys.executable, support=support, settings=settings))
    program.chmod(0o755)
    return log


def calls(log: Path) -> list[list[str]]:
    """Return the arguments of all calls."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def run(text: str) -> int:
    """Do what the program is there for; return its exit code."""
    settings = json.loads(text)
    arguments = sys.argv[1:]
    with open(settings["log"], "a", encoding="utf-8") as log:
        log.write(json.dumps(arguments) + "\n")
    if "get" in arguments:
        print(json.dumps({"items": settings["pods"]}))
        return 0
    if not " ".join(arguments).endswith("dial-stdio"):
        print(f"error: unknown command {arguments}", file=sys.stderr)
        return 2
    try:
        far, begun = _connected(settings["address"])
    except OSError as error:
        print(f"error: unable to upgrade connection: {error}", file=sys.stderr)
        return 1
    _write_all(1, begun)
    _carry(far)
    return 0


def _connected(address: str) -> tuple[socket.socket, bytes]:
    if address.startswith("engine+"):
        return upgraded(address.removeprefix("engine+"))
    far = socket.socket(socket.AF_UNIX)
    far.connect(address.removeprefix("unix://"))
    return far, b""


def _carry(far: socket.socket) -> None:
    """Carry bytes both ways until the daemon or this program's caller ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(far, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == 0:
                    data = os.read(0, _PIECE)
                    if not data:
                        return
                    far.sendall(data)
                else:
                    data = far.recv(_PIECE)
                    if not data:
                        return
                    _write_all(1, data)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
