"""Asking an engine for its version, to see whether it is one."""

from __future__ import annotations

import json
import socket
import ssl
import time
from http.client import RemoteDisconnected

from imagebuilders.connections.address import Scheme
from imagebuilders.connections.command import CommandError
from imagebuilders.connections.dial import Endpoint, ProxyError, dial
from imagebuilders.connections.engine_version import OLDEST_API_VERSION, EngineVersion
from imagebuilders.connections.http1 import send_request
from imagebuilders.connections.prior_knowledge import speaks_http2
from imagebuilders.connections.ssh import CONNECT_SECONDS
from imagebuilders.connections.streams import RECEIVE_BYTES, SocketLike, SocketStream
from imagebuilders.exceptions import AttemptFailure, ConfigurationError, EngineError
from imagebuilders.lazy_dataclass import dataclass

_MAX_ANSWER_BYTES = 1024 * 1024
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class FoundEngine:
    """An engine that has answered."""

    endpoint: Endpoint
    version: EngineVersion
    connection: socket.socket | None = None
    """The connection it answered on, if it is still open; it is the finder's to close."""
    address: str = ""
    """The address as it was written where it was found."""

    @property
    def spellings(self) -> tuple[str, ...]:
        """The address as the user wrote it, and as it was understood."""
        return tuple(dict.fromkeys((self.address, str(self.endpoint.address))))


class ProbeError(Exception):
    """An engine could not be asked, or gave a wrong answer; the text says so in a few words."""

    def __init__(self, outcome: str, failure: AttemptFailure) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.failure = failure


def probe(endpoint: Endpoint, ping_timeout: float) -> FoundEngine:
    """Ask an engine for its version.

    Args:
        endpoint: where it is.
        ping_timeout: seconds to wait for its whole answer; by ssh, as long as ssh waits to connect.

    Raises:
        ProbeError: there was no such answer.
    """
    if endpoint.address.scheme is Scheme.SSH:
        ping_timeout = CONNECT_SECONDS + ping_timeout
    connected: socket.socket | None = None
    try:
        connected = dial(endpoint, timeout=ping_timeout)
        version, reusable = _ask_version(
            _LimitedStream(connected, ping_timeout), endpoint, ping_timeout
        )
        if reusable:
            kept, connected = connected, None
            return FoundEngine(endpoint, version, kept)
        return FoundEngine(endpoint, version)
    except ConfigurationError as error:
        raise ProbeError(str(error), AttemptFailure.CONFIGURATION) from error
    except (EngineError, OSError, ValueError) as error:
        if connected is not None and _speaks_http2_alone(error, endpoint, ping_timeout):
            raise ProbeError(
                "speaks HTTP/2 alone, as BuildKit's own daemon does, with which "
                "BuildKitImageBuilder builds",
                AttemptFailure.ANSWER,
            ) from error
        if isinstance(error, EngineError):
            raise _no_engine() from error
        raise _failed(error, ping_timeout) from error
    finally:
        if connected is not None:
            connected.close()


class _LimitedStream(SocketStream):
    """A stream that receives for a time in all: an answer may come in pieces without end."""

    def __init__(self, connected: SocketLike, seconds: float) -> None:
        super().__init__(connected)
        self._end = time.monotonic() + seconds

    def receive(self, limit: int = RECEIVE_BYTES, *, timeout: float | None = None) -> bytes:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return super().receive(limit, timeout=left if timeout is None else min(left, timeout))


def _ask_version(
    stream: SocketStream, endpoint: Endpoint, timeout: float
) -> tuple[EngineVersion, bool]:
    """Return an engine's version, and whether the stream can carry another request."""
    answer = send_request(
        stream,
        "GET",
        endpoint.forwarded(f"{endpoint.base_path}/version"),
        headers=endpoint.headers(),
        send_timeout=timeout,
        idle_timeout=timeout,
    )
    content = answer.read(_MAX_ANSWER_BYTES)
    if answer.status != 200:
        raise ProbeError(
            f"answered with HTTP status {answer.status}: {_words(content) or answer.reason}",
            AttemptFailure.ANSWER,
        )
    version = EngineVersion.from_answer(_parsed(content))
    if version is None:
        raise _no_engine()
    if version.is_too_old:
        oldest = ".".join(map(str, OLDEST_API_VERSION))
        raise ProbeError(
            f"speaks version {version.api_version} of the API; {oldest} is the oldest that works",
            AttemptFailure.ANSWER,
        )
    return version, answer.is_reusable


def _parsed(content: bytes) -> object:
    try:
        parsed: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return parsed


def _words(content: bytes) -> str:
    """Return the words of an error's body, on one line."""
    parsed = _parsed(content)
    message = parsed.get("message") if isinstance(parsed, dict) else None
    text = message if isinstance(message, str) else content.decode("utf-8", "replace")
    return " ".join(text.split())[:_SHOWN_CHARACTERS]


def _speaks_http2_alone(error: Exception, endpoint: Endpoint, timeout: float) -> bool:
    """Whether a daemon that gave no answer of HTTP/1 does speak HTTP/2."""
    if not isinstance(error, ConnectionError | EngineError):
        return False
    if endpoint.address.scheme is Scheme.SSH or endpoint.is_secure or endpoint.proxy is not None:
        return False
    return speaks_http2(endpoint, timeout=timeout)


def _no_engine() -> ProbeError:
    return ProbeError("answered, but not as a Docker Engine does", AttemptFailure.ANSWER)


def _failed(error: OSError | ValueError, ping_timeout: float) -> ProbeError:
    """Say in a few words why an engine could not be asked."""
    text, failure = _outcome(error, ping_timeout)
    return ProbeError(text, failure)


def _outcome(error: OSError | ValueError, ping_timeout: float) -> tuple[str, AttemptFailure]:
    if isinstance(error, CommandError):
        return str(error), AttemptFailure.COMMAND
    if isinstance(error, ProxyError):
        return str(error), AttemptFailure.PROXY
    if isinstance(error, PermissionError):
        return "permission denied", AttemptFailure.NOT_ALLOWED
    if isinstance(error, socket.gaierror):
        return f"the host name is not known ({error.strerror})", AttemptFailure.ADDRESS
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.strerror or str(error)
        return f"TLS failed: {reason}", AttemptFailure.TLS
    if isinstance(error, ValueError):  # a name or path that the system cannot take
        return f"the address cannot be used: {error}", AttemptFailure.ADDRESS
    if isinstance(error, TimeoutError):
        return f"no answer within {ping_timeout:g} s", AttemptFailure.NOT_RUNNING
    if isinstance(error, RemoteDisconnected):
        return "closed the connection without an answer", AttemptFailure.NOT_RUNNING
    if isinstance(error, FileNotFoundError):
        return "no such socket", AttemptFailure.NOT_RUNNING
    text = (error.strerror or str(error) or type(error).__name__).lower()
    return text, AttemptFailure.NOT_RUNNING
