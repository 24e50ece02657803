"""Commands that do what they say without a rule."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence

from .process import Process, Work

_SHELLS = ("sh", "bash", "ash", "dash")
# A script of which more than words would have to be understood.
_MORE_THAN_WORDS = re.compile(r"[;&|<>$`()\n*?\[\]{}~#]|^\s*!\s")
_QUOTED = re.compile(r"""\\.|'[^']*'|"[^"$`\\]*\"""")
"""What a shell takes as it stands."""
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smhd]?)")


def simple_words(command: Sequence[str]) -> list[str]:
    """Return the words of a command; of a shell's, those of its script if it is one command."""
    words = list(command)
    if len(words) == 3 and posixpath.basename(words[0]) in _SHELLS and words[1] == "-c":
        if _MORE_THAN_WORDS.search(_QUOTED.sub("quoted", words[2])):
            return words
        try:
            return shlex.split(words[2])
        except ValueError:
            return words
    return words


def known_work(command: Sequence[str]) -> Work | None:
    """Return what does the work of a command; `None` when nobody knows what it does."""
    words = simple_words(command)
    if not words:
        return None
    name, arguments = posixpath.basename(words[0]), words[1:]
    if name == "true":
        return lambda _process: 0
    if name == "false":
        return lambda _process: 1
    if name == "echo":
        return lambda process: _echo(process, arguments)
    if _is_exit(command, words):
        code = int(arguments[0]) % 256 if arguments else 0
        return lambda _process: code
    if name == "sleep" and arguments and all(map(_seconds_are_known, arguments)):
        return lambda process: process.sleep(_seconds(arguments))
    if name == "tail" and ("-f" in arguments or "-F" in arguments):
        return lambda process: process.sleep(None)
    if name == "cat" and not any(word.startswith("-") for word in arguments):
        return lambda process: _cat(process, arguments)
    return None


def is_instant(command: Sequence[str]) -> bool:
    """Return whether a command is done as soon as it begins."""
    words = simple_words(command)
    if not words:
        return False
    return posixpath.basename(words[0]) in ("true", "false", "echo") or _is_exit(command, words)


def _is_exit(command: Sequence[str], words: Sequence[str]) -> bool:
    """Whether a shell's script is its own `exit`, which is no program."""
    is_script = len(command) == 3 and len(words) <= 2
    return words[0] == "exit" and is_script and all(map(str.isdigit, words[1:]))


def _echo(process: Process, words: Sequence[str]) -> int:
    ends = words[:1] != ["-n"]
    process.print(" ".join(words if ends else words[1:]), end="\n" if ends else "")
    return 0


def _seconds_are_known(text: str) -> bool:
    return text in ("infinity", "inf") or _NUMBER.fullmatch(text) is not None


def _seconds(words: Sequence[str]) -> float | None:
    """How long a sleep is; `None` when it has no end."""
    total = 0.0
    for word in words:
        match = _NUMBER.fullmatch(word)
        if match is None:
            return None
        total += float(match[1]) * _UNITS[match[2]]
    return total


def _cat(process: Process, paths: Sequence[str]) -> int:
    if not paths:
        while data := process.stdin.read1():
            process.print(data, end="")
        return 0
    code = 0
    for path in paths:
        absolute = posixpath.normpath(posixpath.join("/", process.working_dir, path))
        if absolute in process.files:
            process.print(process.files[absolute], end="")
        else:
            process.print_error(f"cat: can't open '{path}': No such file or directory")
            code = 1
    return code
