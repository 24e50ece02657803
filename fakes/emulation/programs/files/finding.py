"""`find`."""

from __future__ import annotations

import posixpath
import re
import stat as modes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ...accounts import Accounts
from ...endings import ProcessExit
from ...file_system import EXECUTE, READ, WRITE
from ...shell.patterns import compile_pattern
from ..invoking import invoke
from ..machine.dates import DateError, parse_date
from ..options import usage
from ..text.expressions import compile_expression
from .modes import symbolic_mode

if TYPE_CHECKING:
    from ...file_system import Status
    from ...process import Process

_UNITS = {"c": 1, "w": 2, "b": 512, "k": 1024, "M": 1 << 20, "G": 1 << 30, "": 512}
_TYPES = {
    "f": "file",
    "d": "dir",
    "l": "symlink",
    "p": "fifo",
    "c": "char",
    "b": "block",
    "s": "socket",
}


@dataclass(frozen=True)
class _Visit:
    path: str
    start: str
    depth: int
    status: Status


_Test = Callable[[_Visit], bool]


class _Prune(BaseException):
    pass


def find(process: Process) -> int:
    """Walk through folders, and test what is there."""
    words = process.arguments[1:]
    follows = ""
    while words and words[0] in ("-H", "-L", "-P"):
        follows = words.pop(0)
    starts = []
    while (
        words
        and not (words[0].startswith("-") and len(words[0]) > 1)
        and words[0] not in ("(", "!", ")")
    ):
        starts.append(words.pop(0))
    return _Find(process, starts or ["."], words, follows).run()


class _Find:
    def __init__(self, process: Process, starts: list[str], words: list[str], follows: str) -> None:
        self._process = process
        self._busybox = process.system.programs.is_busybox
        self._starts = starts
        self._words = words
        self._follows = follows
        self._position = 0
        self._code = 0
        self._depth_first = False
        self._lowest, self._highest = 0, 1 << 30
        self._acts = False
        self._prunes = False
        self._batches: list[tuple[list[str], list[str], str]] = []
        self._accounts = Accounts.read(process)
        self._test = self._whole()

    # --- the expression -----------------------------------------------------------------

    def _whole(self) -> _Test:
        if not self._words:
            return self._print
        test = self._or()
        if self._position < len(self._words):
            word = self._words[self._position]
            if word == ")":
                raise self._wrong("invalid expression; you have too many ')'")
            raise self._wrong(f"paths must precede expression: `{word}'")
        if self._acts:
            return test
        return lambda visit: test(visit) and self._print(visit)

    def _wrong(self, message: str) -> ProcessExit:
        if self._busybox:
            return usage(self._process, message)
        self._process.complain(message)
        return ProcessExit(1)

    def _peek(self) -> str | None:
        return self._words[self._position] if self._position < len(self._words) else None

    def _take(self, of: str) -> str:
        if self._position >= len(self._words):
            if self._busybox:
                raise usage(
                    self._process,
                    f"requires an argument: {of}",
                )
            raise self._wrong(f"missing argument to `{of}'")
        self._position += 1
        return self._words[self._position - 1]

    def _or(self) -> _Test:
        left = self._and()
        while self._peek() in ("-o", "-or", ","):
            self._position += 1
            left = (lambda a, b: lambda visit: a(visit) or b(visit))(left, self._and())
        return left

    def _and(self) -> _Test:
        left = self._not()
        while True:
            word = self._peek()
            if word in ("-a", "-and"):
                self._position += 1
            elif word is None or word in ("-o", "-or", ")", ","):
                return left
            left = (lambda a, b: lambda visit: a(visit) and b(visit))(left, self._not())

    def _not(self) -> _Test:
        word = self._peek()
        if word in ("!", "-not"):
            self._position += 1
            inner = self._not()
            return lambda visit: not inner(visit)
        if word == "(":
            self._position += 1
            test = self._or()
            if self._peek() != ")":
                raise self._wrong(
                    "invalid expression; I was expecting to find a ')' somewhere"
                    " but did not see one."
                )
            self._position += 1
            return test
        return self._primary()

    def _primary(self) -> _Test:
        word = self._take("expression")
        makers: dict[str, Callable[[], _Test]] = {
            "-name": lambda: self._name(word, ignore_case=False),
            "-iname": lambda: self._name(word, ignore_case=True),
            "-path": lambda: self._path(word, ignore_case=False),
            "-wholename": lambda: self._path(word, ignore_case=False),
            "-ipath": lambda: self._path(word, ignore_case=True),
            "-regex": lambda: self._regex(word),
            "-iregex": lambda: self._regex(word, ignore_case=True),
            "-type": lambda: self._type(word),
            "-size": lambda: self._size(word),
            "-empty": lambda: self._empty,
            "-perm": lambda: self._permission(word),
            "-user": lambda: self._owner(word, is_group=False),
            "-group": lambda: self._owner(word, is_group=True),
            "-nouser": lambda: lambda visit: self._accounts.user(visit.status.uid) is None,
            "-nogroup": lambda: lambda visit: self._accounts.group(visit.status.gid) is None,
            "-newer": lambda: self._newer(word),
            "-mtime": lambda: self._age(word, 86_400),
            "-mmin": lambda: self._age(word, 60),
            "-links": lambda: self._number(word, lambda status: status.links),
            "-inum": lambda: self._number(word, lambda status: status.inode),
            "-samefile": lambda: self._same(word),
            "-true": lambda: lambda _visit: True,
            "-false": lambda: lambda _visit: False,
            "-print": lambda: self._acting(self._print),
            "-print0": lambda: self._acting(self._print0),
            "-prune": lambda: self._prune_test(),
            "-delete": lambda: self._deleting(),
            "-exec": lambda: self._exec(word),
            "-execdir": lambda: self._exec(word, in_folder=True),
            "-ok": lambda: self._exec(word),
            "-quit": lambda: self._acting(self._quit),
        }
        for newer in ("-anewer", "-cnewer", "-newermm"):
            makers[newer] = lambda: self._newer(word)
        if not self._busybox:
            makers.update(
                {
                    "-uid": lambda: self._number(word, lambda status: status.uid),
                    "-gid": lambda: self._number(word, lambda status: status.gid),
                    "-printf": lambda: self._printf(word),
                    "-ls": lambda: self._acting(self._print),
                    "-executable": lambda: self._may(EXECUTE),
                    "-readable": lambda: self._may(READ),
                    "-writable": lambda: self._may(WRITE),
                    "-lname": lambda: self._lname(word),
                    "-newermt": lambda: self._newer_time(word),
                }
            )
        else:
            makers["-executable"] = lambda: self._may(EXECUTE)
        if word in ("-maxdepth", "-mindepth"):
            text = self._take(word)
            if not text.isdigit():
                raise self._wrong(
                    f"Expected a positive decimal integer argument to {word}, but got '{text}'"
                )
            if word == "-maxdepth":
                self._highest = int(text)
            else:
                self._lowest = int(text)
            return lambda _visit: True
        if word in ("-depth", "-d"):
            self._depth_first = True
            return lambda _visit: True
        if word in (
            "-xdev",
            "-mount",
            "-noleaf",
            "-follow",
            "-daystart",
            "-ignore_readdir_race",
            "-nowarn",
            "-warn",
        ):
            return lambda _visit: True
        if word == "-regextype":
            self._extended = self._take(word) not in (
                "emacs",
                "findutils-default",
                "posix-basic",
                "ed",
                "sed",
                "grep",
            )
            return lambda _visit: True
        maker = makers.get(word)
        if maker is None:
            if self._busybox:
                raise usage(self._process, f"unrecognized: {word}")
            if word.startswith("-"):
                raise self._wrong(f"unknown predicate `{word}'")
            raise self._wrong(f"paths must precede expression: `{word}'")
        return maker()

    _extended = False

    # --- tests --------------------------------------------------------------------------

    def _name(self, word: str, *, ignore_case: bool) -> _Test:
        pattern = compile_pattern([(self._take(word), False)], ignore_case=ignore_case)
        return lambda visit: (
            pattern.match(posixpath.basename(visit.path.rstrip("/")) or "/") is not None
        )

    def _path(self, word: str, *, ignore_case: bool) -> _Test:
        pattern = compile_pattern([(self._take(word), False)], ignore_case=ignore_case)
        return lambda visit: pattern.match(visit.path) is not None

    def _regex(self, word: str, *, ignore_case: bool = False) -> _Test:
        source = self._take(word)
        pattern = compile_expression(source, extended=self._extended, ignore_case=ignore_case)
        return lambda visit: pattern.fullmatch(visit.path) is not None

    def _lname(self, word: str) -> _Test:
        pattern = compile_pattern([(self._take(word), False)])

        def test(visit: _Visit) -> bool:
            files = self._process.system.files
            return (
                visit.status.kind == "symlink"
                and pattern.match(files.read_link(self._process, visit.path)) is not None
            )

        return test

    def _type(self, word: str) -> _Test:
        letters = self._take(word).split(",")
        if any(letter not in _TYPES for letter in letters):
            raise self._wrong(f"Unknown argument to -type: {letters[0][:1]}")
        kinds = [_TYPES[letter] for letter in letters]
        return lambda visit: visit.status.kind in kinds

    @staticmethod
    def _compare(text: str, value: float) -> bool:
        number = float(text.lstrip("+-"))
        return (
            value > number
            if text[0] == "+"
            else value < number
            if text[0] == "-"
            else value == number
        )

    def _size(self, word: str) -> _Test:
        text = self._take(word)
        match = re.fullmatch(r"([-+]?)(\d+)([cwbkMG]?)", text)
        if match is None:
            raise self._wrong(f"Invalid argument `{text}' to -size")
        unit = _UNITS[match[3]]

        def test(visit: _Visit) -> bool:
            size = visit.status.size
            if self._busybox:
                return (
                    self._compare(match[1] + str(int(match[2]) * unit), size)
                    if match[1]
                    else -(-size // unit) == int(match[2])
                )
            return self._compare(match[1] + match[2], -(-size // unit))

        return test

    def _empty(self, visit: _Visit) -> bool:
        if visit.status.kind == "file":
            return not visit.status.size
        if visit.status.kind == "dir":
            try:
                return not self._process.system.files.names(self._process, visit.path)
            except OSError:
                return False
        return False

    def _permission(self, word: str) -> _Test:
        text = self._take(word)
        kind = text[0] if text[:1] in ("-", "/", "+") else ""
        mode = symbolic_mode(text[len(kind) :], 0, is_folder=False, umask=0)
        if mode is None:
            raise self._wrong(f"invalid mode `{text}'")
        if kind == "-":
            return lambda visit: visit.status.mode & mode == mode
        if kind:
            return lambda visit: not mode or bool(visit.status.mode & mode)
        return lambda visit: visit.status.mode == mode

    def _owner(self, word: str, *, is_group: bool) -> _Test:
        name = self._take(word)
        found = self._accounts.group(name) if is_group else self._accounts.user(name)
        if found is not None:
            number = found.gid if is_group else found.uid  # type: ignore[union-attr]
        elif name.isdigit():
            number = int(name)
        elif self._busybox:
            raise self._process.fail(f"unknown {'group' if is_group else 'user'} {name}")
        else:
            what = "an existing group" if is_group else "a known user"
            raise self._wrong(f"'{name}' is not the name of {what}")
        if is_group:
            return lambda visit: visit.status.gid == number
        return lambda visit: visit.status.uid == number

    def _number(self, word: str, read: Callable[[Status], int]) -> _Test:
        text = self._take(word)
        return lambda visit: self._compare(text, read(visit.status))

    def _newer(self, word: str) -> _Test:
        path = self._take(word)
        try:
            other = self._process.system.files.status(self._process, path)
        except OSError as error:
            raise self._process.fail(
                f"{path}: {error.strerror}" if self._busybox else f"'{path}': {error.strerror}"
            ) from error
        return lambda visit: (
            (visit.status.mtime, visit.status.nanoseconds) > (other.mtime, other.nanoseconds)
        )

    def _newer_time(self, word: str) -> _Test:
        try:
            moment = parse_date(self._take(word), self._process.system.now())
        except DateError as error:
            raise self._wrong(
                "I cannot figure out how to interpret that as a date or time"
            ) from error
        return lambda visit: visit.status.mtime > moment

    def _age(self, word: str, unit: int) -> _Test:
        text = self._take(word)
        now = self._process.system.now()
        return lambda visit: self._compare(text, (now - visit.status.mtime) // unit)

    def _same(self, word: str) -> _Test:
        inode = self._process.system.files.status(self._process, self._take(word)).inode
        return lambda visit: visit.status.inode == inode

    # --- actions ------------------------------------------------------------------------

    def _acting(self, test: _Test) -> _Test:
        self._acts = True
        return test

    def _print(self, visit: _Visit) -> bool:
        self._process.print(visit.path + "\n")
        return True

    def _print0(self, visit: _Visit) -> bool:
        self._process.print(visit.path + "\0")
        return True

    def _quit(self, _visit: _Visit) -> bool:
        raise ProcessExit(self._code)

    def _may(self, wanted: int) -> _Test:
        files = self._process.system.files
        return lambda visit: files.may(self._process, visit.path, wanted)

    def _prune_test(self) -> _Test:
        def test(_visit: _Visit) -> bool:
            self._prunes = True
            return True

        return test

    def _deleting(self) -> _Test:
        self._acts = self._depth_first = True

        def test(visit: _Visit) -> bool:
            if visit.path in (".", "./"):
                return True
            files = self._process.system.files
            try:
                if visit.status.kind == "dir":
                    files.remove_folder(self._process, visit.path)
                else:
                    files.remove_file(self._process, visit.path)
            except OSError as error:
                self._process.complain(
                    f"cannot delete '{visit.path}': {error.strerror}"
                    if not self._busybox
                    else f"{visit.path}: {error.strerror}"
                )
                self._code = 1
                return False
            return True

        return test

    def _exec(self, word: str, *, in_folder: bool = False) -> _Test:
        self._acts = True
        command: list[str] = []
        while True:
            if self._position >= len(self._words):
                raise self._wrong(
                    f"missing argument to `{word}'"
                    if not self._busybox
                    else f"requires an argument: {word}"
                )
            one = self._words[self._position]
            self._position += 1
            if one == ";":
                break
            if one == "+" and (self._busybox or (command and command[-1] == "{}")):
                if self._busybox and sum(part.count("{}") for part in command) != 1:
                    raise self._process.fail("only one '{}' allowed for -exec +")
                batch: list[str] = []
                self._batches.append((command[:-1], batch, word))

                def add(visit: _Visit, batch: list[str] = batch) -> bool:
                    batch.append(visit.path)
                    return True

                return add
            command.append(one)
        if not command:
            raise self._wrong(f"missing argument to `{word}'")

        def test(visit: _Visit) -> bool:
            shown, home = visit.path, self._process.working_dir
            self._process.flush()
            if in_folder:
                folder, _, name = visit.path.rpartition("/")
                shown = f"./{name}"
                self._process.working_dir = posixpath.normpath(
                    posixpath.join(home, folder or ("/" if visit.path[:1] == "/" else "."))
                )
            words = [one.replace("{}", shown) for one in command]
            try:
                return not invoke(self._process, words, complain=self._not_run)
            finally:
                self._process.working_dir = home

        return test

    def _not_run(self, name: str, reason: str) -> None:
        self._process.complain(f"{name}: {reason}" if self._busybox else f"'{name}': {reason}")

    def _printf(self, word: str) -> _Test:
        from ...shell.escapes import format_text

        self._acts = True
        pattern = self._take(word)

        def test(visit: _Visit) -> bool:
            text = re.sub(
                r"%([-0#+ ]*)(\d*)(?:\.\d+)?([AT].|[a-zA-Z%])",
                lambda match: self._field(match, visit),
                format_text(pattern)[0],
            )
            self._process.print(text)
            return True

        return test

    def _field(self, match: re.Match[str], visit: _Visit) -> str:
        status, letter = visit.status, match[3]
        below = visit.path[len(visit.start) :].lstrip("/")
        moment = datetime.fromtimestamp(status.mtime, timezone.utc)
        if letter[0] in "AT" and len(letter) == 2:
            text = (
                str(status.mtime) + ".0000000000"
                if letter[1] == "@"
                else moment.strftime("%" + letter[1])
            )
        else:
            link = (
                self._process.system.files.read_link(self._process, visit.path)
                if letter == "l" and status.kind == "symlink"
                else ""
            )
            letters = {value: key for key, value in _TYPES.items()}
            text = {
                "%": "%",
                "p": visit.path,
                "P": below,
                "f": posixpath.basename(visit.path.rstrip("/")) or visit.path,
                "h": posixpath.dirname(visit.path) or ("/" if visit.path.startswith("/") else "."),
                "H": visit.start,
                "s": str(status.size),
                "m": f"{status.mode:o}",
                "M": modes.filemode(status.full_mode),
                "u": self._accounts.user_name(status.uid),
                "g": self._accounts.group_name(status.gid),
                "U": str(status.uid),
                "G": str(status.gid),
                "y": letters[status.kind],
                "d": str(visit.depth),
                "n": str(status.links),
                "i": str(status.inode),
                "l": link,
                "t": moment.strftime("%a %b %e %H:%M:%S.")
                + f"{status.nanoseconds:09d}0 {moment.year}",
                "k": str(-(-status.size // 1024)),
                "b": str(-(-status.size // 512)),
            }.get(letter, "%" + letter)
        width = int(match[2] or 0)
        return text.ljust(width) if "-" in match[1] else text.rjust(width)

    # --- the walk -----------------------------------------------------------------------

    def run(self) -> int:
        for start in self._starts:
            self._walk(start, start, 0)
        for command, batch, _ in self._batches:
            if batch:
                self._process.flush()
                if invoke(self._process, [*command, *batch], complain=self._not_run):
                    self._code = 1
        return self._code

    def _walk(self, path: str, start: str, depth: int) -> None:
        files = self._process.system.files
        follow = self._follows == "-L" or (self._follows == "-H" and not depth)
        try:
            try:
                status = files.status(self._process, path, follow=follow)
            except OSError:
                if not follow:
                    raise
                status = files.status(self._process, path, follow=False)
        except OSError as error:
            self._process.complain(
                f"{path}: {error.strerror}" if self._busybox else f"'{path}': {error.strerror}"
            )
            self._code = 1
            return
        visit = _Visit(path, start, depth, status)
        self._prunes = False
        counts = depth >= self._lowest
        if counts and not self._depth_first:
            self._test(visit)
        if status.kind == "dir" and depth < self._highest and not self._prunes:
            try:
                names = files.names(self._process, path)
            except OSError as error:
                self._process.complain(
                    f"{path}: {error.strerror}" if self._busybox else f"'{path}': {error.strerror}"
                )
                self._code = 1
                names = []
            for name in names:
                self._walk(f"{path.rstrip('/') if path != '/' else ''}/{name}", start, depth + 1)
        if counts and self._depth_first:
            self._test(visit)
