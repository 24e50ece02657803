"""The gateway of a scripted daemon: a client in the place of a frontend asks, and returns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

from imagebuilders.buildkit.control.gateway import BUILD_ID, SERVICE
from imagebuilders.buildkit.proto.gateway_pb2 import (
    APICap,
    PongResponse,
    Ref,
    Result,
    ReturnRequest,
    ReturnResponse,
    SolveRequest,
    SolveResponse,
)
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .local_call import Cancellable
from .script import ScriptedBuild

BUILD_SECONDS = 3.0
"""So long a call waits for the build that it is about, as real daemons do."""

FrontendScript: TypeAlias = Callable[[ScriptedBuild, SolveRequest], Mapping[str, bytes]]
"""What a frontend answers to a client's question: the metadata of its result."""


def refuse(build: ScriptedBuild, question: SolveRequest) -> Mapping[str, bytes]:
    """Refuse every question, as a frontend that knows none."""
    build.begin()
    request = question.FrontendOpt.get("requestid", "")
    raise CallError(RpcStatus(Code.UNKNOWN, f"unsupported request {request}"))


class ScriptedGateway:
    """The gateway's calls, and the builds that are held open for them.

    Attributes:
        script: answers the next question.
        questions: what was asked, in order.
        answers_return: whether the end of a build is confirmed to the client that asked for it
            before the build's own answer; real daemons may do it later.
        build_seconds: so long a call waits for the build that it is about.
    """

    def __init__(self, script: FrontendScript = refuse) -> None:
        self.script = self._first_script = script
        self.questions: list[SolveRequest] = []
        self.answers_return = True
        self.build_seconds = BUILD_SECONDS
        self._changed = threading.Condition()
        self._held: dict[str, _Held] = {}

    def reset(self) -> None:
        """Forget what was asked, and answer by the script it was made with."""
        self.script = self._first_script
        self.questions.clear()
        self.answers_return = True

    def handlers(self) -> dict[str, Handler]:
        """Return what serves the calls, by path."""
        return {
            f"{SERVICE}Ping": self._ping,
            f"{SERVICE}Solve": self._solve,
            f"{SERVICE}Return": self._return,
        }

    def hold(self, build: ScriptedBuild, call: Cancellable) -> Mapping[str, str]:
        """Keep a build open until the client returns a result, or breaks it off.

        Raises:
            CallError: the client returned an error.
        """
        build.begin()
        held = _Held(build)
        with self._changed:
            self._held[build.ref] = held
            self._changed.notify_all()
        call.watch(lambda: held.over.set() if call.status is not None else None)
        held.over.wait()
        with self._changed:
            del self._held[build.ref]
        if held.error is not None:
            raise CallError(held.error)
        return self.finish(build, held.result)

    def finish(self, build: ScriptedBuild, result: Result) -> Mapping[str, str]:  # noqa: ARG002
        """Return what the exporters say of a result that the client returned."""
        return {}

    def ask(self, build: ScriptedBuild, question: SolveRequest) -> Result:
        """Return a frontend's result.

        Raises:
            CallError: the frontend refused.
        """
        return Result(ref=Ref(), metadata=self.script(build, question))

    def _ping(self, call: Call) -> None:
        self._find(call)
        call.receive()
        answer = PongResponse(FrontendAPICaps=[APICap(ID="solve.base", Enabled=True)])
        call.send(answer.SerializeToString())

    def _solve(self, call: Call) -> None:
        build = self.find(call)
        question = SolveRequest.FromString(call.receive() or b"")
        self.questions.append(question)
        call.send(SolveResponse(result=self.ask(build, question)).SerializeToString())

    def _return(self, call: Call) -> None:
        held = self._find(call)
        request = ReturnRequest.FromString(call.receive() or b"")
        if request.HasField("error"):
            words = request.error
            held.error = RpcStatus(words.code, words.message, words.SerializeToString())
        held.result = request.result
        if self.answers_return:
            call.send(ReturnResponse().SerializeToString())
        held.over.set()
        if not self.answers_return:
            _wait_for_end(call)

    def find(self, call: Call) -> ScriptedBuild:
        """Return the build that a call is about.

        Raises:
            CallError: there is none.
        """
        return self._find(call).build

    def _find(self, call: Call) -> _Held:
        (ref,) = call.values(BUILD_ID) or [""]
        with self._changed:
            self._changed.wait_for(lambda: ref in self._held, self.build_seconds)
            held = self._held.get(ref)
        if held is None:
            method = call.path.removeprefix(SERVICE)
            words = f"forwarding {method}: no such job {ref}"
            code = Code.NOT_FOUND
            if not ref:
                words, code = f"forwarding {method}: no buildid found in context", Code.UNKNOWN
            raise CallError(RpcStatus(code, words))
        return held


def _wait_for_end(call: Call) -> None:
    """Leave a call without an answer until the client gives it up."""
    over = threading.Event()
    call.watch(lambda: over.set() if call.status is not None else None)
    over.wait()


class _Held:
    """A build that is held open."""

    def __init__(self, build: ScriptedBuild) -> None:
        self.build = build
        self.over = threading.Event()
        self.error: RpcStatus | None = None
        self.result = Result()
