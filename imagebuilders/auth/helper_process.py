"""Running a program that answers in a few words, within a time limit and a size limit.

`subprocess.run` has no limit for what it keeps: a program that prints without end would take all
memory.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from dataclasses import field

from imagebuilders.lazy_dataclass import dataclass

_CHUNK = 64 * 1024


class TooMuchOutputError(Exception):
    """The program printed more than is read."""


@dataclass(frozen=True)
class Finished:
    """How a program ended, and what it printed, which may be secret."""

    exit_code: int
    """Its exit code; negative for the signal that ended it."""
    output: bytes = field(repr=False)
    errors: bytes = field(repr=False)


def run_program(
    arguments: Sequence[str], content: bytes, *, seconds: float, limit: int
) -> Finished:
    """Run a program to its end.

    Args:
        arguments: the program's path and its arguments.
        content: what it gets on its standard input.
        seconds: how long it may run.
        limit: the most bytes it may print, to its standard output and standard error alike.

    Raises:
        OSError: it cannot be started.
        TimeoutError: it did not end in time; it was killed.
        TooMuchOutputError: it printed more; it was killed.
    """
    deadline = time.monotonic() + seconds
    with subprocess.Popen(
        list(arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            output, errors = _converse(process, content, deadline, limit)
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except BaseException as error:
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError from None
            raise
    return Finished(code, output, errors)


def _converse(
    process: subprocess.Popen[bytes], content: bytes, deadline: float, limit: int
) -> tuple[bytes, bytes]:
    """Write the input and read both outputs as they come; return these."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    printed = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    to_write = memoryview(content)
    os.set_blocking(process.stdin.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdin, selectors.EVENT_WRITE)
        for descriptor in printed:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    to_write = _write(process.stdin.fileno(), to_write)
                    if not to_write:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif chunk := os.read(key.fd, _CHUNK):
                    printed[key.fd] += chunk
                    if len(printed[key.fd]) > limit:
                        raise TooMuchOutputError
                else:
                    selector.unregister(key.fd)
    output, errors = printed.values()
    return bytes(output), bytes(errors)


def _write(descriptor: int, content: memoryview) -> memoryview:
    """Write what can be written now; return what is left, nothing if nobody reads it."""
    try:
        return content[os.write(descriptor, content) :]
    except BlockingIOError:
        return content
    except BrokenPipeError:
        return content[len(content) :]
