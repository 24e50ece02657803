"""`imagebuilders build` with a stack on AWS does what it does with a local one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imagebuilders.cli.main import main

if TYPE_CHECKING:
    Cloud = Any


@pytest.fixture
def folder(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an application and the settings of the stack."""
    aws = cloud.aws
    tables: dict[str, dict[str, Any]] = {
        "image_builder": {
            "flavor": "aws",
            "project": "images",
            "poll_interval": 0.1,
            **aws.settings,
        },
        "artifact_store": {"flavor": "s3", "path": "s3://contexts/cli", **aws.settings},
        "container_registry": {"flavor": "ecr", **aws.registry_settings},
    }
    lines = []
    for table, settings in tables.items():
        lines += [f"[{table}]", *(f"{key} = {value!r}" for key, value in settings.items())]
    (tmp_path / "imagebuilders.toml").write_text("\n".join(lines))
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG V\nLABEL v=$V\nCOPY a /a\n")
    (tmp_path / "a").write_text("a")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_build_and_digest(cloud: Cloud, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The image is pushed, and the last line says its digest."""
    name = cloud.name("cli/app:1")
    assert main(["build", "-t", name, "--build-arg", "V=it's", "--push", "--json", "."]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["digest"] == cloud.aws.registry.manifest("cli/app:1").digest
    assert cloud.aws.registry.image("cli/app:1").labels == {"v": "it's"}


def test_a_failed_build(cloud: Cloud, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The step's own lines are shown, and the exit code is that of a failed build."""
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY missing /x\n")
    assert main(["build", "-t", cloud.name("cli/app:2"), "--push", "."]) == 1
    assert "> 2 | COPY missing /x" in capsys.readouterr().err


def test_questions_begin_no_build(
    cloud: Cloud, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are answered on this machine; a broken rule ends with 1."""
    (folder / "Dockerfile").write_text("FROM scratch AS app\nMAINTAINER me\n")
    assert main(["build", "--check", "."]) == 1
    assert "WARNING: MaintainerDeprecated" in capsys.readouterr().out
    assert main(["build", "--call", "targets", "."]) == 0
    assert "app (default)" in capsys.readouterr().out
    assert cloud.aws.requests == []


def test_why_the_cache_missed_is_asked_by_a_switch(
    cloud: Cloud, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with other builders."""
    assert main(["build", "-t", cloud.name("cli/app:3"), "--push", "--explain-cache", "."]) == 0
    assert "@sha256:" in capsys.readouterr().out
