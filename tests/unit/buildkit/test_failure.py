"""Why a build failed, as a daemon says it, whatever it says."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from imagebuilders.buildkit.control.failure import FailedSource, SolveFailure, SourceRange
from imagebuilders.buildkit.progress import BuildEvents
from imagebuilders.buildkit.proto.control_pb2 import (
    StatusResponse,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from imagebuilders.buildkit.proto.rpc_pb2 import Status
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.events import Event

_KINDS = st.sampled_from(
    ["errdefs.Vertex+json", "errdefs.Source+json", "gatewayapi.ExitMessage+json", "stack.Stack"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["digest", "info", "ranges", "start", "end", "line", "data", "filename", "Code"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def _failure(words: str = "", details: Mapping[str, bytes] | None = None) -> SolveFailure:
    status = Status()
    for kind, value in (details or {}).items():
        status.details.add(type_url=f"github.com/moby/buildkit/{kind}", value=value)
    return SolveFailure.read(RpcStatus(Code.UNKNOWN, words, status.SerializeToString()))


def test_details_are_read() -> None:
    """The step, the exit code, and the lines of the Dockerfile."""
    source = {
        "info": {"filename": "Dockerfile", "data": "RlJPTSB4Cg=="},
        "ranges": [{"start": {"line": 1}, "end": {"line": 2}}],
    }
    failure = _failure(
        details={
            "errdefs.Vertex+json": b'{"digest": "sha256:a"}',
            "errdefs.Source+json": json.dumps(source).encode(),
            "gatewayapi.ExitMessage+json": b'{"Code": 7}',
        }
    )
    assert (failure.vertex, failure.exit_code) == ("sha256:a", 7)
    assert failure.source == FailedSource("Dockerfile", b"FROM x\n", (SourceRange(1, 2),))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("executor failed running [/bin/sh -c x]: exit code: 7", 7),
        ('process "/bin/sh -c x" did not complete successfully: exit code: 3', 3),
        ("executor failed running [echo : exit code: 1]: exit code: 2", 2),
        ("it ended: exit code: 7", None),
        ("executor failed running", None),
    ],
)
def test_the_exit_code_of_the_words(words: str, code: int | None) -> None:
    """Older engines tell it nowhere else."""
    assert _failure(words).exit_code == code


def test_long_words_are_read_once() -> None:
    """Whatever they repeat: with time that grows by the square, this would take hours."""
    assert _failure("executor failed running" * 150_000).exit_code is None


@given(st.text(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_a_failure(words: str, details: bytes) -> None:
    """What cannot be read is passed over."""
    failure = SolveFailure.read(RpcStatus(Code.UNKNOWN, words, details))
    assert failure.status.message == words


@given(st.dictionaries(_KINDS, _JSON | st.binary(max_size=20), max_size=4))
@example({"errdefs.Vertex+json": b"[" * 100_000})
@example({"errdefs.Vertex+json": b"1" * 10_000})
def test_any_details_are_a_failure(details: Mapping[str, object]) -> None:
    """Of any JSON, or none, in the place of each kind."""
    failure = _failure(
        details={
            kind: value if isinstance(value, bytes) else json.dumps(value).encode()
            for kind, value in details.items()
        }
    )
    assert failure.exit_code is None or failure.exit_code >= 0
    assert failure.source is None or all(
        0 <= lines.start <= lines.end for lines in failure.source.ranges
    )


# --- the progress, read by the same client -----------------------------------

_DIGESTS = st.sampled_from(["", "a", "b", "sha256:c"])
_NUMBERS = st.sampled_from([-(2**63), -1, 0, 1, 999_999_999, 2**31 - 1, 2**63 - 1])
_WORDS = st.sampled_from(["", "[1/2] FROM x", "[9999999/1] RUN y", "transferring", "\x1b[2J", "é"])


@st.composite
def _messages(draw: st.DrawFn) -> StatusResponse:
    message = StatusResponse()
    for _ in range(draw(st.integers(0, 4))):
        vertex = Vertex(digest=draw(_DIGESTS), name=draw(_WORDS), error=draw(_WORDS))
        vertex.inputs.extend(draw(st.lists(_DIGESTS, max_size=2)))
        vertex.cached = draw(st.booleans())
        for moment in (vertex.started, vertex.completed):
            if draw(st.booleans()):
                moment.seconds = draw(_NUMBERS)
                moment.nanos = draw(st.sampled_from([-1, 0, 999_999_999, 2**31 - 1]))
        message.vertexes.append(vertex)
    for _ in range(draw(st.integers(0, 2))):
        status = VertexStatus(ID=draw(_WORDS), vertex=draw(_DIGESTS), name=draw(_WORDS))
        status.current, status.total = draw(_NUMBERS), draw(_NUMBERS)
        message.statuses.append(status)
        log = VertexLog(vertex=draw(_DIGESTS), msg=draw(st.binary(max_size=8)))
        log.stream = draw(_NUMBERS)
        message.logs.append(log)
        warning = VertexWarning(vertex=draw(_DIGESTS), short=draw(st.binary(max_size=8)))
        warning.level = draw(_NUMBERS)
        message.warnings.append(warning)
    return message


@given(st.lists(_messages(), max_size=4))
def test_any_progress_is_told_somehow(messages: list[StatusResponse]) -> None:
    """Steps that begin nowhere, times of other ages, numbers without bounds."""
    told: list[Event] = []
    events = BuildEvents(told.append, None)
    for message in messages:
        events.take(message)
    assert all(isinstance(repr(event), str) for event in told)


@given(st.binary(max_size=80))
def test_any_bytes_that_are_a_message_are_told(content: bytes) -> None:
    """What protobuf reads is no error of the client's."""
    try:
        message = StatusResponse.FromString(content)
    except DecodeError:
        return
    BuildEvents(lambda _: None, None).take(message)
