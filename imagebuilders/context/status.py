"""What tells one state of a file from another, packed into few bytes.

It is what git's index keeps of a file to know whether it changed
(https://git-scm.com/docs/index-format): type and mode, size, the times of the last change of
content and inode, inode and device.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import starmap
from operator import attrgetter
from typing import TypeAlias

State: TypeAlias = tuple[int, int, int, int, int, int]
"""Type and mode, size, mtime and ctime in nanoseconds, inode, device."""

state_of: Callable[[os.stat_result], State] = attrgetter(
    "st_mode", "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_dev"
)

_PACKED = struct.Struct("<IQqqQQ")
STATE_SIZE = _PACKED.size


def pack_state(state: State) -> bytes:
    """Return a state's bytes.

    Raises:
        struct.error: a number is out of range, such as a time after the year 2262.
    """
    return _PACKED.pack(*state)


def unpack_states(packed: bytes) -> Iterator[State]:
    """Return the states that are packed one behind the other."""
    return _PACKED.iter_unpack(packed)


def states_in(descriptor: int, names: Iterable[bytes]) -> Iterable[bytes]:
    """Return the packed states of names in an open folder; links are not followed.

    Raises:
        OSError: one of them is gone, or cannot be looked at.
        struct.error: a number is out of range.
    """
    # Run by the interpreter's own loops: there may be millions.
    look = partial(os.stat, dir_fd=descriptor, follow_symlinks=False)
    return starmap(_PACKED.pack, map(state_of, map(look, names)))


def look_one_by_one(descriptor: int, names: Iterable[bytes], odd: dict[bytes, State]) -> bytes:
    """Return what `states_in` does, joined; a state with a number out of range is put into `odd`.

    In its place stands a state that no file has.

    Raises:
        OSError: one of them is gone, or cannot be looked at.
    """
    packed = bytearray()
    for name in names:
        state = state_of(os.stat(name, dir_fd=descriptor, follow_symlinks=False))
        try:
            packed += _PACKED.pack(*state)
        except struct.error:
            odd[name] = state
            packed += bytes(STATE_SIZE)
    return bytes(packed)
