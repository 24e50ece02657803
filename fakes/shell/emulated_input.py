"""Standard input, from outside to emulated commands, and from there to rules."""

from __future__ import annotations

import io

from ..emulation import process as emulated
from ..emulation.open_files import Caller, OpenFile
from .process import Process


class CommandInput(OpenFile):
    """What is sent to a command."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process
        self._ahead = b""

    def read(self, process: Caller, size: int) -> bytes:
        """Read what was put back, or wait for more."""
        process.step()
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        taken: list[bytes] = []

        def take() -> bool:
            data = self._process.take_input(size)
            if data is not None:
                taken.append(data)
            return data is not None

        if not take():
            self._process.settled.set()
            process.wait_for(take)
        return taken[0] if taken else b""

    def push_back(self, data: bytes) -> bool:
        """Keep it for the next reader, who is another program with the same descriptor."""
        self._ahead = data + self._ahead
        return True


class ProgramInput(io.RawIOBase):
    """The standard input of an emulated process, for a function that does its work."""

    def __init__(self, process: emulated.Process) -> None:
        self._process = process

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as readers give it
        """Read what is there; nothing at the end."""
        data = self._process.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
