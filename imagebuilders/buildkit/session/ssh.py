"""`SSH`: steps use the agents of the client through the daemon.

https://datatracker.ietf.org/doc/html/draft-ietf-sshm-ssh-agent: what is carried is opaque here.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress

from imagebuilders.build_options.values import SSHAgent
from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.proto.session_pb2 import CheckAgentRequest, CheckAgentResponse
from imagebuilders.buildkit.session.unary import UnaryMethod, unary
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.exceptions import BuildOptionsError

DEFAULT_ID = "default"
_READ_BYTES = 32 * 1024


def agent_sockets(agents: Iterable[SSHAgent]) -> dict[str, str]:
    """Return the socket of each agent, by its ID.

    Raises:
        BuildOptionsError: an agent is not there.
    """
    sockets = {}
    for agent in agents:
        path = agent.paths[0] if agent.paths else os.environ.get("SSH_AUTH_SOCK", "")
        if not path:
            raise BuildOptionsError(
                f"The option 'ssh' wants the agent {agent.id!r}, but SSH_AUTH_SOCK is not set: "
                "start an agent, or name its socket, as in default=/path/to/agent.sock.",
                option="ssh",
            )
        sockets[agent.id] = path
    return sockets


class SSHAgents:
    """Serves agents by their IDs; each is a Unix socket."""

    def __init__(self, sockets: Mapping[str, str]) -> None:
        """Make the service.

        Args:
            sockets: for each ID the path of the agent's socket.
        """
        self._sockets = dict(sockets)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        check = UnaryMethod(CheckAgentRequest.FromString, self._check)
        return {
            "/moby.sshforward.v1.SSH/CheckAgent": unary(check),
            "/moby.sshforward.v1.SSH/ForwardAgent": self._forward,
        }

    def _check(self, request: CheckAgentRequest) -> CheckAgentResponse:
        self._path(request.ID)
        return CheckAgentResponse()

    def _path(self, agent: str) -> str:
        path = self._sockets.get(agent or DEFAULT_ID)
        if path is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"unset ssh forward key {agent}"))
        return path

    def _forward(self, call: Call) -> None:
        path = self._path((call.values("buildkit.ssh.id") or [""])[0])
        with socket.socket(socket.AF_UNIX) as agent:
            try:
                agent.connect(path)
            except OSError as error:
                raise CallError(
                    RpcStatus(Code.UNAVAILABLE, f"the ssh agent does not answer: {error.strerror}")
                ) from error
            _carry(call, agent)


def _carry(call: Call, agent: socket.socket) -> None:
    """Carry bytes both ways until one side ends.

    This thread reads the agent; what the daemon sends is written by another.
    """
    stop, stopped = os.pipe()

    def write() -> None:
        try:
            while (message := call.receive()) is not None:
                agent.sendall(BytesMessage.FromString(message).data)
            with suppress(OSError):
                agent.shutdown(socket.SHUT_WR)
        except (TransportError, OSError):
            os.write(stopped, b"\0")

    writer = threading.Thread(target=write, name="imagebuilders ssh agent", daemon=True)
    writer.start()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(agent, selectors.EVENT_READ)
            selector.register(stop, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if stop in ready or not (data := agent.recv(_READ_BYTES)):
                    return
                call.send(BytesMessage(data=data).SerializeToString())
    finally:
        call.finish()
        with suppress(OSError):
            agent.shutdown(socket.SHUT_RDWR)
        writer.join()
        os.close(stop)
        os.close(stopped)
