"""What the BuildKit of older engines refuses and makes in another way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from buildkit_builds import Build

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders import LocalImageBuilder
from imagebuilders.events import Event, Notice, listen
from imagebuilders.exceptions import BuildError


@contextmanager
def _building(version: str, folder: Path) -> Iterator[tuple[FakeDockerEngine, Build]]:
    engine = FakeDockerEngine(version)
    engine.seed_hub("base:1")
    with closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="buildkit")
        yield engine, Build(builder, folder / "context")


@pytest.mark.parametrize(
    ("version", "dockerfile", "words"),
    [
        (
            "20.10",
            "FROM base:1\nCOPY <<EOF /x\ntext\nEOF\n",
            r"failed to create LLB definition: dockerfile parse error line 3: unknown "
            r"instruction: TEXT",
        ),
        ("20.10", "FROM base:1\nCOPY --link . /\n", r"Unknown flag: link"),
        (
            "20.10",
            "FROM base:1\nRUN --mount=type=tmpfs,target=/t,size=1m x\n",
            r"dockerfile parse error line 2: unexpected key 'size' in 'size=1m'",
        ),
        (
            "20.10",
            "FROM base:1\nRUN --mount=type=secret,id=x,required=true x\n",
            r"secret x not found: not found",
        ),
        ("20.10", "FROM base:1\nRUN fail\n", r"executor failed running \[/bin/sh -c fail\]: exit"),
        (
            "20.10",
            "FROM base:1\nRUN --mount=type=ssh,required=true x\n",
            r"rpc error: code = NotFound desc = unset ssh forward key",
        ),
        (
            "26.1",
            "FROM base:1\nRUN --mount=type=ssh,required=true x\n",
            r"NotFound: unset ssh forward key",
        ),
        (
            "26.1",
            "FROM base:1\nRUN --mount=type=cache,source=/none,target=/c x\n",
            r"open /var/lib/docker/tmp/buildkit-mount\d+/none: no such file or directory",
        ),
        (
            "26.1",
            "FROM base:1\nRUN --mount=type=secret,id=x,env=X x\n",
            r"unexpected key 'env' in 'env=X'",
        ),
        ("20.10", "FROM base:1\nCOPY none /\n", r'failed to compute cache key: "/none" not found'),
        ("26.1", "FROM base:1\nCOPY --exclude=x . /\n", r"on line 2: unknown flag: exclude\n"),
        ("26.1", "FROM base:1\nCOPY none /\n", r'checksum of ref .*: "/none": not found'),
        ("28.5", "FROM base:1\nCOPY --parents . /\n", r"unknown flag: --parents"),
    ],
)
def test_what_older_engines_refuse(
    version: str, dockerfile: str, words: str, tmp_path: Path
) -> None:
    """In their own words."""
    with _building(version, tmp_path) as (engine, build):
        engine.on_run("fail", exit_code=3)
        with pytest.raises(BuildError, match=words):
            build(dockerfile)
        assert len(engine.builds) == 1


@pytest.mark.parametrize(("version", "warns"), [("20.10", False), ("26.1", False), ("28.5", True)])
def test_checks_came_with_28(version: str, warns: bool, tmp_path: Path) -> None:
    """Engines before have none."""
    told: list[Event] = []
    with _building(version, tmp_path) as (_, build), listen(told.append):
        build("FROM base:1\nMAINTAINER me\n")
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert any("Maintainer" in text for text in notices) is warns


@pytest.mark.parametrize(
    ("version", "record", "mode"),
    [
        ("20.10", "COPY f /f # buildkit", 0o644),
        ("26.1", "COPY --chmod=u+x f /f # buildkit", 0o644),
        ("28.5", "COPY --chmod=u+x f /f # buildkit", 0o744),
    ],
)
def test_symbolic_modes_came_with_28(version: str, record: str, mode: int, tmp_path: Path) -> None:
    """Before they mean nothing, and the first one does not even record them."""
    with _building(version, tmp_path) as (engine, build):
        build("FROM base:1\nCOPY --chmod=u+x f /f\n", {"f": "text"})
        assert engine.image("app:1").parsed["history"][-1]["created_by"] == record
        found = engine.image_tree("app:1").get("f")
        assert found is not None
        assert found.mode == mode


@pytest.mark.parametrize(("version", "value"), [("26.1", ""), ("28.5", "app")])
def test_the_name_of_the_stage_is_an_argument_of_newer_frontends(
    version: str, value: str, tmp_path: Path
) -> None:
    """Older ones leave it empty."""
    with _building(version, tmp_path) as (engine, build):
        build("FROM base:1 AS app\nARG TARGETSTAGE\nENV STAGE=$TARGETSTAGE\n")
        assert engine.image_tree("app:1").env["STAGE"] == value
