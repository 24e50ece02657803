"""How a double is asked to evaluate commands, and that it does nothing of it unasked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes import FakeBuildKit, FakeDockerClient, FakeDockerEngine
from fakes.__main__ import main

pytest_plugins = ["pytester"]

_UNASKED = """
import sys
from fakes import FakeBuildKit, FakeDockerClient, FakeDockerEngine
engine = FakeDockerEngine("28.5")
engine.seed_image("busybox")
client = FakeDockerClient(engine)
client.containers.run("busybox", "echo x")
client.containers.run("busybox", "sh -c 'mkdir /x'")
FakeBuildKit().close()
client.close()
assert not [name for name in sys.modules if "fakes.emulation" in name]
"""


def test_nothing_is_imported_unasked() -> None:
    """Without the option no module of the emulation is loaded, also when commands run."""
    subprocess.run([sys.executable, "-c", _UNASKED], check=True, cwd=Path(__file__).parents[4])


def test_another_way_to_execute() -> None:
    """What there is not is refused, with what there is."""
    with pytest.raises(ValueError, match="no way to execute 'docker'; known: shell"):
        FakeDockerEngine(execute="docker")
    with pytest.raises(ValueError, match="known: shell"):
        FakeBuildKit(execute="docker")


def test_seeds_have_programs_only_where_they_run() -> None:
    """An image that a test made up has the programs that are known, by the ways of its name."""
    plain, asked = FakeDockerEngine(), FakeDockerEngine(execute="shell")
    for engine in (plain, asked):
        engine.seed_image("debian:12")
        engine.seed_image("alpine:3")
    assert "/bin/sh" not in plain.image_tree("debian:12")
    assert "/bin/bash" in asked.image_tree("debian:12")
    assert "/bin/busybox" in asked.image_tree("alpine:3")
    assert "/bin/bash" not in asked.image_tree("alpine:3")


def test_images_without_programs_are_run_all_the_same() -> None:
    """Files that a test gave an image need no shell beside them."""
    engine = FakeDockerEngine(execute="shell")
    engine.seed_image("own", files={"/run.sh": "#!/bin/sh\necho $0 $1\n"})
    client = FakeDockerClient(engine)
    try:
        assert client.containers.run("own", ["/run.sh", "x"]) == b"/run.sh x\n"
        assert client.containers.run("own", "cat /run.sh") == b"#!/bin/sh\necho $0 $1\n"
    finally:
        client.close()


def test_a_reset_keeps_the_way(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """An engine that was reset evaluates as before."""
    engine.reset()
    engine.seed_image("busybox")
    assert client.containers.run("busybox", "sh -c 'echo $((1 + 2))'") == b"3\n"


def test_the_marker(pytester: pytest.Pytester) -> None:
    """The plugin's marker takes the option."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fake_docker_engine(execute="shell")
        def test_it(fake_docker_engine, fake_docker_client):
            fake_docker_engine.seed_hub("busybox:latest")
            assert fake_docker_client.containers.run("busybox", "expr 1 + 2") == b"3\\n"

        @pytest.mark.fake_buildkit(execute="shell")
        def test_that(fake_buildkit):
            assert fake_buildkit.solver.worker.machines is not None
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=2)


@pytest.mark.parametrize("command", ["engine", "run", "buildkit"])
def test_the_command_line_has_it(command: str) -> None:
    """Each command that serves a double takes the option, and says what there is."""
    said = CliRunner().invoke(main, [command, "--help"]).output
    assert "--execute [shell]" in said
    wrong = CliRunner().invoke(main, [command, "--execute", "podman", "true"])
    assert wrong.exit_code == 2
    assert "'podman' is not" in wrong.output


def test_the_command_line_evaluates() -> None:
    """A served engine does what it was asked to."""
    script = (
        "import docker; c = docker.from_env(); c.images.pull('busybox', 'latest'); "
        "assert c.containers.run('busybox', 'expr 1 + 2') == b'3\\n'; c.close()"
    )
    words = ["run", "--execute", "shell", "--seed", "busybox:latest", "--"]
    result = CliRunner().invoke(main, [*words, sys.executable, "-c", script])
    assert result.exit_code == 0, result.output
