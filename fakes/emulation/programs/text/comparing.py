"""`diff` and `cmp`."""

from __future__ import annotations

import difflib
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..options import Options, usage
from .inputs import read_input

if TYPE_CHECKING:
    from ...process import Process


def cmp(process: Process) -> int:
    """Tell where two files differ."""
    options = Options(process, "sln:b", "quiet:s silent:s verbose:l bytes=:n", code=2)
    options.needs(1)
    paths = [*options.operands, "-"][:2]
    contents = []
    for path in paths:
        try:
            contents.append(read_input(process, path))
        except OSError as error:  # noqa: PERF203  (each one is told of)
            if "s" not in options:
                process.complain(
                    f"{path}: {error.strerror}"
                    if not process.system.programs.is_busybox
                    else f"can't open '{path}': {error.strerror}"
                )
            return 2
    left, right = contents
    if "l" in options and left != right:
        width = len(str(max(len(left), len(right))))
        for place, (a, b) in enumerate(zip(left, right, strict=False), 1):
            if a != b:
                process.print(f"{place:{width}d} {a:3o} {b:3o}\n")
        return 1
    for place, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            if "s" not in options:
                line = left[:place].count(b"\n") + 1
                word = "char"
                process.print(f"{paths[0]} {paths[1]} differ: {word} {place + 1}, line {line}\n")
            return 1
    if len(left) != len(right):
        if "s" not in options:
            short = 0 if len(left) < len(right) else 1
            size = len(contents[short])
            if process.system.programs.is_busybox:
                process.complain(f"EOF on {paths[short]}")
            elif not size:
                process.complain(f"EOF on '{paths[short]}' which is empty")
            else:
                lines = contents[short].count(b"\n")
                where = (
                    f"line {lines}" if contents[short].endswith(b"\n") else f"in line {lines + 1}"
                )
                process.complain(f"EOF on '{paths[short]}' after byte {size}, {where}")
        return 1
    return 0


def diff(process: Process) -> int:
    """Tell how files differ."""
    return _Diff(process).run()


class _Diff:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._busybox = process.system.programs.is_busybox
        self._options = Options(
            process,
            "uU:qrNbBwisaTtdcL:" if not self._busybox else "abBdiNqrTstwU:uL:S:",
            "unified=?:u brief:q recursive:r new-file:N ignore-all-space:w ignore-space-change:b "
            "ignore-case:i report-identical-files:s text:a color=?: label=:L ignore-blank-lines:B "
            "no-dereference: exclude=:x",
            code=1 if self._busybox else 2,
        )
        self._files = process.system.files

    def run(self) -> int:
        options = self._options
        if len(options.operands) < 2:
            if self._busybox:
                raise usage(self._process, "")
            last = self._process.arguments[-1] if len(self._process.arguments) > 1 else "diff"
            raise usage(self._process, f"missing operand after '{last}'", 2)
        left, right = options.operands[:2]
        kinds = [
            self._files.kind(self._process, path) if path != "-" else "file"
            for path in (left, right)
        ]
        if kinds == ["dir", "dir"]:
            return self._folders(left, right)
        if kinds[0] == "dir" and kinds[1]:
            left = f"{left.rstrip('/')}/{right.rpartition('/')[2]}"
        elif kinds[1] == "dir" and kinds[0]:
            right = f"{right.rstrip('/')}/{left.rpartition('/')[2]}"
        return self._pair(left, right)

    def _read(self, path: str) -> bytes | None:
        try:
            return read_input(self._process, path)
        except OSError as error:
            if "N" in self._options and error.errno == 2:
                return b""
            if self._busybox:
                self._process.complain(f"can't stat '{path}': {error.strerror}")
            else:
                self._process.complain(f"{path}: {error.strerror}")
            return None

    def _pair(self, left: str, right: str, *, titled: bool = False) -> int:
        contents = [self._read(left), self._read(right)]
        if contents[0] is None or contents[1] is None:
            return 2
        a, b = (one or b"" for one in contents)
        if self._normal(a) == self._normal(b):
            if "s" in self._options:
                self._process.print(f"Files {left} and {right} are identical\n")
            return 0
        if "q" in self._options:
            self._process.print(f"Files {left} and {right} differ\n")
            return 1
        if b"\0" in a + b and "a" not in self._options:
            self._process.print(f"Binary files {left} and {right} differ\n")
            return 1 if self._busybox else 2
        if titled and not self._busybox:
            flags = " ".join(one for one in self._process.arguments[1:] if one.startswith("-"))
            self._process.print(f"diff {flags} {left} {right}\n")
        elif titled:
            pass
        labelled = "u" in self._options or "U" in self._options
        unified = labelled or self._busybox
        count = self._options.number("U", 3)
        if unified:
            self._unified(left, right, a, b, count)
        else:
            self._plain(a, b)
        return 1

    def _normal(self, data: bytes) -> list[bytes]:
        lines = data.splitlines(keepends=True)
        if "w" in self._options:
            lines = [b"".join(line.split()) for line in lines]
        elif "b" in self._options:
            lines = [b" ".join(line.split()) for line in lines]
        if "i" in self._options:
            lines = [line.lower() for line in lines]
        if "B" in self._options:
            lines = [line for line in lines if line.strip()]
        return lines

    @staticmethod
    def _lines(data: bytes) -> list[str]:
        text = data.decode("latin-1")
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
            return [line + "\n" for line in lines]
        return [*(line + "\n" for line in lines[:-1]), lines[-1]]

    def _out(self, mark: str, line: str) -> None:
        if line.endswith("\n"):
            self._process.print(mark + line)
        else:
            self._process.print(f"{mark}{line}\n\\ No newline at end of file\n")

    def _plain(self, a: bytes, b: bytes) -> None:
        left, right = self._lines(a), self._lines(b)
        for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(
            None, left, right, autojunk=False
        ).get_opcodes():
            if kind == "equal":
                continue
            first = f"{i1 + 1}" if i2 - i1 == 1 else f"{i1 + 1},{i2}" if i2 > i1 else f"{i1}"
            second = f"{j1 + 1}" if j2 - j1 == 1 else f"{j1 + 1},{j2}" if j2 > j1 else f"{j1}"
            letter = {"replace": "c", "delete": "d", "insert": "a"}[kind]
            self._process.print(f"{first}{letter}{second}\n")
            for line in left[i1:i2]:
                self._out("< ", line)
            if kind == "replace":
                self._process.print("---\n")
            for line in right[j1:j2]:
                self._out("> ", line)

    def _unified(self, left: str, right: str, a: bytes, b: bytes, count: int) -> None:
        labels = self._options.values("L")
        names = [labels[0] if labels else left, labels[1] if len(labels) > 1 else right]
        for mark, path, name in (("---", left, names[0]), ("+++", right, names[1])):
            stamp = ""
            if not self._busybox and not labels:
                status = self._files.status(self._process, path)
                moment = datetime.fromtimestamp(status.mtime, timezone.utc)
                stamp = (
                    "\t" + moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{status.nanoseconds:09d} +0000"
                )
            self._process.print(f"{mark} {name}{stamp}\n")
        old, new = self._lines(a), self._lines(b)
        for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(
            count
        ):
            i1, i2, j1, j2 = group[0][1], group[-1][2], group[0][3], group[-1][4]
            self._process.print(f"@@ -{self._span(i1, i2)} +{self._span(j1, j2)} @@\n")
            for kind, a1, a2, b1, b2 in group:
                if kind == "equal":
                    for line in old[a1:a2]:
                        self._out(" ", line)
                    continue
                for line in old[a1:a2]:
                    self._out("-", line)
                for line in new[b1:b2]:
                    self._out("+", line)

    @staticmethod
    def _span(first: int, last: int) -> str:
        length = last - first
        if length == 1:
            return f"{first + 1}"
        return f"{first + 1 if length else first},{length}"

    _top: tuple[str, str] | None = None

    def _folders(self, left: str, right: str) -> int:
        self._top = self._top or (left, right)
        files, process = self._files, self._process
        code = 0
        names = sorted(set(files.names(process, left)) | set(files.names(process, right)))
        for name in names:
            a, b = f"{left.rstrip('/')}/{name}", f"{right.rstrip('/')}/{name}"
            kinds = [files.kind(process, one) for one in (a, b)]
            if not all(kinds) and "N" not in self._options:
                here = left if kinds[0] else right
                if self._busybox and self._top is not None and here not in self._top:
                    top = self._top[0] if kinds[0] else self._top[1]
                    name, here = f"{here[len(top) :].strip('/')}/{name}", top
                if any(files.exists(process, one, follow=False) for one in (a, b)):
                    process.print(f"Only in {here}: {name}\n")
                    code = max(code, 1)
                continue
            if kinds == ["dir", "dir"]:
                if "r" in self._options:
                    code = max(code, self._folders(a, b))
                else:
                    process.print(f"Common subdirectories: {a} and {b}\n")
                continue
            code = max(code, self._pair(a, b, titled=True))
        return code
