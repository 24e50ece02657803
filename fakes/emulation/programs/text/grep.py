"""`grep`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...bounded_expressions import compile_bounded
from ...shell.patterns import compile_pattern
from ..options import Options, usage
from .expressions import ExpressionError, compile_expression
from .inputs import lines_of, read_input

if TYPE_CHECKING:
    from ...process import Process


def egrep(process: Process) -> int:
    """As `grep -E`."""
    return _Grep(process, "E").run()


def fgrep(process: Process) -> int:
    """As `grep -F`."""
    return _Grep(process, "F").run()


def grep(process: Process) -> int:
    """Print the lines that match."""
    return _Grep(process, "").run()


class _Grep:
    def __init__(self, process: Process, kind: str) -> None:
        self._process = process
        self._busybox = process.system.programs.is_busybox
        self._options = options = Options(
            process,
            "EFGPivnclLoqswxHhrRm:e:f:A:B:C:abzyZTU"
            if not self._busybox
            else "EFivnclLoqswxHhrRm:e:f:A:B:C:az",
            "extended-regexp:E fixed-strings:F basic-regexp:G perl-regexp:P ignore-case:i "
            "invert-match:v line-number:n count:c files-with-matches:l files-without-match:L "
            "only-matching:o quiet:q silent:q no-messages:s word-regexp:w line-regexp:x "
            "with-filename:H no-filename:h recursive:r dereference-recursive:R max-count=:m "
            "regexp=:e file=:f after-context=:A before-context=:B context=:C text:a byte-offset:b "
            "color=?: colour=?: include= exclude= exclude-dir= null:Z line-buffered: "
            "binary-files=:",
            code=2,
            numbers=True,
        )
        self._kind = options.last("EFGP") or kind
        operands = list(options.operands)
        patterns: list[str] = []
        for text in options.values("e"):
            patterns += text.split("\n")
        for path in options.values("f"):
            try:
                patterns += read_input(process, path).decode("latin-1").splitlines()
            except OSError as error:  # noqa: PERF203  (each one is told of)
                raise process.fail(f"{path}: {error.strerror}", 2) from error
        if "e" not in options and "f" not in options:
            if not operands:
                if self._busybox:
                    raise usage(process, "", 2)
                process.print_error(
                    "Usage: grep [OPTION]... PATTERNS [FILE]...\n"
                    "Try 'grep --help' for more information.\n"
                )
                from ...endings import ProcessExit

                raise ProcessExit(2)
            patterns = operands.pop(0).split("\n")
        self._operands = operands
        try:
            self._patterns = [self._compiled(pattern) for pattern in patterns]
        except ExpressionError as error:
            message = str(error)
            raise process.fail(
                f"bad regex '{patterns[0]}': {message}" if self._busybox else message, 2
            ) from error
        context = options.number("C", options.number("number", 0))
        self._after = options.number("A", int(context or 0))
        self._before = options.number("B", int(context or 0))
        self._most = options.number("m", 0) if "m" in options else None
        self._found = False
        self._failed = False
        self._last_shown: tuple[str, int] | None = None
        self._offset = 0

    def _compiled(self, source: str) -> re.Pattern[str]:
        options = self._options
        ignore_case = "i" in options or "y" in options
        if self._kind == "F":
            expression = re.escape(source)
        elif self._kind == "P":
            expression = source
        else:
            expression = compile_expression(source, extended=self._kind == "E").pattern
        if "x" in options:
            expression = f"(?:{expression})\\Z"
        elif "w" in options:
            expression = f"(?<!\\w)(?:{expression})(?!\\w)"
        try:
            return compile_bounded(expression, (re.I if ignore_case else 0) | re.A)
        except re.error as error:
            raise ExpressionError(str(error)) from error

    def _search(self, line: str, position: int = 0) -> re.Match[str] | None:
        best: re.Match[str] | None = None
        for pattern in self._patterns:
            match = pattern.match(line) if "x" in self._options else pattern.search(line, position)
            if match is not None and (
                best is None or (match.start(), -match.end()) < (best.start(), -best.end())
            ):
                best = match
        return best

    def run(self) -> int:
        options = self._options
        recursive = "r" in options or "R" in options
        operands = self._operands or (["."] if recursive else ["-"])
        bare = recursive and not self._operands
        paths = list(self._walk(operands)) if recursive else operands
        named = ("H" in options or len(operands) > 1 or recursive) and "h" not in options
        if (
            recursive
            and len(operands) == 1
            and operands[0] != "-"
            and self._process.system.files.kind(self._process, operands[0]) == "file"
            and "H" not in options
        ):
            named = False
        for path in paths:
            shown = path[2:] if bare and path.startswith("./") and not self._busybox else path
            try:
                if path != "-" and self._process.system.files.kind(self._process, path) == "dir":
                    if not recursive:
                        self._process.complain(f"{path}: Is a directory")
                        if self._busybox:
                            self._failed = self._failed or False
                    continue
                if self._one(path, shown, named=named) and "q" in options:
                    return 0
            except OSError as error:
                if "s" not in options:
                    self._process.complain(f"{path}: {error.strerror}")
                self._failed = True
        if self._failed and not ("q" in options and self._found):
            return 2
        return int(not self._found)

    def _walk(self, operands: list[str]) -> Iterator[str]:
        files = self._process.system.files
        for path in operands:
            if files.kind(self._process, path) != "dir":
                yield path
                continue
            yield from self._below(path)

    def _below(self, folder: str) -> Iterator[str]:
        files = self._process.system.files
        try:
            names = files.names(self._process, folder)
        except OSError as error:
            self._process.complain(f"{folder}: {error.strerror}")
            self._failed = True
            return
        for name in names:
            path = f"{folder.rstrip('/')}/{name}" if folder != "/" else f"/{name}"
            kind = files.kind(self._process, path, follow="R" in self._options)
            if kind == "dir":
                if not self._is_out("exclude-dir", name):
                    yield from self._below(path)
            elif kind == "file":
                included = self._options.values("include")
                if included and not any(
                    compile_pattern([(one, False)]).match(name) for one in included
                ):
                    continue
                if not self._is_out("exclude", name):
                    yield path

    def _is_out(self, option: str, name: str) -> bool:
        return any(
            compile_pattern([(one, False)]).match(name) for one in self._options.values(option)
        )

    def _one(self, path: str, shown: str, *, named: bool) -> bool:
        options = self._options
        label = "(standard input)" if path == "-" else shown
        prefix = f"{label}:" if named else ""
        count = 0
        after = 0
        before: list[tuple[int, str]] = []
        quiet = any(one in options for one in "clLq")
        is_binary = False
        following = 0
        for number, raw in enumerate(lines_of(self._process, path), 1):
            self._offset, following = following, following + len(raw)
            line = raw.rstrip(b"\n").decode("latin-1")
            if "\0" in line and "a" not in options:
                is_binary = True
            if self._most is not None and count >= self._most:
                break
            matches = (self._search(line) is not None) != ("v" in options)
            if not matches:
                if after > 0 and not quiet:
                    self._line(label, number, line, "-", named=named)
                    after -= 1
                elif self._before:
                    before = [*before, (number, line)][-self._before :]
                continue
            count += 1
            self._found = True
            if quiet:
                if "l" in options or "q" in options:
                    break
                continue
            if is_binary and not self._busybox:
                self._process.print(f"grep: {label}: binary file matches\n")
                break
            if (self._after or self._before) and self._last_shown is not None:
                first = before[0][0] if before else number
                if (
                    self._last_shown != (label, first - 1) and self._last_shown[0] == label
                ) or self._last_shown[0] != label:
                    self._process.print("--\n")
            for old_number, old_line in before:
                self._line(label, old_number, old_line, "-", named=named)
            before = []
            if "o" in options:
                self._only(label, number, line, named=named)
            else:
                self._line(label, number, line, ":", named=named)
            after = self._after
        if "c" in options and "q" not in options:
            self._process.print(f"{prefix}{count}\n")
        if "q" not in options:
            if "l" in options and count:
                self._process.print(f"{label}\n")
            if "L" in options and not count:
                self._process.print(f"{label}\n")
        return bool(count)

    def _line(self, label: str, number: int, line: str, mark: str, *, named: bool) -> None:
        text = f"{label}{mark}" if named else ""
        if "n" in self._options:
            text += f"{number}{mark}"
        if "b" in self._options and not self._busybox:
            text += f"{self._offset}{mark}"
        self._process.print(f"{text}{line}\n")
        self._last_shown = (label, number)

    def _only(self, label: str, number: int, line: str, *, named: bool) -> None:
        if "v" in self._options:
            return
        position = 0
        while position <= len(line):
            match = self._search(line, position)
            if match is None:
                return
            if match.end() > match.start():
                self._line(label, number, match[0], ":", named=named)
            position = match.end() if match.end() > match.start() else match.end() + 1
