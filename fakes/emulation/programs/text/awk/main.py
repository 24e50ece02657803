"""The command `awk`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....endings import ProcessExit
from ...options import usage
from ..expressions import ExpressionError
from .expression_parser import unescaped
from .functions import BUILTINS
from .interpreter import Interpreter
from .parser import Parser
from .syntax import AwkSyntaxError, Program

if TYPE_CHECKING:
    from ....process import Process


def awk(process: Process) -> int:
    """Do a program for each record."""
    words = process.arguments[1:]
    options = _read_options(process, words)
    if not options.sources:
        if not words:
            raise _usage(process)
        options.sources.append(words.pop(0))
    program = _parse(process, "\n".join(options.sources))
    return Interpreter(process, program, words).run(options.assigned)


@dataclass(frozen=True)
class _Options:
    """What a call says before its operands.

    Attributes:
        sources: the programs of its files.
        assigned: the variables, and what they are.
    """

    sources: list[str] = field(default_factory=list)
    assigned: list[tuple[str, str]] = field(default_factory=list)


def _read_options(process: Process, words: list[str]) -> _Options:
    """Take the options from the words of a call."""
    options = _Options()
    while words and words[0].startswith("-") and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            break
        letter, value = word[1], word[2:]
        if letter in "Fvf":
            if not value:
                if not words:
                    raise usage(process, f"option requires an argument -- '{letter}'", 2)
                value = words.pop(0)
            if letter == "F":
                options.assigned.append(("FS", "\t" if value == "t" else unescaped(value)))
            elif letter == "v":
                name, _, text = value.partition("=")
                options.assigned.append((name, unescaped(text)))
            else:
                options.sources.append(_read_source(process, value))
        elif word != "-W" and letter != "-":
            raise _refused(process, word)
    return options


def _read_source(process: Process, path: str) -> str:
    try:
        return process.system.files.read_file(process, path).decode("latin-1")
    except OSError as error:
        if process.system.programs.is_busybox:
            raise process.fail(f"can't open '{path}': {error.strerror}") from error
        raise process.fail(f"cannot open {path} ({error.strerror})", 2) from error


def _refused(process: Process, word: str) -> ProcessExit:
    if process.system.programs.is_busybox:
        return usage(process, f"invalid option -- '{word[1]}'")
    return process.fail(f"not an option: {word}", 2)


def _usage(process: Process) -> ProcessExit:
    if process.system.programs.is_busybox:
        return usage(process)
    process.print_error("Usage: mawk [Options] [Program] [file ...]\n")
    return ProcessExit(2)


def _parse(process: Process, source: str) -> Program:
    try:
        return Parser(source, BUILTINS).program()
    except (AwkSyntaxError, ExpressionError) as error:
        if process.system.programs.is_busybox:
            raise process.fail("cmd. line:1: Unexpected token") from error
        raise process.fail(f"line 1: {error}", 2) from error
