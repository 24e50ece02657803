"""What of a BuildKit double is steered from outside Python."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from google.protobuf.json_format import MessageToDict

from ..http import control
from ..http.control import Document, controlled
from ..http.conversation import Conversation
from ..http.crashes import Crashes
from ..http.messages import Request, Response
from ..http.preface import HTTP2, first_bytes
from .faults import Fault, Faults

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import SolveRequest

    from ..records import BuildRecord

KINDS = ("on_run",)
"""The kinds of rules of a BuildKit double, each a method of it."""
_FAULTS = (
    *("fail", "delay", "drop", "reset", "go_away", "garble", "malform"),
    *("lose_session", "miss_health", "ask_path", "ask_credentials", "send_path", "break_export"),
)


class _BuildKit(Protocol):
    """What of a BuildKit double is steered; it has the methods that rules are given by, too."""

    crashes: Crashes
    faults: Faults

    @property
    def records(self) -> Sequence[BuildRecord]: ...

    @property
    def requests(self) -> list[SolveRequest]: ...

    def seed_image(self, name: str, **content: Any) -> None: ...

    def forget_records(self) -> None: ...

    def reset(self) -> None: ...


class SteeredBuildKit:
    """A BuildKit double, as requests below `/_double/` see it.

    Args:
        buildkit: the double.
        version: what it looks like.
    """

    def __init__(self, buildkit: _BuildKit, version: str) -> None:
        self._buildkit = buildkit
        self._version = version
        self.crashes = buildkit.crashes

    def about(self) -> Document:
        """Return which double it is."""
        return {"double": "buildkit", "version": self._version}

    def seed(self, document: Document) -> Document:
        """Let a registry have an image, as `seed_image`."""
        control.call(self._buildkit.seed_image, document, "seed")
        return {"name": document["name"]}

    def add_rules(self, document: Document) -> None:
        """Give it rules, by the arguments of `on_run`."""
        control.add_rules(self._buildkit, document, KINDS)

    def plan(self, document: Document) -> None:
        """Plan a fault, by the arguments of the methods of `faults`."""
        control.plan(self._buildkit.faults, document, _FAULTS)

    def faults(self) -> Iterable[Fault]:
        """Return the faults that are planned."""
        return self._buildkit.faults

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._buildkit.faults.clear()

    def records(self) -> Document:
        """Return what was asked for, and what was built."""
        requests = [MessageToDict(request) for request in self._buildkit.requests]
        return {"requests": requests, "builds": list(self._buildkit.records)}

    def forget_records(self) -> None:
        """Forget what was asked for and built; caches stay."""
        self._buildkit.forget_records()

    def reset(self) -> None:
        """Let it be as it was when it was made."""
        self._buildkit.reset()


def steered_or_served(
    connection: socket.socket, attach: Callable[..., None], buildkit: SteeredBuildKit
) -> None:
    """Serve a connection of HTTP/2, or answer requests of HTTP/1.1 below `/_double/`.

    Args:
        connection: the connected socket, which is closed at the end.
        attach: serves one of HTTP/2, whose first bytes are handed on as `begun`.
        buildkit: what is steered.
    """
    begun = first_bytes(connection)
    if begun == HTTP2:
        attach(connection, begun=begun)
        return
    with connection:
        Conversation(connection, controlled(_refuse, buildkit), begun).run()


def _refuse(_: Request) -> Response:
    words = "BuildKit speaks HTTP/2 with prior knowledge; HTTP/1.1 steers this double at /_double/"
    return Response.json(404, {"message": words})
