"""`imagebuilders history` and `imagebuilders cache`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import BuildContext, LocalImageBuilder, Stack
from imagebuilders.artifact_stores import LocalArtifactStore
from imagebuilders.buildkit.engine_client import OpenDaemon
from imagebuilders.buildkit.proto.control_pb2 import UsageRecord
from imagebuilders.exceptions import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from command_line import Run
    from pytest_mock import MockerFixture

    from imagebuilders.auth.keychain import Keychain


class _TwoDaemons(LocalImageBuilder):
    """A builder with two daemons, which are one."""

    @contextmanager
    def _open_daemons(self, keychain: Keychain) -> Iterator[Sequence[OpenDaemon]]:
        with super()._open_daemons(keychain) as (daemon,):
            again = OpenDaemon("the second", daemon.client, daemon.features)
            yield (daemon, again)


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))


@pytest.fixture
def buildkit() -> ScriptedBuildKit:
    """The daemon of the active stack."""
    return ScriptedBuildKit()


@pytest.fixture
def client(buildkit: ScriptedBuildKit) -> Iterator[FakeDockerClient]:
    """A client of the engine that it belongs to."""
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=buildkit))
    yield client
    client.close()
    buildkit.check()


@pytest.fixture
def local_builder(client: FakeDockerClient, tmp_path: Path) -> Iterator[LocalImageBuilder]:
    """The active stack's builder."""
    builder = LocalImageBuilder(docker_client=client)
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    with Stack(image_builder=builder, artifact_store=store).activate():
        yield builder


@pytest.fixture
def two_daemons(client: FakeDockerClient, tmp_path: Path) -> Iterator[LocalImageBuilder]:
    """The active stack's builder, with two daemons."""
    builder = _TwoDaemons(docker_client=client)
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    with Stack(image_builder=builder, artifact_store=store).activate():
        yield builder


@pytest.fixture
def kept(buildkit: ScriptedBuildKit) -> ScriptedBuildKit:
    """The daemon, which keeps a dozen records."""
    for number in range(10):
        buildkit.cache.records.append(
            UsageRecord(ID=f"layer{number}", RecordType="regular", Size=1000 * (number + 1))
        )
    mount = UsageRecord(ID="mount", RecordType="exec.cachemount", Size=5, Description="x" * 100)
    mount.LastUsedAt.GetCurrentTime()
    buildkit.cache.records += [mount, UsageRecord(ID="busy", Size=1, InUse=True)]
    return buildkit


def _build(builder: LocalImageBuilder, name: str) -> None:
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY . /\n", "Dockerfile")
    builder.build(name, context)


def _fail(builder: LocalImageBuilder, buildkit: ScriptedBuildKit) -> None:
    def script(build: ScriptedBuild) -> None:
        build.fail_step("[2/2] RUN make", exit_code=7, output="no \x1brule\n")

    buildkit.script = script
    with pytest.raises(BuildError):
        _build(builder, "broken:1")


# --- history -----------------------------------------------------------------


def test_history(run: Run, local_builder: LocalImageBuilder, buildkit: ScriptedBuildKit) -> None:
    """Builds are lines, the newest first."""
    assert run("history").out == "There are no builds.\n"
    _build(local_builder, "app:1")
    _fail(local_builder, buildkit)
    lines = run("history").out.splitlines()
    assert lines[0].split() == ["BUILD", "IMAGE", "STATE", "BEGAN", "TOOK", "STEPS"]
    refs = [record.Ref for record in buildkit.history.records]
    assert lines[1].split()[:3] == [refs[1], "broken:1", "failed"]
    assert lines[2].split()[:3] == [refs[0], "app:1", "completed"]
    assert len(run("history", "-n", "1").out.splitlines()) == 2
    # As users of buildx type it.
    assert [line.split()[:3] for line in run("history", "ls").out.splitlines()] == [
        line.split()[:3] for line in lines
    ]
    assert len(run("history", "ls", "-n", "1").out.splitlines()) == 2
    assert [record["build"] for record in run("history", "ls", "--json").records] == refs[::-1]


def test_options_before_the_subcommand(run: Run) -> None:
    """They would not count there, and are refused."""
    result = run("history", "-n", "1", "ls")
    assert result.code == 2
    assert "Options go behind `ls`." in result.err


def test_history_as_json(
    run: Run, local_builder: LocalImageBuilder, buildkit: ScriptedBuildKit
) -> None:
    """Each build is an object."""
    _fail(local_builder, buildkit)
    (record,) = run("history", "--json").records
    assert record["event"] == "build_record"
    assert record["images"] == ["broken:1"]
    assert record["state"] == "failed"
    assert "exit code: 7" in str(record["error"])
    (record,) = run("history", "inspect", "--json").records
    assert "RUN make" in str(record["failure"])


def test_a_build_is_inspected(
    run: Run, local_builder: LocalImageBuilder, buildkit: ScriptedBuildKit
) -> None:
    """With what it was told, and why it failed; nothing in it steers the terminal."""
    _build(local_builder, "app:1")
    _fail(local_builder, buildkit)
    shown = run("history", "inspect").out
    assert "broken:1 was not built. It failed at step 2/2: RUN make" in shown
    assert "  no " in shown
    assert "\x1b" not in shown
    shown = run("history", "inspect", "^1").out
    assert "completed" in shown
    assert "  filename=Dockerfile" in shown
    assert "was not built" not in shown


def test_what_a_build_told(
    run: Run, local_builder: LocalImageBuilder, buildkit: ScriptedBuildKit
) -> None:
    """The progress of a build goes to standard output, in lines or as events."""
    _fail(local_builder, buildkit)
    assert "rule" in run("history", "logs").out
    events = [record["event"] for record in run("history", "logs", "--json").records]
    assert "step_output" in events
    result = run("history", "logs", "nope")
    assert result.code == 1
    assert "remembers no build 'nope'" in result.err


def test_builds_are_forgotten(
    run: Run, local_builder: LocalImageBuilder, buildkit: ScriptedBuildKit
) -> None:
    """Those that are named, or all."""
    for name in ("a:1", "b:1", "c:1", "d:1"):
        _build(local_builder, name)
    refs = [record.Ref for record in buildkit.history.records]
    assert run("history", "rm", "^1", refs[0]).out.splitlines() == [refs[2], refs[0]]
    assert [record.Ref for record in buildkit.history.records] == [refs[1], refs[3]]
    assert run("history", "rm").code == 2
    assert run("history", "rm", "--all", "x").code == 2
    assert run("history", "rm", "--all").code == 0
    assert not buildkit.history.records


def test_several_daemons(
    run: Run, two_daemons: LocalImageBuilder, buildkit: ScriptedBuildKit
) -> None:
    """Each is named before what it tells; a build is looked for at all of them."""
    _build(two_daemons, "app:1")
    assert [line for line in run("history").out.splitlines() if line.endswith(":")] == [
        "Docker Engine 28.5.2 (linux/amd64):",
        "the second:",
    ]
    assert "app:1" in run("history", "inspect").out
    lines = run("cache", "du").out.splitlines()
    assert [line for line in lines if line.endswith(":")][1:] == ["the second:"]


def test_a_buildx_builder_by_its_name(
    run: Run, stack: Stack, kept: ScriptedBuildKit, tmp_path: Path
) -> None:
    """Its daemons take the place of the stack's builder, which may have none."""
    instances = tmp_path / "docker-config" / "buildx" / "instances"
    instances.mkdir(parents=True)
    with kept.serve("tcp://127.0.0.1:0") as address:
        node = {"Name": "far0", "Endpoint": address}
        (instances / "far").write_text(
            json.dumps({"Name": "far", "Driver": "remote", "Nodes": [node]})
        )
        assert run("history", "--builder", "far").out == "There are no builds.\n"
        assert "12 records" in run("cache", "du", "--builder", "far").out
        result = run("cache", "prune", "-f", "--builder", "far", "--filter", "id=mount")
        assert result.out == "Removed 1 record, 5 B.\n"
    result = run("history", "logs", "--builder", "near")
    assert result.code == 2
    assert "near" in result.err


def test_a_builder_without_a_daemon(run: Run, stack: Stack) -> None:
    """A third party's builder need not have any."""
    result = run("history")
    assert result.code == 2
    assert "RecordingBuilder, has no BuildKit daemon" in result.err


# --- cache -------------------------------------------------------------------


def test_disk_usage(run: Run, local_builder: LocalImageBuilder, kept: ScriptedBuildKit) -> None:
    """The largest records, and the sums."""
    lines = run("cache", "du").out.splitlines()
    assert lines[0].split() == ["SIZE", "TYPE", "LAST", "USED", "ID", "MADE", "BY"]
    assert lines[1].split()[:3] == ["10.0", "kB", "regular"]
    assert lines[-2] == "… and 2 smaller ones (--all)."
    assert lines[-1] == ("In all: 55.0 kB in 12 records; images share 0 B; 55.0 kB can be removed.")
    lines = run("cache", "du", "--all").out.splitlines()
    assert "in use" in lines[-2]
    assert lines[-3].endswith("x" * 100)
    lines = run("cache", "du", "--filter", "type=exec.cachemount").out.splitlines()
    assert lines[1].endswith("x" * 59 + "…")
    assert "1 record;" in lines[-1]


def test_disk_usage_by_age(
    run: Run, local_builder: LocalImageBuilder, kept: ScriptedBuildKit
) -> None:
    """Only what no build has used for so long; what has no time counts."""
    records = run("cache", "du", "--filter", "until=1h", "--json").records
    assert "mount" not in [record.get("id") for record in records]
    assert records[-1] == {
        "event": "disk_usage",
        "daemon": "Docker Engine 28.5.2 (linux/amd64)",
        "records": 11,
        "size": 55001,
        "reclaimable": 55000,
    }


def test_prune(run: Run, local_builder: LocalImageBuilder, kept: ScriptedBuildKit) -> None:
    """What is removed is counted; limits and filters reach the daemon."""
    result = run("cache", "prune", "-f", "--filter", "type=exec.cachemount")
    assert result.out == "Removed 1 record, 5 B.\n"
    limits = ("--reserved-space", "1k", "--max-used-space", "2k", "--min-free-space", "3k")
    records = run("cache", "prune", "--force", "--json", "--all", "--filter", "until=2h", *limits)
    assert len(records.records) == 11
    assert records.records[-1]["event"] == "pruned"
    asked = kept.cache.prunes[-1]
    assert (asked.reservedSpace, asked.maxUsedSpace, asked.minFreeSpace) == (1024, 2048, 3072)
    assert asked.all
    assert asked.keepDuration == 7_200_000_000_000


def test_nothing_is_removed_unasked(
    run: Run, local_builder: LocalImageBuilder, kept: ScriptedBuildKit, mocker: MockerFixture
) -> None:
    """A person is asked; where there is none, --force must be given."""
    result = run("cache", "prune")
    assert result.code == 2
    assert "give --force" in result.err
    mocker.patch("imagebuilders.cli.cache_commands.is_terminal", return_value=True)
    result = run("cache", "prune", stdin=b"n\n")
    assert result.code == 130
    assert "Remove the build cache of Docker Engine 28.5.2 (linux/amd64)? [y/N]" in result.err
    assert not kept.cache.prunes
    assert run("cache", "prune", stdin=b"y\n").code == 0
    assert len(kept.cache.records) == 1


def test_wrong_usage(run: Run, local_builder: LocalImageBuilder) -> None:
    """Malformed sizes and filters are told before anything is asked."""
    for arguments in (
        ("prune", "-f", "--reserved-space", "much"),
        ("prune", "-f", "--filter", "bogus=1"),
        ("du", "--filter", "until=never"),
        ("prune", "-f", "--local", "--all"),
        ("du", "--local", "--filter", "type=regular"),
    ):
        assert run("cache", *arguments).code == 2, arguments


def test_help(run: Run) -> None:
    """Without a command of its own, `cache` shows what there is."""
    assert "prune" in run("cache").out


# --- this machine's ----------------------------------------------------------


def test_what_is_remembered_here(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is summed up by kind, listed, and removed; no daemon is asked."""
    folder = tmp_path / "remembered"
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(folder))
    (folder / "digests").mkdir(parents=True)
    (folder / "digests" / "a.bin").write_bytes(b"x" * 1500)
    assert run("cache", "du", "--local").out.splitlines() == [
        "   1.5 kB  hashes of the files of build contexts (1 file)",
        "   1.5 kB  in all",
    ]
    assert str(folder / "digests" / "a.bin") in run("cache", "du", "--local", "--all").out
    assert run("cache", "du", "--local", "--json").records[-1] == {
        "event": "local_disk_usage",
        "files": 1,
        "size": 1500,
    }
    assert run("cache", "prune", "--local").code == 2
    kept = run("cache", "prune", "--local", "-f", "--filter", "until=1h")
    assert kept.out == "Removed 0 files, 0 B.\n"
    assert run("cache", "prune", "--local", "-f", "--json").records[-1]["size"] == 1500
    assert run("cache", "du", "--local").out == "      0 B  in all\n"


def test_what_cannot_be_removed_here(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """The file is named, and why."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path))
    (tmp_path / "digests").mkdir()
    file = tmp_path / "digests" / "a.bin"
    file.write_bytes(b"x")
    mocker.patch(
        "imagebuilders.local_cache.os.unlink",
        side_effect=PermissionError(13, "Permission denied", str(file)),
    )
    result = run("cache", "prune", "--local", "-f")
    assert result.code == 1
    assert f"{file} cannot be removed: Permission denied." in result.err
