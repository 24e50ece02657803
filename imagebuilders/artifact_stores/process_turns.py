"""Turns that the processes of a user take on one machine, by locks on files in the cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imagebuilders.user_folders import own_cache_folder

logger = logging.getLogger(__name__)

LONGEST_WAIT = 15 * 60.0
"""Seconds; the turn of a process that stands still for longer is passed over."""

_FOLDER = "turns"
_PAUSE = 0.05


@contextmanager
def process_turn(name: str) -> Iterator[None]:
    """Do the block when no other process of this user does a block of that name here.

    A turn ends with its process, however that ends. Where there is no cache folder, or one that
    files cannot be locked in, nothing is waited for.

    Args:
        name: any text; a thread that has the turn must not take it once more.
    """
    folder = own_cache_folder()
    path = None
    if folder is not None:
        path = folder / _FOLDER / hashlib.sha256(os.fsencode(name)).hexdigest()
    descriptor = None if path is None else _locked(path, name)
    try:
        yield
    finally:
        if path is not None and descriptor is not None:
            with suppress(OSError):
                os.unlink(path)
            with suppress(OSError):
                # A process forked meanwhile has the descriptor, too, and would keep the lock.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _locked(path: Path, name: str) -> int | None:
    """Return the descriptor of a file that this process has locked; `None` where it cannot."""
    end = time.monotonic() + LONGEST_WAIT
    is_told = False
    try:
        os.makedirs(path.parent, mode=0o700, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            is_kept = False
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_kept = _is_at(path, descriptor)  # else its last owner has just removed it
            except BlockingIOError:
                if time.monotonic() >= end:
                    return None
                if not is_told:
                    logger.info("Another process is busy with %s; waiting for it.", name)
                    is_told = True
                time.sleep(_PAUSE)
            finally:
                if not is_kept:
                    os.close(descriptor)
            if is_kept:
                return descriptor
    except OSError:
        return None


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
