"""Threads that coverage traces, started so that CPython 3.10 and 3.11 never fail at it.

There, a thread that begins to be traced while another one does ends at once, with "Cannot install
a trace function while another trace function is being installed". An audit hook, such as keeps
tests off the network, makes that moment long, and tests start threads by the thousand.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types import FrameType


_lock = threading.Lock()
os.register_at_fork(
    before=_lock.acquire, after_in_child=_lock.release, after_in_parent=_lock.release
)


@contextmanager
def traced_one_by_one() -> Iterator[None]:
    """Have threads begin to be traced one after another, for a `with` block."""
    hook = threading.gettrace()
    if hook is None or sys.version_info >= (3, 12):
        yield
        return
    install: Any = hook
    bootstrap: Any = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]

    def begin(frame: FrameType, event: str, arg: Any) -> Any:
        with _lock:
            return install(frame, event, arg)

    def traced(thread: threading.Thread) -> None:
        with _lock:
            sys.settrace(begin)
        bootstrap(thread)

    threading.settrace(cast("Any", None))  # else each thread begins by itself
    threading.Thread._bootstrap_inner = traced  # type: ignore[attr-defined]
    try:
        yield
    finally:
        threading.Thread._bootstrap_inner = bootstrap  # type: ignore[attr-defined]
        threading.settrace(install)
