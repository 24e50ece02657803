"""What an engine says of itself."""

from __future__ import annotations

import pytest

from imagebuilders.connections.engine_version import EngineVersion

DOCKER = {"ApiVersion": "1.51", "Version": "28.5.2", "Os": "linux", "Arch": "amd64"}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (DOCKER, "Docker Engine 28.5.2 (linux/amd64)"),
        ({**DOCKER, "Components": [{"Name": "Engine"}]}, "Docker Engine 28.5.2 (linux/amd64)"),
        (
            {**DOCKER, "Components": [{"Name": "Podman Engine"}]},
            "Podman Engine 28.5.2 (linux/amd64)",
        ),
        ({**DOCKER, "Components": ["x"], "Os": 1}, "Docker Engine 28.5.2 (unknown/amd64)"),
        ({"ApiVersion": "1.41"}, "Docker Engine of unknown version (unknown/unknown)"),
    ],
)
def test_description(answer: dict[str, object], text: str) -> None:
    """It names product, version and platform, as far as they are told."""
    assert str(EngineVersion.from_answer(answer)) == text


@pytest.mark.parametrize(
    "answer", [None, [], "1.41", {}, {"ApiVersion": 1.41}, {"ApiVersion": "1.x"}]
)
def test_what_no_engine_answers(answer: object) -> None:
    """Without the version of an API it is no engine."""
    assert EngineVersion.from_answer(answer) is None


@pytest.mark.parametrize(
    ("api", "old"),
    [("1.23", True), ("0.99", True), ("1.24", False), ("1.100", False), ("2.0", False)],
)
def test_age(api: str, old: bool) -> None:
    """Versions are compared as numbers."""
    version = EngineVersion.from_answer({**DOCKER, "ApiVersion": api})
    assert version is not None
    assert version.is_too_old is old
