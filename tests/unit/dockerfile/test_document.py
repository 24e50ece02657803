"""Stages, global arguments and directives."""

from __future__ import annotations

import pytest

from imagebuilders.dockerfile import parse

_FILE = parse(
    b"ARG V=1\nFROM --platform=$P a:$V AS Build\nRUN x\nFROM b\nFROM Build as last\nCOPY a b\n"
)


def test_stages() -> None:
    """Each FROM begins one; names are in lower case, variables stay as they are."""
    assert [(s.number, s.base, s.name, s.platform) for s in _FILE.stages] == [
        (0, "a:$V", "build", "$P"),
        (1, "b", "", ""),
        (2, "Build", "last", ""),
    ]
    assert [[step.code for step in stage.steps] for stage in _FILE.stages] == [
        ["RUN x"],
        [],
        ["COPY a b"],
    ]
    assert [instruction.pairs[0].name for instruction in _FILE.global_args] == ["V"]


@pytest.mark.parametrize(
    ("name", "number"), [("BUILD", 0), ("1", 1), ("last", 2), ("3", None), ("no", None), ("", None)]
)
def test_a_stage_by_name_or_number(name: str, number: int | None) -> None:
    """As `COPY --from` finds it."""
    stage = _FILE.stage(name)
    assert (stage.number if stage else None) == number


def test_stages_without_a_name_are_not_found_by_the_empty_one() -> None:
    """The empty name names nothing."""
    assert parse(b"FROM a\n").stage("") is None


@pytest.mark.parametrize(
    ("content", "syntax"),
    [
        (b"# syntax=docker/dockerfile:1 --some\nFROM a", "docker/dockerfile:1"),
        (b"#!/bin/x\n# syntax=a/b\nFROM a", "a/b"),
        (b"\xef\xbb\xbf// syntax = a/c", "a/c"),
        (b' {"syntax": "a/d"}', "a/d"),
        (b'{"syntax": 1}', None),
        (b"{" * 5000, None),
        (b"# a comment\n# syntax=a/b", None),
        (b" # syntax=a/b", None),
    ],
)
def test_the_frontend_that_a_file_asks_for(content: bytes, syntax: str | None) -> None:
    """It is found where engines look for it."""
    assert parse(content).syntax == syntax


def test_directives() -> None:
    """They stand at the top, in any order and case."""
    dockerfile = parse(b"# Check = skip=all \n#syntax=x\n# other=y\n# escape=`\nFROM a")
    assert [(d.name, d.value, d.line) for d in dockerfile.directives] == [
        ("check", "skip=all", 1),
        ("syntax", "x", 2),
    ]
    assert (dockerfile.check, dockerfile.escape) == ("skip=all", "\\")
