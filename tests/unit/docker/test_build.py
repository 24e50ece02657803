"""Following a build: steps, output, and every way it can fail."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from imagebuilders.docker import build_progress
from imagebuilders.docker.build import build_image, encode_params
from imagebuilders.docker.build_progress import BuildProgress, BuiltImage
from imagebuilders.events import (
    ContextProgress,
    Event,
    ImageBuilt,
    LayerProgress,
    Notice,
    StepCached,
    StepOutput,
    StepStarted,
)
from imagebuilders.exceptions import BuildError

ID = "sha256:" + "ab" * 32


class Build:
    """Runs builds against scripted answers and keeps their events."""

    def __init__(self, client: docker.DockerClient, engine: Any, script: Any) -> None:
        self.client, self.engine, self.script = client, engine, script
        self.events: list[Event] = []

    def answer(self, *messages: object, **how: object) -> BuiltImage:
        """Build, with these messages as the engine's answer."""
        self.engine.answers.append(self.script.stream(messages, **how))
        return self.run()

    def run(self, **arguments: Any) -> BuiltImage:
        """Build, with the answers that are there."""
        options: dict[str, Any] = {"context": [b"tar"], "params": {"dockerfile": "a.Dockerfile"}}
        return build_image(
            self.client, image_name="app:1", emit=self.events.append, **{**options, **arguments}
        )


@pytest.fixture
def build(client: docker.DockerClient, scripted_engine: Any, script: Any) -> Build:
    """Give a way to run builds."""
    return Build(client, scripted_engine, script)


def _stream(*texts: str) -> list[dict[str, str]]:
    return [{"stream": text} for text in texts]


def test_a_build_is_told_step_by_step(build: Build) -> None:
    """Announcements, cache hits, output and chatter are told apart."""
    built = build.answer(
        *_stream("Step 1/3 : FROM busybox", "\n", " ---> 410f2b8ddd23\n"),
        *_stream("Step 2/3 : COPY . /a", "\n", " ---> Using cache\n", " ---> a1c16d3917d7\n"),
        *_stream("Step 3/3 : RUN make", "\n", " ---> Running in ad6420f33c97\n"),
        *_stream("one\nt", "wo\n", "\x1b[91mwarn: \x1b[0m", "\x1b[91mred\n\x1b[0m", "10%\r20%\r"),
        *_stream("\n", "Removing intermediate container ad6420f33c97\n", " ---> de998a5fdc3b\n"),
        *_stream(" ---> Removed intermediate container ad6420f33c97\n"),
        {"aux": {"ID": ID}},
        *_stream("Successfully built de998a5fdc3b\n", "Successfully tagged app:1\n"),
    )
    assert built.image_id == ID
    assert build.events == [
        ContextProgress(3, done=True),
        StepStarted(1, 3, "FROM busybox"),
        StepOutput(0, " ---> 410f2b8ddd23"),
        StepStarted(2, 3, "COPY . /a"),
        StepCached(2),
        StepOutput(0, " ---> a1c16d3917d7"),
        StepStarted(3, 3, "RUN make"),
        StepOutput(0, " ---> Running in ad6420f33c97"),
        StepOutput(3, "one"),
        StepOutput(3, "two"),
        StepOutput(3, "warn: red"),
        StepOutput(3, "20%"),
        StepOutput(0, "Removing intermediate container ad6420f33c97"),
        StepOutput(0, " ---> de998a5fdc3b"),
        StepOutput(0, " ---> Removed intermediate container ad6420f33c97"),
        StepOutput(0, "Successfully built de998a5fdc3b"),
        StepOutput(0, "Successfully tagged app:1"),
        ImageBuilt("app:1", ID),
    ]
    assert "two" in built.log
    assert built.log[0] == "Step 1/3 : FROM busybox"


def test_output_that_looks_like_a_step_is_output(build: Build) -> None:
    """Only the number that is due begins a step."""
    build.answer(
        *_stream("Step 1/2 : FROM a", "\n", "Step 2/2 : RUN x", "\n"),
        *_stream("Step 2/2 : RUN x\n", "Step 3/9 : haha\n"),
        {"aux": {"ID": ID}},
    )
    assert StepOutput(2, "Step 2/2 : RUN x") in build.events
    assert StepOutput(2, "Step 3/9 : haha") in build.events
    assert len([event for event in build.events if isinstance(event, StepStarted)]) == 2


def test_output_that_looks_like_the_result_is_output(build: Build) -> None:
    """A command that prints so in the middle of the build makes no image."""
    with pytest.raises(BuildError, match="ended before the image was built"):
        build.answer(*_stream("Step 1/2 : RUN x", "\n", "Successfully built 0123456789ab\n"))
    assert StepOutput(1, "Successfully built 0123456789ab") in build.events


def test_podmans_wording_is_understood(build: Build) -> None:
    """Podman counts anew in each stage and names the image without `aux`."""
    built = build.answer(
        *_stream("[1/2] STEP 1/1: FROM a AS x\n", "--> 410f2b8ddd2\n"),
        *_stream("[2/2] STEP 1/2: FROM b\n", "[2/2] STEP 2/2: RUN y\n"),
        *_stream("out\n", "[2/2] COMMIT app:1\n", "ab" * 32 + "\n", "--> Using cache 41abcdef\n"),
        *_stream("Successfully built 0123456789ab\n"),
    )
    assert built.image_id == "0123456789ab"
    started = [event for event in build.events if isinstance(event, StepStarted)]
    assert [event.instruction for event in started] == ["FROM a AS x", "FROM b", "RUN y"]
    assert StepCached(2) in build.events
    output = [one.line for one in build.events if isinstance(one, StepOutput) and one.number]
    assert output == ["out"]


def test_base_images_and_warnings_are_events(build: Build) -> None:
    """Layers on their way have progress; warnings are notices."""
    build.answer(
        *_stream("Step 1/1 : FROM a"),
        {"status": "Pulling from library/a", "id": "latest"},
        {"status": "Downloading", "id": "c1", "progressDetail": {"current": 1, "total": 2}},
        {"status": "Digest: sha256:0"},
        *_stream("[Warning] One or more build-args [X] were not consumed\n"),
        {"aux": {"ID": ID}},
    )
    assert LayerProgress("latest", "Pulling from library/a") in build.events
    assert LayerProgress("c1", "Downloading", 1, 2) in build.events
    assert StepOutput(0, "Digest: sha256:0") in build.events
    assert Notice("One or more build-args [X] were not consumed") in build.events


def test_the_last_line_needs_no_newline(build: Build) -> None:
    """What stands at the end of the answer is not lost."""
    build.answer({"aux": {"ID": ID}}, *_stream("Step 1/1 : FROM a", "\nlast words"))
    assert StepOutput(1, "last words") in build.events


def test_output_may_end_without_a_newline(build: Build) -> None:
    """What the engine says next is not taken for the rest of the line."""
    build.answer(
        *_stream("Step 1/1 : RUN printf x", "\n", " ---> Running in ad6420f33c97\n", "x"),
        *_stream("Removing intermediate container ad6420f33c97\n", " ---> de998a5fdc3b\n"),
        {"aux": {"ID": ID}},
    )
    output = [one.line for one in build.events if isinstance(one, StepOutput) and one.number]
    assert output == ["x"]
    assert StepOutput(0, "Removing intermediate container ad6420f33c97") in build.events


def test_a_line_that_is_written_anew_does_not_grow() -> None:
    """A progress display without a newline costs the same for each of its states."""
    events: list[Event] = []
    progress = BuildProgress("app:1", "Dockerfile", events.append)
    progress.take({"stream": "Step 1/1 : RUN curl"})
    for percent in range(101):
        progress.take({"stream": f"{percent}%\r"})
        assert len(progress._line) <= len("100%\r")
    progress.take({"stream": "\n"})
    assert events[1:] == [StepOutput(1, "100%")]


def test_a_line_without_an_end_is_told_in_pieces(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dots that never end are seen as they come, and nothing is lost."""
    monkeypatch.setattr(build_progress, "MAX_LINE_CHARS", 9)
    build.answer(*_stream("Step 1/1 : RUN x", *["...."] * 7), {"aux": {"ID": ID}})
    output = [one.line for one in build.events if isinstance(one, StepOutput)]
    assert output == ["." * 12, "." * 12, "...."]


def test_a_failed_command_is_an_error_with_all_that_helps(build: Build) -> None:
    """Instruction, exit code and the last lines of the step's own output."""
    text = "The command '/bin/sh -c make' returned a non-zero code: 2"
    with pytest.raises(BuildError) as caught:
        build.answer(
            *_stream("Step 1/2 : FROM a", "\n", "not of this step\n", "Step 2/2 : RUN make", "\n"),
            *_stream(*(f"line {number}\n" for number in range(30)), "no newline"),
            {"errorDetail": {"code": 2, "message": text}, "error": text},
        )
    error = caught.value
    assert isinstance(error, RuntimeError)
    assert error.instruction == "RUN make"
    assert error.exit_code == 2
    assert error.output == (*(f"line {number}" for number in range(11, 30)), "no newline")
    assert error.log[-1] == text
    assert "line 0" in error.log
    assert str(error).startswith(f"app:1 was not built. It failed at step 2/2: RUN make\n{text}\n")
    assert str(error).endswith("  line 29\n  no newline")


@pytest.mark.parametrize(
    ("message", "exit_code"),
    [
        ({"error": "while running runtime: exit status 7"}, 7),
        ({"error": "process did not complete: exit code: 8"}, 8),
        ({"errorDetail": {"message": "COPY failed: no such file"}}, None),
        ({"errorDetail": {}}, None),
        ({"errorDetail": "odd"}, None),
    ],
)
def test_errors_come_in_several_forms(
    build: Build, message: dict[str, object], exit_code: int | None
) -> None:
    """Podman and older engines leave parts of the detail out."""
    with pytest.raises(BuildError, match=r"app:1 was not built\. It failed") as caught:
        build.answer(message)
    assert caught.value.exit_code == exit_code
    assert caught.value.instruction is None


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        ("400 Bad Request", b'{"message":"parse error line 2: FOO"}', "begin: parse error line 2"),
        ("500 Error", b"plain text", "begin: plain text"),
        ("502 Bad Gateway", b'["odd"]', r'begin: \["odd"\]'),
    ],
)
def test_a_refusal_is_an_error_in_the_engines_words(
    build: Build, status: str, body: bytes, words: str
) -> None:
    """Syntax errors are refused so; the error names the Dockerfile."""
    build.engine.answers.append(build.script.plain(status, body))
    with pytest.raises(BuildError, match=f"from a.Dockerfile.*{words}"):
        build.run()


def test_an_engine_that_dies_is_an_error_that_says_after_which_step(build: Build) -> None:
    """The connection breaks off in the middle of the answer."""
    with pytest.raises(BuildError, match=r"went away after step 1/2: FROM a\. ") as caught:
        build.answer(*_stream("Step 1/2 : FROM a", "\nhalf a li"), complete=False)
    assert caught.value.instruction == "FROM a"
    assert caught.value.output == ("half a li",)


def test_an_engine_that_dies_at_once_is_an_error(build: Build) -> None:
    """There is no answer at all."""
    build.engine.answers.append(b"")
    with pytest.raises(BuildError, match="went away before the first step"):
        build.run()


def test_an_answer_without_an_image_is_an_error(build: Build) -> None:
    """An answer may end in good order without the image."""
    with pytest.raises(BuildError, match="answer ended before the image was built after step 1/1"):
        build.answer(*_stream("Step 1/1 : FROM a", "\n"))


def test_an_answer_that_is_no_json_is_an_error(build: Build) -> None:
    """A proxy in between may answer in HTML."""
    with pytest.raises(BuildError, match=r"app:1 was not built\. The engine's answer is not"):
        build.answer(b"<html>")


def test_a_silent_engine_is_given_up_when_a_limit_is_set(build: Build) -> None:
    """The option `timeout` bounds the silence, not the build."""

    def hang(connection: socket.socket) -> None:
        connection.sendall(build.script.stream(_stream("Step 1/1 : FROM a"), complete=False))
        assert connection.recv(1) == b""  # until the client gives up

    build.engine.answers.append(hang)
    with pytest.raises(BuildError, match=r"has said nothing for 0\.05 s after step 1/1: FROM a"):
        build.run(silence_timeout=0.05)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a listener's own")])
def test_whatever_ends_the_build_closes_the_connection(build: Build, error: BaseException) -> None:
    """The engine stops a build whose client is gone."""
    closed = []

    def build_on(connection: socket.socket) -> None:
        connection.sendall(build.script.stream(_stream("Step 1/1 : FROM a"), complete=False))
        closed.append(connection.recv(1))

    def interrupt(event: Event) -> None:
        if isinstance(event, StepStarted):
            raise error

    build.engine.answers.append(build_on)
    with pytest.raises(type(error)):
        build_image(build.client, image_name="app:1", context=[b"x"], params={}, emit=interrupt)
    build.engine.wait()
    assert closed == [b""]


@pytest.mark.parametrize("error", [OSError(5, "disk"), ValueError("own"), KeyboardInterrupt()])
def test_errors_of_the_context_come_through_unchanged(build: Build, error: BaseException) -> None:
    """The HTTP libraries would wrap some of them as connection errors."""

    def context() -> Iterator[bytes]:
        yield b"first"
        raise error

    build.engine.answers.append(b"")
    with pytest.raises(type(error)) as caught:
        build.run(context=context())
    assert caught.value is error


def test_the_context_is_streamed_and_counted(build: Build) -> None:
    """The chunks arrive as one body; progress comes by the mebibyte, not by the chunk."""
    build.engine.answers.append(build.script.stream([{"aux": {"ID": ID}}]))
    chunks = [b"a" * 400_000] * 3 + [b""] + [b"b"]
    build.run(context=chunks, headers={"X-Registry-Config": "e30="}, params={"t": "a b"})
    [request] = build.engine.requests
    assert request.line == "POST /v1.41/build?t=a+b HTTP/1.1"
    assert request.body == b"".join(chunks)
    assert request.headers["content-type"] == "application/x-tar"
    assert request.headers["transfer-encoding"] == "chunked"
    assert request.headers["x-registry-config"] == "e30="
    assert build.events[:2] == [ContextProgress(1_200_000), ContextProgress(1_200_001, done=True)]


def test_options_become_the_query_of_the_engine() -> None:
    """Names and forms are those of `POST /build`."""
    assert encode_params(
        {
            "tag": "a:1",
            "nocache": True,
            "pull": False,
            "target": None,
            "buildargs": {"A": "1", "B": None},
            "cache_from": ["x"],
            "network_mode": "host",
            "extra_hosts": {"a": "1.1.1.1", "b": "::1"},
            "container_limits": {"memory": 5, "cpusetcpus": "0-1"},
            "shmsize": 64,
        }
    ) == {
        "t": "a:1",
        "nocache": "1",
        "pull": "0",
        "buildargs": '{"A": "1", "B": null}',
        "cachefrom": '["x"]',
        "networkmode": "host",
        "extrahosts": "a:1.1.1.1,b:::1",
        "memory": "5",
        "cpusetcpus": "0-1",
        "shmsize": "64",
    }
