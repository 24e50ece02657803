"""What the frontends of real daemons answered, read into values.

Recorded on the wire of buildkitd 0.32.2 and of Docker 28.5.2 with each of its image stores.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.buildkit.control.failure import SourceRange
from imagebuilders.buildkit.frontend_answers import OutlineArgument, OutlineMount
from imagebuilders.buildkit.frontend_reading import read_check, read_outline, read_targets
from imagebuilders.exceptions import BuildKitError

_FILE = Path(__file__).parents[2] / "data" / "frontend_answers.json.gz"
RECORDED: dict[str, dict[str, dict[str, dict[str, str]]]] = json.loads(
    gzip.decompress(_FILE.read_bytes())
)

daemons = pytest.mark.parametrize("daemon", RECORDED)


def _metadata(daemon: str, scenario: str) -> dict[str, bytes]:
    metadata = RECORDED[daemon][scenario]["metadata"]
    return {name: value.encode() for name, value in metadata.items()}


def _at(line: int) -> tuple[SourceRange, ...]:
    return (SourceRange(line, line),)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("args", "buildError", "cache", "default", "end", "line", "location", "name"),
                    *("message", "ranges", "ruleName", "secrets", "start", "targets", "warnings"),
                ]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(values)
def test_whatever_a_frontend_answers_is_read_or_refused(value: object) -> None:
    """There is no error but that the answer cannot be read."""
    metadata = {"result.json": json.dumps(value).encode(), "result.txt": b"\xff"}
    readers: list[Callable[[Mapping[str, bytes]], object]] = [
        read_outline,
        read_targets,
        partial(read_check, dockerfile="Dockerfile", content=b"FROM a\n\xff"),
    ]
    for reader in readers:
        with suppress(BuildKitError):
            reader(metadata)


@daemons
def test_targets(daemon: str) -> None:
    """Three stages, the last of which has no name and is the default."""
    found = read_targets(_metadata(daemon, "targets"))
    assert [
        (target.name, target.is_default, target.base, target.lines) for target in found.targets
    ] == [
        ("base", False, "shell", _at(2)),
        ("first", False, "base", _at(4)),
        ("", True, "base", _at(8)),
    ]
    assert found.text.startswith("TARGET ")


@daemons
def test_outline(daemon: str) -> None:
    """Arguments, secrets and agents of one stage, with their lines."""
    found = read_outline(_metadata(daemon, "outline"))
    assert found.target == "first"
    assert found.arguments == (
        OutlineArgument("WHO", "you", lines=_at(5)),
        OutlineArgument("TOKEN_KEY", lines=_at(6)),
    )
    assert found.secrets == (OutlineMount("s", True, _at(7)),)
    assert found.ssh == (OutlineMount("default", False, _at(7)),)
    assert found.text.startswith("TARGET: first\n")


@daemons
def test_check(daemon: str) -> None:
    """The broken rules come in the order of the file, whatever order they are told in."""
    dockerfile = RECORDED[daemon]["lint"]["dockerfile"]
    found = read_check(
        _metadata(daemon, "lint"), dockerfile="Dockerfile", content=str(dockerfile).encode()
    )
    assert [(warning.rule, warning.lines) for warning in found.warnings] == [
        ("SecretsUsedInArgOrEnv", _at(6)),
        ("MaintainerDeprecated", _at(9)),
    ]
    assert all(warning.url.startswith("https://docs.docker.com/") for warning in found.warnings)
    assert found.text.startswith("Check complete, 2 warnings have been found!\n")


@daemons
def test_check_of_what_cannot_be_parsed(daemon: str) -> None:
    """The frontend's text is empty; ours has the error and its line."""
    dockerfile = RECORDED[daemon]["lint-unparsable"]["dockerfile"]
    found = read_check(
        _metadata(daemon, "lint-unparsable"),
        dockerfile="Dockerfile",
        content=str(dockerfile).encode(),
    )
    assert found.warnings == ()
    assert "unknown instruction: NOPE" in found.error
    assert found.text.endswith("  1 | FROM shell\n> 2 | NOPE x")
