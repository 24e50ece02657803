"""The daemon's end of a client's session: the calls that it can make."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from imagebuilders.buildkit.proto.content_pb2 import (
    COMMIT,
    STAT,
    WRITE,
    InfoRequest,
    InfoResponse,
    ReadContentRequest,
    ReadContentResponse,
    WriteContentRequest,
)
from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.proto.rpc_pb2 import HealthCheckRequest, HealthCheckResponse
from imagebuilders.buildkit.proto.session_pb2 import (
    CheckAgentRequest,
    CredentialsRequest,
    CredentialsResponse,
    GetSecretRequest,
    GetSecretResponse,
)
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus
from imagebuilders.buildkit.transport.unary_call import unary

from .faults import SEND, SYNC
from .file_transfer import (
    SentEntry,
    SyncedFile,
    Wanted,
    copy_folder,
    send_folder,
)
from .session_faults import SessionFaults, broken_export, noted, planned

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.content_pb2 import WriteAction
    from imagebuilders.buildkit.transport.link import Link

    from .faults import Fault, Faults

PREFIX = "x-docker-expose-session-"
ANSWER_SECONDS = 30.0
"""So long the client may take for a short answer."""

_PIECE_BYTES = 32 * 1024
_LOOKS = 3
"""So often a daemon asks how far a blob is before it writes."""


@dataclass(frozen=True)
class SessionCall:
    """One call that the daemon made.

    Attributes:
        path: `/package.Service/Method`.
        metadata: its headers.
        request: the first message of a call that has one, serialized.
    """

    path: str
    metadata: Metadata = ()
    request: bytes = field(default=b"", repr=False)


class SessionPeer:
    """A session of a client, as the daemon sees it.

    Attributes:
        id: the ID by which a `Solve` names it.
        name, shared_key: what the client called it, and its folders.
        methods: the methods that it said it serves.
        metadata: all headers by which it was opened.
        calls: the calls that were made, in order.
    """

    def __init__(
        self,
        metadata: Metadata,
        link: Link,
        faults: Faults | None = None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """Take a session in.

        Args:
            metadata: the headers by which the client opened it.
            link: the connection on which its services are called.
            faults: what goes wrong with its calls.
            end: ends that connection.
        """
        self.metadata = metadata
        self._link = link
        self.id = self._value("uuid")
        self.name = self._value("name")
        self.shared_key = self._value("sharedkey")
        self.methods = [value for key, value in metadata if key == f"{PREFIX}grpc-method"]
        self.calls: list[SessionCall] = []
        self._faults = SessionFaults(faults, self.id, end, lambda: not self.is_open)
        self._lock = threading.Lock()

    def _value(self, name: str) -> str:
        return next((value for key, value in self.metadata if key == f"{PREFIX}{name}"), "")

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._link.failure is None

    def wait_closed(self, timeout: float | None = ANSWER_SECONDS) -> bool:
        """Wait until the client has closed it; return whether it has."""
        return self._link.wait_over(timeout)

    # --- any call ------------------------------------------------------------

    def unary(self, path: str, request: bytes, metadata: Metadata = ()) -> bytes:
        """Make a call with one message each way; return the answer.

        Raises:
            CallError: the client refused it.
            TransportError: the session is over.
        """
        self._note(SessionCall(path, metadata, request))
        found = self._faults.of(path)
        if found:
            with self._opened(path, metadata, found) as call:
                call.send(request, last=True)
                return call.receive(ANSWER_SECONDS) or b""
        return unary(self._link, path, request, metadata, ANSWER_SECONDS)

    @contextmanager
    def open(self, path: str, metadata: Metadata = ()) -> Iterator[Call]:
        """Make a call with messages of any number for the length of a `with` block.

        Raises:
            TransportError: the session is over.
        """
        self._note(SessionCall(path, metadata))
        with self._opened(path, metadata, self._faults.of(path)) as call:
            yield call

    @contextmanager
    def _opened(self, path: str, metadata: Metadata, found: list[Fault]) -> Iterator[Call]:
        call = self._link.call(path, metadata)
        try:
            self._faults.begin(found, call)
            yield call
        finally:
            call.cancel()

    def _note(self, call: SessionCall) -> None:
        with self._lock:
            self.calls.append(call)

    # --- files ---------------------------------------------------------------

    def copy(
        self,
        name: str,
        *,
        follow: Sequence[str] = (),
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        wanted: Wanted = None,
    ) -> dict[str, SyncedFile]:
        """Copy a folder of the client's; return its entries by path.

        Args:
            name: `context`, `dockerfile` or the name of another one.
            follow: the paths that are followed through links; all when empty.
            exclude: patterns of what is left out.
            include: patterns of what is taken.
            wanted: whose contents are asked for; those of all files by default.

        Raises:
            CallError: the client refused.
        """
        metadata = [
            ("dir-name", name),
            *_encoded("followpaths", follow),
            *_encoded("exclude-patterns", exclude),
            *_encoded("include-patterns", include),
        ]
        self._note(SessionCall(SYNC, tuple(metadata)))
        found = self._faults.of(SYNC)
        for fault in found:
            if fault.kind == "ask_path":
                more = (("dir-name", name), ("followpaths", fault.value))
                noted(fault, lambda: self._copied(more, []))  # noqa: B023  (called at once)
            elif fault.kind == "ask_credentials":
                noted(fault, lambda: [self.credentials(fault.value)])  # noqa: B023
        return self._copied(tuple(metadata), found, wanted)

    def _copied(
        self, metadata: Metadata, found: list[Fault], wanted: Wanted = None
    ) -> dict[str, SyncedFile]:
        with self._opened(SYNC, metadata, found) as call:
            return copy_folder(call, wanted)

    def send_file(
        self, content: bytes, *, exporter: int | None = 0, metadata: Metadata = ()
    ) -> None:
        """Send an exporter's result as one stream.

        Args:
            content: the stream.
            exporter: the exporter's number in the request; older daemons do not tell it.
            metadata: further headers.

        Raises:
            CallError: the client refused.
        """
        headers = (*_exporter(exporter), *metadata)
        self._note(SessionCall(SEND, headers))
        found = self._faults.of(SEND)
        breaks = planned(found, "break_export")
        with self._opened(SEND, headers, found) as call:
            for begin in range(0, len(content), _PIECE_BYTES):
                broken_export(breaks, begin)
                piece = BytesMessage(data=content[begin : begin + _PIECE_BYTES])
                call.send(piece.SerializeToString())
            broken_export(breaks, len(content))
            call.half_close()
            while call.receive(ANSWER_SECONDS) is not None:
                pass

    def send_folder(self, entries: Iterable[SentEntry], *, exporter: int | None = 0) -> None:
        """Send an exporter's result as a folder, entry by entry as they stand.

        Raises:
            CallError: the client refused.
        """
        self._note(SessionCall(SEND, _exporter(exporter)))
        found = self._faults.of(SEND)
        if added := planned(found, "send_path"):
            entries = [*entries, SentEntry(added.value, b"evil")]
        breaks = planned(found, "break_export")
        with self._opened(SEND, _exporter(exporter), found) as call:
            send_folder(call, entries, lambda: broken_export(breaks, sys.maxsize))

    def pull(self, address: str) -> bytes:
        """Take a stream of the client's, by the address that the frontend was given.

        Raises:
            CallError: the client has none.
        """
        host, _, path = address.removeprefix("http://").partition("/")
        metadata = (("urlpath", f"/{path}"), ("urlhost", host))
        data = bytearray()
        with self.open("/moby.upload.v1.Upload/Pull", metadata) as call:
            while (message := call.receive(ANSWER_SECONDS)) is not None:
                data += BytesMessage.FromString(message).data
        return bytes(data)

    # --- questions -----------------------------------------------------------

    def check_health(self) -> bool:
        """Ask whether the client serves; return what it says."""
        answer = self.unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest().SerializeToString()
        )
        return HealthCheckResponse.FromString(answer).status == HealthCheckResponse.SERVING

    def secret(self, name: str) -> bytes:
        """Ask for a secret.

        Raises:
            CallError: the client has none, or does not hand it out.
        """
        request = GetSecretRequest(ID=name)
        answer = self.unary(
            "/moby.buildkit.secrets.v1.Secrets/GetSecret", request.SerializeToString()
        )
        return GetSecretResponse.FromString(answer).data

    def credentials(self, host: str) -> tuple[str, str]:
        """Ask who to be at a registry; return user name and secret, both empty for nobody.

        Raises:
            CallError: the client serves no credentials.
        """
        request = CredentialsRequest(Host=host)
        answer = CredentialsResponse.FromString(
            self.unary("/moby.filesync.v1.Auth/Credentials", request.SerializeToString())
        )
        return answer.Username, answer.Secret

    def check_agent(self, name: str = "") -> None:
        """Ask whether the client has an SSH agent.

        Raises:
            CallError: it has none of this name.
        """
        request = CheckAgentRequest(ID=name)
        self.unary("/moby.sshforward.v1.SSH/CheckAgent", request.SerializeToString())

    @contextmanager
    def agent(self, name: str = "default") -> Iterator[Call]:
        """Be connected to an SSH agent for the length of a `with` block.

        The messages of the call are `BytesMessage`, both ways.
        """
        metadata = (("buildkit.ssh.id", name),)
        with self.open("/moby.sshforward.v1.SSH/ForwardAgent", metadata) as call:
            yield call

    # --- content stores ------------------------------------------------------

    def content_size(self, store: str, digest: str) -> int:
        """Ask for the size of a blob in a content store of the client's.

        Raises:
            CallError: there is no such store or blob.
        """
        request = InfoRequest(digest=digest).SerializeToString()
        answer = self.unary("/containerd.services.content.v1.Content/Info", request, _store(store))
        return InfoResponse.FromString(answer).info.size

    def read_content(self, store: str, digest: str, *, offset: int = 0, size: int = 0) -> bytes:
        """Read a blob of a content store of the client's.

        Raises:
            CallError: there is no such store or blob.
        """
        data = bytearray()
        request = ReadContentRequest(digest=digest, offset=offset, size=size)
        path = "/containerd.services.content.v1.Content/Read"
        with self.open(path, _store(store)) as call:
            call.send(request.SerializeToString(), last=True)
            while (message := call.receive(ANSWER_SECONDS)) is not None:
                data += ReadContentResponse.FromString(message).data
        return bytes(data)

    def write_content(self, store: str, digest: str, content: bytes) -> None:
        """Write a blob into a content store of the client's: asked, written in pieces, committed.

        One that is there already stays as it is.

        Raises:
            CallError: the client refused it.
        """

        def request(action: WriteAction.ValueType, begin: int, data: bytes = b"") -> bytes:
            return WriteContentRequest(
                action=action,
                ref=f"write-{digest}",
                total=len(content),
                expected=digest,
                offset=begin,
                data=data,
            ).SerializeToString()

        size = 1 << 20
        pieces = [
            *(request(STAT, 0) for _ in range(_LOOKS)),
            *(request(WRITE, at, content[at : at + size]) for at in range(0, len(content), size)),
            request(COMMIT, len(content)),
        ]
        try:
            self._write(store, pieces)
        except CallError as error:
            if error.status.code != Code.ALREADY_EXISTS:
                raise

    def _write(self, store: str, pieces: Iterable[bytes]) -> None:
        path = "/containerd.services.content.v1.Content/Write"
        with self.open(path, _store(store)) as call:
            for piece in pieces:
                call.send(piece)
                if call.receive(ANSWER_SECONDS) is None:
                    raise CallError(RpcStatus(Code.INTERNAL, "the client ended the write early"))
            call.half_close()
            while call.receive(ANSWER_SECONDS) is not None:
                pass


def _encoded(name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """Return headers, URL-encoded where one of them could not stand as it is."""
    if all(value.isascii() and value.isprintable() for value in values):
        return [(name, value) for value in values]
    return [
        *((name, quote_plus(value.encode("utf-8", "surrogateescape"))) for value in values),
        (f"{name}-encoded", "1"),
    ]


def _exporter(number: int | None) -> Metadata:
    return () if number is None else (("buildkit-attachable-exporter-id", str(number)),)


def _store(name: str) -> Metadata:
    return (("buildkit-attachable-store-id", name),)
