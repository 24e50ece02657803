"""The lines of a Dockerfile: directives, comments, continuation, flags and arguments.

The grammar is the one of the engine of Docker 20.10 (Dockerfile reference,
"Parser directives" and "Format").
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from fakes.engine.errors import DockerfileError
from fakes.engine.go_text import quote

_WHITESPACE = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"\d*<<-?([^<\s]+)")
_MAX_LINE = 64 * 1024 - 1


@dataclass
class Line:
    """One instruction as it was written.

    Attributes:
        keyword: the instruction in lower case.
        original: the whole line with continuations joined.
        flags: the words that start with `--`.
        arguments: the words after them; for ENV and LABEL names and values alternate.
        is_json: the arguments were a JSON array.
        number: the line it starts on, from 1.
        trigger: the instruction inside an ONBUILD.
    """

    keyword: str
    original: str
    flags: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    is_json: bool = False
    number: int = 0
    trigger: Line | None = None


@dataclass
class Dockerfile:
    """A Dockerfile in lines, with its escape character and the parser's warnings."""

    lines: list[Line]
    escape: str = "\\"
    warnings: list[str] = field(default_factory=list)


class _Directives:
    """What the `# escape=` and `# syntax=` lines at the top say."""

    def __init__(self) -> None:
        self.escape = "\\"
        self.continuation = re.compile("")
        self.done = False
        self.seen: set[str] = set()
        self._set_escape("\\")

    def _set_escape(self, token: str) -> None:
        if token not in ("\\", "`"):
            raise DockerfileError(f"invalid escape token '{token}' does not match ` or \\")
        self.escape = token
        mark = re.escape(token)
        self.continuation = re.compile(rf"([^{mark}]){mark}[ \t]*\Z|^{mark}[ \t]*\Z")

    def look(self, line: str) -> None:
        if self.done:
            return
        match = _DIRECTIVE.fullmatch(line)
        name = match.group(1).lower() if match else ""
        if not match or name not in ("escape", "syntax"):
            self.done = True
            return
        if name in self.seen:
            raise DockerfileError(f"only one {name} parser directive can be used")
        self.seen.add(name)
        if name == "escape":
            self._set_escape(match.group(2))

    def trim(self, line: str) -> tuple[str, bool]:
        """The line without its continuation mark, and whether it ends there."""
        match = self.continuation.search(line)
        if not match:
            return line, True
        return line[: match.start()] + (match.group(1) or ""), False


def parse(text: str, *, modern: bool = False) -> Dockerfile:
    """Read a Dockerfile.

    Args:
        text: the file.
        modern: know here-documents, as engines from 23.0 on do.

    Raises:
        DockerfileError: with the engine's words and the line.
    """
    directives = _Directives()
    lines = _scan(text)
    result: list[Line] = []
    warnings: list[str] = []
    index = 0
    if lines and lines[0].startswith("\ufeff"):
        lines[0] = lines[0][1:]
    while index < len(lines):
        stripped = lines[index].lstrip()
        directives.look(stripped)
        index += 1
        start = index
        if stripped.startswith("#"):
            continue
        line, ended = directives.trim(stripped)
        if ended and not line:
            continue
        empty_continuation = False
        while not ended and index < len(lines):
            more = lines[index]
            index += 1
            if more.lstrip().startswith("#"):
                continue
            if not more.strip():
                empty_continuation = True
                continue
            more, ended = directives.trim(more)
            line += more
        if empty_continuation:
            joint = " " if modern else "\n    "
            warnings.append(f"[WARNING]: Empty continuation line found in:{joint}{line}")
        parsed = parse_line(line, directives.escape)
        parsed.number = start
        if modern:
            index = _skip_heredocs(parsed, lines, index)
        result.append(parsed)
    if warnings:
        warnings.append(
            "[WARNING]: Empty continuation lines will become errors in a future release."
        )
    if not result:
        raise DockerfileError("file with no instructions")
    return Dockerfile(result, directives.escape, warnings)


def heredoc_name(word: str) -> str:
    """The word that ends a here-document begun by `<<word`; empty when it begins none."""
    match = _HEREDOC.fullmatch(word)
    return match.group(1).replace('"', "").replace("'", "") if match else ""


def _skip_heredocs(line: Line, lines: list[str], index: int) -> int:
    """The line after the here-documents of an instruction."""
    holder = line.trigger or line
    if holder.keyword not in ("add", "copy", "run") or holder.is_json:
        return index
    for word in split_words(line.original, "\\"):
        name = heredoc_name(word)
        if not name:
            continue
        chomp = "<<-" in word
        while index < len(lines):
            candidate = lines[index].lstrip("\t") if chomp else lines[index]
            index += 1
            if candidate == name:
                break
        else:
            raise DockerfileError("unterminated heredoc")
    return index


def _scan(text: str) -> list[str]:
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    for line in lines:
        if len(line.encode("utf-8", "surrogateescape")) > _MAX_LINE:
            raise DockerfileError(f"dockerfile line greater than max allowed size of {_MAX_LINE}")
    return [line[:-1] if line.endswith("\r") else line for line in lines]


def parse_line(line: str, escape: str = "\\") -> Line:
    """Split one joined line into keyword, flags and arguments."""
    parts = _WHITESPACE.split(line.strip(), maxsplit=1)
    keyword = parts[0].lower()
    flags: list[str] = []
    rest = ""
    if len(parts) == 2:
        rest, flags = _flags(parts[1])
        rest = rest.strip()
    parsed = Line(keyword=keyword, original=line, flags=flags)
    reader = _READERS.get(keyword)
    if reader is not None:
        reader(parsed, rest, escape)
    return parsed


def _flags(line: str) -> tuple[str, list[str]]:
    """Take the leading `--flag` words off; a lone `--` ends them."""
    words: list[str] = []
    position = 0
    while True:
        while position < len(line) and line[position].isspace():
            position += 1
        if line[position : position + 2] != "--":
            return line[position:], words
        word, quoted, mark = "", False, ""
        while position < len(line):
            char = line[position]
            if not mark and char.isspace():
                break
            position += 1
            if mark:
                if char == mark:
                    mark = ""
                    continue
            elif char in "'\"":
                mark, quoted = char, True
                continue
            if char == "\\":
                if position == len(line):
                    mark = ""
                    continue
                char = line[position]
                position += 1
            word += char
        if word == "--":
            return line[position:], words
        if word or quoted:
            words.append(word)


def split_words(text: str, escape: str) -> list[str]:
    """Words separated by spaces; quotes stay, and protect spaces."""
    words: list[str] = []
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text):
            return words
        word, mark, quoted = "", "", False
        while position < len(text):
            char = text[position]
            if not mark and char.isspace():
                break
            position += 1
            if mark and char == mark:
                mark = ""
            elif not mark and char in "'\"":
                mark, quoted = char, True
            if char == escape and mark != "'":
                if position == len(text):
                    break
                word += char
                char = text[position]
                position += 1
            word += char
        if word or quoted:
            words.append(word)


def _read_pairs(line: Line, rest: str, escape: str) -> None:
    words = split_words(rest, escape)
    if not words:
        return
    if "=" not in words[0]:
        parts = _WHITESPACE.split(rest, maxsplit=1)
        if len(parts) < 2:
            raise DockerfileError(f"{line.keyword.upper()} must have two arguments")
        line.arguments = parts
        return
    for word in words:
        if "=" not in word:
            raise DockerfileError(
                f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value"
            )
        line.arguments.extend(word.split("=", 1))


def _read_words(line: Line, rest: str, escape: str) -> None:
    line.arguments = split_words(rest, escape)


def _read_strings(line: Line, rest: str, _escape: str) -> None:
    if rest:
        line.arguments = _WHITESPACE.split(rest)


def _read_string(line: Line, rest: str, _escape: str) -> None:
    if rest:
        line.arguments = [rest]


def _json_array(rest: str) -> list[str] | None:
    rest = rest.lstrip()
    if not rest.startswith("["):
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return None
    if not all(isinstance(item, str) for item in value):
        raise DockerfileError(
            "when using JSON array syntax, arrays must be comprised of strings only"
        )
    return [str(item) for item in value]


def _read_json_or_string(line: Line, rest: str, escape: str) -> None:
    if not rest:
        return
    array = _json_array(rest)
    if array is None:
        _read_string(line, rest, escape)
    else:
        line.arguments, line.is_json = array, True


def _read_json_or_strings(line: Line, rest: str, escape: str) -> None:
    array = _json_array(rest)
    if array is None:
        _read_strings(line, rest, escape)
    else:
        line.arguments, line.is_json = array, True


def _read_health(line: Line, rest: str, escape: str) -> None:
    parts = rest.split(None, 1)
    if not parts:
        return
    inner = Line("", "")
    _read_json_or_string(inner, parts[1] if len(parts) == 2 else "", escape)
    line.arguments = [parts[0], *inner.arguments]
    line.is_json = inner.is_json


def _read_trigger(line: Line, rest: str, escape: str) -> None:
    if not rest:
        return
    line.trigger = parse_line(rest, escape)
    line.arguments = [line.trigger.keyword, *line.trigger.arguments]


_READERS: dict[str, Callable[[Line, str, str], None]] = {
    "add": _read_json_or_strings,
    "arg": _read_words,
    "cmd": _read_json_or_string,
    "copy": _read_json_or_strings,
    "entrypoint": _read_json_or_string,
    "env": _read_pairs,
    "expose": _read_strings,
    "from": _read_strings,
    "healthcheck": _read_health,
    "label": _read_pairs,
    "maintainer": _read_string,
    "onbuild": _read_trigger,
    "run": _read_json_or_string,
    "shell": _read_json_or_string,
    "stopsignal": _read_string,
    "user": _read_string,
    "volume": _read_json_or_strings,
    "workdir": _read_string,
}
