"""A proxy on the loopback interface that counts what a client sends to an engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Wire:
    """Where to connect to, and the bytes that went to the engine by it."""

    address: str
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, size: int) -> None:
        """Add bytes."""
        with self._lock:
            self.sent += size


@contextmanager
def counted(docker_host: str) -> Iterator[Wire]:
    """Lend a proxy in front of a TCP engine."""
    host, _, port = docker_host.rpartition("://")[2].partition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    wire = Wire(f"tcp://127.0.0.1:{listener.getsockname()[1]}")

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.create_connection((host, int(port)))
            for source, target, count in ((client, engine, True), (engine, client, False)):
                threading.Thread(
                    target=_copy, args=(source, target, wire if count else None), daemon=True
                ).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _copy(source: socket.socket, target: socket.socket, wire: Wire | None) -> None:
    try:
        while data := source.recv(1 << 18):
            if wire is not None:
                wire.count(len(data))
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()
