"""Does the commands of a script for each line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ....endings import ProcessExit
from .addresses import Selector
from .in_place import Replacer
from .lines import Lines
from .output import Output
from .script import Command
from .substitution import substituted

if TYPE_CHECKING:
    from ....process import Process
    from ...options import Options

_ENDED = -1
"""What a command returns that ends the cycle, without printing the line."""
_VISIBLE = {
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
}


class Editor:
    """Edits files by a script.

    Args:
        process: the process of the program.
        commands: the script.
        options: how it was called.
    """

    def __init__(self, process: Process, commands: Sequence[Command], options: Options) -> None:
        self._process = process
        self._commands = commands
        self._in_place = "i" in options
        self._quiet = "n" in options
        end = "\0" if "z" in options else "\n"
        self._lines = Lines(process, end)
        self._selector = Selector(self._lines)
        paths = [path for command in commands for path in _paths(command)]
        self._output = Output(process, end, keeps=self._in_place, paths=paths)
        self._replacer = Replacer(process, self._lines, options.value("i") or "")
        self._space = self._hold = ""
        self._has_end = True
        self._replaced = False
        self._appended: list[tuple[str, str]] = []
        self._sources: dict[str, Iterator[str]] = {}
        self._handlers = self._all_handlers()

    def run(self, paths: Sequence[str]) -> int:
        """Edit files, and return the exit code.

        Raises:
            ProcessExit: a command ends it.
        """
        if self._in_place:
            for path in paths:
                self._edit(path)
        else:
            self._lines.begin(paths or ["-"])
            self._cycles()
        self._output.save()
        return self._lines.status

    def _edit(self, path: str) -> None:
        status = self._replacer.status(path)
        if status is None:
            return
        self._lines.number = 0
        for command in self._commands:
            command.active = False
        self._lines.begin([path])
        try:
            self._cycles()
        except ProcessExit as ended:
            self._lines.status = ended.code
        self._replacer.replace(path, status, self._output.take())

    # --- cycles -------------------------------------------------------------------------------

    def _cycles(self) -> None:
        try:
            while self._next():
                self._process.step()
                self._cycle()
        except ProcessExit:
            self._output.flush()
            self._output.save()
            raise
        self._output.flush()

    def _next(self) -> bool:
        line = self._lines.take()
        if line is None:
            return False
        self._space, self._has_end = line
        return True

    def _cycle(self) -> None:
        self._replaced = False
        position = 0
        while position < len(self._commands):
            self._process.step()
            command = self._commands[position]
            position += 1
            if self._selector.selects(command, self._space) == command.negated:
                if command.name == "{":
                    position = command.target
                continue
            handler = self._handlers.get(command.name)
            following = None if handler is None else handler(command)
            if following == _ENDED:
                return
            if following is not None:
                position = following
        self._end_cycle()

    def _end_cycle(self) -> None:
        if not self._quiet:
            self._print(self._space)
        self._append()

    def _print(self, text: str) -> None:
        self._output.line(text, has_end=self._has_end or not self._lines.is_last)

    def _append(self) -> None:
        """Print what commands have kept for the end of the cycle."""
        for kind, text in self._appended:
            self._output.emit(text if kind == "text" else self._read(text))
        self._appended = []

    def _read(self, path: str) -> str:
        """Return what is in a file, and nothing where it cannot be read."""
        try:
            return self._process.system.files.read_file(self._process, path).decode("latin-1")
        except OSError:
            return ""

    # --- commands -----------------------------------------------------------------------------

    def _all_handlers(self) -> Mapping[str, Callable[[Command], int | None]]:
        """Return what does each command, by its letter: where it goes on, if not at the next."""
        emit, write = self._output.emit, self._output.write
        return {
            "s": self._substitute,
            "p": lambda _command: self._print(self._space),
            "P": lambda _command: self._print(self._space.partition("\n")[0]),
            "d": self._delete,
            "D": self._delete_first,
            "b": lambda command: command.target,
            "B": lambda command: command.target,
            "t": self._branch_if_replaced,
            "T": self._branch_unless_replaced,
            "n": self._go_on,
            "N": self._join,
            "g": self._swap,
            "G": self._swap,
            "h": self._swap,
            "H": self._swap,
            "x": self._swap,
            "a": lambda command: self._appended.append(("text", command.text)),
            "i": lambda command: emit(command.text),
            "c": self._change,
            "r": lambda command: self._appended.append(("file", command.text)),
            "R": self._append_line,
            "w": lambda command: write(command.text, self._space + "\n"),
            "W": lambda command: write(command.text, self._space.partition("\n")[0] + "\n"),
            "F": lambda _command: emit(f"{self._lines.path}\n"),
            "=": lambda _command: emit(f"{self._lines.number}\n"),
            "y": self._transliterate,
            "l": lambda _command: emit(_visible(self._space) + "$\n"),
            "z": self._empty,
            "q": self._quit,
            "Q": self._quit,
        }

    def _substitute(self, command: Command) -> None:
        pattern = self._selector.pattern_or_last(command.pattern)
        text = None if pattern is None else substituted(command, pattern, self._space)
        if text is None:
            return
        self._replaced = True
        self._space = self._process.hold(text)
        if "p" in command.flags:
            self._print(self._space)
        if command.output:
            self._output.write(command.output, self._space + "\n")

    def _delete(self, _command: Command) -> int:
        self._append()
        return _ENDED

    def _delete_first(self, _command: Command) -> int:
        _, newline, rest = self._space.partition("\n")
        self._append()
        if not newline:
            return _ENDED
        self._space = rest
        return 0

    def _branch_if_replaced(self, command: Command) -> int | None:
        was_replaced, self._replaced = self._replaced, False
        return command.target if was_replaced else None

    def _branch_unless_replaced(self, command: Command) -> int | None:
        was_replaced, self._replaced = self._replaced, False
        return None if was_replaced else command.target

    def _go_on(self, _command: Command) -> None:
        self._end_cycle()
        if not self._next():
            raise ProcessExit(self._lines.status)

    def _join(self, _command: Command) -> int | None:
        if self._lines.is_last:
            self._end_cycle()
            return _ENDED
        before = self._space
        self._append()
        self._next()
        self._space = self._process.hold(f"{before}\n{self._space}")
        return None

    def _swap(self, command: Command) -> None:
        if command.name == "g":
            self._space = self._hold
        elif command.name == "G":
            self._space = self._process.hold(f"{self._space}\n{self._hold}")
        elif command.name == "h":
            self._hold = self._space
        elif command.name == "H":
            self._hold = self._process.hold(f"{self._hold}\n{self._space}")
        else:
            self._space, self._hold = self._hold, self._space

    def _change(self, command: Command) -> int:
        if command.second is None or command.negated or not command.active:
            self._output.emit(command.text)
        self._append()
        return _ENDED

    def _append_line(self, command: Command) -> None:
        """Keep the next line of a file for the end of the cycle."""
        path = command.text
        if path not in self._sources:
            self._sources[path] = iter(self._read(path).splitlines())
        line = next(self._sources[path], None)
        if line is not None:
            self._appended.append(("text", line + "\n"))

    def _transliterate(self, command: Command) -> None:
        self._space = "".join(command.table.get(letter, letter) for letter in self._space)

    def _empty(self, _command: Command) -> None:
        self._space = ""

    def _quit(self, command: Command) -> None:
        if command.name == "q":
            self._end_cycle()
        raise ProcessExit(command.count or self._lines.status)


def _paths(command: Command) -> Iterator[str]:
    """Return the files that a command writes to."""
    if command.name in ("w", "W"):
        yield command.text
    if command.output:
        yield command.output


def _visible(text: str) -> str:
    return "".join(
        _VISIBLE.get(one) or (one if " " <= one <= "~" else f"\\{ord(one):03o}") for one in text
    )
