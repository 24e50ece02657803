"""The keys with which a person leaves a container's terminal without ending what runs there."""

from __future__ import annotations

import re

_KEY = re.compile(r"ctrl-[a-z@\[\\\]^_]|.")
_USUAL = b"\x10\x11"
"""`ctrl-p` and `ctrl-q`."""


def is_detach_keys(text: str) -> bool:
    """Return whether a text names keys with which a client can detach, or none at all."""
    return not text or all(_KEY.fullmatch(key) for key in text.split(","))


class DetachKeys:
    """Looks for the keys in what a client sends.

    Args:
        text: their names as in `ctrl-p,ctrl-q`, which are the usual ones; those when empty.
    """

    def __init__(self, text: str = "") -> None:
        names = text.split(",") if text else []
        self._keys = bytes(_code(name) for name in names) or _USUAL
        self._held = 0

    def passed(self, data: bytes) -> tuple[bytes, bool]:
        """Return what goes on to the command, and whether the keys were pressed.

        Keys that may be the first of them are held back until the next ones come.
        """
        passed = bytearray()
        for byte in data:
            if byte == self._keys[self._held]:
                self._held += 1
                if self._held == len(self._keys):
                    return bytes(passed), True
                continue
            passed += self._keys[: self._held]
            self._held = 0
            if byte == self._keys[0]:
                self._held = 1
            else:
                passed.append(byte)
        return bytes(passed), False


def _code(name: str) -> int:
    if name.startswith("ctrl-"):
        return ord(name[-1].upper()) - ord("@")
    return ord(name)
