"""`sed`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..options import Options, usage
from .expressions import ExpressionError
from .inputs import lines_of
from .sed_script import Address, Command, ScriptError, ScriptReader

if TYPE_CHECKING:
    from ...process import Process


def sed(process: Process) -> int:
    """Edit text line by line."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "ni::e:f:Erszl:u" if not busybox else "ni::e:f:Er",
        "quiet:n silent:n in-place=?:i expression=:e file=:f regexp-extended:E separate:s "
        "null-data:z version posix: debug: follow-symlinks: unbuffered:u",
    )
    if "version" in options:
        process.print("sed (GNU sed) 4.9\n" if not busybox else "This is not GNU sed version 4.0\n")
        return 0
    pieces: list[str] = []
    for letter, value in options.given:
        if letter == "e":
            pieces.append(value)
        elif letter == "f":
            try:
                pieces.append(
                    process.system.files.read_file(process, value).decode("latin-1").rstrip("\n")
                )
            except OSError as error:
                raise process.fail(
                    f"couldn't open file {value}: {error.strerror}"
                    if not busybox
                    else f"{value}: {error.strerror}"
                ) from error
    operands = list(options.operands)
    if not pieces and not any(one in options for one in "ef"):
        if not operands:
            if busybox:
                raise usage(process)
            process.print_error(
                "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n"
            )
            raise ProcessExit(1)
        pieces = [operands.pop(0)]
    script = "\n".join(pieces)
    try:
        extended = "E" in options or "r" in options
        commands = ScriptReader(script, extended=extended, is_busybox=busybox).commands()
    except (ScriptError, ExpressionError) as error:
        raise process.fail(
            f"{error}" if busybox else f"-e expression #1, char {len(script)}: {error}"
        ) from error
    editor = _Editor(process, commands, options)
    return editor.run(operands)


class _Editor:
    """Does the commands."""

    def __init__(self, process: Process, commands: list[Command], options: Options) -> None:
        self._process = process
        self._commands = commands
        self._options = options
        self._busybox = process.system.programs.is_busybox
        self._in_place = "i" in options
        self._quiet = "n" in options
        self._hold = ""
        self._number = 0
        self._space = ""
        self._ends = True
        self._appended: list[tuple[str, str]] = []
        self._last_pattern: re.Pattern[str] | None = None
        self._code = 0
        self._out: list[str] = []
        self._lacks_end = False
        self._path = "-"
        self._sources: dict[str, Iterator[str]] = {}
        self._written: dict[str, list[str]] = {}
        self._lines: Iterator[tuple[str, bool]] = iter(())
        self._ahead: tuple[str, bool] | None = None

    def run(self, operands: list[str]) -> int:
        for command in self._commands:
            for path in ([command.text] if command.name in "wW" else []) + (
                [command.output] if command.output else []
            ):
                self._written.setdefault(path, [])
        if self._in_place:
            for path in operands:
                self._edit_file(path)
        else:
            self._begin(self._all_lines(operands or ["-"]))
            self._cycles()
            self._process.print("".join(self._out))
            self._out = []
        for path, texts in self._written.items():
            if path in ("/dev/stdout", "/dev/stderr"):
                continue
            self._process.system.files.write_file(
                self._process, path, "".join(texts).encode("latin-1")
            )
        return self._code

    def _begin(self, lines: Iterator[tuple[str, bool]]) -> None:
        self._lines = lines
        self._ahead = next(lines, None)

    def _all_lines(self, paths: list[str]) -> Iterator[tuple[str, bool]]:
        separator = "\0" if "z" in self._options else "\n"
        for path in paths:
            try:
                self._path = path
                if self._process.system.files.kind(self._process, path) == "dir" and path != "-":
                    self._process.complain(
                        f"couldn't edit {path}: not a regular file"
                        if self._in_place
                        else f"read error on {path}: Is a directory"
                    )
                    self._code = 2 if not self._busybox else 1
                    continue
                if separator == "\0":
                    from .inputs import read_input

                    data = read_input(self._process, path).decode("latin-1").split("\0")
                    last = data.pop()
                    for one in data:
                        yield one, True
                    if last:
                        yield last, False
                    continue
                for raw in lines_of(self._process, path):
                    line = raw.decode("latin-1")
                    yield (line[:-1], True) if line.endswith("\n") else (line, False)
            except OSError as error:
                self._process.complain(
                    f"{path}: {error.strerror}"
                    if self._busybox
                    else f"can't read {path}: {error.strerror}"
                )
                self._code = 1 if self._busybox else 2

    def _edit_file(self, path: str) -> None:
        files = self._process.system.files
        try:
            status = files.status(self._process, path)
            if status.kind != "file":
                self._process.complain(
                    f"couldn't edit {path}: not a regular file"
                    if not self._busybox
                    else f"{path}: not a regular file"
                )
                self._code = 4 if not self._busybox else 1
                return
            files.read_file(self._process, path)
        except OSError as error:
            self._process.complain(
                f"{path}: {error.strerror}"
                if self._busybox
                else f"can't read {path}: {error.strerror}"
            )
            self._code = 1 if self._busybox else 2
            return
        self._number = 0
        for command in self._commands:
            command.active = False
        self._begin(self._all_lines([path]))
        try:
            self._cycles()
        except ProcessExit as ended:
            self._code = ended.code
        data = "".join(self._out).encode("latin-1")
        self._out, self._lacks_end = [], False
        suffix = self._options.value("i") or ""
        link = files.kind(self._process, path, follow=False) == "symlink"
        folder = path.rpartition("/")[0] or "."
        temporary = f"{folder}/sed{self._process.number:06d}"
        try:
            if suffix:
                backup = (
                    suffix.replace("*", path.rpartition("/")[2]) if "*" in suffix else path + suffix
                )
                if link:
                    files.write_file(self._process, backup, files.read_file(self._process, path))
                    files.set_mode(self._process, backup, status.mode)
                    files.remove_file(self._process, path)
                else:
                    files.rename(self._process, path, backup)
            files.write_file(self._process, temporary, data)
            files.set_owner(self._process, temporary, status.uid, status.gid)
            files.set_mode(self._process, temporary, status.mode)
            files.rename(self._process, temporary, path)
        except OSError as error:
            if files.exists(
                self._process,
                temporary,
                follow=False,
            ):
                files.remove_file(self._process, temporary)
            if self._busybox:
                self._process.complain(f"can't move '{path}XXXXXX' to '{path}': {error.strerror}")
            elif error.strerror == "Permission denied":
                self._process.complain(
                    f"couldn't open temporary file {folder}/sedXXXXXX: {error.strerror}"
                )
            else:
                self._process.complain(f"cannot rename {temporary}: {error.strerror}")
            self._code = 4 if not self._busybox else 1

    def _emit(self, text: str) -> None:
        if not text:
            return
        if self._lacks_end:
            self._out.append("\n")
        self._lacks_end = False
        self._out.append(text)
        if not self._in_place and len(self._out) > 200:
            self._process.print("".join(self._out))
            self._out = []

    def _print(self, text: str) -> None:
        end = "\0" if "z" in self._options else "\n"
        has_end = self._ends or not self._is_last()
        self._emit(text + (end if has_end else ""))
        self._lacks_end = not has_end

    def _is_last(self) -> bool:
        return self._ahead is None

    def _next(self) -> bool:
        if self._ahead is None:
            return False
        self._space, self._ends = self._ahead
        self._ahead = next(self._lines, None)
        self._number += 1
        return True

    def _cycles(self) -> None:
        try:
            while self._next():
                self._process.step()
                self._cycle()
        except ProcessExit:
            if not self._in_place:
                self._process.print("".join(self._out))
                self._out = []
            self._save()
            raise

    def _save(self) -> None:
        for path, texts in self._written.items():
            if not path.startswith("/dev/std"):
                self._process.system.files.write_file(
                    self._process, path, "".join(texts).encode("latin-1")
                )

    def _end_cycle(self) -> None:
        if not self._quiet:
            self._print(self._space)
        self._append()

    def _append(self) -> None:
        for kind, text in self._appended:
            if kind == "text":
                self._emit(text)
            else:
                try:
                    data = self._process.system.files.read_file(self._process, text)
                    self._emit(data.decode("latin-1"))
                except OSError:
                    continue
        self._appended = []

    def _append_line(self, path: str) -> None:
        """Keep the next line of a file for the end of the cycle (`R`)."""
        if path not in self._sources:
            try:
                data = self._process.system.files.read_file(self._process, path)
            except OSError:
                data = b""
            self._sources[path] = iter(data.decode("latin-1").splitlines())
        line = next(self._sources[path], None)
        if line is not None:
            self._appended.append(("text", line + "\n"))

    def _cycle(self) -> None:
        position = 0
        replaced = False
        steps = 0
        while position < len(self._commands):
            steps += 1
            self._process.step()
            command = self._commands[position]
            position += 1
            if self._selects(command) == command.negated:
                if command.name == "{":
                    position = command.target
                continue
            name = command.name
            if name == "s":
                replaced = self._substitute(command) or replaced
            elif name == "p":
                self._print(self._space)
            elif name == "d":
                self._append()
                return
            elif name == "D":
                _head, newline, rest = self._space.partition("\n")
                self._append()
                if not newline:
                    return
                self._space = rest
                position = 0
                continue
            elif name == "P":
                self._print(self._space.partition("\n")[0])
            elif name in "bB" or (name in "tT" and replaced == (name == "t")):
                if name == "t":
                    replaced = False
                position = command.target
            elif name == "T":
                replaced = False
            elif name == "n":
                if self._is_last():
                    if not self._quiet:
                        self._print(self._space)
                    self._append()
                    raise _quit(self._code)
                if not self._quiet:
                    self._print(self._space)
                self._append()
                self._next()
            elif name == "N":
                if self._is_last():
                    if not self._quiet:
                        self._print(self._space)
                    self._append()
                    return
                old = self._space
                self._append()
                self._next()
                self._space = self._process.hold(f"{old}\n{self._space}")
            elif name in "gGhHx":
                self._swap(name)
            elif name == "a":
                self._appended.append(("text", command.text))
            elif name == "i":
                self._emit(command.text)
            elif name == "c":
                is_range = command.second is not None
                if not is_range or command.negated or not command.active:
                    self._emit(command.text)
                self._append()
                return
            elif name == "r":
                self._appended.append(("file", command.text))
            elif name == "w":
                self._write(command.text, self._space + "\n")
            elif name == "W":
                self._write(command.text, self._space.partition("\n")[0] + "\n")
            elif name == "R":
                self._append_line(command.text)
            elif name == "F":
                self._emit(f"{self._path}\n")
            elif name == "=":
                self._emit(f"{self._number}\n")
            elif name == "y":
                self._space = "".join(command.table.get(letter, letter) for letter in self._space)
            elif name == "l":
                self._emit(_visible(self._space) + "$\n")
            elif name == "z":
                self._space = ""
            elif name == "q":
                self._end_cycle()
                raise _quit(command.count or self._code)
            elif name == "Q":
                raise _quit(command.count or self._code)
        self._end_cycle()

    def _swap(self, name: str) -> None:
        if name == "g":
            self._space = self._hold
        elif name == "G":
            self._space = self._process.hold(f"{self._space}\n{self._hold}")
        elif name == "h":
            self._hold = self._space
        elif name == "H":
            self._hold = self._process.hold(f"{self._hold}\n{self._space}")
        else:
            self._space, self._hold = self._hold, self._space

    def _write(self, path: str, text: str) -> None:
        if path == "/dev/stdout":
            self._emit(text)
        elif path == "/dev/stderr":
            self._process.print_error(text)
        else:
            self._written[path].append(text)
            self._process.system.files.write_file(
                self._process, path, "".join(self._written[path]).encode("latin-1")
            )

    def _matches(self, address: Address) -> bool:
        if address.kind == "line":
            return self._number == address.number
        if address.kind == "last":
            return self._is_last()
        if address.kind == "step":
            if not address.step:
                return self._number == address.number
            return (
                self._number >= address.number
                and not (self._number - address.number) % address.step
            )
        if address.kind == "pattern":
            pattern = address.pattern or self._last_pattern
            if pattern is None:
                return False
            self._last_pattern = pattern
            return pattern.search(self._space) is not None
        return False

    def _selects(self, command: Command) -> bool:
        if command.first is None:
            return True
        if command.second is None:
            return self._matches(command.first)
        if command.active:
            second = command.second
            if second.kind in ("line", "plus", "multiple"):
                if self._number >= command.last_line:
                    command.active = False
                    return self._number == command.last_line
                return True
            if self._matches(second):
                command.active = False
            return True
        if command.first.kind == "line" and command.first.number == 0:
            starts = self._number == 1
            if starts and command.second.kind == "pattern" and self._matches(command.second):
                return True
        else:
            starts = self._matches(command.first)
        if not starts:
            return False
        second = command.second
        if second.kind == "line":
            command.last_line = second.number
        elif second.kind == "plus":
            command.last_line = self._number + second.number
        elif second.kind == "multiple":
            command.last_line = (
                -(-self._number // second.number) * second.number if second.number else self._number
            )
        command.active = not (
            second.kind in ("line", "plus", "multiple") and command.last_line <= self._number
        )
        return True

    def _substitute(self, command: Command) -> bool:
        pattern = command.pattern or self._last_pattern
        if pattern is None:
            return False
        self._last_pattern = pattern
        number = 0
        everywhere = "g" in command.flags
        out: list[str] = []
        position = last = 0
        text = self._space
        changed = False
        previous_end = -1
        while position <= len(text):
            match = pattern.search(text, position)
            if match is None:
                break
            if match.end() == match.start() and match.start() == previous_end:
                position = match.end() + 1
                if match.end() >= len(text):
                    break
                continue
            number += 1
            if number >= command.count:
                out.append(text[last : match.start()])
                out.append(_expanded(command.replacement, match))
                last = match.end()
                changed = True
                if not everywhere:
                    break
            previous_end = match.end()
            position = match.end() if match.end() > match.start() else match.end() + 1
        if not changed:
            return False
        out.append(text[last:])
        self._space = self._process.hold("".join(out))
        if "p" in command.flags:
            self._print(self._space)
        if command.output:
            self._write(command.output, self._space + "\n")
        return True


def _quit(code: int) -> ProcessExit:
    return ProcessExit(code)


def _expanded(parts: list[tuple[str, str]], match: re.Match[str]) -> str:
    out = ""
    mode = once = ""
    for kind, text in parts:
        if kind == "case":
            if text in "ul":
                once = text
            else:
                mode, once = ("" if text == "E" else text), ""
            continue
        piece = (match[int(text)] or "") if kind == "group" else text
        if mode:
            piece = piece.upper() if mode == "U" else piece.lower()
        if once and piece:
            piece = (piece[0].upper() if once == "u" else piece[0].lower()) + piece[1:]
            once = ""
        out += piece
    return out


def _visible(text: str) -> str:
    names = {
        "\\": "\\\\",
        "\n": "\\n",
        "\t": "\\t",
        "\r": "\\r",
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\v": "\\v",
    }
    return "".join(
        names.get(one) or (one if " " <= one <= "~" else f"\\{ord(one):03o}") for one in text
    )
