"""Ports of this machine that a container holds: nobody answers there, unless a rule says who."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

Answers = Callable[[socket.socket], None]
"""What answers a connection to a published port; the connection is closed when it returns."""

_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_HARMLESS = frozenset({errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT, errno.EMFILE, errno.ENFILE})
"""Why a port cannot be held, though an engine could: it runs as root."""


class _Socket(socket.socket):
    """A socket that closes itself silently, with the engine that nobody holds any more."""

    def __del__(self) -> None:
        self.close()


class HostPort:
    """One port, held from the beginning of a container's run to its end.

    What is published on every address is held on the loopback interface alone, so that no test
    opens a door of the machine.

    Args:
        address: as it is published; empty for every address.
        number: 0 for a free one.
        protocol: `tcp` or `udp`; ports of another are not held.

    Raises:
        OSError: somebody else has it, or the machine has no such address.
    """

    def __init__(self, address: str, number: int, protocol: str) -> None:
        self.number = number
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        self._socket = self._bound(_LOOPBACK.get(address, address), number, protocol)
        if self._socket is not None:
            self.number = int(self._socket.getsockname()[1])

    def _bound(self, address: str, number: int, protocol: str) -> socket.socket | None:
        if protocol not in _KINDS:
            return None
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            held = _Socket(family, _KINDS[protocol])
        except (OSError, RuntimeError):
            # A test may have forbidden sockets; then nothing can connect either.
            return None
        try:
            held.bind((address, number))
        except OSError as error:
            held.close()
            if error.errno in _HARMLESS:
                return None
            raise
        return held

    def serve(self, answers: Answers) -> None:
        """Let a function answer connections, each in a thread of its own."""
        if self._socket is None or self._socket.type != socket.SOCK_STREAM:
            return
        self._socket.listen(128)
        thread = threading.Thread(target=self._accept, args=(self._socket, answers), daemon=True)
        thread.start()

    def _accept(self, listener: socket.socket, answers: Answers) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._open.add(connection)
            thread = threading.Thread(target=self._answer, args=(connection, answers), daemon=True)
            thread.start()

    def _answer(self, connection: socket.socket, answers: Answers) -> None:
        try:
            # Who hangs up in the middle, or is cut off by the container's end, is no failure.
            with suppress(OSError):
                answers(connection)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def close(self) -> None:
        """Give the port back, and break the connections that are open."""
        with self._lock:
            self._closed = True
            connections = list(self._open)
        for each in [*([self._socket] if self._socket else []), *connections]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        if self._socket is not None:
            self._socket.close()
