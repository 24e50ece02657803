"""What the frontends of real daemons answered, read into values.

Recorded on the wire of buildkitd 0.32.2 and of Docker 28.5.2 with each of its image stores.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from imagebuilders.buildkit.control.failure import SourceRange
from imagebuilders.buildkit.frontend_answers import OutlineArgument, OutlineMount
from imagebuilders.buildkit.frontend_reading import read_check, read_outline, read_targets

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
