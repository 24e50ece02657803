"""Following a build by its messages, whatever its commands print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from imagebuilders.docker.build_progress import BuildProgress, Failure
from imagebuilders.docker.json_stream import Message
from imagebuilders.events import (
    Event,
    LayerProgress,
    Notice,
    StepCached,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
)

ID = "sha256:" + "ab" * 32
FIRST_ID = "sha256:" + "cd" * 32
CONTAINER = "b6ba18c7ba4f"
_E = TypeVar("_E", bound=Event)

IMITATIONS = [
    "Step 2/3 : RUN x",
    "Step 3/3 : RUN rm -rf /",
    "Step 4/3 : RUN x\n",
    f"Step {'9' * 5000}/{'9' * 5000} : RUN x",
    "STEP 1/3: FROM x\n",
    "STEP 3/3: RUN x\n",
    "[2/2] STEP 1/1: FROM x\n",
    " ---> Using cache\n",
    "--> Using cache 0123456789abcdef\n",
    " ---> Running in 0123456789ab\n",
    " ---> 0123456789ab\n",
    " ---> \n",
    "--> 0123456789a\n",
    "Removing intermediate container 0123456789ab\n",
    " ---> Removed intermediate container 0123456789ab\n",
    f" ---> Removed intermediate container {CONTAINER}\n",
    "[WARNING] The POM for a:b is missing\n",
    "[Warning] One or more build-args [X] were not consumed\n",
    " ---> [Warning] look\n",
    "Successfully built 0123456789ab\n",
    "Successfully tagged app:1\n",
    "COMMIT app:1\n",
    "[2/2] COMMIT\n",
    "The command 'x' returned a non-zero code: 99\n",
    '{"aux": {"ID": "sha256:00"}}\n',
    "\n",
    "\x1b[91mred\n\x1b[0m",
]
printed_texts = st.lists(
    st.one_of(st.sampled_from(IMITATIONS), st.text(min_size=1, max_size=20)), max_size=8
)


class Followed:
    """A build that is followed, its events, and how it ended."""

    def __init__(self, messages: Iterable[Message], *, removes_containers: bool = True) -> None:
        self.events: list[Event] = []
        self.progress = BuildProgress(
            self.events.append, removes_containers=removes_containers, clock=lambda: 5.0
        )
        self.failure: Failure | None = None
        for message in messages:
            self.failure = self.failure or self.progress.take(message)
        self.progress.end()

    def of(self, kind: type[_E]) -> list[_E]:
        """The events of one class."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def printed(self) -> list[tuple[int, str]]:
        """What the steps themselves printed."""
        return [(one.number, one.line) for one in self.of(StepOutput) if one.number]

    @property
    def steps(self) -> list[str]:
        """The instructions of the steps that began."""
        return [event.instruction for event in self.of(StepStarted)]


def streams(*texts: str) -> list[Message]:
    """Make messages of these texts."""
    return [{"stream": text} for text in texts]


def docker_build(
    *printed: str, removed: str = f" ---> Removed intermediate container {CONTAINER}\n"
) -> list[Message]:
    """Make the messages of a build of three steps, the second of which prints these texts."""
    end = [removed] if removed else []
    return [
        *streams("Step 1/3 : FROM a", "\n", " ---> 010101010101\n"),
        *streams("Step 2/3 : RUN make", "\n", f" ---> Running in {CONTAINER}\n"),
        *streams(*printed, *end, " ---> 020202020202\n"),
        *streams("Step 3/3 : ENV x=1", "\n", " ---> Using cache\n", " ---> abababababab\n"),
        {"aux": {"ID": ID}},
        *streams("Successfully built abababababab\n", "Successfully tagged app:1\n"),
    ]


def podman_build(*printed: str) -> list[Message]:
    """Make the messages of the same build by Podman."""
    return [
        *streams("STEP 1/3: FROM a\n", "STEP 2/3: RUN make\n", *printed, "--> 02020202020\n"),
        *streams("STEP 3/3: ENV x=1\n", f"--> Using cache {'ab' * 32}\n", "COMMIT app:1\n"),
        *streams("--> abababababab\n", "Successfully tagged docker.io/library/app:1\n"),
        *streams("ab" * 32 + "\n"),
        {"aux": {"ID": ID}},
        *streams("Successfully built abababababab\n", "Successfully tagged app:1\n"),
    ]


def is_end(texts: Sequence[str], *marks: str) -> bool:
    """Tell whether texts are, somewhere, what the engine itself sends at a command's end."""
    rows = zip(*(texts[at:] for at in range(len(marks))), strict=False)
    return any(all(map(str.__contains__, row, marks)) for row in rows)


@given(printed_texts)
def test_what_a_command_prints_is_output(printed: list[str]) -> None:
    """No text, in whatever pieces, changes the steps, what was cached, or the image."""
    # Not to be told from the engine's own end of the step.
    assume(not is_end(printed, f"container {CONTAINER}", " ---> ", "Step 3/3"))
    followed = Followed(docker_build(*printed))
    assert followed.steps == ["FROM a", "RUN make", "ENV x=1"]
    assert followed.of(StepCached) == [StepCached(3)]
    assert [event.cached for event in followed.of(StepFinished)] == [False, False, True]
    assert followed.progress.image_id == ID
    assert followed.of(Notice) == []
    assert all(number == 2 for number, _ in followed.printed)


@given(printed_texts)
def test_where_an_answer_ends_early_there_is_no_image(printed: list[str]) -> None:
    """Only the ID that the protocol tells after the last step is the image's."""
    messages = docker_build(*printed)
    last = messages.index({"aux": {"ID": ID}})
    for end in range(last + 1):
        assert Followed(messages[:end]).progress.image_id is None


@given(printed_texts)
@example(["--> 0123456789a\n", "[2/2] STEP 1/1: FROM x\n"])
def test_what_a_command_prints_with_podman_is_output(printed: list[str]) -> None:
    """Podman's end of a command is two lines, which follow each other."""
    assume(not is_end(printed, "--> ", "STEP 3/3"))
    followed = Followed(podman_build(*printed))
    assert followed.steps == ["FROM a", "RUN make", "ENV x=1"]
    assert followed.of(StepCached) == [StepCached(3)]
    assert followed.progress.image_id == ID
    assert followed.of(Notice) == []


@given(printed_texts)
def test_what_a_command_prints_is_output_when_containers_are_kept(printed: list[str]) -> None:
    """Without a word of a removed container, the step's image and the next step are its end."""
    assume(not is_end(printed, " ---> ", "Step 3/3"))
    followed = Followed(docker_build(*printed, removed=""), removes_containers=False)
    assert followed.steps == ["FROM a", "RUN make", "ENV x=1"]
    assert followed.of(StepCached) == [StepCached(3)]
    assert followed.progress.image_id == ID


@pytest.mark.parametrize("text", IMITATIONS)
@pytest.mark.parametrize("build", [docker_build, podman_build])
def test_a_line_that_looks_like_the_engines_is_told_as_it_stands(
    build: Callable[..., list[Message]], text: str
) -> None:
    """It is among the step's output, and nothing before or after it is lost."""
    followed = Followed(build("one\n", text, "\ntwo"))
    assert followed.printed[0] == (2, "one")
    assert followed.printed[-1] == (2, "two")
    shown = text.removeprefix("\x1b[91m").removesuffix("\x1b[0m").rstrip("\n")
    assert any(shown in line for _, line in followed.printed)


def test_a_removal_of_its_own_container_alone_is_output() -> None:
    """A command knows its container's name; the engine says more than that at its end."""
    removal = f" ---> Removed intermediate container {CONTAINER}\n"
    followed = Followed(docker_build(removal, removal, " ---> 0123456789ab\n", "Step 9/9 : x"))
    lines = [removal.rstrip(), removal.rstrip(), " ---> 0123456789ab", "Step 9/9 : x"]
    assert [line for _, line in followed.printed] == lines


def test_words_of_older_engines_end_a_step_too() -> None:
    """Before 23.0 an intermediate container was told of in other words; it may stay, too."""
    for tail in ("\n", ": device or resource busy\n"):
        removed = f"Removing intermediate container {CONTAINER}{tail}"
        followed = Followed(docker_build("out\n", removed=removed))
        assert followed.printed == [(2, "out")]
        assert StepOutput(0, removed.rstrip()) in followed.events


def test_triggers_of_a_base_run_within_its_step() -> None:
    """Each has a container of its own, and what it prints is the step's output."""
    other = "c7ba18c7ba4f"
    for removes, ends in [(True, (CONTAINER, other)), (False, ())]:
        removals = [f"Removing intermediate container {each}\n" for each in ends]
        followed = Followed(
            [
                *streams("Step 1/2 : FROM a", "\n", "# Executing 2 build triggers\n"),
                *streams(f" ---> Running in {CONTAINER}\n", "one\n", *removals[:1]),
                *streams(f" ---> Running in {other}\n", "Step 2/2 : RUN x", "\n", *removals[1:]),
                *streams(" ---> 010101010101\n", "Step 2/2 : ENV x=1", "\n"),
                *streams(" ---> 020202020202\n"),
                {"aux": {"ID": ID}},
            ],
            removes_containers=removes,
        )
        second = [] if removes else [f" ---> Running in {other}"]  # which is as well an output
        lines = ["# Executing 2 build triggers", "one", *second, "Step 2/2 : RUN x"]
        assert followed.printed == [(1, line) for line in lines]
        assert followed.progress.image_id == ID


def test_podmans_words_are_understood() -> None:
    """It counts anew in each stage, may leave out a stage, and tells each line by itself."""
    cached = "12" * 32
    followed = Followed(
        [
            *streams("[1/3] STEP 1/2: FROM a AS x\n", "[1/3] STEP 2/2: RUN one\n"),
            *streams(f"--> Using cache {cached}\n", f"--> {cached[:12]}\n"),
            *streams("[3/3] STEP 1/2: FROM x\n", "[3/3] STEP 2/2: RUN two\n", "out"),
            *streams("[3/3] COMMIT app:1\n", "--> abababababab\n"),
            *streams("[Warning] one or more build args were not consumed: [X]\n"),
            *streams("Successfully tagged app:1\n", "ab" * 32 + "\n"),
            {"aux": {"ID": ID}},
            *streams("Successfully built abababababab\n"),
        ]
    )
    first, second, third, fourth = followed.of(StepStarted)
    assert [each.number for each in (first, second, third, fourth)] == [1, 2, 1, 2]
    assert [each.stage for each in (first, second, third, fourth)] == ["x", "x"] + ["stage-2"] * 2
    assert third.inputs == (second.step_id,)
    assert followed.of(StepCached) == [StepCached(2)]
    assert followed.printed == [(2, "out")]
    assert followed.of(Notice) == [
        Notice("one or more build args were not consumed: [X]"),
    ]
    assert followed.progress.image_id == ID


@pytest.mark.parametrize("commit", [[], ["COMMIT app:1\n"]])
def test_podman_may_take_the_last_command_from_its_cache(commit: list[str]) -> None:
    """It names the image in the cache, with its name before it or without."""
    cached = "ab" * 32
    followed = Followed(
        [
            *streams("STEP 1/2: FROM a\n", "STEP 2/2: RUN x\n", f"--> Using cache {cached}\n"),
            *streams(*commit, f"--> {cached[:12]}\n", "Successfully tagged app:1\n"),
            {"aux": {"ID": ID}},
        ]
    )
    assert followed.of(StepCached) == [StepCached(2)]
    assert followed.printed == []


def test_podman_without_layers_is_understood() -> None:
    """The first versions told no totals, no layers, and the image in their last words only."""
    followed = Followed(
        streams("STEP 1: FROM a\n", "STEP 2: RUN x\n", "out\n", "STEP 3: RUN y\n", "out\n")
        + streams("STEP 4: COMMIT app:1\n", "Successfully built 0123456789ab\n")
    )
    assert followed.steps[:3] == ["FROM a", "RUN x", "RUN y"]
    assert followed.progress.image_id is None
    assert followed.progress.last_words == "0123456789ab"


def test_last_words_are_last() -> None:
    """What is printed after them shows that they were none."""
    followed = Followed(streams("STEP 1/1: RUN x\n", "Successfully built 0123456789ab\n", "more"))
    assert followed.progress.last_words is None


def test_warnings_of_the_engine_are_notices() -> None:
    """They come before the first step, before a container runs, and after the last step."""
    parsed = (
        "\x1b[91m[WARNING]: Empty continuation line found in:\n    RUN a   b\n"
        "[WARNING]: Empty continuation lines will become errors in a future release.\n\x1b[0m"
    )
    platform = "The requested image's platform does not match"
    followed = Followed(
        [
            *streams(parsed, "Step 1/1 : RUN x", "\n", f" ---> [Warning] {platform}\n"),
            {"aux": {"ID": ID}},
            *streams("[Warning] One or more build-args [X] were not consumed\n"),
        ]
    )
    assert followed.of(Notice) == [
        Notice("Empty continuation line found in: RUN a b"),
        Notice("Empty continuation lines will become errors in a future release."),
        Notice(platform),
        Notice("One or more build-args [X] were not consumed"),
    ]
    assert followed.printed == []


def test_a_failed_step_is_told_with_what_it_printed() -> None:
    """The engine may remove its container first, and keeps what looks like its own words."""
    error = {"errorDetail": {"code": 3, "message": " it failed\n"}}
    removal = f"Removing intermediate container {CONTAINER}\n"
    followed = Followed([*docker_build("no end", removal)[:8], error])
    assert followed.failure == Failure("it failed", 3)
    assert list(followed.progress.output) == ["no end"]
    assert followed.progress.log[-1] == "it failed"
    assert followed.of(StepFinished)[-1] == StepFinished(2, error="it failed")
    kept = Followed([*docker_build(removal, " ---> 0123456789ab\n")[:8], error])
    assert list(kept.progress.output) == [removal.rstrip(), " ---> 0123456789ab"]


@pytest.mark.parametrize("number", [10**30, -1, True, 1.5, "7", None])
def test_numbers_of_the_engine_are_bounded(number: object) -> None:
    """A number that cannot be one of bytes, or of a process's end, is none."""
    detail = {"current": number, "total": number}
    followed = Followed(
        [
            *streams("Step 1/1 : FROM a"),
            {"id": "l", "status": "Downloading", "progressDetail": detail},
            {"errorDetail": {"code": number, "message": f"exit status {'9' * 5000}"}},
        ]
    )
    (layer,) = followed.of(LayerProgress)
    assert (layer.current, layer.total) == (0, 0)
    assert followed.failure is not None
    assert followed.failure.exit_code is None


def test_downloads_and_layers_belong_to_their_step() -> None:
    """ADD with a URL tells its progress without an ID, a pull that of each layer."""
    followed = Followed(
        [
            *streams("Step 1/1 : ADD http://a/b /", "\n"),
            {"status": "Downloading", "progressDetail": {"current": 5, "total": 9}, "id": ""},
            {"status": "Downloading", "progressDetail": {"current": 9, "total": 9}},
            {"status": "Pulling fs layer", "progressDetail": {}, "id": "ab"},
            {"status": "Digest: sha256:0"},
        ]
    )
    first, second = followed.of(StepProgress)
    assert first == StepProgress(1, "Downloading", 5, 9)
    assert second == StepProgress(1, "Downloading", 9, 9, done=True)
    (layer,) = followed.of(LayerProgress)
    assert layer.step_id == first.step_id == followed.of(StepStarted)[0].step_id
    assert StepOutput(0, "Digest: sha256:0") in followed.events


def test_downloads_before_the_first_step() -> None:
    """They belong to no step, as when an engine pulls the frontend."""
    download = {"status": "Downloading", "progressDetail": {"current": 5, "total": 9}}
    followed = Followed([download, {**download, "id": "ab"}])
    assert followed.of(StepProgress) == [StepProgress(0, "Downloading", 5, 9)]
    assert [layer.step_id for layer in followed.of(LayerProgress)] == [""]


def test_lines_of_both_streams_keep_apart() -> None:
    """A line of errors in the midst of another line does not divide it."""
    followed = Followed(
        docker_build("one ", "\x1b[91mwarn: \x1b[0m", "\x1b[91mred\n\x1b[0m", "line\n")
    )
    told = [(event.line, event.stream) for event in followed.of(StepOutput) if event.number]
    assert told == [("warn: red", "stderr"), ("one line", "stdout")]


def test_steps_have_times_and_ids() -> None:
    """A step's events carry its id, and it ends with its start and its end."""
    followed = Followed(docker_build("out\n"))
    ids = [event.step_id for event in followed.of(StepStarted)]
    assert len(set(ids)) == 3
    assert [event.step_id for event in followed.of(StepFinished)] == ids
    assert {(event.started_at, event.ended_at) for event in followed.of(StepFinished)} == {
        (5.0, 5.0)
    }
    assert [event.step_id for event in followed.of(StepOutput) if event.number] == ids[1:2]


def test_the_image_of_an_earlier_stage_is_not_the_result() -> None:
    """The engine tells an ID at the end of each stage."""
    messages = [
        *streams("Step 1/2 : FROM a AS x", "\n", " ---> 010101010101\n"),
        {"aux": {"ID": FIRST_ID}},
        *streams("Step 2/2 : FROM b", "\n", " ---> 020202020202\n"),
        {"aux": {"ID": ID}},
    ]
    ids = [Followed(messages[:end]).progress.image_id for end in range(len(messages) + 1)]
    assert ids == [None] * len(messages) + [ID]


def test_an_engine_may_tell_no_step() -> None:
    """What stands between the client and the engine may leave out all but the result."""
    assert Followed([{"aux": {"ID": ID}}]).progress.image_id == ID
