"""Where the commands that `relay.py` hands over are run: in threads of the test's own process."""

from __future__ import annotations

import json
import shlex
import socket
import stat
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...http.addresses import listening
from ...http.server import Server

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

_RELAY = Path(__file__).with_name("relay.py")


class UsageError(Exception):
    """The real program does not take such arguments."""


@dataclass(frozen=True)
class Command:
    """A command that was handed over.

    Attributes:
        arguments: its words, without the program's name.
        folder: the folder that it is run in.
        environment: its environment variables.
        input: all of its standard input.
        tell: writes to standard output.
        complain: writes to standard error.
    """

    arguments: list[str]
    folder: Path
    environment: Mapping[str, str]
    input: bytes
    tell: Callable[[str], None] = field(repr=False)
    complain: Callable[[str], None] = field(repr=False)

    def path(self, name: str) -> Path:
        """Return a path as the command means it."""
        return self.folder / name


Program = Callable[[Command], int]
"""Runs a command; returns its exit code. What it takes not is a `UsageError`."""


class ProgramHost:
    """Runs programs that builds start. To be used in a `with` block.

    Args:
        programs: the programs by their names.

    Attributes:
        commands: the words of all commands, the program's name first.
    """

    def __init__(self, programs: Mapping[str, Program]) -> None:
        self._programs = dict(programs)
        self.commands: list[list[str]] = []
        self.defects: list[BaseException] = []
        self._lock = threading.Lock()
        self._listening: AbstractContextManager[tuple[socket.socket, str]] | None = None
        self._server: Server | None = None
        self._path = ""

    def __enter__(self) -> ProgramHost:
        self._listening = listening(None, "code-build")
        listener, address = self._listening.__enter__()
        self._path = address.removeprefix("unix://")
        self._server = Server(listener, self._serve, name="code-build-programs")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        if self._listening is not None:
            self._listening.__exit__(kind, error, traceback)

    def installed(self, folder: Path) -> None:
        """Put the programs into a folder."""
        for name in self._programs:
            words = [sys.executable, "-I", "-S", str(_RELAY), self._path, name]
            file = folder / name
            file.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as reader:
            head = json.loads(reader.readline())
            data = reader.read(head["input"])
        lock = threading.Lock()

        def write(kind: str) -> Callable[[str], None]:
            def send(text: str) -> None:
                raw = text.encode("utf-8", "surrogateescape")
                with lock, suppress(OSError):
                    connection.sendall(f"{kind} {len(raw)}\n".encode() + raw)

            return send

        command = Command(
            head["arguments"],
            Path(head["folder"]),
            head["environment"],
            data,
            write("out"),
            write("err"),
        )
        code = self._run(head["program"], command)
        with suppress(OSError):
            connection.sendall(f"exit {code}\n".encode())

    def _run(self, name: str, command: Command) -> int:
        with self._lock:
            self.commands.append([name, *command.arguments])
        try:
            return self._programs[name](command)
        except UsageError as error:
            command.complain(f"{name}: {error}\n")
            return 252 if name == "aws" else 125
        except Exception as error:  # told when the double is closed
            self.defects.append(error)
            command.complain(f"{name}: the double failed: {error!r}\n")
            return 70


def options_of(
    words: list[str], *, valued: frozenset[str], switches: frozenset[str] = frozenset()
) -> tuple[dict[str, list[str]], list[str]]:
    """Read flags and what stands beside them.

    Args:
        words: the words of the command.
        valued: the flags that have a value.
        switches: those that have none.

    Returns:
        The values by the flags' names, and the other words.

    Raises:
        UsageError: a flag is unknown or lacks its value.
    """
    found: dict[str, list[str]] = {}
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":
            rest.extend(left)
            break
        if not word.startswith("--"):
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        if name in switches and (not equals or value in ("true", "false")):
            found.setdefault(name, []).append(value or "true")
        elif name in valued:
            if not equals:
                value = next(left, "")
            found.setdefault(name, []).append(value)
        else:
            raise UsageError(f"unknown flag: {name}")
    return found, rest
