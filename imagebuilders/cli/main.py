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
    heard: list[int] = []

    def stop(number: int, _frame: object) -> None:
        if number == signal.SIGTERM:
            signal.signal(number, signal.SIG_DFL)  # a second one waits for nothing
        heard.append(number)
        raise KeyboardInterrupt

    if is_own_process:
        for number, usual in (
            (signal.SIGINT, signal.default_int_handler),
            (signal.SIGTERM, signal.SIG_DFL),
        ):
            if signal.getsignal(number) is usual:
                signal.signal(number, stop)
        # Collecting cycles takes a look at all that was imported, again and again; a process of
        # this kind ends long before it has as much of its own.
        gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    try:
        from imagebuilders.cli.command import run

        code = run(sys.argv[1:] if arguments is None else arguments, lambda: bool(heard))
        return _TERMINATED if signal.SIGTERM in heard and code == _INTERRUPTED else code
    except KeyboardInterrupt:  # in the midst of the imports, say
        if sys.stderr is not None:
            sys.stderr.write("error: Interrupted.\n")
        return _TERMINATED if signal.SIGTERM in heard else _INTERRUPTED
    finally:
        if is_own_process:
            gc.freeze()  # at its end, Python would look through all of it several times
