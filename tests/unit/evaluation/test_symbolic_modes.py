"""Symbolic values of `--chmod`."""

from __future__ import annotations

import pytest

from imagebuilders.evaluation.symbolic_mode import SymbolicMode


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("a+x", 0o644, 0o755),
        ("+x", 0o644, 0o755),
        ("go-rwx", 0o755, 0o700),
        ("u=rwX,go=rX", 0o600, 0o644),
        ("u=rwX,go=rX", 0o711, 0o755),
        ("g=u", 0o640, 0o660),
        ("g=u-w", 0o640, 0o640),
        ("go=u-w", 0o755, 0o755),
        ("o=", 0o777, 0o770),
        ("=", 0o6777, 0o000),
        ("=", 0o1777, 0o1000),
        ("u+s", 0o755, 0o4755),
        ("g+s", 0o755, 0o2755),
        ("o+s", 0o755, 0o755),
        ("a-s", 0o6755, 0o755),
        ("+t", 0o777, 0o1777),
        ("+tx", 0o644, 0o1644),
        ("o+t", 0o777, 0o777),
        ("u+t", 0o777, 0o1777),
        ("u+r+w-x", 0o100, 0o600),
        ("o+g", 0o750, 0o755),
        ("u-o", 0o755, 0o255),
        ("-X", 0o755, 0o644),
        ("g=rwug", 0o507, 0o557),
    ],
)
def test_files(text: str, mode: int, expected: int) -> None:
    """A file gets the mode that BSD's chmod without a creation mask would give it."""
    assert oct(SymbolicMode.parse(text).apply(mode, is_folder=False)) == oct(expected)


@pytest.mark.parametrize(("text", "expected"), [("a+X", 0o755), ("u=rX", 0o544), ("g=X", 0o614)])
def test_folders_can_always_be_entered(text: str, expected: int) -> None:
    """`X` counts for folders whatever their mode is."""
    assert oct(SymbolicMode.parse(text).apply(0o644, is_folder=True)) == oct(expected)


@pytest.mark.parametrize("text", ["", "u", "u+q", "u+r,", ",u+r", "x+r", "0o644", "u r", "u=r g=r"])
def test_malformed(text: str) -> None:
    """What is no symbolic mode is an error."""
    with pytest.raises(ValueError, match="invalid syntax"):
        SymbolicMode.parse(text)
