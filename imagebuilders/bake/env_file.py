"""Files of variables, such as `.env`, as compose reads them.

https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/
"""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Mapping

from imagebuilders.bake.interpolation import substitute
from imagebuilders.control_files import is_there, read_control_file
from imagebuilders.exceptions import BakeError, ControlFileError

_KEY = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([\w.\-\[\]]+)[^\S\n]*(=|:|\n|\Z)[^\S\n]*")
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
}
_ESCAPE = re.compile(r"\\([abcfnrtv$\"\\]|0[0-7]{0,3})")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read_env_file(
    path: str, environment: Mapping[str, str], *, is_raw: bool = False
) -> dict[str, str]:
    """Return the variables of a file.

    Args:
        path: the file.
        environment: the variables that count before those of the file, where values refer to them.
        is_raw: whether each line is taken as it is, without quotes and references.

    Raises:
        BakeError: the file cannot be read, or a line is malformed.
    """
    try:
        content = read_control_file(path).content.decode("utf-8-sig")
    except ControlFileError as error:
        raise BakeError(str(error), path=path) from error
    except UnicodeDecodeError as error:
        raise BakeError(f"The file {path} is not UTF-8.", path=path) from error
    if is_raw:
        pairs = (line.partition("=") for line in content.splitlines())
        return {key: value for key, equals, value in pairs if equals and not key.startswith("#")}
    return parse_env(content, environment, path=path)


def read_dot_env(environment: Mapping[str, str], path: str = ".env") -> dict[str, str]:
    """Return variables with those of `.env` in the working directory; the former count first.

    Raises:
        BakeError: the file is malformed.
    """
    if not is_there(path) or os.path.isdir(path):
        return dict(environment)
    return {**read_env_file(path, environment), **environment}


def parse_env(text: str, environment: Mapping[str, str], *, path: str = ".env") -> dict[str, str]:
    """Return the variables that a text in the form of `.env` sets.

    Args:
        text: the text.
        environment: the variables that count before those of the text.
        path: where it comes from, for errors.

    Raises:
        BakeError: a line is malformed; it is not quoted, as it may be a password's.
    """
    text = text.replace("\r\n", "\n")
    values: dict[str, str] = {}
    known = ChainMap(dict(environment), values)
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        if text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
            continue
        key = _KEY.match(text, position)
        if key is None:
            raise _malformed(text, position, path, "it is neither NAME=value nor a comment")
        position = key.end()
        if key[2] not in ("=", ":"):  # a name alone: what the environment has
            if key[1] in environment:
                values[key[1]] = environment[key[1]]
            continue
        quote = text[position : position + 1]
        if quote in _QUOTED:
            quoted = _QUOTED[quote].match(text, position)
            if quoted is None:
                raise _malformed(text, position, path, "a quotation mark is not closed")
            value, position = quoted[1].replace(f"\\{quote}", quote), quoted.end()
            if quote == '"':
                value = substitute(_ESCAPE.sub(_unescaped, value), known)
        else:
            line = text[position:].partition("\n")[0]
            position += len(line)
            value = substitute(line.partition(" #")[0].rstrip(), known)
        values[key[1]] = value
    return values


def _unescaped(found: re.Match[str]) -> str:
    escaped = found[1]
    if escaped == "$":
        return "$$"
    if escaped.startswith("0"):
        return chr(int(escaped, 8))
    return _ESCAPED.get(escaped, escaped)


def _malformed(text: str, position: int, path: str, problem: str) -> BakeError:
    line = text.count("\n", 0, position) + 1
    return BakeError(f"Line {line} of {path} cannot be read: {problem}.", path=path)
