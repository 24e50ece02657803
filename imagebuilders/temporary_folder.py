"""A folder that is gone at the end of a `with` block, however often that is interrupted.

`tempfile.TemporaryDirectory` leaves the folder when Ctrl-C comes just after it was made, or while
it is removed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def temporary_folder() -> Iterator[str]:
    """Make a folder that only this user can look into, and remove it with all that is in it.

    Raises:
        OSError: it cannot be made.
    """
    path = os.path.join(tempfile.gettempdir(), f"imagebuilders-{secrets.token_hex(8)}")
    try:
        os.mkdir(path, 0o700)
        yield path
    finally:
        _remove(path)


def _remove(path: str) -> None:
    interruption: KeyboardInterrupt | None = None
    while True:
        try:
            shutil.rmtree(path, ignore_errors=True)
            break
        except KeyboardInterrupt as error:
            interruption = error
    if interruption is not None:
        raise interruption
