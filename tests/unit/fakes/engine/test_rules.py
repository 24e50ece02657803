"""Rules by function, commands that do what they say, and what becomes of the others."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import docker.errors
import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.shell import Process, ProcessStoppedError

Build = Callable[..., str]


@pytest.fixture(autouse=True)
def _base(engine: FakeDockerEngine) -> None:
    engine.seed_image("base", cmd=["serve"], env={"A": "1"}, accounts=["app"])


def test_a_function_does_the_work_of_a_container(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """It gets the command and what surrounds it, prints, writes files, and gives the exit code."""
    seen: dict[str, Any] = {}

    def convert(process: Process) -> int:
        seen.update(vars(process))
        process.print(process.files["/data/in"].decode().upper())
        process.print_error("converted")
        process.files["/data/out"] = b"OUT"
        return 4

    engine.on_container("base", convert, command="convert *")
    container = client.containers.create(
        "base",
        ["convert", "x"],
        environment=["B=2"],
        user="app",
        working_dir="/data",
        volumes=["shared:/data"],
    )
    engine.on_exec("put", lambda p: p.files.update({"/data/in": b"in"}))
    helper = client.containers.run("base", ["sleep", "60"], detach=True, volumes=["shared:/data"])
    assert helper.exec_run(["put"]).exit_code == 0
    container.start()
    assert container.wait()["StatusCode"] == 4
    assert container.logs(stderr=False) == b"IN\n"
    assert container.logs(stdout=False) == b"converted\n"
    assert helper.exec_run(["cat", "/data/out"]).output == b"OUT"
    assert seen["command"] == ["convert", "x"]
    assert (seen["user"], seen["working_dir"]) == ("app", "/data")
    environment = {name: seen["environment"][name] for name in ("A", "B", "HOME")}
    assert environment == {"A": "1", "B": "2", "HOME": "/home/app"}
    helper.kill()


def test_a_function_runs_until_its_container_is_stopped(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """What it prints is followed as it comes; a stop unwinds it wherever it waits."""
    ended = threading.Event()

    def serve(process: Process) -> None:
        process.print("ready")
        try:
            process.sleep(None)
        except ProcessStoppedError:
            ended.set()
            raise

    engine.on_container("base", serve)
    container = client.containers.run("base", detach=True)
    assert next(container.logs(stream=True)) == b"ready\n"
    container.stop()
    assert ended.wait(5)
    assert container.wait()["StatusCode"] == 143


def test_a_command_is_killed_with_its_container(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """Its function is unwound, and its exit code is that of SIGKILL."""
    begun = threading.Event()

    def wait(process: Process) -> None:
        begun.set()
        process.sleep(None)

    engine.on_container("base", service=True)
    engine.on_exec("wait", wait)
    container = client.containers.run("base", detach=True)
    command = client.api.exec_create(container.id, "wait")["Id"]
    client.api.exec_start(command, detach=True)
    assert begun.wait(5)
    died = client.api.events(filters={"event": "exec_die"}, decode=True)
    container.stop()
    assert next(died)["Actor"]["Attributes"]["exitCode"] == "137"
    died.close()
    assert client.api.exec_inspect(command)["ExitCode"] == 137


@pytest.mark.parametrize(
    ("work", "words"),
    [
        pytest.param(lambda _process: 1 / 0, "ZeroDivisionError", id="raises"),
        pytest.param(lambda _process: "ok", "returned 'ok', which is no exit code", id="no-code"),
        pytest.param(lambda _process: 256, "returned 256, which is no exit code", id="too-high"),
    ],
)
def test_a_function_that_fails_is_a_command_that_fails(
    client: FakeDockerClient, engine: FakeDockerEngine, work: Any, words: str
) -> None:
    """Its standard error says why."""
    engine.on_container("base", work)
    with pytest.raises(docker.errors.ContainerError, match=words):
        client.containers.run("base")


def test_input_reaches_a_command(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """`cat` without a rule gives back what a client sends, and ends with it."""
    container = client.containers.create("base", ["cat"], stdin_open=True)
    engine.containers.find(str(container.id)).config.stdin_once = True
    attached: Any = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    attached._sock.sendall(b"hello\n")
    assert attached.read(8 + 6)[8:] == b"hello\n"
    attached._sock.shutdown(1)
    assert container.wait(timeout=10)["StatusCode"] == 0
    attached._response.close()  # what it was taken from, or that is closed after it


@pytest.mark.parametrize(
    ("command", "output", "code"),
    [
        (["true"], b"", 0),
        (["false"], b"", 1),
        (["echo", "a", "b"], b"a b\n", 0),
        (["echo", "-n", "a"], b"a", 0),
        (["sh", "-c", "echo 'a  b'"], b"a  b\n", 0),
        (["sh", "-c", 'echo "Hello! (1; 2)" \'> 3\' \\"'], b'Hello! (1; 2) > 3 "\n', 0),
        (["sh", "-c", "exit 3"], b"", 3),
        (["/bin/sleep", "0.01s"], b"", 0),
        (["cat", "/etc/hostname", "/nope"], b"", 1),
        (["cat"], b"", 0),
    ],
)
def test_some_commands_do_what_they_say(
    client: FakeDockerClient, command: list[str], output: bytes, code: int
) -> None:
    """They need no rule."""
    container = client.containers.run("base", command, detach=True)
    assert container.wait(timeout=10)["StatusCode"] == code
    assert container.logs(stderr=False) == output


@pytest.mark.parametrize(
    "script",
    ['echo "$HOME"', "echo a; echo b", 'echo \\"; echo "a"', "! true", "exit 1 2", "exit x"],
)
def test_a_script_of_more_than_words_is_not_executed(client: FakeDockerClient, script: str) -> None:
    """Nobody knows what it does; the log says so."""
    container = client.containers.run("base", ["sh", "-c", script], detach=True)
    assert container.wait(timeout=10)["StatusCode"] == 0
    assert b"nothing was executed" in container.logs()


@pytest.mark.parametrize("command", [["sleep", "infinity"], ["tail", "-f", "/dev/null"]])
def test_some_commands_run_on(client: FakeDockerClient, command: list[str]) -> None:
    """A container that is kept alive in the usual ways runs until it is stopped."""
    container = client.containers.run("base", command, detach=True)
    container.reload()
    assert container.status == "running"
    container.kill()
    assert container.wait(timeout=10)["StatusCode"] == 137


def test_a_rule_goes_before_what_a_command_says(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """So that a test can let `true` fail."""
    engine.on_container(command="true", exit_code=3)
    container = client.containers.run("base", ["true"], detach=True)
    assert container.wait()["StatusCode"] == 3


def test_the_log_says_once_that_nothing_was_executed(client: FakeDockerClient) -> None:
    """Of a container that no rule is meant for."""
    container = client.containers.run("base", ["migrate"], detach=True)
    container.start()
    assert container.logs(stdout=False).decode().count("nothing was executed of 'migrate'") == 1
    assert container.logs(stderr=False) == b""


def test_what_no_rule_is_meant_for_can_be_refused() -> None:
    """Containers do not start, commands in them fail; those that say what they do still work."""
    engine = FakeDockerEngine(container_policy="refuse", exec_policy="refuse")
    engine.seed_image("base")
    client = FakeDockerClient(engine)
    with pytest.raises(docker.errors.APIError, match=r"no on_container\(\) rule .*'migrate'"):
        client.containers.run("base", ["migrate"])
    container = client.containers.run("base", ["sleep", "60"], detach=True)
    with pytest.raises(docker.errors.APIError, match=r"no on_exec\(\) rule .*'ls'"):
        container.exec_run(["ls"])
    assert container.exec_run(["echo", "x"]).output == b"x\n"
    container.kill()
    client.close()


@pytest.mark.parametrize("option", ["run_policy", "container_policy", "exec_policy"])
def test_an_unknown_policy_is_refused(option: str) -> None:
    """The error names those that there are."""
    options: Any = {option: "odd"}
    with pytest.raises(ValueError, match="known: record, refuse"):
        FakeDockerEngine(**options)


@pytest.mark.parametrize(
    ("pattern", "met"),
    [
        pytest.param("pip install 'a[b]'", True, id="itself"),
        pytest.param("pip *", True, id="shell-pattern"),
        pytest.param("pip", False, id="another-text"),
        pytest.param(re.compile("install"), True, id="expression"),
        pytest.param(re.compile("^install"), False, id="expression-that-is-not-found"),
    ],
)
def test_patterns(build: Build, engine: FakeDockerEngine, pattern: Any, met: bool) -> None:
    """A text matches itself, then as a shell pattern; an expression where it is found."""
    engine.on_run(pattern, files={"/met": ""})
    build("FROM base\nRUN pip install 'a[b]'\n", tag="x")
    assert ("/met" in engine.image_tree("x")) is met


def test_a_function_does_the_work_of_a_run(
    build: Build, client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """It prints into the build's output, and what it writes is in the image."""

    def install(process: Process) -> int:
        variable = process.environment["V"]
        process.print(f"for {process.user} in {process.working_dir} with {variable}")
        process.files["/app/lock"] = process.files["/app/req"] + b"!"
        return 0 if variable == "1" else 9

    engine.on_run(re.compile("^install"), install)
    dockerfile = "FROM base\nARG V\nWORKDIR /app\nCOPY req .\nUSER app\nRUN install it\n"
    build(dockerfile, {"req": "r"}, tag="x", buildargs={"V": "1"})
    assert engine.image_tree("x")["/app/lock"].data == b"r!"
    with pytest.raises(docker.errors.BuildError, match="returned a non-zero code: 9") as caught:
        build(dockerfile, {"req": "r"}, buildargs={"V": "2"})
    printed = "".join(line.get("stream", "") for line in caught.value.build_log)
    assert "for app in /app with 2\n" in printed


def test_a_rule_is_not_hidden_by_the_cache_of_a_recorded_step(
    build: Build, engine: FakeDockerEngine
) -> None:
    """The step is done again, and is in the cache from then on."""
    dockerfile = "FROM base\nRUN make\nRUN test\n"
    build(dockerfile, tag="x")
    engine.on_run("make", files={"/made": "1"})
    build(dockerfile, tag="x")
    assert "/made" in engine.image_tree("x")
    build(dockerfile, tag="x")
    assert [step.cached for step in engine.builds[-1].steps[1:]] == [True, True]


def test_rules_that_nothing_met_are_told(build: Build, engine: FakeDockerEngine) -> None:
    """A misspelt pattern is noticed."""
    engine.on_run("make", output="made\n")
    engine.on_run("mkae")
    engine.on_container("base", command="serve")
    engine.on_exec("ls")
    build("FROM base\nRUN make\n")
    words = r"on_run\('mkae'\), on_container\(.*on_exec\("
    with pytest.raises(AssertionError, match=words) as caught:
        engine.assert_all_rules_used()
    assert "'make'" not in str(caught.value)
