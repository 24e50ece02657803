"""Ignore files in the archive, read once more by whoever unpacks it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.context.ignore_file import IgnoreLine, compile_rules, parse_lines
from imagebuilders.context.reapply import keep_on_reapply


def dropped(content: bytes, *paths: str) -> list[str]:
    """Give the paths that the content drops."""
    rules = compile_rules(parse_lines(content))
    return [path for path in paths if rules.excludes(path)]


def test_untouched() -> None:
    """A file that drops nothing stays byte for byte as it is."""
    content = b"*.md  \r\n# c\nx"
    assert keep_on_reapply(content, parse_lines(content), ["added", "a/b"]) == content
    assert keep_on_reapply(b"# only a comment", None, ["x"]) == b"# only a comment"
    assert keep_on_reapply(b"", [IgnoreLine(1, "x")], ["x"]) == b""


def test_added_files() -> None:
    """Lines are added for what it would drop, and for nothing else."""
    content = b"*\n!keep"
    guarded = keep_on_reapply(content, parse_lines(content), ["keep", "new", "a/[b]"])
    assert guarded.startswith(content + b"\n# ")
    assert dropped(guarded, "keep", "new", "a/[b]", "Dockerfile", "a/b") == ["Dockerfile", "a/b"]


def test_other_rules() -> None:
    """A file that the selection was not made by is made to keep everything."""
    guarded = keep_on_reapply(b"x\n", parse_lines(b"y\n"), [])
    assert dropped(guarded, "x", "x/y", "z") == []
    assert dropped(keep_on_reapply(b"x\n", None, []), "x") == []


def test_malformed() -> None:
    """A file that nobody can read is replaced by one that keeps everything."""
    for content in (b"[", b"a" * 70_000, b"!\n"):
        guarded = keep_on_reapply(content, None, [])
        assert dropped(guarded, "x") == []
        assert len(guarded) < 200


NAME = st.text(st.characters(exclude_characters="/\0\udcff"), min_size=1, max_size=4).filter(
    lambda name: name not in (".", "..") and not name.startswith("\ufeff")
)


@given(st.lists(st.lists(NAME, min_size=1, max_size=3).map("/".join), max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_added_file(paths: list[str]) -> None:
    """No name of an added file can be dropped by a second reading."""
    paths = [path.encode("utf-8", "replace").decode() for path in paths]
    content = b"*\n**/*\n!x\nx/*"
    assert dropped(keep_on_reapply(content, parse_lines(content), paths), *paths) == []
