"""Ignore files inside the archive, so written that nobody can apply them to any harm.

Whoever unpacks a context and runs a build on it reads the ignore file in it once more, and
would drop what was put in beside the selection: added files, folders that are always in, or,
when the selection was made by another ignore file, anything. So an ignore file in the
archive stands there byte for byte as on disk as long as reading it again drops nothing, and
otherwise gets lines at its end that keep what it would drop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imagebuilders.context.ignore_file import IgnoreLine, parse_lines
from imagebuilders.context.patterns import literal_pattern
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.exceptions import IgnoreFileError

KEEP_ALL = "!**"
_NOTE = b"# Added so that reading this file a second time drops nothing.\n"


def keep_on_reapply(
    content: bytes, applied: Sequence[IgnoreLine] | None, protected: Iterable[str]
) -> bytes:
    """Give an ignore file's content as it should stand in the archive.

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
            dropped = [f"!{literal_pattern(path)}" for path in protected if rules.excludes(path)]
    except (IgnoreFileError, RuleError):  # nobody else could read it either
        return _NOTE + KEEP_ALL.encode() + b"\n"
    if not dropped:
        return content
    if content and not content.endswith(b"\n"):
        content += b"\n"
    added = "\n".join(dropped).encode("utf-8", "surrogateescape")
    return content + _NOTE + added + b"\n"


def _texts(lines: Iterable[IgnoreLine]) -> list[str]:
    return [line.text for line in lines]
