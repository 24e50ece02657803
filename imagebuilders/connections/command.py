"""A connection to what a command speaks to, by its standard input and output.

The command gets one end of a socket pair for both, so that the other end is a socket like any
other: it has time limits and a descriptor, one way can be closed, and every library takes it.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

EXIT_SECONDS = 3
"""How long a command may take to end, once it has closed the connection or was told to end."""

_SHOWN_CHARACTERS = 500


class CommandError(ConnectionError):
    """A command that carries a connection failed; the text has what it said."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


class CommandSocket(socket.socket):
    """A socket whose other end is a command. Closing it ends the command.

    Args:
        command: the program and its arguments.

    Raises:
        CommandError: the command cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        near, far = socket.socketpair()
        super().__init__(near.family, near.type, near.proto, near.detach())
        self._owner = os.getpid()
        self._name = os.path.basename(command[0])
        self._said, says = os.pipe()
        self._ended = True
        try:
            # What the command says beyond what the pipe holds is lost, but blocks nobody.
            os.set_blocking(self._said, False)
            os.set_blocking(says, False)
            self._process = subprocess.Popen(
                list(command),
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=says,
                # Without a terminal it can ask no questions, and Ctrl-C goes to this process
                # alone, which ends the command when it is done with it.
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._said)
            super().close()
            reason = (error.strerror or str(error)).lower()
            raise CommandError(f"the command {command[0]} cannot be run: {reason}") from error
        finally:
            far.close()
            os.close(says)
        self._ended = False

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Return the bytes that are there.

        Raises:
            CommandError: the command has failed.
        """
        try:
            received = super().recv(bufsize, flags)
        except ConnectionError as error:
            self._raise_failure(error)
            raise
        if not received and bufsize:
            self._raise_failure()
        return received

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Put the bytes that are there into a buffer, and return how many.

        Raises:
            CommandError: the command has failed.
        """
        try:
            count = super().recv_into(buffer, nbytes, flags)
        except ConnectionError as error:
            self._raise_failure(error)
            raise
        if not count:
            self._raise_failure()
        return count

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send some of the bytes, and return how many.

        Raises:
            CommandError: the command has failed.
        """
        try:
            return super().send(data, flags)
        except ConnectionError as error:
            self._raise_failure(error)
            raise

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send all bytes.

        Raises:
            CommandError: the command has failed.
        """
        try:
            super().sendall(data, flags)
        except ConnectionError as error:
            self._raise_failure(error)
            raise

    def close(self) -> None:
        """Close the connection and end the command.

        In a process that was forked from the one that started the command, only this process's
        share of the connection is closed.
        """
        super().close()
        if self.fileno() == -1 and not self._ended:  # no file made of the socket is open either
            self._ended = True
            os.close(self._said)
            if self._is_own():
                self._end()
            else:
                self._process.returncode = 0  # it is the parent's to wait for

    def _is_own(self) -> bool:
        return os.getpid() == self._owner

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _raise_failure(self, error: ConnectionError | None = None) -> None:
        """Raise what the command failed with, now that the connection has ended; if it has."""
        if self._ended or not self._is_own():
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_SECONDS)
        if self._process.returncode:
            raise CommandError(self._failure(self._process.returncode)) from error

    def _failure(self, code: int) -> str:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        said = self._read_errors()
        return f"the command {self._name} ended with {how}{f': {said}' if said else ''}"

    def _read_errors(self) -> str:
        """Return the end of what the command wrote to its standard error, as one line."""
        said = b""
        with suppress(OSError):  # nothing more is there
            while piece := os.read(self._said, 64 * 1024):
                said += piece
        return " ".join(said.decode("utf-8", "replace").split())[-_SHOWN_CHARACTERS:]
