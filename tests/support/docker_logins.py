"""What stands in `config.json` and what credential helpers answer, for tests."""

from __future__ import annotations

import base64
from collections.abc import Callable

InstallHelper = Callable[[str, str], None]
"""Puts a credential helper on the PATH: its name, and the body of its shell script."""


def auth(text: str | bytes) -> dict[str, str]:
    """An entry of `auths` for `username:password`."""
    plain = text.encode() if isinstance(text, str) else text
    return {"auth": base64.b64encode(plain).decode()}


def answer(username: str, secret: str) -> str:
    """A helper's script that answers with a username and a secret."""
    return f"""read key; echo '{{"Username":"{username}","Secret":"{secret}"}}'"""
