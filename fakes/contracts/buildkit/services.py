"""The session of a scenario's client: what it answers to the daemon, and notes of its calls."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial

from google.protobuf.message import Message

from imagebuilders.buildkit.proto.content_pb2 import WriteContentRequest, WriteContentResponse
from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.proto.rpc_pb2 import HealthCheckResponse
from imagebuilders.buildkit.session.file_sync import decoded
from imagebuilders.buildkit.transport.call import Answer, Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .calls import AGENT, FILE_SEND, FILE_SYNC, HEALTH, OF_DAEMON, PULL, SECRET, WRITE
from .folders import ClientFolders, receive_folder
from .messages import Json, fill, shown

_LEFT_OUT = frozenset({"traceparent", "user-agent", "te", "content-type"})


class NotedCall:
    """A call of the daemon's, of which its messages are noted."""

    def __init__(self, call: Call, note: Json, kind: type[Message]) -> None:
        self._call = call
        self._note = note
        self._kind = kind
        self.path = call.path

    def receive(self) -> bytes | None:
        """Return the daemon's next message; `None` when it sends no more."""
        message = self._call.receive()
        if message is not None:
            noted = self._kind()
            noted.ParseFromString(message)
            self._note["messages"].append(shown(noted))
        return message

    def take(self) -> bytes | None:
        """Return the daemon's next message, which is not noted."""
        return self._call.receive()

    def send(self, message: bytes) -> None:
        """Send a message."""
        self._call.send(message)

    def values(self, name: str) -> list[str]:
        """Return all values of a header, decoded where the daemon says that they are encoded."""
        return decoded(self._call, name)


class Services:
    """Answers the daemon's calls as a scenario says.

    Args:
        described: the scenario's client: its `folders`, an `oddity` of how it sends files, and its
            `answers` to further calls.

    Attributes:
        calls: the calls that the daemon made, in order, as JSON.
    """

    def __init__(self, described: Json) -> None:
        self._described = described
        self._folders = ClientFolders(described.get("folders", {}), described.get("oddity", ""))
        self._answers: list[Json] = described.get("answers", [])
        self._lock = threading.Lock()
        self.calls: list[Json] = []

    @property
    def answers(self) -> Mapping[str, Answer]:
        """What is answered at once."""
        serving = HealthCheckResponse(status=HealthCheckResponse.SERVING).SerializeToString()
        return {HEALTH: lambda _request: serving}

    def handlers(self, methods: list[str]) -> Mapping[str, Handler]:
        """Return what serves each call.

        Args:
            methods: the methods that the client says it serves.
        """
        served = {method.lower() for method in methods}
        return {path: partial(self._serve, path.lower() in served) for path in OF_DAEMON}

    def _serve(self, is_offered: bool, call: Call) -> None:
        metadata: dict[str, list[str]] = {}
        for key, value in call.metadata:
            if not key.startswith(("grpc-", ":")) and key not in _LEFT_OUT:
                metadata.setdefault(key, []).append(value)
        note: Json = {"call": call.path[1:], "metadata": metadata, "messages": []}
        with self._lock:
            self.calls.append(note)
        noted = NotedCall(call, note, OF_DAEMON[call.path][0])
        note["status"] = {"code": 0}
        try:
            self._answer(noted, is_offered=is_offered)
        except CallError as error:
            note["status"] = {"code": int(error.status.code), "message": error.status.message}
            raise

    def _answer(self, call: NotedCall, *, is_offered: bool) -> None:
        path = call.path
        if path == FILE_SYNC and is_offered:
            self._folders.send(call)
        elif path == FILE_SEND and is_offered:
            self._take(call)
        elif path == WRITE and is_offered:
            _take_content(call)
        elif path == AGENT:
            while (message := call.receive()) is not None:
                data = b"answer to " + BytesMessage.FromString(message).data
                call.send(BytesMessage(data=data).SerializeToString())
        else:
            self._say(call)

    def _say(self, call: NotedCall) -> None:
        """Answer with what the scenario says.

        Raises:
            CallError: it says that the client refuses.
        """
        path = call.path
        requests, responses = OF_DAEMON[path]
        asked: Json = {}
        if path != PULL:
            request = requests()
            request.ParseFromString(call.receive() or b"")
            asked = shown(request)
        for answer in self._answers:
            if answer["call"] == path and answer.get("asked", {}).items() <= asked.items():
                if "code" in answer:
                    raise CallError(RpcStatus(answer["code"], answer.get("words", "")))
                for said in answer["messages"]:
                    message = responses()
                    fill(message, said)
                    call.send(message.SerializeToString())
                return
        if path == SECRET and any(answer["call"] == path for answer in self._answers):
            raise CallError(RpcStatus(Code.NOT_FOUND, f"secret {asked.get('ID')} not found"))
        raise CallError(RpcStatus(Code.UNIMPLEMENTED, f"unknown method {path}"))

    def _take(self, call: NotedCall) -> None:
        """Take what an exporter sends.

        Raises:
            CallError: the scenario says that the client refuses.
        """
        for answer in self._answers:
            if answer["call"] == FILE_SEND:
                while call.receive():  # up to the end of what it is told
                    pass
                raise CallError(RpcStatus(answer["code"], answer.get("words", "")))
        number = (call.values("buildkit-attachable-exporter-id") or ["0"])[0]
        if number in self._described.get("folders_taken", []):
            receive_folder(call)
            return
        while call.take() is not None:
            pass


def _take_content(call: NotedCall) -> None:
    """Take a blob that the daemon writes."""
    written = 0
    while (message := call.receive()) is not None:
        request = WriteContentRequest.FromString(message)
        written = request.offset + len(request.data) if request.data else written
        answer = WriteContentResponse(action=request.action, offset=written, total=request.total)
        call.send(answer.SerializeToString())
