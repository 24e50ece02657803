"""Advice where a classic build met syntax of BuildKit."""

from __future__ import annotations

import pytest

from imagebuilders.docker.buildkit_advice import buildkit_advice
from imagebuilders.exceptions import ContextChangedError


@pytest.mark.parametrize(
    ("failure", "dockerfile", "advice"),
    [
        (
            "dockerfile parse error line 3: unknown instruction: A",
            b"FROM x\nRUN <<EOF\na\nEOF\n",
            "The Dockerfile has syntax of BuildKit, which the classic builder does not read: "
            "a here-document (RUN <<EOF) in line 2.",
        ),
        (
            "COPY failed: no source files were specified",
            b"FROM x\nCOPY <<E /\na\nE\n",
            "The Dockerfile has syntax of BuildKit, which the classic builder does not read: "
            "a here-document (COPY <<E) in line 2.",
        ),
        ("unknown instruction: FORM", b"FORM scratch\n", ""),
        (
            "the --mount option requires BuildKit. Refer to …",
            b"\xff",
            "That is Dockerfile syntax of BuildKit, which the classic builder does not read.",
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
