"""The command's entry point. It imports next to nothing, so that Ctrl-C is heard from the start."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Sequence

_INTERRUPTED = 130  # as in `failures`, which may not be imported yet
_TERMINATED = 143  # 128 and the signal's number, as a shell would say of the process
_OBJECTS = 100_000
"""So many more objects than before make Python look for cycles; its own default is 700."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: what stands after the command's name; by default those of this process.

    Returns:
        The exit code: 0; 1 when a build, a push or anything else failed; 2 for wrong usage;
        130 after Ctrl-C; 141 when nobody reads the output any more; 143 after SIGTERM, which
        stops a build as Ctrl-C does.
    """
    is_own_process = arguments is None
    terminated: list[int] = []

    def terminate(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one waits for nothing
        terminated.append(number)
        raise KeyboardInterrupt

    if is_own_process:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, terminate)
        # Collecting cycles takes a look at all that was imported, again and again; a process of
        # this kind ends long before it has as much of its own.
        gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    try:
        from imagebuilders.cli.command import run

        code = run(sys.argv[1:] if arguments is None else arguments)
        return _TERMINATED if terminated and code == _INTERRUPTED else code
    except KeyboardInterrupt:  # in the midst of the imports, say
        if sys.stderr is not None:
            sys.stderr.write("error: Interrupted.\n")
        return _TERMINATED if terminated else _INTERRUPTED
    finally:
        if is_own_process:
            gc.freeze()  # at its end, Python would look through all of it several times
