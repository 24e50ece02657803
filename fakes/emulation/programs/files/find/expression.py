"""Reads an expression, by the precedence of its operators."""

from __future__ import annotations

from collections.abc import Callable

from ....file_system import EXECUTE, READ, WRITE
from ...options import usage
from .actions import Actions
from .visit import Test

_BASIC = ("emacs", "findutils-default", "posix-basic", "ed", "sed", "grep")
_WITHOUT_EFFECT = frozenset(
    [
        "-xdev",
        "-mount",
        "-noleaf",
        "-follow",
        "-daystart",
        "-ignore_readdir_race",
        "-nowarn",
        "-warn",
    ]
)


class Expression(Actions):
    """Reads an expression."""

    def whole(self) -> Test:
        """Read all of it.

        Raises:
            ProcessExit: it is none.
        """
        if not self._words:
            return self._print
        test = self._list()
        if self._position < len(self._words):
            word = self._words[self._position]
            if word == ")":
                raise self._wrong("invalid expression; you have too many ')'")
            raise self._wrong(f"paths must precede expression: `{word}'")
        if self._search.acts:
            return test
        return lambda visit: test(visit) and self._print(visit)

    def _list(self) -> Test:
        left = self._or()
        while self._peek() == ",":
            self._position += 1
            left = (lambda a, b: lambda visit: (a(visit), b(visit))[1])(left, self._or())
        return left

    def _or(self) -> Test:
        left = self._and()
        while self._peek() in ("-o", "-or"):
            self._position += 1
            left = (lambda a, b: lambda visit: a(visit) or b(visit))(left, self._and())
        return left

    def _and(self) -> Test:
        left = self._not()
        while True:
            word = self._peek()
            if word in ("-a", "-and"):
                self._position += 1
            elif word is None or word in ("-o", "-or", ")", ","):
                return left
            left = (lambda a, b: lambda visit: a(visit) and b(visit))(left, self._not())

    def _not(self) -> Test:
        word = self._peek()
        if word in ("!", "-not"):
            self._position += 1
            inner = self._not()
            return lambda visit: not inner(visit)
        if word == "(":
            self._position += 1
            test = self._list()
            if self._peek() != ")":
                raise self._wrong(
                    "invalid expression; I was expecting to find a ')' somewhere"
                    " but did not see one."
                )
            self._position += 1
            return test
        return self._primary()

    def _primary(self) -> Test:
        word = self._take("expression")
        if self._option(word):
            return lambda _visit: True
        maker = self._makers(word).get(word)
        if maker is not None:
            return maker()
        if self._busybox:
            raise usage(self._process, f"unrecognized: {word}")
        if word.startswith("-"):
            raise self._wrong(f"unknown predicate `{word}'")
        raise self._wrong(f"paths must precede expression: `{word}'")

    def _option(self, word: str) -> bool:
        """Read what is said of the whole walk; whether it is that."""
        if word in ("-maxdepth", "-mindepth"):
            text = self._take(word)
            if not text.isdigit():
                raise self._wrong(
                    f"Expected a positive decimal integer argument to {word}, but got '{text}'"
                )
            if word == "-maxdepth":
                self._search.highest = int(text)
            else:
                self._search.lowest = int(text)
        elif word in ("-depth", "-d"):
            self._search.depth_first = True
        elif word == "-regextype":
            self._extended = self._take(word) not in _BASIC
        else:
            return word in _WITHOUT_EFFECT
        return True

    def _makers(self, word: str) -> dict[str, Callable[[], Test]]:
        """Return what makes the tests and actions, by their words, of those that follow."""
        makers: dict[str, Callable[[], Test]] = {
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
        return makers
