"""The daemon's own service, `moby.buildkit.v1.Control`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto import control_pb2
from imagebuilders.buildkit.transport.errors import CallError, ProtocolError
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from imagebuilders.buildkit.session.session import Session
    from imagebuilders.buildkit.transport.channel import Channel

SERVICE = "/moby.buildkit.v1.Control/"
ANSWER_SECONDS = 30.0
"""So long an answer to a short question may take."""

_VERSION = re.compile(r"v(\d{1,6})\.(\d{1,6})\.", re.ASCII)
_WITH_RESOURCES = (0, 31)

SESSION_IDLE_SECONDS = 60.0
"""After so long without a byte a daemon that has a session is asked whether it is there: it asks
every five seconds whether the session is."""

MessageT = TypeVar("MessageT")

OpenSession = Callable[["Session"], "Channel"]
"""Opens a connection of its own for a session, as engines have it (`POST /session`)."""


@dataclass(frozen=True)
class Worker:
    """One of a daemon's workers.

    Attributes:
        id: its ID.
        labels: what it says of itself.
        platforms: what it builds for, as in `linux/arm64/v8`, its own first.
        version: its BuildKit's, as in `v0.32.2`; engines need not tell it.
    """

    id: str
    labels: dict[str, str]
    platforms: tuple[str, ...]
    version: str = ""

    @property
    def has_containerd_store(self) -> bool:
        """Whether images are kept by containerd, so that all exporters are there."""
        return "org.mobyproject.buildkit.worker.executor" in self.labels

    @property
    def has_resources(self) -> bool:
        """Whether its own frontend knows limits of memory and processors."""
        found = _VERSION.match(self.version)
        return found is not None and (int(found[1]), int(found[2])) >= _WITH_RESOURCES


class ControlClient:
    """A daemon, for as long as the connection lives. One client serves several threads."""

    def __init__(self, channel: Channel, *, open_session: OpenSession | None = None) -> None:
        """Take a connection over.

        Args:
            channel: the connection; it is closed with the client.
            open_session: opens a connection for a session; without it, sessions run inside
                this one.
        """
        self.channel = channel
        self._open_session = open_session

    # --- short questions -----------------------------------------------------

    def version(self, timeout: float = ANSWER_SECONDS) -> str:
        """Return the daemon's version; empty where it does not tell, as 20.10.

        Args:
            timeout: seconds that the answer may take.

        Raises:
            TransportError: the connection broke, or the daemon refused.
            CallTimeoutError: no answer came in time.
        """
        try:
            answer = self._ask("Info", control_pb2.InfoRequest().SerializeToString(), timeout)
        except CallError as error:
            if error.status.code == Code.UNIMPLEMENTED:
                return ""
            raise
        return read(control_pb2.InfoResponse.FromString, answer).buildkitVersion.version

    def workers(self, timeout: float = ANSWER_SECONDS) -> list[Worker]:
        """Return the daemon's workers.

        Those of Docker's containerd image store do not tell their version; it is the daemon's.

        Args:
            timeout: seconds that each answer may take.

        Raises:
            TransportError: the connection broke, or the daemon refused.
            CallTimeoutError: no answer came in time.
        """
        return self.ask_workers(timeout)()

    def ask_workers(self, timeout: float = ANSWER_SECONDS) -> Callable[[], list[Worker]]:
        """Ask for the daemon's workers; return what waits for the answer, as `workers` does.

        Args:
            timeout: seconds that each answer may take.

        Raises:
            TransportError: the connection broke.
        """
        request = control_pb2.ListWorkersRequest().SerializeToString()
        asked = self.channel.ask(f"{SERVICE}ListWorkers", request, timeout=timeout)
        return lambda: self._workers(asked.answer(), timeout)

    def _workers(self, answer: bytes, timeout: float) -> list[Worker]:
        workers = [
            Worker(
                record.ID,
                dict(record.Labels),
                tuple(
                    "/".join(filter(None, (platform.OS, platform.Architecture, platform.Variant)))
                    for platform in record.platforms
                ),
                record.BuildkitVersion.version,
            )
            for record in read(control_pb2.ListWorkersResponse.FromString, answer).record
        ]
        if not any(worker.has_containerd_store and not worker.version for worker in workers):
            return workers
        version = self.version(timeout)
        return [replace(worker, version=worker.version or version) for worker in workers]

    # --- sessions ------------------------------------------------------------

    @contextmanager
    def attached(self, session: Session) -> Iterator[None]:
        """Let the daemon call a session's services within the block.

        Raises:
            TransportError: the connection broke.
        """
        if self._open_session is not None:
            own = self._open_session(session)
            try:
                yield
            finally:
                own.close()
            return
        call = self.channel.call(f"{SERVICE}Session", session.metadata())
        self.channel.tunnel(
            call,
            Role.SERVER,
            handlers=session.handlers,
            answers=session.answers,
            wrap=wrap_bytes,
            unwrap=unwrap_bytes,
        )
        try:
            with self.channel.expecting_words(SESSION_IDLE_SECONDS):
                yield
        finally:
            call.cancel()

    # --- the connection ------------------------------------------------------

    def close(self) -> None:
        """Close the connection; whatever it still does at the daemon ends."""
        self.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, method: str, request: bytes, timeout: float = ANSWER_SECONDS) -> bytes:
        return self.channel.unary(SERVICE + method, request, timeout=timeout)


def read(parse: Callable[[bytes], MessageT], data: bytes) -> MessageT:
    """Read a message.

    Raises:
        ProtocolError: the bytes are no such message.
    """
    try:
        return parse(data)
    except DecodeError as error:
        raise ProtocolError("the daemon sent a message that cannot be read") from error


def wrap_bytes(data: bytes) -> bytes:
    """Put bytes into a message that carries nothing else."""
    return control_pb2.BytesMessage(data=data).SerializeToString()


def unwrap_bytes(message: bytes) -> bytes:
    """Take the bytes out of such a message.

    Raises:
        ProtocolError: it is none.
    """
    return read(control_pb2.BytesMessage.FromString, message).data
