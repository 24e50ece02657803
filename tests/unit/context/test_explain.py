"""Why a path is kept or not."""

from __future__ import annotations

import pytest

from imagebuilders.context.explain import explain
from imagebuilders.context.ignore_file import compile_rules, parse_lines

RULES = compile_rules(parse_lines(b"# c\n*.log\nbuild\n!build/keep\n"))


@pytest.mark.parametrize(
    ("path", "kept", "line", "above", "reason"),
    [
        ("a.py", True, None, None, "a.py is kept: no line of F matches it."),
        ("x.log", False, 2, None, "x.log is left out by line 2 of F: *.log."),
        ("build/keep", True, 4, None, "build/keep is kept by line 4 of F: !build/keep."),
        (
            "build/a/b", False, 3, "build",
            "build/a/b is left out by line 3 of F: build, which matches build "
            "and all that is in it.",
        ),
    ],
)  # fmt: skip
def test_explain(path: str, kept: bool, line: int | None, above: str | None, reason: str) -> None:
    """The deciding line is named, and the folder above that it hit."""
    explained = explain(path, RULES, "F")
    assert (explained.path, explained.kept, explained.line) == (path, kept, line)
    assert (explained.above, explained.reason) == (above, reason)
    assert explained.file == (None if line is None else "F")


def test_without_an_ignore_file() -> None:
    """Without an ignore file everything is kept."""
    assert explain("a", compile_rules([]), None).reason == "a is kept: there is no ignore file."
    named = explain("a", compile_rules([]), None, "app").reason
    assert named == "a is kept: there is no ignore file in app."
    here = explain("a", compile_rules([]), None, ".").reason
    assert here == "a is kept: there is no ignore file in the working directory."
