"""RUN of BuildKit that an emulated shell evaluates."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from buildkit_builds import Build

from fakes import FakeBuildKit, FakeDockerClient, FakeDockerEngine
from imagebuilders import BuildContext, BuildKitImageBuilder, LocalImageBuilder
from imagebuilders.exceptions import BuildError


@pytest.fixture
def make(engine: FakeDockerEngine, client: FakeDockerClient, tmp_path: Path) -> Build:
    """Builds on the BuildKit of the engine."""
    builder = LocalImageBuilder(docker_client=client, builder="buildkit")
    return Build(builder, tmp_path / "context")


def test_a_run_leaves_files_with_owners_and_modes(engine: FakeDockerEngine, make: Build) -> None:
    """As a shell would have left them; the variables of the stage are there, HOSTNAME is not."""
    make(
        "FROM debian:12\nENV A=1\nWORKDIR /srv\nUSER 5:6\nRUN echo $A $(id -u) $HOSTNAME > /tmp/x\n"
        "USER root\nRUN chown daemon /tmp/x && chmod 600 /tmp/x && rm -r /mnt && ln /tmp/x /y\n"
    )
    tree = engine.image_tree("app:1")
    file = tree["/tmp/x"]
    assert (file.data, file.mode, file.uid, file.gid) == (b"1 5\n", 0o600, 1, 6)
    assert "/mnt" not in tree
    assert tree["/y"].inode == tree["/tmp/x"].inode != 0
    assert [step.executed for step in engine.builds[-1].steps][-1] == "shell"


def test_here_documents_and_mounts(engine: FakeDockerEngine, make: Build) -> None:
    """A cache is there again, what is bound and secret is seen, and none of it is in the image."""
    make(
        "FROM debian:12 AS other\nRUN mkdir /lib1 && echo lib > /lib1/a\n"
        "FROM debian:12\n"
        "RUN --mount=type=cache,target=/root/.cache/pip --mount=from=other,src=/lib1,target=/l "
        "--mount=type=tmpfs,target=/scratch <<EOF\n"
        "set -e\ncp /l/a /copied\necho 1 >> /root/.cache/pip/n\necho t > /scratch/t\n"
        "! echo no > /l/b\nEOF\n"
        "RUN --mount=type=cache,target=/root/.cache/pip wc -l < /root/.cache/pip/n > /count\n"
    )
    tree = engine.image_tree("app:1")
    assert (tree["/copied"].data, tree["/count"].data.strip()) == (b"lib\n", b"1")
    assert "/root/.cache/pip/n" not in tree
    assert "/scratch/t" not in tree
    assert "/l/b" not in tree


def test_rules_and_policy(engine: FakeDockerEngine, make: Build) -> None:
    """Commands of a script that the shell does not know are done by rules, or recorded."""
    engine.on_run("pip install *", files={"/site/a.py": "a"}, env={"B": "2"})
    dockerfile = (
        "FROM debian:12\nRUN apt-get update && echo x > /x && pip install a\n"
        "RUN apt-get update\nRUN echo $B > /b\n"
    )
    make(dockerfile)
    tree = engine.image_tree("app:1")
    assert (tree["/x"].data, tree["/site/a.py"].data, tree["/b"].data) == (b"x\n", b"a", b"2\n")
    assert "B=2" in engine.image("app:1").parsed["config"]["Env"]
    executed = [(step.executed, step.cached) for step in engine.builds[-1].steps]
    assert executed == [(None, False), ("shell", False), (None, False), ("shell", False)]
    make(dockerfile)
    assert [step.cached for step in engine.builds[-1].steps[1:]] == [True] * 3
    engine.on_run("apt-get *", files={"/lists": ""})
    make(dockerfile)
    assert "/lists" in engine.image_tree("app:1")


def test_a_failing_command(make: Build) -> None:
    """It fails the build with its code, and what it printed is told."""
    with pytest.raises(BuildError, match="exit code: 7"):
        make("FROM debian:12\nRUN echo oops >&2; exit 7\n")
    with pytest.raises(BuildError, match="exit code: 126"):
        make('FROM debian:12\nRUN ["/etc/passwd"]\n')


def test_what_is_not_known_can_be_refused(tmp_path: Path) -> None:
    """The build fails in the middle of the script."""
    engine = FakeDockerEngine("28.5", execute="shell", run_policy="refuse")
    engine.seed_image("debian:12")
    with closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="buildkit")
        make = Build(builder, tmp_path / "context")
        with pytest.raises(BuildError, match=r"no on_run.* rule matches 'apt-get update'"):
            make("FROM debian:12\nRUN echo x; apt-get update; echo y\n")
        with pytest.raises(BuildError, match=r"no on_run.* rule matches"):
            make('FROM debian:12\nRUN ["apt-get", "update"]\n')


def test_a_daemon_of_its_own() -> None:
    """FakeBuildKit evaluates as the BuildKit of an engine does."""
    buildkit = FakeBuildKit(execute="shell")
    buildkit.seed_image("alpine:3.22")
    context = BuildContext()
    context.add_file("FROM alpine:3.22\nRUN adduser -D app && id -u app > /id\n", "Dockerfile")
    with buildkit.serve() as address:
        builder = BuildKitImageBuilder(addresses=address)
        builder.build("app:1", context, {"outputs": "type=image,name=app:1"})
    assert buildkit.image_tree("app:1")["/id"].data == b"1000\n"
    assert [step.executed for step in buildkit.records[-1].steps] == [None, "shell"]
