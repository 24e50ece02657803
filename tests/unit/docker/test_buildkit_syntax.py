"""Syntax of BuildKit in a Dockerfile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.docker.buildkit_syntax import buildkit_advice, buildkit_syntax
from imagebuilders.exceptions import ContextChangedError


@pytest.mark.parametrize(
    ("dockerfile", "found"),
    [
        ("FROM a\nRUN <<EOF\napt\nEOF\n", ["a here-document (RUN <<EOF) in line 2"]),
        ("FROM a\nCOPY <<-'E' /x\n\tRUN <<X\n\tE\nRUN --mount=type=ssh a", [
            "a here-document (COPY <<-'E') in line 2", "RUN --mount in line 5",
        ]),
        ("run cat <<EOF >/x", ["a here-document (RUN <<EOF) in line 1"]),
        ("COPY --link a b\n", ["COPY --link in line 1"]),
        ("# \x0c page\r\nRUN \\ \r\n --mount=a b\r\n", ["RUN --mount in line 2"]),
        ("COPY --from=b --chmod=755 a b\n", ["COPY --chmod in line 1"]),
        ("# c\nRUN \\\n  --mount=type=cache,target=/x \\\n  --network=none a\nADD --link a b", [
            "RUN --mount in line 2", "RUN --network in line 2", "ADD --link in line 5",
        ]),
        ("FROM a\nCOPY --from=b --chown=1 a b\nRUN a --mount\nRUN x \\", []),
        ("FROM a\nENV A=<<EOF\nRUN test 1 << 2\n", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_only_buildkit_reads(dockerfile: str, found: list[str]) -> None:
    """Here-documents and flags are found, with the line their instruction begins in."""
    assert list(buildkit_syntax(dockerfile)) == found


@pytest.mark.parametrize(
    ("failure", "dockerfile", "advice"),
    [
        (
            "dockerfile parse error line 3: unknown instruction: A",
            b"FROM x\nRUN <<EOF\na\nEOF\n",
            "The Dockerfile has syntax of BuildKit, which the local builder does not use yet: "
            "a here-document (RUN <<EOF) in line 2.",
        ),
        ("unknown instruction: FORM", b"FORM scratch\n", ""),
        (
            "the --mount option requires BuildKit. Refer to …",
            b"\xff",
            "That is Dockerfile syntax of BuildKit, which the local builder does not use yet.",
        ),
    ],
)
def test_advice(failure: str, dockerfile: bytes, advice: str) -> None:
    """The advice is given when the engine did not understand, and names what it was."""
    assert buildkit_advice(failure, lambda: dockerfile) == advice


def test_other_failures_do_not_read_the_dockerfile() -> None:
    """A command that failed is not about syntax."""

    def read() -> bytes:
        raise AssertionError

    assert buildkit_advice("The command '/bin/sh -c false' returned 1", read) == ""


def test_dockerfile_that_is_gone() -> None:
    """Where the Dockerfile cannot be read any more, the engine's words have to do."""

    def read() -> bytes:
        raise ContextChangedError("gone")

    assert buildkit_advice("unknown instruction: A", read) == ""


@given(st.text("RUNCOPYADD <-'\"EOF\\\n=abc", max_size=80))
def test_any_text(text: str) -> None:
    """Whatever a Dockerfile holds, looking for the syntax ends, with lines that exist."""
    for found in buildkit_syntax(text):
        assert 1 <= int(found.rpartition(" ")[2]) <= text.count("\n") + 1
