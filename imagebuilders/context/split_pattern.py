"""A pattern taken apart: what the folder must be like, and what the name in it.

Most patterns hit a path exactly if its folder passes one test (of the dirname) and its last
name another (of the basename). A folder is then judged once for all the names in it, and whether
anything below it can be hit is known without opening it. A pattern that cannot be taken
apart so (a wild card may match a slash, or it alternates or repeats) is not split.

A folder's path is written with a slash at its end, the root as `""`. The tests hold for
folders and names without line feeds, which `**` does not match.
"""

from __future__ import annotations

import enum
from functools import cached_property

from imagebuilders.context.patterns import Pattern, PatternKind
from imagebuilders.context.tokens import (
    BYTE_ORDER_MARK,
    Test,
    Token,
    TokenKind,
    expression_test,
    is_plain_glob,
    replace_stray_bytes,
    tokens_of,
)
from imagebuilders.lazy_dataclass import dataclass


class DirnameKind(enum.Enum):
    """How a folder is tested."""

    ANY = "any folder"
    SAME = "this folder"
    STARTS = "a folder that starts so"
    ENDS = "a folder that ends so"
    GLOB = "a folder that the glob matches"


class BasenameKind(enum.Enum):
    """How a name is tested."""

    ANY = "any name"
    SAME = "this name"
    STARTS = "a name that starts so"
    ENDS = "a name that ends so"
    GLOB = "a name that the glob matches"


@dataclass(frozen=True)
class BasenameTest:
    """What the last name must be: a text, and for a glob its tokens."""

    kind: BasenameKind
    text: str = ""
    tokens: tuple[Token, ...] = ()

    @cached_property
    def test(self) -> Test:
        """A function that is true for the names that pass."""
        text = self.text
        if self.kind is BasenameKind.GLOB:
            return expression_test(self.tokens)
        if self.kind is BasenameKind.SAME:
            return lambda name: name == text
        if self.kind is BasenameKind.STARTS:
            return lambda name: name.startswith(text)
        if self.kind is BasenameKind.ENDS:
            return lambda name: name.endswith(text)
        return lambda _name: True


@dataclass(frozen=True)
class DirnameTest:
    """What the folder must be: a text, and for a glob its tokens."""

    kind: DirnameKind
    text: str = ""
    tokens: tuple[Token, ...] = ()

    def fits(self, folder: str) -> bool:
        """Say whether the folder is one of those."""
        text = self.text
        if self.kind is DirnameKind.GLOB:
            return bool(self._test(folder))
        if self.kind is DirnameKind.SAME:
            return folder == text
        if self.kind is DirnameKind.STARTS:
            return folder.startswith(text)
        if self.kind is DirnameKind.ENDS:
            # A text that starts with a slash stands for whole names.
            return folder.endswith(text) or (text[0] == "/" and folder == text[1:])
        return True

    def may_fit_below(self, folder: str) -> bool:
        """Say whether the folder or one below it, at any depth, can be one of those."""
        text = self.text
        if self.kind is DirnameKind.SAME:
            return text.startswith(folder)
        if self.kind is DirnameKind.STARTS:
            return text.startswith(folder) or folder.startswith(text)
        if self.kind is DirnameKind.GLOB:
            parts, endless = self._parts
            names = folder[:-1].split("/")
            return (endless or len(names) <= len(parts)) and all(
                test(name) for test, name in zip(parts, names, strict=False)
            )
        return True

    @cached_property
    def _test(self) -> Test:
        return expression_test(self.tokens)

    @cached_property
    def _parts(self) -> tuple[list[Test], bool]:
        """Return a test for each name up to the first `**`, and whether there is one."""
        parts: list[Test] = []
        part: list[Token] = []
        for token in self.tokens:
            if token.kind is TokenKind.DEEP:
                return parts, True
            if token.text == "/":
                parts.append(expression_test(part))
                part = []
            else:
                part.append(token)
        return parts, False


@dataclass(frozen=True)
class SplitPattern:
    """A pattern hits a path if the folder passes one test and the last name the other."""

    dirname: DirnameTest
    basename: BasenameTest


def split_pattern(pattern: Pattern) -> tuple[SplitPattern, ...] | None:
    """Take a pattern apart: it hits what any of the results hits. `None` if it cannot be."""
    glob = pattern.glob
    if pattern.kind is PatternKind.EXACT:
        return (_literal(glob),)
    if glob != replace_stray_bytes(glob) or glob.startswith(BYTE_ORDER_MARK):
        return None
    if pattern.kind is PatternKind.SUFFIX:
        return (_suffix(glob[2:]),)
    if pattern.kind is PatternKind.PREFIX:
        start = glob[:-2]
        below = SplitPattern(DirnameTest(DirnameKind.STARTS, start), BasenameTest(BasenameKind.ANY))
        folder, slash, name = start.rpartition("/")
        if not name:
            return (below,)
        return (
            SplitPattern(
                DirnameTest(DirnameKind.SAME, folder + slash),
                BasenameTest(BasenameKind.STARTS, name),
            ),
            below,
        )
    split = _glob(tokens_of(glob))
    return None if split is None else (split,)


def _literal(path: str) -> SplitPattern:
    folder, slash, name = path.rpartition("/")
    return SplitPattern(
        DirnameTest(DirnameKind.SAME, folder + slash), BasenameTest(BasenameKind.SAME, name)
    )


def _suffix(end: str) -> SplitPattern:
    folder, slash, name = end.rpartition("/")
    if not end:
        return SplitPattern(DirnameTest(DirnameKind.ANY), BasenameTest(BasenameKind.ANY))
    if not slash:
        return SplitPattern(DirnameTest(DirnameKind.ANY), BasenameTest(BasenameKind.ENDS, name))
    if not folder:
        return SplitPattern(DirnameTest(DirnameKind.ANY), BasenameTest(BasenameKind.SAME, name))
    return SplitPattern(
        DirnameTest(DirnameKind.ENDS, folder + slash), BasenameTest(BasenameKind.SAME, name)
    )


def _glob(tokens: list[Token]) -> SplitPattern | None:
    if not is_plain_glob(tokens):
        return None
    cut = 0
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.DEEP:
            if (
                index
                and tokens[index - 1].kind is not TokenKind.DEEP
                and tokens[index - 1].text != "/"
            ):
                return None
            cut = index + 1
        elif token.text == "/":
            cut = index + 1
    return SplitPattern(_dirname_test(tokens[:cut]), _basename_test(tokens[cut:]))


def _dirname_test(tokens: list[Token]) -> DirnameTest:
    text = "".join(token.text for token in tokens)
    deep = [token.kind is TokenKind.DEEP for token in tokens]
    if all(token.kind is TokenKind.LITERAL for token in tokens):
        return DirnameTest(DirnameKind.SAME, text)
    if deep == [True] and tokens[0].expression != ".*":
        return DirnameTest(DirnameKind.ANY)
    if deep[0] and all(token.kind is TokenKind.LITERAL for token in tokens[1:]):
        return DirnameTest(DirnameKind.ENDS, "/" + text)
    return DirnameTest(DirnameKind.GLOB, tokens=tuple(tokens))


def _basename_test(tokens: list[Token]) -> BasenameTest:
    if not tokens:
        return BasenameTest(BasenameKind.ANY)
    wild = [index for index, token in enumerate(tokens) if token.kind not in _PLAIN]
    text = "".join(token.text for token in tokens)
    if not wild:
        return BasenameTest(BasenameKind.SAME, text)
    if len(wild) == 1 and tokens[wild[0]].kind is TokenKind.SOME:
        if wild[0] == 0:
            return BasenameTest(BasenameKind.ENDS, text)
        if wild[0] == len(tokens) - 1:
            return BasenameTest(BasenameKind.STARTS, text)
    return BasenameTest(BasenameKind.GLOB, tokens=tuple(tokens))


_PLAIN = (TokenKind.LITERAL, TokenKind.ESCAPED)
