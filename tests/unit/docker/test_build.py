"""Following a build: steps, output, and every way it can fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
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
    """Runs builds on the engine double and keeps their events."""

    def __init__(self, client: FakeDockerClient, engine: FakeDockerEngine) -> None:
        self.client, self.engine = client, engine
        self.events: list[Event] = []

    def dockerfile(self, text: str, **arguments: Any) -> BuiltImage:
        """Build this Dockerfile."""
        return self.run(context=[pack({"Dockerfile": text, "a": "1"})], **arguments)

    def answer(self, *messages: dict[str, Any] | bytes, then: str = "end") -> BuiltImage:
        """Build, with these messages as the engine's answer."""
        self.engine.faults.answer("POST /build", messages, then=then)
        return self.run()

    def run(self, **arguments: Any) -> BuiltImage:
        """Build, with whatever the engine does."""
        options: dict[str, Any] = {"context": [b"tar"], "params": {"t": "app:1"}}
        return build_image(
            self.client, image_name="app:1", emit=self.events.append, **{**options, **arguments}
        )

    def output(self) -> list[str]:
        """What the steps themselves printed, without the engine's own lines."""
        return [one.line for one in self.events if isinstance(one, StepOutput) and one.number]


@pytest.fixture
def build(client: FakeDockerClient, fake_engine: FakeDockerEngine) -> Build:
    """Give a way to run builds; the images `a` and `b` are there."""
    for name in "ab":
        fake_engine.seed_image(name)
    return Build(client, fake_engine)


def _stream(*texts: str) -> list[dict[str, str]]:
    return [{"stream": text} for text in texts]


def test_a_build_is_told_step_by_step(build: Build) -> None:
    """Announcements, cache hits, output and chatter are told apart."""
    build.engine.on_run("make", output="one\ntwo\n10%\r20%\r\n", error_output="warn: red\n")
    build.dockerfile("FROM a\nCOPY a /a\n")
    build.events.clear()
    params = {"t": "app:1", "rm": "1"}
    built = build.dockerfile("FROM a\nCOPY a /a\nRUN make\n", params=params)
    base, copied, made = (step.image_id[7:19] for step in build.engine.builds[-1].steps)
    running = next(line for line in built.log if "Running in" in line)
    assert built.image_id == build.engine.image("app:1").id
    context, *events = build.events
    assert isinstance(context, ContextProgress)
    assert context.done
    assert events == [
        StepStarted(1, 3, "FROM a"),
        StepOutput(0, f" ---> {base}"),
        StepStarted(2, 3, "COPY a /a"),
        StepCached(2),
        StepOutput(0, f" ---> {copied}"),
        StepStarted(3, 3, "RUN make"),
        StepOutput(0, running),
        StepOutput(3, "one"),
        StepOutput(3, "two"),
        StepOutput(3, "20%"),
        StepOutput(3, "warn: red"),
        StepOutput(0, f"Removing intermediate container {running[-12:]}"),
        StepOutput(0, f" ---> {made}"),
        StepOutput(0, f"Successfully built {made}"),
        StepOutput(0, "Successfully tagged app:1"),
        ImageBuilt("app:1", built.image_id),
    ]
    assert "two" in built.log
    assert built.log[0] == "Step 1/3 : FROM a"


@pytest.mark.parametrize("version", ["26.1", "28.5"])
def test_newer_engines_are_understood_as_well(version: str) -> None:
    """What they word in another way is still told apart from a step's output."""
    build = Build(FakeDockerClient(engine := FakeDockerEngine(version)), engine)
    engine.seed_image("a")
    engine.on_run("make", output="one\n")
    built = build.dockerfile("FROM a\nRUN make\n", params={"t": "app:1", "rm": "1"})
    build.client.close()
    assert built.image_id == engine.image("app:1").id
    assert build.output() == ["one"]
    assert any(line.startswith(" ---> Removed intermediate container ") for line in built.log)


def test_messages_may_hold_any_part_of_a_line(build: Build) -> None:
    """Lines are put together again, their colours and overwritten states left out."""
    build.answer(
        *_stream("Step 1/1 : RUN make", "\n", "one\nt", "wo\n", "\x1b[91mwarn: \x1b[0m"),
        *_stream("\x1b[91mred\n\x1b[0m", "10%\r20%\r", "\n"),
        {"aux": {"ID": ID}},
    )
    assert build.output() == ["one", "two", "warn: red", "20%"]


def test_output_that_looks_like_a_step_is_output(build: Build) -> None:
    """Only the number that is due begins a step."""
    build.engine.on_run("x", output="Step 2/2 : RUN x\nStep 3/9 : haha\n")
    build.dockerfile("FROM a\nRUN x\n")
    assert build.output() == ["Step 2/2 : RUN x", "Step 3/9 : haha"]
    assert len([event for event in build.events if isinstance(event, StepStarted)]) == 2


def test_output_that_looks_like_the_result_is_output(build: Build) -> None:
    """A command that prints so in the middle of the build makes no image."""
    printed = "Successfully built 0123456789ab\n"
    build.engine.on_run("x", output=printed)
    for last in ("", "ENV last=1\n"):
        built = build.dockerfile(f"FROM a\nRUN x\n{last}", params={"t": "app:1", "nocache": "1"})
        assert built.image_id == build.engine.image("app:1").id
    assert build.output() == [printed.strip()]
    with pytest.raises(BuildError, match="ended before the image was built"):
        build.answer(*_stream("Step 1/2 : RUN x", "\n", printed))


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
    layer = build.engine.seed_hub("far", files={"/f": "1"}).layers[0]
    params = {"t": "app:1", "buildargs": '{"X": "1"}'}
    build.dockerfile("FROM far\n", params=params)
    assert LayerProgress("latest", "Pulling from library/far") in build.events
    size = len(layer.compressed)
    assert LayerProgress(layer.blob_digest[7:19], "Downloading", size, size) in build.events
    told = [event.line for event in build.events if isinstance(event, StepOutput)]
    assert [line for line in told if line.startswith("Digest: sha256:")]
    assert Notice("One or more build-args [X] were not consumed") in build.events


def test_the_last_line_needs_no_newline(build: Build) -> None:
    """What stands at the end of the answer is not lost."""
    build.answer({"aux": {"ID": ID}}, *_stream("Step 1/1 : FROM a", "\nlast words"))
    assert StepOutput(1, "last words") in build.events


@pytest.mark.parametrize("image_id", ["", "abc", "sha256:\x1b[2J", ID.upper(), 7, {"ID": ID}])
def test_an_image_id_that_is_malformed_is_not_returned(build: Build, image_id: object) -> None:
    """Nor shown with characters that a terminal obeys."""
    with pytest.raises(BuildError, match=r"cannot be used .* is not a digest") as e:
        build.answer(*_stream("Step 1/1 : FROM a", "\n"), {"aux": {"ID": image_id}})
    assert "\x1b" not in str(e.value)


def test_output_may_end_without_a_newline(build: Build) -> None:
    """What the engine says next is not taken for the rest of the line."""
    build.engine.on_run("printf x", output="x")
    built = build.dockerfile("FROM a\nRUN printf x\n", params={"t": "app:1", "rm": "1"})
    assert build.output() == ["x"]
    removed = next(line for line in built.log if line.startswith("Removing intermediate"))
    assert StepOutput(0, removed) in build.events


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
    printed = "".join(f"line {number}\n" for number in range(30)) + "no newline"
    build.engine.on_run("before", output="not of this step\n")
    build.engine.on_run("make", output=printed, exit_code=2)
    with pytest.raises(BuildError) as caught:
        build.dockerfile("FROM a\nRUN before\nRUN make\n")
    error = caught.value
    assert isinstance(error, RuntimeError)
    assert error.instruction == "RUN make"
    assert error.exit_code == 2
    assert error.output == (*(f"line {number}" for number in range(11, 30)), "no newline")
    assert error.log[-1] == text
    assert "line 0" in error.log
    assert str(error).startswith(f"app:1 was not built. It failed at step 3/3: RUN make\n{text}\n")
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


def test_a_refusal_is_an_error_in_the_engines_words(build: Build) -> None:
    """Syntax errors are refused so; the error names the Dockerfile."""
    words = "from Dockerfile.*begin: dockerfile parse error line 2: unknown instruction: FOO"
    with pytest.raises(BuildError, match=words):
        build.dockerfile("FROM a\nFOO\n")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, b"plain text", "begin: plain text"),
        (502, b'["odd"]', r'begin: \["odd"\]'),
    ],
)
def test_a_refusal_may_have_any_form(build: Build, status: int, body: bytes, words: str) -> None:
    """What stands between the client and the engine has words of its own."""
    build.engine.faults.answer("POST /build", body, status=status)
    with pytest.raises(BuildError, match=f"from Dockerfile.*{words}"):
        build.run()


def test_an_engine_that_dies_is_an_error_that_says_after_which_step(build: Build) -> None:
    """The connection breaks off in the middle of the build, or of a line."""
    build.engine.faults.die_at_step("env")
    with pytest.raises(BuildError, match=r"went away after step 2/2: ENV a=1"):
        build.dockerfile("FROM a\nENV a=1\n")
    with pytest.raises(BuildError, match=r"went away after step 1/2: FROM a\. ") as caught:
        build.answer(*_stream("Step 1/2 : FROM a", "\nhalf a li"), then="break")
    assert caught.value.instruction == "FROM a"
    assert caught.value.output == ("half a li",)


def test_an_engine_that_dies_at_once_is_an_error(build: Build) -> None:
    """There is no answer at all."""
    build.engine.faults.drop("POST /build")
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
    step = _stream("Step 1/1 : FROM a")
    fault = build.engine.faults.answer("POST /build", step, then="hang")
    with pytest.raises(BuildError, match=r"has said nothing for 0\.5 s after step 1/1: FROM a"):
        build.run(idle_timeout=0.5)
    assert fault.abandoned.wait(5)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a listener's own")])
def test_whatever_ends_the_build_closes_the_connection(build: Build, error: BaseException) -> None:
    """The engine stops a build whose client is gone."""

    def interrupt(event: Event) -> None:
        if isinstance(event, StepStarted):
            raise error

    step = _stream("Step 1/1 : FROM a")
    fault = build.engine.faults.answer("POST /build", step, then="hang")
    with pytest.raises(type(error)):
        build_image(build.client, image_name="app:1", context=[b"x"], params={}, emit=interrupt)
    assert fault.abandoned.wait(5)


@pytest.mark.parametrize("error", [OSError(5, "disk"), ValueError("own"), KeyboardInterrupt()])
def test_errors_of_the_context_come_through_unchanged(build: Build, error: BaseException) -> None:
    """The HTTP libraries would wrap some of them as connection errors."""

    def context() -> Iterator[bytes]:
        yield b"first"
        raise error

    with pytest.raises(type(error)) as caught:
        build.run(context=context())
    assert caught.value is error


def test_the_context_is_streamed_and_counted(build: Build) -> None:
    """The chunks arrive as one body; progress comes by the mebibyte, not by the chunk."""
    tar = pack({"Dockerfile": "FROM scratch\nCOPY big /\n", "big": b"a" * 1_200_000})
    rest = tar[1_200_000:]
    chunks = [tar[start : start + 400_000] for start in (0, 400_000, 800_000)] + [b"", rest]
    build.run(context=chunks, headers={"X-Registry-Config": "e30="}, params={"t": "app:1"})
    request = build.engine.requests[-1]
    assert (request.method, request.path, request.query) == ("POST", "/build", {"t": ["app:1"]})
    assert request.body_size == len(tar)
    assert build.engine.image_tree("app:1")["big"].data == b"a" * 1_200_000
    assert request.headers["content-type"] == "application/x-tar"
    assert request.headers["transfer-encoding"] == "chunked"
    assert request.headers["x-registry-config"] == "e30="
    assert build.events[:2] == [ContextProgress(1_200_000), ContextProgress(len(tar), done=True)]


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
