"""A byte stream to a command that runs in a container, by the engine's exec API.

The engine answers with frames, each with a head of eight bytes: the stream's number, the length.
https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Exec
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from imagebuilders.connections.dial import Endpoint, dial
from imagebuilders.connections.http1 import send_request
from imagebuilders.connections.nonblocking import NonBlockingStream
from imagebuilders.connections.streams import SocketStream
from imagebuilders.connections.upgrade import upgrade_connection
from imagebuilders.exceptions import EngineError

_MAX_ANSWER_BYTES = 1024 * 1024
_MAX_SAID_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 500
_HEAD_BYTES = 8
_STDOUT, _STDERR = 1, 2
_NOT_RUN = b"OCI runtime exec failed"
"""So an engine begins to say, in the place of the command's output, that it could not be run."""


class ContainerExecError(ConnectionError):
    """A command cannot be run in a container, or failed; the text has what was said."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


def run_in_container(
    endpoint: Endpoint, container: str, command: Sequence[str], *, timeout: float
) -> NonBlockingStream:
    """Run a command in a container; return the stream to its standard input and output.

    Closing the stream closes the command's standard input.

    Args:
        endpoint: the engine.
        container: the container's name or ID.
        command: the program and its arguments.
        timeout: seconds that the engine may take for each answer.

    Raises:
        ContainerExecError: there is no such container, or it does not run.
        EngineError: the engine does not answer as engines do.
        OSError: the connection failed.
    """
    asked = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Cmd": list(command),
    }
    started = _create(endpoint, container, json.dumps(asked).encode(), timeout)
    stream = upgrade_connection(
        dial(endpoint, timeout=timeout),
        endpoint.forwarded(f"{endpoint.base_path}/exec/{quote(started, safe='')}/start"),
        endpoint.headers(),
        protocol="tcp",
        headers=(("Content-Type", "application/json"),),
        body=b'{"Detach": false, "Tty": false}',
        timeout=timeout,
    )
    return Framed(stream, command[0])


def _create(endpoint: Endpoint, container: str, body: bytes, timeout: float) -> str:
    """Return the ID of a command that is about to run."""
    stream = SocketStream(dial(endpoint, timeout=timeout))
    path = f"{endpoint.base_path}/containers/{quote(container, safe='')}/exec"
    try:
        answer = send_request(
            stream,
            "POST",
            endpoint.forwarded(path),
            headers={
                **endpoint.headers(),
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
            },
            body=body,
            send_timeout=timeout,
            idle_timeout=timeout,
        )
        content = answer.read(_MAX_ANSWER_BYTES)
    finally:
        stream.close()
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    if answer.status != 201:
        words = str(said.get("message") or f"HTTP status {answer.status}").rstrip(".")
        raise ContainerExecError(f"the engine answered: {words}")
    started = said.get("Id")
    if not isinstance(started, str) or not started:
        raise EngineError("The engine's answer does not name the command that it was to run.")
    return started


class Framed:
    """The stream to a command: what it prints comes in frames, what it reads is sent as it is."""

    def __init__(self, stream: NonBlockingStream, name: str) -> None:
        self._stream = stream
        self._name = name
        self._came = bytearray()
        self._left = 0
        self._kind = 0
        self._said = bytearray()
        self._has_printed = False
        self.read_descriptor = stream.read_descriptor
        self.write_descriptor = stream.write_descriptor
        self.close = stream.close

    def read(self) -> bytes | None:
        """Return what the command has printed, `b""` at its end, `None` when nothing has come.

        Raises:
            ContainerExecError: it ended without a word to standard output.
            OSError: the stream broke.
        """
        while True:
            printed = self._take()
            if printed and not self._has_printed and printed.startswith(_NOT_RUN):
                raise ContainerExecError(" ".join(printed.decode("utf-8", "replace").split()))
            if printed:
                self._has_printed = True
                return printed
            data = self._read_stream()
            if data is None:
                return None
            if not data:
                if not self._has_printed:
                    raise ContainerExecError(self._failure())
                return b""
            self._came += data

    def write(self, data: memoryview) -> int:
        """Send to the command and return how many bytes went.

        An engine closes the stream of a command that has ended, read or unread what it
        was sent. Until the command has printed, that is no error here: the next read
        tells what it said.
        """
        try:
            return self._stream.write(data)
        except ConnectionError:
            if self._has_printed:
                raise
            return len(data)

    def _read_stream(self) -> bytes | None:
        try:
            return self._stream.read()
        except ConnectionError as error:
            if self._has_printed:
                raise
            raise ContainerExecError(self._failure()) from error

    def _take(self) -> bytes:
        """Return what stands in the frames that have come."""
        printed = bytearray()
        while True:
            if not self._left:
                if len(self._came) < _HEAD_BYTES:
                    return bytes(printed)
                self._kind = self._came[0]
                self._left = int.from_bytes(self._came[4:_HEAD_BYTES], "big")
                del self._came[:_HEAD_BYTES]
                continue
            piece = self._came[: self._left]
            if not piece:
                return bytes(printed)
            del self._came[: len(piece)]
            self._left -= len(piece)
            if self._kind == _STDOUT:
                printed += piece
            elif self._kind == _STDERR and len(self._said) < _MAX_SAID_BYTES:
                self._said += piece

    def _failure(self) -> str:
        said = " ".join(self._said.decode("utf-8", "replace").split())[-_SHOWN_CHARACTERS:]
        return f"the command {self._name} in the container ended{f': {said}' if said else ''}"
