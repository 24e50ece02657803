"""The errors of builds with BuildKit."""

from __future__ import annotations

import pytest

from fakes.buildkit import SourceLines, solve_status
from imagebuilders.buildkit.build_errors import BuildErrors, instruction_of
from imagebuilders.buildkit.progress import BuildEvents
from imagebuilders.buildkit.proto.control_pb2 import StatusResponse, Vertex, VertexLog
from imagebuilders.buildkit.steps import Step
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.dockerfile import parse
from imagebuilders.events import Event
from imagebuilders.exceptions import BuildError

DOCKERFILE = b"""\
ARG TAG=1
FROM base:$TAG AS build
WORKDIR /src
ENV A=1
COPY . .
RUN make $A

FROM scratch
COPY --from=build /out /
RUN <<EOF
set -e
false
EOF
CMD ["/out"]
"""


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("[build 1/4] FROM docker.io/library/base:1", 2),
        ("[build 2/4] WORKDIR /src", 3),
        ("[build 3/4] COPY . .", 5),
        ("[linux/amd64 build 4/4] RUN make 1", 6),
        ("[stage-1 1/2] COPY --from=build /out /", 9),
        ("[stage-1 2/2] RUN <<EOF (set -e...)", 10),
        ("[2/2] RUN <<EOF (set -e...)", 10),
        ("[stage-1 2/2] COPY x y", None),
        ("[other 2/2] RUN x", None),
        ("[build 9/9] RUN x", 6),
        ("[build 1/40] RUN x", None),
        ("exporting to image", None),
    ],
)
def test_the_instruction_of_a_step(name: str, line: int | None) -> None:
    """It is found by its place in its stage, as variables are replaced in its name."""
    found = instruction_of(Step.named("d", name), parse(DOCKERFILE))
    assert (found.line if found else None) == line


def _errors(name: str = "[build 4/4] RUN make 1", output: bytes = b"") -> BuildErrors:
    told: list[Event] = []
    events = BuildEvents(told.append)
    events.take(
        StatusResponse(
            vertexes=[
                Vertex(digest="d", name=name),
                Vertex(digest="e", name="[build 2/4] WORKDIR /src"),
            ],
            logs=[VertexLog(vertex="d", stream=1, msg=output), VertexLog(vertex="e", msg=b"w\n")],
        )
    )
    events.close()
    return BuildErrors("app:1", events, dockerfile="app.Dockerfile", content=DOCKERFILE)


def test_a_failing_step_is_told_as_that_of_a_classic_build() -> None:
    """Where, the daemon's words, the lines of the Dockerfile, the last output."""
    output = b"".join(b"%d\n" % number for number in range(30))
    error = _errors(output=output).failed(
        solve_status(
            'process "make" did not complete successfully: exit code: 2',
            vertex="d",
            exit_code=2,
            source=SourceLines(DOCKERFILE, [(6, 6)]),
        )
    )
    assert error.excerpt == (
        "  4 | ENV A=1\n  5 | COPY . .\n> 6 | RUN make $A\n  7 | \n  8 | FROM scratch\n"
    )
    assert str(error) == (
        "app:1 was not built. It failed at step 4/4 of build: RUN make 1\n"
        'process "make" did not complete successfully: exit code: 2\n'
        f"app.Dockerfile:\n{error.excerpt}"
        "The step's last output:\n" + "\n".join(f"  {number}" for number in range(10, 30))
    )
    assert (error.instruction, error.exit_code) == ("RUN make 1", 2)
    assert error.output == tuple(map(str, range(10, 30)))
    assert error.log == (*map(str, range(30)), "w")


def test_without_details_the_step_s_place_tells_the_lines() -> None:
    """20.10 sends none; the step that failed is known by its events."""
    errors = _errors()
    events = errors._events
    failed = Vertex(digest="d", name="[build 4/4] RUN make 1", error="exit code: 2")
    failed.completed.seconds = 1
    events.take(StatusResponse(vertexes=[failed]))
    error = errors.failed(RpcStatus(Code.UNKNOWN, "executor failed running [make]: exit code: 2"))
    assert error.exit_code == 2
    assert error.excerpt is not None
    assert "> 6 | RUN make $A\n" in error.excerpt


def test_all_lines_of_a_here_document_are_marked() -> None:
    """The daemon names each of them."""
    source = SourceLines(DOCKERFILE, [(10, 10), (11, 11), (12, 12), (13, 13)])
    error = _errors().failed(solve_status("failed", vertex="d", source=source))
    assert error.excerpt is not None
    marked = [line for line in error.excerpt.splitlines() if line.startswith(">")]
    assert [line.partition("| ")[2] for line in marked] == ["RUN <<EOF", "set -e", "false", "EOF"]


def test_a_file_of_another_name_is_shown_under_its_own() -> None:
    """A frontend may lay a failure on a file of its own."""
    source = SourceLines(b"one\ntwo\n", [(2, 2)], filename="other.file")
    error = _errors().failed(solve_status("failed", vertex="d", source=source))
    assert "\nother.file:\n" in str(error)


def test_a_refused_dockerfile_is_shown_by_the_line_that_is_named() -> None:
    """Without details, the words name it."""
    words = "dockerfile parse error line 5: unknown flag: chwon"
    error = _errors().failed(RpcStatus(Code.UNKNOWN, words))
    assert error.instruction is None
    assert error.excerpt is not None
    assert "> 5 | COPY . .\n" in error.excerpt
    assert str(error).startswith(f"app:1 was not built. It failed\n{words}\napp.Dockerfile:\n")


@pytest.mark.parametrize(
    "name",
    [
        "resolve image config for docker-image://docker.io/docker/dockerfile:1",
        "resolve image config for docker.io/docker/dockerfile:1",
        "docker-image://docker.io/docker/dockerfile:1@sha256:1",
    ],
)
def test_a_frontend_that_cannot_be_pulled(name: str) -> None:
    """The error says what that image is for, and which setting does without it."""
    error = _errors(name).failed(solve_status("no such host", vertex="d"))
    assert "'# syntax='" in str(error)
    assert "frontend='builtin'" in str(error)


def test_a_build_that_broke_off_keeps_its_log() -> None:
    """What was printed before may tell why."""
    error = _errors(output=b"half").broke_off("the connection broke")
    assert isinstance(error, BuildError)
    assert "app:1 was not built: the connection broke." in str(error)
    assert sorted(error.log) == ["half", "w"]
