"""What stands behind an instruction's keyword, by the kind of the instruction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from imagebuilders.dockerfile.exec_form import NotOnlyStringsError, read_exec_form
from imagebuilders.dockerfile.grammar import Grammar
from imagebuilders.dockerfile.values import Instruction, Pair, Problem, ProblemKind
from imagebuilders.dockerfile.words import (
    BLANKS,
    bytes_as_text,
    split_flags,
    split_words,
    text_of_bytes,
)
from imagebuilders.go_text import WHITE_SPACE, quote, to_lower, trim_space
from imagebuilders.lazy_dataclass import dataclass

_SPACE = frozenset(WHITE_SPACE)
# ONBUILD in an ONBUILD is refused by every engine, at whatever depth.
_DEEPEST_TRIGGER = 16


@dataclass(frozen=True)
class Form:
    """What an instruction's text was read as."""

    arguments: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    exec_form: bool = False
    trigger: Instruction | None = None
    problem: Problem | None = None


def read_instruction(
    joined: str, escape: str, grammar: Grammar, *, depth: int = 0
) -> tuple[Instruction, Problem | None]:
    """Read one instruction whose lines are put together.

    Returns:
        The instruction, without its place in the file, and what makes it unreadable.
    """
    keyword, *more = BLANKS.split(trim_space(joined), maxsplit=1)
    flags, rest = split_flags(more[0] if more else "", escape if grammar.flag_escape else "\\")
    name = to_lower(keyword).upper()
    text = _Text(name, trim_space(rest), escape, grammar, depth)
    form = _READERS.get(name, _read_text)(text)
    instruction = Instruction(
        keyword=keyword,
        name=name,
        joined=joined,
        original=joined,
        flags=flags,
        arguments=form.arguments,
        pairs=form.pairs,
        exec_form=form.exec_form,
        trigger=form.trigger,
    )
    return instruction, form.problem


@dataclass(frozen=True)
class _Text:
    """The text behind the flags, and how to read it."""

    name: str
    rest: str
    escape: str
    grammar: Grammar
    depth: int

    def problem(self, kind: ProblemKind, message: str, subject: str = "") -> Form:
        """Return the text as it is, with what is wrong with it."""
        return Form((self.rest,), problem=Problem(kind, message, subject=subject))


def _read_text(text: _Text) -> Form:
    return Form((text.rest,) if text.rest else ())


def _read_blank_separated(text: _Text) -> Form:
    return Form(tuple(BLANKS.split(text.rest)) if text.rest else ())


def _exec_form_or(otherwise: Callable[[_Text], Form]) -> Callable[[_Text], Form]:
    def read(text: _Text) -> Form:
        try:
            strings = read_exec_form(text.rest, whole=text.grammar.whole_json)
        except NotOnlyStringsError as error:
            return text.problem(ProblemKind.NOT_ONLY_STRINGS, str(error))
        return otherwise(text) if strings is None else Form(strings, exec_form=True)

    return read


_read_command = _exec_form_or(_read_text)
_read_paths = _exec_form_or(_read_blank_separated)


def _read_pairs(text: _Text) -> Form:
    words = split_words(text.rest, text.escape)
    if not words:
        return Form()
    if "=" not in words[0]:
        name, *value = BLANKS.split(text.rest, maxsplit=1)
        if not value:
            message = f"{text.name} must have two arguments"
            return text.problem(ProblemKind.MISSING_VALUE, message, text.name)
        return Form(pairs=(Pair(name, value[0], " "),))
    for word in words:
        if "=" not in word:
            message = (
                f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value"
            )
            return text.problem(ProblemKind.MISSING_EQUALS_SIGN, message, word)
    return Form(pairs=tuple(map(_pair, words)))


def _read_names(text: _Text) -> Form:
    return Form(pairs=tuple(map(_pair, split_words(text.rest, text.escape))))


def _pair(word: str) -> Pair:
    name, equals, value = word.partition("=")
    return Pair(name, value if equals else None, equals)


def _read_health_check(text: _Text) -> Form:
    source = bytes_as_text(text.rest)
    end = next((at for at, char in enumerate(source) if char in _SPACE), len(source))
    kind = text_of_bytes(source[:end])
    if not kind:
        return Form()
    command = text_of_bytes(source[end:].lstrip(WHITE_SPACE))
    form = _read_command(replace(text, rest=command))
    if form.problem is not None:
        return replace(form, arguments=(text.rest,))
    return replace(form, arguments=(kind, *form.arguments))


def _read_trigger(text: _Text) -> Form:
    if not text.rest:
        return Form()
    if text.depth == _DEEPEST_TRIGGER:
        return Form((text.rest,))
    trigger, problem = read_instruction(text.rest, text.escape, text.grammar, depth=text.depth + 1)
    return Form((text.rest,), trigger=trigger, problem=problem)


_READERS: dict[str, Callable[[_Text], Form]] = {
    "ADD": _read_paths,
    "ARG": _read_names,
    "CMD": _read_command,
    "COPY": _read_paths,
    "ENTRYPOINT": _read_command,
    "ENV": _read_pairs,
    "EXPOSE": _read_blank_separated,
    "FROM": _read_blank_separated,
    "HEALTHCHECK": _read_health_check,
    "LABEL": _read_pairs,
    "MAINTAINER": _read_text,
    "ONBUILD": _read_trigger,
    "RUN": _read_command,
    "SHELL": _read_command,
    "STOPSIGNAL": _read_text,
    "USER": _read_text,
    "VOLUME": _read_paths,
    "WORKDIR": _read_text,
}
INSTRUCTIONS = frozenset(_READERS)
"""The instructions that BuildKit knows, by their names in upper case."""
