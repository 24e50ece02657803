"""Ignore files inside the archive, so written that nobody applies them to any harm.

Whoever unpacks a context and runs a build on it reads the ignore file in it once more, and
would drop what was put in beside the selection: added files, folders that are always in, or,
when the selection was made by another ignore file, anything. So an ignore file in the
archive stands there byte for byte as on disk as long as reading it again drops nothing, and
otherwise gets lines at its end that keep what it would drop.

A Docker Engine that builds without BuildKit is one of them, for two files: it takes the
Dockerfile and the `.dockerignore` away before any step sees them, if the `.dockerignore` in the
archive excludes them
(https://github.com/moby/moby/blob/v20.10.24/builder/remotecontext/detect.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imagebuilders.context.entries import encode_path
from imagebuilders.context.ignore_file import IgnoreLine, parse_lines
from imagebuilders.context.patterns import literal_pattern
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.exceptions import IgnoreFileError

KEEP_ALL = "!**"
_NOTE = b"# Added so that reading this file a second time drops nothing.\n"


def keep_on_reapply(
    content: bytes, applied: Sequence[IgnoreLine] | None, protected: Iterable[str]
) -> bytes:
    """Return an ignore file's content as it should stand in the archive.

    Args:
        content: the file as it is.
        applied: the lines that the selection was made by, `None` for none.
        protected: the paths in the archive that those lines did not select.
    """
    try:
        lines = parse_lines(content)
        rules = IgnoreRules.compile(lines)
        if applied is None or _texts(lines) != _texts(applied):
            dropped = [KEEP_ALL] if lines else []
        else:
            dropped = [keeping_line(path) for path in protected if rules.excludes(path)]
    except (IgnoreFileError, RuleError):  # nobody else could read it either
        return _NOTE + KEEP_ALL.encode() + b"\n"
    return with_lines(content, dropped, note=_NOTE) if dropped else content


def drops(content: bytes, path: str) -> bool:
    """Say whether an engine that reads an ignore file of this content takes a path away."""
    try:
        return IgnoreRules.compile(parse_lines(content)).excludes(path)
    except (IgnoreFileError, RuleError):
        return False  # the engine passes over rules that it cannot read


def dropping_line(path: str) -> str:
    """Return the line that drops a path."""
    return literal_pattern(path)


def keeping_line(path: str) -> str:
    """Return the line that keeps a path."""
    return f"!{literal_pattern(path)}"


def with_lines(content: bytes, lines: Iterable[str], *, note: bytes = b"") -> bytes:
    """Return an ignore file's content with lines at its end, and before them a comment."""
    if content and not content.endswith(b"\n"):
        content += b"\n"
    return content + note + encode_path("".join(f"{line}\n" for line in lines))


def _texts(lines: Iterable[IgnoreLine]) -> list[str]:
    return [line.text for line in lines]
