"""The headers that a user's `config.json` adds to each request to the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MADE_BY_THE_CLIENT = frozenset(
    {"host", "user-agent", "content-length", "transfer-encoding", "trailer"}
)
"""Headers that Go's HTTP client, and so the `docker` command, never takes from there."""


class HeaderError(ValueError):
    """A header cannot be sent. The message does not quote its value, which may be a secret.

    Attributes:
        name: the header's name.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are sent, without white space around their values.

    Raises:
        HeaderError: a name or a value is not what HTTP allows.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise HeaderError(name, "that is not a name that a header can have")
        if _CONTROL.search(value):
            raise HeaderError(name, "its value has a line break or another control character")
    return {
        name: value.strip(" \t")
        for name, value in headers.items()
        if name.lower() not in _MADE_BY_THE_CLIENT
    }
