"""Contexts that no folder of this machine holds: at an address, or in an archive that is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field
from urllib.parse import unquote, urlsplit

from imagebuilders.lazy_dataclass import dataclass

_SCHEMES = ("http://", "https://", "git://", "ssh://")
_SCP_FORM = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^\s]+\Z", re.ASCII)
_GIT_QUERY = re.compile(r"\.git\?")


def is_remote_address(text: str) -> bool:
    """Return whether a daemon can fetch a context from an address: by git, or by HTTP."""
    return text.startswith(_SCHEMES) or _SCP_FORM.match(text) is not None


def has_git_query(address: str) -> bool:
    """Return whether a git address says what it means in a query, as in `….git?branch=main`."""
    return _GIT_QUERY.search(address) is not None


@dataclass(frozen=True)
class RemoteSource:
    """Where the files of a build come from.

    Attributes:
        address: where the daemon fetches them; empty when they are sent as an archive.
        archive: a tar, plain or compressed, in pieces, which can be read once.
        has_dockerfile: whether the Dockerfile is among them.
    """

    address: str = field(default="", repr=False)
    archive: Iterable[bytes] | None = field(default=None, repr=False, compare=False)
    has_dockerfile: bool = True

    @property
    def needs_agent(self) -> bool:
        """Whether it is fetched by ssh."""
        return self.address.startswith("ssh://") or _SCP_FORM.match(self.address) is not None

    @property
    def password(self) -> str:
        """What stands in the address to prove who asks; empty if nothing does."""
        try:
            parts = urlsplit(self.address)
            return unquote(parts.password or "")
        except ValueError:
            return ""
