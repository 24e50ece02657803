"""Lines, comments, continuation, and where instructions stand."""

from __future__ import annotations

import pytest

from imagebuilders.dockerfile import Grammar, Instruction, ProblemKind, parse


def _one(text: str) -> Instruction:
    (instruction,) = parse(text.encode()).instructions
    return instruction


def test_an_instruction_knows_its_lines_and_its_text() -> None:
    """Lines that continue belong to it; comments in between are in its text, not in its code."""
    dockerfile = parse(b"FROM a\n# why\nRUN one \\\n# not\n\n  two\n\nRUN x\n")
    run = dockerfile.instructions[1]
    assert (run.line, run.end_line) == (3, 6)
    assert run.original == "RUN one \\\n# not\n\n  two"
    assert run.code == "RUN one   two"
    assert run.arguments == ("one   two",)
    assert run.comments == ("why",)
    (warning,) = dockerfile.warnings
    assert (warning.kind, warning.line, warning.end_line) == (
        ProblemKind.EMPTY_CONTINUATION_LINE,
        3,
        6,
    )
    assert str(warning) == "line 3: Empty continuation line found in: RUN one   two"


def test_the_end_of_an_instruction_includes_its_here_documents() -> None:
    """So that an excerpt shows them."""
    dockerfile = parse(b"FROM a\nCOPY <<X <<Y /\n1\nX\n2\nY\nRUN b")
    copy, run = dockerfile.instructions[1:]
    assert (copy.line, copy.end_line, run.line) == (2, 6, 7)
    assert copy.original == "CO" + "PY <<X <<Y /\n1\nX\n2\nY"
    assert [document.content for document in copy.here_documents] == ["1\n", "2\n"]


def test_an_escape_character_of_its_own() -> None:
    """`# escape=` holds for continuation and for words."""
    dockerfile = parse(b"# escape=`\nFROM a\nENV a=b` c `\n  d=e\\\n")
    assert dockerfile.escape == "`"
    pairs = dockerfile.instructions[1].pairs
    assert [(pair.name, pair.value) for pair in pairs] == [("a", "b` c"), ("d", "e\\")]


def test_unknown_instructions_and_flags_are_kept() -> None:
    """The frontend of a `# syntax=` may know them."""
    instruction = _one('TELEPORT --to=mars --now a "b c" \n')
    assert (instruction.name, instruction.arguments) == ("TELEPORT", ('a "b c"',))
    assert [str(flag) for flag in instruction.flags] == ["--to=mars", "--now"]
    assert (instruction.flag("to"), instruction.flag("now"), instruction.flag("x")) == (
        "mars",
        "",
        None,
    )


def test_flags_that_stand_there_several_times() -> None:
    """Each value is kept, in order; `flag` is the last."""
    instruction = _one("RUN --mount=type=cache,target=/a --mount='type=secret,id=b c' make")
    assert instruction.flag_values("mount") == ("type=cache,target=/a", "type=secret,id=b c")
    assert instruction.flag("mount") == "type=secret,id=b c"
    assert instruction.arguments == ("make",)


@pytest.mark.parametrize(
    ("content", "kind", "line"),
    [
        (b"", ProblemKind.NO_INSTRUCTIONS, 0),
        (b"# a\n", ProblemKind.NO_INSTRUCTIONS, 0),
        (b"# escape=`\n# escape=`\nFROM a", ProblemKind.DUPLICATE_DIRECTIVE, 2),
        (b"# escape=x\nFROM a", ProblemKind.ESCAPE_CHARACTER, 1),
        (b'FROM a\nCMD ["a", 1]', ProblemKind.NOT_ONLY_STRINGS, 2),
        (b"FROM a\nENV a", ProblemKind.MISSING_VALUE, 2),
        (b"FROM a\nENV a=b c", ProblemKind.MISSING_EQUALS_SIGN, 2),
        (b"FROM a\nRUN <<EOF\nx\n", ProblemKind.UNTERMINATED_HERE_DOCUMENT, 2),
        (b"FROM a\nRUN " + b"x" * 65_532 + b"\nRUN b\n", ProblemKind.LINE_TOO_LONG, 2),
    ],
)
def test_what_cannot_be_read(content: bytes, kind: ProblemKind, line: int) -> None:
    """The problem is told with its line, and the rest of the file is read all the same."""
    dockerfile = parse(content)
    problem = dockerfile.problems[0]
    assert (problem.kind, problem.line) == (kind, line)
    if b"FROM" in content:
        assert dockerfile.stages[0].base == "a"


def test_the_problem_that_an_engine_tells_comes_first() -> None:
    """An engine reads from the top and stops at the first."""
    dockerfile = parse(b"FROM a\nENV a\nRUN " + b"x" * 70_000 + b"\nLABEL a=b c\n")
    assert [problem.line for problem in dockerfile.problems] == [2, 3, 4]
    dockerfile = parse(b"RUN " + b"x" * 70_000 + b"\n")
    assert [problem.message for problem in dockerfile.problems] == [
        "file with no instructions",
        "dockerfile line greater than max allowed size of 65535",
    ]


def test_older_engines_know_less() -> None:
    """Without here-documents the lines behind one are instructions."""
    old = Grammar(here_documents=False, directives=frozenset({"escape"}), whole_json=False)
    dockerfile = parse(b'# check=x\n# escape=`\nFROM a\nRUN <<E\nx\nE\nCMD ["a"] b', old)
    assert [instruction.keyword for instruction in dockerfile.instructions] == [
        "FROM",
        "RUN",
        "x",
        "E",
        "CMD",
    ]
    assert (dockerfile.escape, dockerfile.check) == ("\\", None)
    assert dockerfile.instructions[-1].arguments == ("a",)


def test_bytes_that_are_not_text() -> None:
    """They come through where an engine passes them on, and are replaced where it does."""
    dockerfile = parse(b"FROM a\nRUN \xff\nENV a=\xff\n")
    assert dockerfile.instructions[1].arguments == ("\udcff",)
    assert dockerfile.instructions[2].pairs[0].value == "\ufffd"
