"""The files and commands that a program reads and writes beside its input and output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....open_files import Bytes
from ...invoking import invoke
from ..inputs import lines_of

if TYPE_CHECKING:
    from ....process import Process


class Streams:
    """What `print` and `getline` have opened, by name, until `close` or the program's end."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._outputs: dict[str, tuple[str, list[str]]] = {}
        self._inputs: dict[str, Iterator[bytes]] = {}

    def write(self, text: str, operator: str, name: str) -> None:
        """Print a text to a file (`>`, `>>`) or a command (`|`).

        Raises:
            ProcessExit: the file cannot be written.
        """
        if operator != "|" and name in ("/dev/stdout", "-"):
            self._process.print(text)
        elif operator != "|" and name == "/dev/stderr":
            self._process.print_error(text)
        else:
            if name not in self._outputs:
                if operator == ">":
                    self._empty(name)
                self._outputs[name] = (operator, [])
            self._outputs[name][1].append(text)

    def _empty(self, name: str) -> None:
        try:
            self._process.system.files.write_file(self._process, name, b"")
        except OSError as error:
            raise self._process.fail(
                f"{name}: {error.strerror}"
                if self._process.system.programs.is_busybox
                else f"can't redirect to {name} ({error.strerror})",
                2,
            ) from error

    def read_line(self, operator: str, name: str) -> bytes | None:
        """Return the next line of a file (`<`) or of a command's output (`|`); `None` at its end.

        Raises:
            OSError: it cannot be read.
        """
        if name not in self._inputs:
            self._inputs[name] = self._open(operator, name)
        return next(self._inputs[name], None)

    def _open(self, operator: str, name: str) -> Iterator[bytes]:
        if operator == "<":
            if name != "-":
                self._process.system.files.node(self._process, name)
            return lines_of(self._process, name)
        self._process.flush()
        _, printed = self._process.capture(lambda child: invoke(child, _words(name)))
        return iter(printed.splitlines(keepends=True))

    def close(self, name: str) -> int:
        """Close what has this name; the exit code of a command, and -1 where nothing is open."""
        self._inputs.pop(name, None)
        operator, texts = self._outputs.pop(name, ("", []))
        if not operator:
            return -1
        data = "".join(texts).encode("latin-1")
        if operator == "|":
            self._process.flush()
            return invoke(self._process, _words(name), stdin=Bytes(data))
        opened = self._process.system.files.open(
            self._process, name, reads=False, writes=True, creates=True, appends=True
        ).retain()
        try:
            opened.write(self._process, data)
        finally:
            opened.release()
        return 0

    def close_all(self) -> None:
        """Let all output be seen, that of the program first."""
        self._process.flush()
        for name in list(self._outputs):
            self.close(name)

    def run(self, command: str) -> int:
        """Run a command by `system`, after all output is seen; its exit code."""
        self.close_all()
        return invoke(self._process, _words(command))


def _words(command: str) -> list[str]:
    return ["/bin/sh", "-c", command]
