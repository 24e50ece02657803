"""What an engine refuses before a build begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.dockerfile import (
    Grammar,
    HealthCheck,
    ProblemKind,
    check,
    check_instruction,
    parse,
    read_health_check,
)


@pytest.mark.parametrize(
    ("line", "kind", "subject"),
    [
        ("RNU x", ProblemKind.UNKNOWN_INSTRUCTION, "RNU"),
        ("COPY --form=a b c", ProblemKind.UNKNOWN_FLAG, "form"),
        ("COPY --from=a --from=b c d", ProblemKind.DUPLICATE_FLAG, "from"),
        ("COPY --from b c", ProblemKind.MISSING_FLAG_VALUE, "from"),
        ("COPY --link= b c", ProblemKind.MISSING_FLAG_VALUE, "link"),
        ("COPY --link=maybe b c", ProblemKind.FLAG_VALUE, "link"),
        ("COPY a", ProblemKind.ARGUMENTS, ""),
        ("COPY a <<X\nX", ProblemKind.ARGUMENTS, ""),
        ("ENV =a", ProblemKind.ARGUMENTS, ""),
        ("ARG =a", ProblemKind.ARGUMENTS, ""),
        ("SHELL sh -c", ProblemKind.ARGUMENTS, ""),
        ('VOLUME [" "]', ProblemKind.ARGUMENTS, ""),
        ("USER", ProblemKind.ARGUMENTS, ""),
        ("FROM a b", ProblemKind.ARGUMENTS, ""),
        ("FROM a AS 1", ProblemKind.STAGE_NAME, "1"),
        ("ONBUILD ONBUILD RUN x", ProblemKind.TRIGGER, "ONBUILD"),
        ("ONBUILD from x", ProblemKind.TRIGGER, "FROM"),
        ("HEALTHCHECK --interval=1us CMD x", ProblemKind.HEALTH_CHECK, ""),
        ("HEALTHCHECK --x CMD x", ProblemKind.UNKNOWN_FLAG, "x"),
    ],
)
def test_refusals(line: str, kind: ProblemKind, subject: str) -> None:
    """Each is told with its kind, its line and the word that is at fault."""
    (problem,) = check(parse(f"FROM a\n{line}\n".encode()))
    assert (problem.kind, problem.line, problem.subject) == (kind, 2, subject)


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"RUN a\nFROM b\nRUN c", [ProblemKind.NO_STAGE]),
        (b"ARG a", [ProblemKind.NO_STAGES]),
        (b"FROM a\nENV b\nFOO", [ProblemKind.MISSING_VALUE, ProblemKind.UNKNOWN_INSTRUCTION]),
        (b"FROM a\nRUN --mount=type=cache --device=x b\nCOPY --exclude=a --exclude=b c d", []),
    ],
)
def test_files(content: bytes, kinds: list[ProblemKind]) -> None:
    """Problems of reading come first; the rest in the file's order."""
    assert [p.kind for p in check(parse(content)) if p.kind is not ProblemKind.ARGUMENTS] == kinds


@pytest.mark.parametrize(
    ("line", "hint"),
    [("RUNN x", "RUN"), ("runn x", "run"), ("COPY --form=a b c", "from"), ("TELEPORT x", "")],
)
def test_hints(line: str, hint: str) -> None:
    """A near word is proposed, in the case of the wrong one."""
    (problem,) = check(parse(f"FROM a\n{line}\n".encode()))
    assert ("did you mean" in problem.message) == bool(hint)
    assert hint in problem.message


def test_the_flags_of_another_engine() -> None:
    """What is known is the grammar's."""
    dockerfile = parse(b"FROM a\nCOPY --link b c\nRUN --x=1 d\n")
    grammar = Grammar(flags={"RUN": frozenset({"x"})})
    assert [problem.subject for problem in check(dockerfile, grammar)] == ["link"]


@pytest.mark.parametrize(
    ("line", "health"),
    [
        ("HEALTHCHECK NONE", HealthCheck(("NONE",))),
        ("HEALTHCHECK CMD curl x", HealthCheck(("CMD-SHELL", "curl x"))),
        ('HEALTHCHECK cmd ["a", "b"]', HealthCheck(("CMD", "a", "b"))),
        (
            "HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0 --start-interval=1ms "
            "--retries=3 CMD x",
            HealthCheck(("CMD-SHELL", "x"), 90 * 10**9, 15 * 10**8, 0, 10**6, 3),
        ),
    ],
)
def test_health_checks(line: str, health: HealthCheck) -> None:
    """Durations are nanoseconds."""
    assert read_health_check(parse(line.encode()).instructions[0]) == health


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("retries=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("retries=2147483648", 'strconv.ParseInt: parsing "2147483648": value out of range'),
        ("retries=-1", "--retries cannot be negative (-1)"),
        ("timeout=5", 'time: missing unit in duration "5"'),
        ("timeout=-1s", 'Interval "timeout" cannot be less than 1ms'),
    ],
)
def test_wrong_values_of_health_checks(flag: str, message: str) -> None:
    """In BuildKit's words."""
    (problem,) = check(parse(f"FROM a\nHEALTHCHECK --{flag} CMD x".encode()))
    assert problem.message == message


@given(
    st.lists(
        st.sampled_from(
            ["FROM", "RUN", "COPY", "ENV", "ONBUILD", "HEALTHCHECK", "CMD", " ", "\n", "--", "a",
             "=", '["a"]', "<<E", "E", "\\", "'", '"', "#", "\t", "${", "\udcff", "\u00e9"]
        ),
        max_size=24,
    )
)  # fmt: skip
def test_any_file_is_read_and_checked(parts: list[str]) -> None:
    """No content raises, and every problem and instruction has lines that exist."""
    content = "".join(parts).encode("utf-8", "surrogateescape")
    dockerfile = parse(content)
    count = len(dockerfile.lines)
    for problem in check(dockerfile):
        assert 0 <= problem.line <= problem.end_line <= count
    for instruction in dockerfile.instructions:
        assert 1 <= instruction.line <= instruction.end_line <= count
        assert instruction.original.count("\n") <= instruction.end_line - instruction.line


@given(st.binary(max_size=60))
def test_any_bytes(content: bytes) -> None:
    """Bytes that are not text do not raise either."""
    assert parse(content).instructions or parse(content).problems


@pytest.mark.parametrize("option", ["retries=0", "interval=0s"])
def test_a_zero_for_a_default(option: str) -> None:
    """What newer engines take for the default older ones refuse."""
    instruction = parse(f"FROM a\nHEALTHCHECK --{option} CMD x\n".encode()).instructions[1]
    assert check_instruction(instruction) is None
    problem = check_instruction(instruction, Grammar(zero_is_default=False))
    assert problem is not None
    assert problem.kind is ProblemKind.HEALTH_CHECK
