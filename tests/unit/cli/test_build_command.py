"""`imagebuilders build`."""

from __future__ import annotations

import inspect
import logging
import os
import pty
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from imagebuilders import DefaultContainerRegistry, LocalImageBuilder, Stack, events
from imagebuilders.control_files import MAX_SIZE
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    EngineAttempt,
    EngineNotFoundError,
    ImageNameError,
    PushError,
    Remedy,
)

if TYPE_CHECKING:
    from command_line import Call, RecordingBuilder, RecordingRegistry, Run
    from pytest_mock import MockerFixture

DIGEST = "sha256:" + "2" * 64


def test_build(run: Run, builder: RecordingBuilder, stack: Stack, folder: Path) -> None:
    """The folder is built under the name; the name is the result."""
    result = run("build", "app", "-t", "shop:1")
    assert (result.code, result.out) == (0, "shop:1\n")
    (call,) = builder.calls
    assert call.image_name == "shop:1"
    assert call.context.root == "app"
    assert call.container_registry is None
    assert not call.options.model_dump(exclude_defaults=True)
    assert "built shop:1" in result.err


def test_every_option(
    run: Run, builder: RecordingBuilder, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flags are spelled as in `docker build`, and arrive as the builder's options."""
    monkeypatch.setenv("FROM_HERE", "x=y")
    monkeypatch.delenv("NOWHERE", raising=False)
    result = run(
        *("build", "app", "--tag", "shop", "--file", "app/Dockerfile", "--target", "final"),
        *("--build-arg", "A=1=2", "--build-arg", "FROM_HERE", "--build-arg", "NOWHERE"),
        *("--label", "k=v", "--label", "empty=", "--platform", "linux/arm64"),
        *("--no-cache", "--pull"),
    )
    assert result.code == 0
    options = builder.calls[0].options
    assert options.buildargs["A"] == "1=2"
    assert options.buildargs["FROM_HERE"] == "x=y"
    assert options.buildargs.get("NOWHERE") is None
    assert options.labels == {"k": "v", "empty": ""}
    assert options.target == "final"
    assert options.platform == "linux/arm64"
    assert options.nocache is True
    assert options.pull is True
    assert options.dockerfile == os.path.abspath("app/Dockerfile")


def test_dockerfile_outside_the_context(
    run: Run, builder: RecordingBuilder, stack: Stack, folder: Path
) -> None:
    """`-f` is relative to the working directory, and need not lie in the context."""
    (folder / "other.Dockerfile").write_text("FROM scratch\n")
    assert run("build", "app", "-t", "shop", "-f", "other.Dockerfile").code == 0
    assert builder.calls[0].options.dockerfile == str(folder / "other.Dockerfile")


def test_dockerfile_from_standard_input(
    run: Run, builder: RecordingBuilder, stack: Stack, no_temporary_files: Path
) -> None:
    """`-f -` builds what stands on standard input; nothing of it is left behind, ever."""
    seen: list[bytes] = []

    def look(call: Call) -> None:
        seen.append(Path(call.options.dockerfile or "").read_bytes())
        if sys.platform == "linux":
            assert list(no_temporary_files.iterdir()) == []

    builder.before_build = look
    names = ("-t", "shop:1", "-t", "shop:2")
    assert run("build", "app", *names, "-f", "-", stdin=b"FROM busybox\n").code == 0
    assert seen == [b"FROM busybox\n"]
    assert not os.path.exists(str(builder.calls[0].options.dockerfile))


@pytest.fixture
def no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, which is empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_dockerfile_from_standard_input_where_files_must_have_names(
    run: Run,
    builder: RecordingBuilder,
    stack: Stack,
    no_temporary_files: Path,
    mocker: MockerFixture,
) -> None:
    """A system without paths of open files has a named one, as long as it is needed."""
    seen: list[bytes] = []
    builder.before_build = lambda call: seen.append(
        Path(call.options.dockerfile or "").read_bytes()
    )
    mocker.patch("imagebuilders.cli.dockerfile_argument.os.path.isfile", return_value=False)
    assert run("build", "app", "-t", "shop", "-f", "-", stdin=b"FROM busybox\n").code == 0
    assert seen == [b"FROM busybox\n"]
    assert list(no_temporary_files.iterdir()) == []


def test_dockerfile_from_a_pipe(
    run: Run, builder: RecordingBuilder, stack: Stack, folder: Path
) -> None:
    """A shell's `<(command)` can be read only once; the builder gets a file of it."""
    seen: list[bytes] = []
    builder.before_build = lambda call: seen.append(
        Path(call.options.dockerfile or "").read_bytes()
    )
    reader, writer = os.pipe()
    os.write(writer, b"FROM busybox\n")
    os.close(writer)
    names = ("-t", "shop:1", "-t", "shop:2")
    try:
        assert run("build", "app", *names, "-f", f"/dev/fd/{reader}").code == 0
    finally:
        os.close(reader)
    assert seen == [b"FROM busybox\n"]


@pytest.mark.parametrize(
    ("argument", "stdin", "words"),
    [
        ("-", b"\n", "There is no Dockerfile on standard input: it is empty."),
        ("-", b"#" * (MAX_SIZE + 1), "What standard input holds has more than 16777216 bytes."),
        ("/dev/null", b"", "There is no Dockerfile on /dev/null: it is empty."),
        ("/dev/zero", b"", "/dev/zero cannot be read: it has more than 16777216 bytes"),
        ("app", b"", "There is no file 'app': it is a folder."),
        ("a\0b", b"", "There is no file 'a\\x00b'."),
    ],
)
def test_dockerfile_that_cannot_be_read(
    run: Run, builder: RecordingBuilder, stack: Stack, argument: str, stdin: bytes, words: str
) -> None:
    """It is wrong usage, under the name that the user gave it."""
    result = run("build", "app", "-t", "shop", "-f", argument, stdin=stdin)
    assert (result.code, builder.calls) == (2, [])
    assert words in " ".join(result.err.split())


def test_errors_call_standard_input_by_its_name(
    run: Run, builder: RecordingBuilder, stack: Stack
) -> None:
    """The path that the builder was given says nothing to the user."""

    def fail(call: Call) -> None:
        path = call.options.dockerfile
        raise BuildContextError(f"{path} is wrong.", path=path, remedy=Remedy.NAME_DOCKERFILE)

    builder.before_build = fail
    result = run("build", "app", "-t", "shop", "-f", "-", "--json", stdin=b"FROM a\n")
    (error,) = result.records
    assert str(error["message"]).startswith("standard input is wrong.")
    assert error["details"] == {"path": "standard input"}


def test_several_names(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """There is one build, which gives the image all of its names."""
    result = run("build", "app", "-t", "a:1", "-t", "a:2", "-t", "a:1", "--no-cache", "--pull")
    assert result.out == "a:1\na:2\n"
    (call,) = builder.calls
    assert call.image_name == "a:1"
    assert call.options.tags == ("a:2",)
    assert call.options.nocache is True


def test_push(run: Run, builder: RecordingBuilder, registry: RecordingRegistry) -> None:
    """With --push the stack's registry is given to the builder; the digest is the result."""
    result = run("build", "app", "-t", "registry.example/shop:1", "--push")
    assert (result.code, result.out) == (0, f"registry.example/shop@{DIGEST}\n")
    assert builder.calls[0].container_registry is registry


def test_push_of_several_names(
    run: Run, builder: RecordingBuilder, registry: RecordingRegistry
) -> None:
    """The image is built once, and pushed under each name."""
    names = ("-t", "registry.example/shop:1", "-t", "registry.example/cart:1")
    result = run("build", "app", *names, "--push")
    pushed = [f"registry.example/{name}@{DIGEST}" for name in ("shop", "cart")]
    assert (result.code, result.out.splitlines()) == (0, pushed)
    assert len(builder.calls) == 1


def test_no_push_without_the_flag(
    run: Run, builder: RecordingBuilder, registry: RecordingRegistry
) -> None:
    """A registry in the stack is not a wish to push."""
    assert run("build", "app", "-t", "registry.example/shop:1").code == 0
    assert builder.calls[0].container_registry is None


def test_push_to_the_registry_in_the_name(
    run: Run, builder: RecordingBuilder, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a registry in the stack, the one that the name begins with is used."""
    monkeypatch.setattr(
        DefaultContainerRegistry, "push_image", lambda registry, name: f"{name}@{DIGEST}"
    )
    result = run("build", "app", "-t", "localhost:5000/team/shop", "--push")
    assert (result.code, result.out) == (0, f"localhost:5000/team/shop@{DIGEST}\n")
    registry = builder.calls[0].container_registry
    assert registry is not None
    assert registry.uri == "localhost:5000"


@pytest.mark.parametrize("name", ["shop", "team/shop:1"])
def test_push_without_a_registry(
    run: Run, builder: RecordingBuilder, stack: Stack, name: str
) -> None:
    """The error says where to give a registry; nothing is built before."""
    result = run("build", "app", "-t", "localhost:5000/shop", "-t", name, "--push")
    assert result.code == 2
    assert "IMAGEBUILDERS_CONTAINER_REGISTRY__URI" in result.err
    assert builder.calls == []


def test_quiet(run: Run, builder: RecordingBuilder, registry: RecordingRegistry) -> None:
    """Only the image's ID, or its digest once it is pushed, is printed."""
    builder.events = [events.Notice("x")]
    builder.before_build = lambda call: logging.getLogger("imagebuilders").warning("y")
    result = run("build", "app", "-t", "registry.example/shop:1", "-q")
    assert (result.out, result.err) == ("sha256:" + "1" * 64 + "\n", "")
    result = run("build", "app", "-t", "registry.example/shop:1", "--quiet", "--push")
    assert (result.out, result.err) == (f"registry.example/shop@{DIGEST}\n", "")


def test_json(run: Run, builder: RecordingBuilder, registry: RecordingRegistry) -> None:
    """Each event is an object, then comes the result; nothing else is printed."""
    builder.events = [events.StepStarted(1, 1, "FROM scratch")]
    builder.before_build = lambda call: logging.getLogger("imagebuilders").warning("big")
    result = run("build", "app", "-t", "registry.example/shop:1", "--push", "--json")
    assert result.err == ""
    assert len(result.records) == len(result.out.splitlines())
    assert all(str(record.pop("time")).endswith("Z") for record in result.records[:-1])
    assert result.records == [
        {"event": "notice", "message": "big"},
        {"event": "step_started", "number": 1, "total": 1, "instruction": "FROM scratch"},
        {
            "event": "image_built",
            "image_name": "registry.example/shop:1",
            "image_id": "sha256:" + "1" * 64,
        },
        {
            "event": "result",
            "image": "registry.example/shop:1",
            "image_id": "sha256:" + "1" * 64,
            "reference": f"registry.example/shop@{DIGEST}",
            "digest": DIGEST,
        },
    ]


def test_json_without_push(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """Without a push there is no digest."""
    last = run("build", "app", "-t", "shop", "--json").records[-1]
    assert (last["reference"], last["digest"]) == (None, None)


def test_plain_lines_in_a_pipe(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """Progress and warnings are lines of standard error; the result alone is on stdout."""
    builder.events = [events.StepStarted(1, 1, "FROM scratch")]
    builder.before_build = lambda call: logging.getLogger("imagebuilders.x").warning("look")
    result = run("build", "app", "-t", "shop")
    assert result.out == "shop\n"
    assert result.err.splitlines()[:2] == ["note: look", "[1/1] FROM scratch"]
    assert "\x1b" not in result.err


@pytest.mark.parametrize(
    ("terminal", "live"), [("xterm-256color", True), ("dumb", False), ("", False)]
)
def test_display_on_a_terminal(
    run: Run,
    builder: RecordingBuilder,
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    terminal: str,
    live: bool,
) -> None:
    """On a terminal the display is live, unless the terminal cannot move its cursor."""
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    builder.events = [events.StepStarted(1, 1, "FROM scratch")]
    master, slave = pty.openpty()
    try:
        with open(slave, "w", encoding="utf-8") as stderr:
            monkeypatch.setattr(sys, "stderr", stderr)
            assert run("build", "app", "-t", "shop").code == 0
            assert run("build", "nowhere", "-t", "shop").code == 2
        shown = _read_all(master)
    finally:
        os.close(master)
    assert ("\x1b[?25l" in shown) is live
    assert ("✓ [1/1] FROM scratch" in shown) is live
    assert "[1/1] FROM scratch" in shown
    assert "error: " in shown
    assert "\x1b[3" not in shown, "NO_COLOR is respected"


def _read_all(descriptor: int) -> str:
    chunks = [b""]
    with suppress(OSError):  # how a terminal says that its other end is closed
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    return b"".join(chunks).decode()


# --- what goes wrong ---------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("build", "app", "--push"), "--push: name the image, as in -t localhost:5000/app:1"),
        (("build", "-t", "shop"), "Missing argument 'PATH'"),
        (("build", "nowhere", "-t", "shop"), "does not exist"),
        (("build", "app/Dockerfile", "-t", "shop"), "is a file"),
        (("build", "app", "-t", "shop", "-f", "nowhere"), "There is no file 'nowhere'"),
        (("build", "app", "-t", "shop", "--build-arg", "=x"), "--build-arg: "),
        (("build", "app", "-t", "shop", "--label", "=x"), "--label: "),
        (("build", "app", "-t", "shop", "--no-cash"), "--no-cache"),
        (("build", "app", "-t", "shop", "-q", "--json"), "cannot be used together"),
        (("bild", "app"), "No such command 'bild'"),
    ],
)
def test_wrong_usage(
    run: Run, builder: RecordingBuilder, stack: Stack, arguments: tuple[str, ...], says: str
) -> None:
    """Wrong usage ends with 2 and one message, and builds nothing."""
    result = run(*arguments)
    assert result.code == 2
    assert says in result.err or says in result.out
    assert "Traceback" not in result.err
    assert builder.calls == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BuildError("step 2 failed", instruction="RUN false", exit_code=1, log=["a"]), 1),
        (PushError("denied", image_name="shop"), 1),
        (ImageNameError("no such name", image_name="SHOP"), 2),
    ],
)
def test_failure(
    run: Run, builder: RecordingBuilder, stack: Stack, error: Exception, code: int
) -> None:
    """An error is its message after `error:`; 1 for what failed, 2 for what was asked wrongly."""

    def fail(call: object) -> None:
        raise error

    builder.before_build = fail
    result = run("build", "app", "-t", "shop")
    assert (result.code, result.out, result.err) == (code, "", f"error: {error}\n")


def test_failure_as_json(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """With --json an error is the last object, with what the exception knows."""

    def fail(call: object) -> None:
        raise BuildError("boom", instruction="RUN false", exit_code=3, output=["x"], log=["x"])

    builder.before_build = fail
    result = run("build", "app", "-t", "shop", "--json")
    assert (result.code, result.err) == (1, "")
    assert result.records == [
        {
            "event": "error",
            "error": "BuildError",
            "message": "boom",
            "exit_code": 1,
            "details": {"instruction": "RUN false", "exit_code": 3, "output": ["x"]},
        }
    ]
    result = run("build", "nowhere", "-t", "shop", "--json")
    assert (result.code, result.err) == (2, "")
    assert result.records[-1]["error"] == "BadParameter"


def test_interrupt(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """Ctrl-C stops the build and ends with 130 and one line."""
    builder.events = [events.StepStarted(1, 1, "RUN sleep")]
    builder.before_build = lambda call: os.kill(os.getpid(), signal.SIGINT)
    result = run("build", "app", "-t", "shop")
    assert (result.code, result.out, result.err) == (130, "", "error: Interrupted.\n")
    result = run("build", "app", "-t", "shop", "--json")
    assert (result.code, result.err) == (130, "")
    assert result.records[-1]["exit_code"] == 130


def test_attributes_of_errors_as_json(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """Objects in an error's attributes are objects in JSON."""
    attempt = EngineAttempt("DOCKER_HOST", "unix:///x", "no such socket")

    def fail(call: object) -> None:
        raise EngineNotFoundError("none", attempts=[attempt])

    builder.before_build = fail
    result = run("build", "app", "-t", "shop", "--json")
    assert result.records[-1]["details"] == {
        "attempts": [
            {
                "source": "DOCKER_HOST",
                "address": "unix:///x",
                "outcome": "no such socket",
                "failure": "not-running",
            }
        ]
    }


def test_faults_of_programs(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """A fault of a builder has its traceback, for its authors, and ends as other errors do."""

    def fail(call: object) -> None:
        raise ZeroDivisionError("by\x1b[31m zero")

    builder.before_build = fail
    result = run("build", "app", "-t", "shop")
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert "Traceback (most recent call last):" in lines
    assert lines[-1].startswith("error: A program failed, ")
    assert lines[-1].endswith(": ZeroDivisionError: by zero")
    result = run("build", "app", "-t", "shop", "--json")
    assert (result.code, result.err) == (1, "")
    error = result.records[-1]
    assert (error["event"], error["error"], error["exit_code"]) == ("error", "ZeroDivisionError", 1)
    assert isinstance(error["details"], dict)
    assert "in fail" in "".join(error["details"]["traceback"])


def test_only_results_and_events_are_on_standard_output(
    run: Run, builder: RecordingBuilder, stack: Stack
) -> None:
    """What a third party's builder prints, or makes up as an event, does not disturb a program."""

    def chat(call: object) -> None:
        print("hello")
        events.emit(cast(events.Event, object()))

    builder.before_build = chat
    for option, kinds in (("--json", ["image_built", "result"]), ("--quiet", [])):
        result = run("build", "app", "-t", "shop", option)
        assert [record["event"] for record in result.records] == kinds
        assert "hello" not in result.out
        assert result.err == "hello\n"


class _SwitchedBuilder(LocalImageBuilder):
    """Notes the switches that it is given."""

    switches: dict[str, bool]

    def build(self, *args: object, **switches: bool) -> str:  # type: ignore[override]
        """Note them."""
        self.switches = switches
        return "shop:1"

    build.__signature__ = inspect.signature(LocalImageBuilder.build)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("folder")
def test_switches_of_the_builder(run: Run, stack: Stack) -> None:
    """They arrive as arguments of `build`, and only where they are on."""
    stack.image_builder = switched = _SwitchedBuilder()
    assert run("build", "app", "-t", "shop:1", "--explain-cache", "--skip-unchanged").code == 0
    assert switched.switches == {"explain_cache": True, "skip_unchanged": True}
    assert run("build", "app", "-t", "shop:1").code == 0
    assert switched.switches == {}


@pytest.mark.usefixtures("folder", "stack")
@pytest.mark.parametrize("switch", ["--explain-cache", "--skip-unchanged"])
def test_switch_that_a_builder_lacks(run: Run, builder: RecordingBuilder, switch: str) -> None:
    """A third party's builder need not have it; nothing is built without it."""
    result = run("build", "app", "-t", "shop:1", switch)
    assert result.code == 2
    assert f"{switch}: the image builder 'default', a RecordingBuilder" in result.err
    assert builder.calls == []


def test_an_interruption_that_became_another_error(
    run: Run, builder: RecordingBuilder, stack: Stack
) -> None:
    """It ends as Ctrl-C does."""

    def interrupt(call: object) -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    builder.before_build = interrupt
    result = run("build", "app", "-t", "a")
    assert (result.code, result.err) == (130, "error: Interrupted.\n")
