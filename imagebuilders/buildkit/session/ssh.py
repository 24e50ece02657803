"""`SSH`: steps use agents of the client through the daemon.

https://datatracker.ietf.org/doc/html/draft-ietf-sshm-ssh-agent. A step may ask which keys there
are, and have something signed. It may not change the user's agent: what would add, remove or lock
keys is refused here, as by the official client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.proto.session_pb2 import CheckAgentRequest, CheckAgentResponse
from imagebuilders.buildkit.session.unary import UnaryMethod, unary
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

DEFAULT_ID = "default"

MAX_MESSAGE_BYTES = 256 * 1024
"""OpenSSH's agent takes and gives no larger one."""

FAILURE = b"\x05"
REQUEST_IDENTITIES = 11
SIGN_REQUEST = 13

_LENGTH_BYTES = 4
_PIECE_BYTES = 32 * 1024


class AgentConnection(Protocol):
    """A connection to an agent, for one thread."""

    def ask(self, request: bytes) -> bytes:
        """Return the answer to a request, both without their length.

        Raises:
            OSError: the agent is gone.
        """
        ...

    def interrupt(self) -> None:
        """End `ask` with an error; called in another thread."""
        ...


class Agent(Protocol):
    """Something that signs with keys."""

    def connect(self) -> AbstractContextManager[AgentConnection]:
        """Return a connection to it.

        Raises:
            OSError: there is no agent.
        """
        ...


class SSHAgents:
    """Serves agents by their IDs."""

    def __init__(self, agents: Mapping[str, Agent]) -> None:
        self._agents = dict(agents)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        check = UnaryMethod(CheckAgentRequest.FromString, self._check)
        return {
            "/moby.sshforward.v1.SSH/CheckAgent": unary(check),
            "/moby.sshforward.v1.SSH/ForwardAgent": self._forward,
        }

    def _check(self, request: CheckAgentRequest) -> CheckAgentResponse:
        self._agent(request.ID)
        return CheckAgentResponse()

    def _agent(self, name: str) -> Agent:
        agent = self._agents.get(name or DEFAULT_ID)
        if agent is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"unset ssh forward key {name}"))
        return agent

    def _forward(self, call: Call) -> None:
        agent = self._agent((call.values("buildkit.ssh.id") or [""])[0])
        try:
            with agent.connect() as connection:
                # A user may be asked to confirm; the step does not wait for ever.
                call.watch(lambda: None if call.status is None else connection.interrupt())
                for request in _requests(call):
                    kind = request[:1]
                    is_allowed = kind in (bytes([REQUEST_IDENTITIES]), bytes([SIGN_REQUEST]))
                    _send(call, connection.ask(request) if is_allowed else FAILURE)
        except OSError as error:
            raise CallError(
                RpcStatus(
                    Code.UNAVAILABLE, f"the ssh agent does not answer: {error.strerror or error}"
                )
            ) from error


def _requests(call: Call) -> Iterator[bytes]:
    """Yield the requests in a stream of bytes that is cut anywhere."""
    buffer = bytearray()
    while (message := call.receive()) is not None:
        try:
            buffer += BytesMessage.FromString(message).data
        except DecodeError as error:
            raise CallError(
                RpcStatus(Code.INVALID_ARGUMENT, "the message cannot be read")
            ) from error
        while len(buffer) >= _LENGTH_BYTES:
            length = int.from_bytes(buffer[:_LENGTH_BYTES], "big")
            if not 0 < length <= MAX_MESSAGE_BYTES:
                raise CallError(
                    RpcStatus(
                        Code.INVALID_ARGUMENT, f"a request of an ssh agent has no {length} bytes"
                    )
                )
            if len(buffer) < _LENGTH_BYTES + length:
                break
            yield bytes(buffer[_LENGTH_BYTES : _LENGTH_BYTES + length])
            del buffer[: _LENGTH_BYTES + length]


def _send(call: Call, answer: bytes) -> None:
    data = len(answer).to_bytes(_LENGTH_BYTES, "big") + answer
    for start in range(0, len(data), _PIECE_BYTES):
        piece = BytesMessage(data=data[start : start + _PIECE_BYTES])
        call.send(piece.SerializeToString())
