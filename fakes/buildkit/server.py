"""A scripted daemon behind a listening socket."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@contextmanager
def serve(
    handle: Callable[[socket.socket], None],
    listen: str | None = None,
    *,
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """Serve connections, each in a thread, for the length of a `with` block.

    Args:
        handle: serves one connection until it ends, and closes it.
        listen: `unix://PATH` or `tcp://HOST:PORT`; a socket in a fresh folder when left out.
        tls: the context of a server that speaks TLS.

    Returns:
        A context manager whose value is the address.

    Raises:
        ValueError: the address is neither.
        OSError: it cannot be listened on.
    """
    folder = None
    if listen is None:
        folder = tempfile.mkdtemp(prefix="fake-buildkit-")
        listen = f"unix://{folder}/buildkitd.sock"
    try:
        listener, address = _listener(listen)
        acceptor = _Acceptor(listener, handle, tls)
        try:
            yield address
        finally:
            acceptor.close()
    finally:
        if listen.startswith("unix://"):
            with suppress(OSError):
                os.unlink(listen.removeprefix("unix://"))
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _listener(listen: str) -> tuple[socket.socket, str]:
    if listen.startswith("unix://"):
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(listen.removeprefix("unix://"))
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        return listener, listen
    host, _, port = listen.removeprefix("tcp://").rpartition(":")
    if not listen.startswith("tcp://") or not host or not port.isdecimal():
        raise ValueError(f"{listen!r} is neither unix://PATH nor tcp://HOST:PORT")
    listener = socket.create_server((host, int(port)))
    return listener, f"tcp://{host}:{listener.getsockname()[1]}"


class _Acceptor:
    """Accepts connections, and serves each in a thread."""

    def __init__(
        self,
        listener: socket.socket,
        handle: Callable[[socket.socket], None],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._handle = handle
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, name="fake-buildkit", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connected,), daemon=True)
            self._threads = [known for known in self._threads if known.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _serve(self, connected: socket.socket) -> None:
        if self._tls is not None:
            try:
                connected = self._tls.wrap_socket(connected, server_side=True)
            except OSError:
                connected.close()
                return
        self._handle(connected)

    def close(self) -> None:
        """Stop to accept, and wait for the connections that are open to end."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for thread in self._threads:
            thread.join(5)
