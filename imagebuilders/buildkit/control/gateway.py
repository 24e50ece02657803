"""A question to a frontend that is answered without a build, such as which stages there are.

The answer is in the result's metadata, which a plain `Solve` keeps back. So the client takes the
place of the frontend: a `Solve` without one stays open, and meanwhile the gateway's calls are about
it (`buildkit-controlapi-buildid`). Source of both: frontend/subrequests and
frontend/gateway/grpcclient of https://github.com/moby/buildkit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.control.client import SERVICE as CONTROL
from imagebuilders.buildkit.control.client import read
from imagebuilders.buildkit.control.solve import Following, OnStatus, following, new_ref
from imagebuilders.buildkit.proto import control_pb2
from imagebuilders.buildkit.proto.gateway_pb2 import (
    PingRequest,
    PongResponse,
    Result,
    ReturnRequest,
    SolveRequest,
    SolveResponse,
)
from imagebuilders.buildkit.proto.rpc_pb2 import Status
from imagebuilders.buildkit.transport.errors import CallCancelledError, CallError, TransportError

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.transport.call import Call
    from imagebuilders.buildkit.transport.status import RpcStatus

SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
BUILD_ID = "buildkit-controlapi-buildid"
"""The header that tells which build a call of the gateway is about."""

AnswerT = TypeVar("AnswerT")


class _Message(Protocol):
    def SerializeToString(self) -> bytes:  # noqa: N802  (protobuf's name)
        ...


def ask_frontend(
    client: ControlClient,
    request: control_pb2.SolveRequest,
    on_status: OnStatus,
    *,
    idle_timeout: float | None = None,
) -> dict[str, bytes]:
    """Ask a frontend, and return what stands in the metadata of its result.

    Args:
        client: the daemon.
        request: the frontend and what it is told, as for a build; nothing is exported, and no
            record is left.
        on_status: called in this thread with everything that the daemon tells.
        idle_timeout: seconds that the daemon may tell nothing; without limit by default.

    Raises:
        CallError: the frontend refused, or failed.
        SilentDaemonError: the daemon told nothing for too long.
        TransportError: the connection broke.
    """
    held_open = control_pb2.SolveRequest(
        Ref=new_ref(),
        Session=request.Session,
        Entitlements=request.Entitlements,
        Internal=True,
    )
    question = SolveRequest(
        Frontend=request.Frontend,
        FrontendOpt=request.FrontendAttrs,
        allowResultReturn=True,
        allowResultArrayRef=True,
    )
    with following(client, held_open, on_status, idle_timeout=idle_timeout) as build:
        bridge = _Bridge(client, held_open.Ref, build)
        bridge.ask("Ping", PingRequest(), PongResponse.FromString)
        try:
            answer = bridge.ask("Solve", question, SolveResponse.FromString)
        except CallError as error:
            # Its typed details would be lost in the answer to the build.
            with suppress(CallError, CallCancelledError):
                bridge.end(ReturnRequest(error=_status(error.status)))
            raise
        bridge.end(ReturnRequest(result=answer.result))
    return dict(answer.result.metadata)


class HeldResult:
    """The result of a frontend, kept at the daemon until it is let go.

    While it is kept, builds that need the same steps find them done.
    """

    def __init__(self, client: ControlClient, request: control_pb2.SolveRequest) -> None:
        """Ask for the result; it is to be closed.

        Args:
            client: the daemon.
            request: the frontend and what it is told, as for a build; nothing is exported, and no
                record is left.

        Raises:
            TransportError: the connection broke.
        """
        held_open = control_pb2.SolveRequest(
            Ref=new_ref(),
            Session=request.Session,
            Entitlements=request.Entitlements,
            Internal=True,
        )
        question = SolveRequest(
            Frontend=request.Frontend,
            FrontendOpt=request.FrontendAttrs,
            FrontendInputs=request.FrontendInputs,
            allowResultReturn=True,
            allowResultArrayRef=True,
            Evaluate=True,
        )
        metadata = ((BUILD_ID, held_open.Ref),)
        with ExitStack() as opening:
            build = client.channel.call(f"{CONTROL}Solve")
            opening.callback(build.cancel)
            answer = client.channel.call(f"{SERVICE}Solve", metadata)
            opening.callback(answer.cancel)
            with suppress(CallError, CallCancelledError):
                build.send(held_open.SerializeToString(), last=True)
                answer.send(question.SerializeToString(), last=True)
            self._open = opening.pop_all()
        self._answer = answer

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the result.

        Raises:
            CallError: the frontend, or a step, failed.
            CallTimeoutError: it did not come in time.
            TransportError: the connection broke.
        """
        message = self._answer.receive(timeout)
        if message is None:
            raise TransportError("the daemon's answer is empty")
        return read(SolveResponse.FromString, message).result

    def close(self) -> None:
        """Let the result go."""
        self._open.close()


class _Bridge:
    """The gateway's calls about one build."""

    def __init__(self, client: ControlClient, ref: str, build: Following) -> None:
        self._channel = client.channel
        self._metadata = ((BUILD_ID, ref),)
        self._build = build

    def ask(self, method: str, request: _Message, parse: Callable[[bytes], AnswerT]) -> AnswerT:
        with self._call(method, request) as call:
            return read(parse, self._build.answer_to(call))

    def end(self, request: ReturnRequest) -> None:
        """End the build with a result or an error; waits until the daemon has ended it."""
        with self._call("Return", request) as call:
            self._build.response_by(call)

    @contextmanager
    def _call(self, method: str, request: _Message) -> Iterator[Call]:
        call = self._channel.call(f"{SERVICE}{method}", self._metadata)
        try:
            with suppress(CallError, CallCancelledError):  # told by what is received
                call.send(request.SerializeToString(), last=True)
            yield call
        finally:
            call.cancel()


def _status(status: RpcStatus) -> Status:
    try:
        details = Status.FromString(status.details).details
    except DecodeError:
        details = Status().details
    return Status(code=status.code, message=status.message, details=details)
