"""A pattern taken apart: what the folder must be like, and what the name in it.

Most patterns hit a path exactly if its folder meets one condition (the head) and its last
name another (the tail). A folder is then judged once for all the names in it, and whether
anything below it can be hit is known without opening it. A pattern that cannot be taken
apart so (a wild card may match a slash, or it alternates or repeats) has no shape.

A folder's path is written with a slash at its end, the root as `""`. Shapes hold for
folders and names without line feeds, which `**` does not match.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property

from imagebuilders.context.patterns import Pattern, PatternKind
from imagebuilders.context.tokens import (
    BYTE_ORDER_MARK,
    Test,
    Token,
    TokenKind,
    expression_test,
    is_tame,
    replace_stray_bytes,
    tokens_of,
)


class HeadKind(enum.Enum):
    """How a folder is compared with the head."""

    ANY = "any folder"
    SAME = "this folder"
    STARTS = "a folder that starts so"
    ENDS = "a folder that ends so"
    GLOB = "a folder that the glob matches"


class TailKind(enum.Enum):
    """How a name is compared with the tail."""

    ANY = "any name"
    SAME = "this name"
    STARTS = "a name that starts so"
    ENDS = "a name that ends so"
    GLOB = "a name that the glob matches"


@dataclass(frozen=True)
class Tail:
    """What the last name must be: a text, and for a glob its tokens."""

    kind: TailKind
    text: str = ""
    tokens: tuple[Token, ...] = ()

    @cached_property
    def test(self) -> Test:
        """A function that is true for the names that the tail hits."""
        text = self.text
        if self.kind is TailKind.GLOB:
            return expression_test(self.tokens)
        if self.kind is TailKind.SAME:
            return lambda name: name == text
        if self.kind is TailKind.STARTS:
            return lambda name: name.startswith(text)
        if self.kind is TailKind.ENDS:
            return lambda name: name.endswith(text)
        return lambda _name: True


@dataclass(frozen=True)
class Head:
    """What the folder must be: a text, and for a glob its tokens."""

    kind: HeadKind
    text: str = ""
    tokens: tuple[Token, ...] = ()

    def fits(self, folder: str) -> bool:
        """Say whether the folder is one of those."""
        text = self.text
        if self.kind is HeadKind.GLOB:
            return bool(self._test(folder))
        if self.kind is HeadKind.SAME:
            return folder == text
        if self.kind is HeadKind.STARTS:
            return folder.startswith(text)
        if self.kind is HeadKind.ENDS:
            # A head that starts with a slash stands for whole names.
            return folder.endswith(text) or (text[0] == "/" and folder == text[1:])
        return True

    def may_fit_below(self, folder: str) -> bool:
        """Say whether the folder or one below it, at any depth, can be one of those."""
        text = self.text
        if self.kind is HeadKind.SAME:
            return text.startswith(folder)
        if self.kind is HeadKind.STARTS:
            return text.startswith(folder) or folder.startswith(text)
        if self.kind is HeadKind.GLOB:
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
        """Give a test for each name up to the first `**`, and whether there is one."""
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
class Shape:
    """A pattern hits a path if the head fits its folder and the tail its last name."""

    head: Head
    tail: Tail


def shapes_of(pattern: Pattern) -> tuple[Shape, ...] | None:
    """Take a pattern apart: it hits what any of the shapes hits. `None` if it has none."""
    glob = pattern.glob
    if pattern.kind is PatternKind.EXACT:
        return (_literal(glob),)
    if glob != replace_stray_bytes(glob) or glob.startswith(BYTE_ORDER_MARK):
        return None
    if pattern.kind is PatternKind.SUFFIX:
        return (_suffix(glob[2:]),)
    if pattern.kind is PatternKind.PREFIX:
        start = glob[:-2]
        below = Shape(Head(HeadKind.STARTS, start), Tail(TailKind.ANY))
        folder, slash, name = start.rpartition("/")
        if not name:
            return (below,)
        return (Shape(Head(HeadKind.SAME, folder + slash), Tail(TailKind.STARTS, name)), below)
    shape = _glob(tokens_of(glob))
    return None if shape is None else (shape,)


def _literal(path: str) -> Shape:
    folder, slash, name = path.rpartition("/")
    return Shape(Head(HeadKind.SAME, folder + slash), Tail(TailKind.SAME, name))


def _suffix(end: str) -> Shape:
    folder, slash, name = end.rpartition("/")
    if not end:
        return Shape(Head(HeadKind.ANY), Tail(TailKind.ANY))
    if not slash:
        return Shape(Head(HeadKind.ANY), Tail(TailKind.ENDS, name))
    if not folder:
        return Shape(Head(HeadKind.ANY), Tail(TailKind.SAME, name))
    return Shape(Head(HeadKind.ENDS, folder + slash), Tail(TailKind.SAME, name))


def _glob(tokens: list[Token]) -> Shape | None:
    if not is_tame(tokens):
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
    return Shape(_head(tokens[:cut]), _tail(tokens[cut:]))


def _head(tokens: list[Token]) -> Head:
    text = "".join(token.text for token in tokens)
    deep = [token.kind is TokenKind.DEEP for token in tokens]
    if all(token.kind is TokenKind.LITERAL for token in tokens):
        return Head(HeadKind.SAME, text)
    if deep == [True] and tokens[0].expression != ".*":
        return Head(HeadKind.ANY)
    if deep[0] and all(token.kind is TokenKind.LITERAL for token in tokens[1:]):
        return Head(HeadKind.ENDS, "/" + text)
    return Head(HeadKind.GLOB, tokens=tuple(tokens))


def _tail(tokens: list[Token]) -> Tail:
    if not tokens:
        return Tail(TailKind.ANY)
    wild = [index for index, token in enumerate(tokens) if token.kind not in _PLAIN]
    text = "".join(token.text for token in tokens)
    if not wild:
        return Tail(TailKind.SAME, text)
    if len(wild) == 1 and tokens[wild[0]].kind is TokenKind.SOME:
        if wild[0] == 0:
            return Tail(TailKind.ENDS, text)
        if wild[0] == len(tokens) - 1:
            return Tail(TailKind.STARTS, text)
    return Tail(TailKind.GLOB, tokens=tuple(tokens))


_PLAIN = (TokenKind.LITERAL, TokenKind.ESCAPED)
