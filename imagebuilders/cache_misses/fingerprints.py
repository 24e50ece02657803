"""Fingerprints of values: they tell whether a value is the same as before, not what it is.

A fingerprint is an HMAC-SHA-256 under a key that is drawn once for this user, so that nobody can
find out a value by trying others without having the key, too.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from imagebuilders.user_folders import own_cache_folder

KEY_FILE = "record-key"
_KEY_BYTES = 32
_HEX_CHARS = 32


class Fingerprints:
    """Makes fingerprints under one key."""

    def __init__(self, key: bytes) -> None:
        """Take a key."""
        self._key = key

    def of(self, *parts: str) -> str:
        """Return the fingerprint of a sequence of texts."""
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            content = part.encode("utf-8", "surrogateescape")
            mac.update(b"%d:%b" % (len(content), content))
        return mac.hexdigest()[:_HEX_CHARS]

    @property
    def name(self) -> str:
        """What tells the key from others."""
        return self.of("the key itself")


def records_folder() -> Path | None:
    """Return the folder of the records; `None` when the user has no home folder."""
    folder = own_cache_folder()
    return None if folder is None else folder / "builds"


def load_fingerprints(folder: Path) -> Fingerprints:
    """Return the fingerprints of the user, and draw a key when there is none.

    A key that others could read is replaced: what was recorded under it counts no more. It lies
    beside the folder of the records, which is limited in size.

    Args:
        folder: the folder of the records.

    Raises:
        OSError: the key can be neither read nor written.
    """
    path = folder.parent / KEY_FILE
    with suppress(OSError, ValueError):
        return Fingerprints(_read(path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    drawn = path.parent / f".{KEY_FILE}-{secrets.token_hex(8)}"
    descriptor = os.open(drawn, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        os.replace(drawn, path)
    except OSError:
        drawn.unlink(missing_ok=True)
        raise
    try:
        return Fingerprints(_read(path))
    except ValueError as error:
        raise OSError(f"the key {path} cannot be used: {error}") from error


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            raise ValueError("others may read it")
        if status.st_uid != os.getuid():
            raise ValueError("it belongs to another user")
        key = file.read(_KEY_BYTES + 1)
    if len(key) != _KEY_BYTES:
        raise ValueError("it is of another length")
    return key
