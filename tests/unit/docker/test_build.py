"""Following a build: steps, output, and every way it can fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
from imagebuilders.docker.build import build_image
from imagebuilders.docker.build_progress import BuiltImage
from imagebuilders.events import (
    ContextProgress,
    Event,
    ImageBuilt,
    LayerProgress,
    Notice,
    StepCached,
    StepFinished,
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
        StepFinished(1),
        StepStarted(2, 3, "COPY a /a"),
        StepCached(2),
        StepOutput(0, f" ---> {copied}"),
        StepFinished(2, cached=True),
        StepStarted(3, 3, "RUN make"),
        StepOutput(0, running),
        StepOutput(3, "one"),
        StepOutput(3, "two"),
        StepOutput(3, "20%"),
        StepOutput(3, "warn: red"),
        StepOutput(0, f"Removing intermediate container {running[-12:]}"),
        StepOutput(0, f" ---> {made}"),
        StepFinished(3),
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


@pytest.mark.parametrize("version", ["20.10", "26.1", "28.5"])
def test_what_a_command_prints_is_never_the_engines_word(version: str) -> None:
    """Neither in its step, nor in a trigger of the base; the image is the one that was built."""
    lines = (
        *("Step 2/2 : RUN x", "Step 3/9 : haha", " ---> Using cache", "[WARNING] look"),
        *(" ---> Running in 0123456789ab", " ---> Removed intermediate container 0123456789ab"),
        *(" ---> 0123456789ab", "Successfully built 0123456789ab", "COMMIT app:1"),
    )
    build = Build(FakeDockerClient(engine := FakeDockerEngine(version)), engine)
    engine.seed_image("a", on_build=["RUN x"])
    engine.on_run("x", output="".join(f"{line}\n" for line in lines))
    for params in ({"rm": "1", "forcerm": "1"}, {"rm": "0"}):
        build.events.clear()
        built = build.dockerfile(
            "FROM a\nRUN x\nENV b=1\n", params={"t": "app:1", "nocache": "1", **params}
        )
        assert built.image_id == engine.image("app:1").id
        starts = [event.number for event in build.events if isinstance(event, StepStarted)]
        assert starts == [1, 2, 3]
        assert [line for line in build.output() if line in lines] == [*lines, *lines]
        assert not [event for event in build.events if isinstance(event, StepCached | Notice)]
    build.client.close()


def test_last_words_that_a_command_printed_make_no_image(build: Build) -> None:
    """An answer that ends after them has ended early, also when such an image is there."""
    old = build.engine.image("a").id
    for text in ("Successfully built 0123456789ab\n", f"Successfully built {old[7:19]}\n"):
        begin = ("Step 1/1 : RUN x", "\n", " ---> Running in b6ba18c7ba4f\n")
        with pytest.raises(BuildError, match="ended before the image was built after step 1/1"):
            build.answer(*_stream(*begin, text))


def test_an_image_that_is_told_in_text_only_is_looked_up(build: Build) -> None:
    """So older versions of Podman tell it; the whole ID is asked for by the image's name."""
    build.engine.seed_image("app:1")
    image_id = build.engine.image("app:1").id
    texts = ("STEP 1/1: FROM a\n", "COMMIT app:1\n", f"Successfully built {image_id[7:19]}\n")
    assert build.answer(*_stream(*texts, "Successfully tagged app:1\n")).image_id == image_id
    with pytest.raises(BuildError, match="ended before the image was built"):
        build.answer(*_stream(*texts, "more\n"))
    build.engine.faults.answer("GET /images/app:1/json", b"broken", status=500)
    with pytest.raises(BuildError, match="ended before the image was built"):
        build.answer(*_stream(*texts))


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
    build.answer(*_stream("Step 1/1 : FROM a", "\nlast words"), {"aux": {"ID": ID}})
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


def test_errors_show_the_lines_of_the_dockerfile(build: Build) -> None:
    """The failing step's, or the one that the engine refused, under the user's name for it."""
    text = "FROM a\nRUN before\nRUN make \\\n  all\n"
    build.engine.on_run("make   all", output="out\n", exit_code=2)
    with pytest.raises(BuildError) as failed:
        build.dockerfile(text, dockerfile="my file", read_dockerfile=text.encode)
    excerpt = "  1 | FROM a\n  2 | RUN before\n> 3 | RUN make \\\n> 4 |   all\n"
    assert failed.value.excerpt == excerpt
    assert f"\nmy file:\n{excerpt}The step's last output:\n  out" in str(failed.value)
    text = "FROM a\nFOO\n"
    with pytest.raises(BuildError) as refused:
        build.dockerfile(text, read_dockerfile=text.encode)
    assert refused.value.excerpt == "  1 | FROM a\n> 2 | FOO\n"
    assert str(refused.value).endswith("\nDockerfile:\n  1 | FROM a\n> 2 | FOO")


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
        (500, b"plain text", "begin: HTTP status 500: plain text"),
        (502, b'["odd"]', r'begin: HTTP status 502: \["odd"\]'),
        (503, b"", r"begin: HTTP status 503, without a reason\.$"),
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


def test_listeners_are_called_in_the_thread_that_builds(build: Build) -> None:
    """For every event of a build, the transfer of its context included."""
    threads: list[tuple[type[Event], int]] = []
    build_image(
        build.client,
        image_name="app:1",
        context=[pack({"Dockerfile": "FROM a\nRUN x\n"})],
        params={"t": "app:1"},
        emit=lambda event: threads.append((type(event), threading.get_ident())),
    )
    assert {each for _, each in threads} == {threading.get_ident()}
    kinds = {kind for kind, _ in threads}
    assert {ContextProgress, StepStarted, StepFinished, ImageBuilt} <= kinds


@pytest.mark.parametrize("kind", [ContextProgress, StepStarted, StepFinished, ImageBuilt])
def test_what_a_listener_raises_ends_the_build(build: Build, kind: type[Event]) -> None:
    """Unchanged, at whatever event."""

    def fail(event: Event) -> None:
        if isinstance(event, kind):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build_image(
            build.client,
            image_name="app:1",
            context=[pack({"Dockerfile": "FROM a\n"})],
            params={"t": "app:1"},
            emit=fail,
        )


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
