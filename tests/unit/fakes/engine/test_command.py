"""`python -m fakes engine` and `python -m fakes run`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import docker
import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from fakes import FakeRegistry
from fakes.__main__ import main
from fakes.engine.environment import HIDING

Visit = Callable[[docker.DockerClient], None]


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Visit]]:
    """What is done with the engine where the command waits to be stopped; then it gets a signal."""
    visits: list[Visit] = []

    class Stop(Event):
        def wait(self, timeout: float | None = None) -> bool:
            client = docker.DockerClient(base_url=f"unix://{tmp_path}/d.sock")
            try:
                for each in visits:
                    each(client)
            finally:
                client.close()
                os.kill(os.getpid(), signal.SIGTERM)
            return super().wait(timeout=5)

    monkeypatch.setattr("fakes.http.command_line.Event", Stop)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield visits
    for number, handler in before.items():
        signal.signal(number, handler)


def test_engine_has_the_images_given_to_it(visit: list[Visit], tmp_path: Path) -> None:
    """A name of the hub can be pulled, any other is there; a signal ends it, and its socket."""
    seen: list[list[str]] = []

    def look(client: docker.DockerClient) -> None:
        seen.append([tag for image in client.images.list() for tag in image.tags])
        client.images.pull("python:3.12-slim")

    visit.append(look)
    listen = f"unix://{tmp_path}/d.sock"
    result = CliRunner().invoke(
        main,
        ["engine", "--listen", listen, "--seed", "python:3.12-slim",
         "--seed", "registry.example/team/base:1"],
    )  # fmt: skip
    assert (result.exit_code, result.output) == (0, f"DOCKER_HOST={listen}\n")
    assert seen == [["registry.example/team/base:1"]]
    assert not (tmp_path / "d.sock").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "UPPER x"], "--seed: 'UPPER x': invalid reference format"),
        (["--seed", "r.example/x@sha256:" + "a" * 64], "give a name with a tag"),
        (["--listen", "tcp://127.0.0.1:99999"], "a port up to 65535"),
        (["--listen", "unix:///no/such/folder/d.sock"], "No such file or directory"),
        (["--listen", "unix:///dev/null"], "/dev/null: there is a file already: remove it"),
        (["--listen", "127.0.0.1:5"], "neither unix://PATH nor tcp://HOST:PORT"),
    ],
)
@pytest.mark.usefixtures("visit")
def test_engine_tells_mistakes(arguments: list[str], message: str) -> None:
    """As wrong usage, which names the option."""
    result = CliRunner().invoke(main, ["engine", *arguments])
    assert result.exit_code == 2
    assert message in result.output
    assert ("cannot listen" in result.output) == (arguments[0] == "--listen")


def test_run_command_sets_docker_host(tmp_path: Path) -> None:
    """`python -m fakes run` gives a program an engine, and has its exit code."""
    seen = tmp_path / "seen"
    script = f'test -S "${{DOCKER_HOST#unix://}}" && echo "$DOCKER_HOST" > {seen}; exit 3'
    result = CliRunner().invoke(main, ["run", "--", "sh", "-c", script])
    assert result.exit_code == 3
    assert seen.read_text().startswith("unix://")


def test_run_command_hides_what_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As under the fixture, no context and no certificates of the user come in between."""
    for variable in HIDING:
        monkeypatch.setenv(variable, "elsewhere")
    script = f'echo "$DOCKER_CONTEXT$DOCKER_TLS_VERIFY$DOCKER_CERT_PATH" > {tmp_path}/seen'
    assert CliRunner().invoke(main, ["run", "--", "sh", "-c", script]).exit_code == 0
    assert (tmp_path / "seen").read_text() == "\n"


def test_rules_of_a_file(visit: list[Visit], tmp_path: Path) -> None:
    """Commands do what a document says, and the containers of a service stay."""
    (tmp_path / "rules.toml").write_text(
        """
        [[on_container]]
        image = "r.example/base:1"
        command = "check"
        output = "fine"
        exit_code = 0

        [[on_exec]]
        command = "ls"
        output = "a"
        """
    )
    seen: list[object] = []

    def look(client: docker.DockerClient) -> None:
        seen.append(client.containers.run("r.example/base:1", "check"))
        database = client.containers.run("r.example/db:1", "serve", detach=True)
        seen.append(database.exec_run("ls").output)

    visit.append(look)
    seeds = [f"--seed=r.example/{name}" for name in ("base:1", "db:1")]
    result = CliRunner().invoke(
        main,
        ["engine", f"--listen=unix://{tmp_path}/d.sock", *seeds, "--service=r.example/db:*",
         f"--rules={tmp_path}/rules.toml"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert seen == [b"fine", b"a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on_run = 1", "on_run is a list of tables"),
        ("[[on_build]]", "no kind of rule 'on_build'; known: on_run, on_container, on_exec"),
        ("[[on_run]]\nx = 1", "rule 1 of on_run has no x; known: pattern, files"),
        ("[[on_run]]\npattern = 1", "rule 1 of on_run: pattern is"),
        ("[[on_run]]", "rule 1 of on_run: "),
        ("[[on_exec]]\nexit_code = 256", "rule 1 of on_exec: "),
        ("no toml", "Expected '='"),
    ],
)
def test_mistakes_in_a_file_of_rules(text: str, message: str, tmp_path: Path) -> None:
    """It is told which rule cannot be, and why."""
    (tmp_path / "rules.toml").write_text(text)
    result = CliRunner().invoke(main, ["run", f"--rules={tmp_path}/rules.toml", "--", "true"])
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_a_file_of_rules_that_cannot_be(tmp_path: Path) -> None:
    """The command names the file."""
    (tmp_path / "rules.toml").write_text("[[on_build]]")
    result = CliRunner().invoke(main, ["run", f"--rules={tmp_path}/rules.toml", "--", "true"])
    assert result.exit_code == 2
    assert "rules.toml: no kind of rule 'on_build'" in result.output


def test_run_command_without_such_a_program() -> None:
    """A program that is not there is wrong usage."""
    result = CliRunner().invoke(main, ["run", "--", "/no/such/program"])
    assert result.exit_code == 2
    assert "cannot run /no/such/program" in result.output


@pytest.mark.parametrize(("number", "code"), [("KILL", 137), ("TERM", 143)])
def test_run_command_that_dies_of_a_signal(number: str, code: int) -> None:
    """The exit code is the one a shell gives."""
    result = CliRunner().invoke(main, ["run", "--", "sh", "-c", f"kill -{number} $$"])
    assert result.exit_code == code


@pytest.mark.parametrize(("number", "code"), [("INT", 130), ("TERM", 143)])
def test_run_command_hands_signals_on(
    number: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program ends of them, and the engine after it."""
    monkeypatch.setattr("fakes.http.signals._in_foreground", lambda: False)
    script = f"kill -{number} $PPID; exec sleep 30"
    assert CliRunner().invoke(main, ["run", "--", "sh", "-c", script]).exit_code == code


def test_run_command_leaves_ctrl_c_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the terminal has sent to the program is not sent again; its own exit code counts."""
    monkeypatch.setattr("fakes.http.signals._in_foreground", lambda: True)
    script = "trap 'exit 9' INT; kill -INT $PPID; exit 4"
    assert CliRunner().invoke(main, ["run", "--", "sh", "-c", script]).exit_code == 4


def test_run_command_interrupted_before_it_began(mocker: MockerFixture) -> None:
    """Ends with 130 as well."""
    mocker.patch("fakes.engine.command.run_program", side_effect=KeyboardInterrupt)
    assert CliRunner().invoke(main, ["run", "--", "true"]).exit_code == 130


def test_a_host_leads_to_the_registry_that_was_given(visit: list[Visit], tmp_path: Path) -> None:
    """An image is pulled by the name of a host, from a registry on this machine."""
    seen: list[list[str]] = []
    visit.append(lambda client: seen.append(client.images.pull("ghcr.io/team/base:1").tags))
    with FakeRegistry() as registry:
        registry.seed("team/base:1", files={"a": "1"})
        options = [f"--listen=unix://{tmp_path}/d.sock", f"--registry=ghcr.io={registry.address}"]
        CliRunner().invoke(main, ["engine", *options], catch_exceptions=False)
    assert seen == [["ghcr.io/team/base:1"]]


def test_a_registry_without_an_address_is_a_usage_error() -> None:
    """What is no HOST=ADDRESS is told as a mistake of the option."""
    done = CliRunner().invoke(main, ["run", "--registry=ghcr.io", "--", "true"])
    assert done.exit_code == 2
    assert "--registry" in done.output
