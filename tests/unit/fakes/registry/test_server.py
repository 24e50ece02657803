"""The registry over sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection

import pytest
from left_threads import left_threads

from fakes.registry import FakeRegistry
from fakes.registry.names import digest_of
from imagebuilders.exceptions import ConfigurationError

_LARGE = bytes(range(256)) * 4096
_BLOB = f"/v2/app/blobs/{digest_of(_LARGE)}"


@pytest.fixture
def connection(served: FakeRegistry) -> Iterator[socket.socket]:
    """A plain connection."""
    host, _, port = served.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        yield connection


def _read(connection: socket.socket, end: bytes = b"{}") -> bytes:
    received = b""
    while not received.endswith(end):
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    return received


def _upload(connection: HTTPConnection) -> str:
    connection.request("POST", "/v2/app/blobs/uploads/")
    answer = connection.getresponse()
    answer.read()
    return str(answer.headers["Location"])


def test_one_connection_serves_many_requests(served: FakeRegistry) -> None:
    """Keep-alive, with a large body both ways and a refused one in between."""
    connection = HTTPConnection(served.address, timeout=5)
    location = _upload(connection)
    socket_before = connection.sock
    connection.request("PATCH", location, body=_LARGE, headers={"Content-Range": "7-8"})
    refused = connection.getresponse()
    refused.read()
    assert refused.status == 416
    connection.request("PUT", f"{location}?digest={digest_of(_LARGE)}", body=_LARGE)
    created = connection.getresponse()
    created.read()
    assert created.status == 201
    connection.request("GET", _BLOB)
    assert connection.getresponse().read() == _LARGE
    assert connection.sock is socket_before
    connection.close()


def test_requests_sent_ahead_are_answered_in_turn(connection: socket.socket) -> None:
    """Two requests in one packet."""
    request = b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.sendall(request + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert _read(connection, b"never").count(b"HTTP/1.1 200 OK") == 2


def test_a_head_request_has_a_length_and_no_body(
    served: FakeRegistry, connection: socket.socket
) -> None:
    """The length is that of the body which GET would have."""
    manifest = served.seed("app:1", files={"/a": "b"})
    connection.sendall(b"HEAD /v2/app/manifests/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = _read(connection, b"never").partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % manifest.size in head
    assert body == b""


def test_the_oldest_protocol_closes(connection: socket.socket) -> None:
    """HTTP/1.0 without keep-alive."""
    connection.sendall(b"GET /v2/ HTTP/1.0\r\n\r\n")
    assert _read(connection, b"never").endswith(b"{}")


def test_a_client_that_waits_is_told_to_go_on(connection: socket.socket) -> None:
    """`Expect: 100-continue` before a body that is wanted."""
    digest = digest_of(b"hello").encode()
    connection.sendall(
        b"POST /v2/app/blobs/uploads/?digest=" + digest + b" HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"hello")
    assert connection.recv(4096).startswith(b"HTTP/1.1 201 Created")


def test_a_client_that_waits_is_refused_without_its_body(connection: socket.socket) -> None:
    """The answer comes at once, and the connection ends: the body may or may not follow."""
    connection.sendall(
        b"PUT /v2/app/blobs/uploads/never?digest=x HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = _read(connection, b"never")
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    "message",
    [b"\x16\x03\x01", b"nonsense\r\n\r\n", b"PUT /v2/ HTTP/1.1\r\nContent-Length: x\r\n\r\n"],
)
def test_what_is_no_request_gets_400(connection: socket.socket, message: bytes) -> None:
    """And the connection ends."""
    connection.sendall(message)
    assert _read(connection, b"never").startswith(b"HTTP/1.1 400 Bad Request")


def test_a_broken_upload_keeps_what_arrived(served: FakeRegistry) -> None:
    """The client goes away inside a PATCH and resumes where the registry says."""
    connection = HTTPConnection(served.address, timeout=5)
    path = "/v2" + _upload(connection).partition("/v2")[2]
    broken = socket.create_connection(("127.0.0.1", connection.port), timeout=5)
    broken.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n".encode())
    broken.sendall(b"hello")
    broken.shutdown(socket.SHUT_WR)
    assert broken.recv(100) == b""
    broken.close()
    connection.request("GET", path)
    status = connection.getresponse()
    status.read()
    assert status.headers["Range"] == "0-4"
    connection.request("PUT", f"{path}?digest={digest_of(b'hello world')}", body=b" world")
    assert connection.getresponse().status == 201
    connection.close()
    assert served.requests[1].status == 0
    assert served.blob(digest_of(b"hello world")) == b"hello world"


@pytest.mark.parametrize("header", ["Transfer-Encoding: chunked", "Content-Length: 9"])
def test_a_client_that_breaks_off_is_no_defect(served: FakeRegistry, header: str) -> None:
    """A connection reset inside a body; `served` would raise at its end."""
    connection = HTTPConnection(served.address, timeout=5)
    path = "/v2" + _upload(connection).partition("/v2")[2]
    broken = socket.create_connection(("127.0.0.1", connection.port), timeout=5)
    broken.sendall(
        f"PATCH {path} HTTP/1.1\r\nHost: x\r\n{header}\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    assert broken.recv(100).startswith(b"HTTP/1.1 100")
    broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    broken.close()
    connection.request("GET", path)
    assert connection.getresponse().status == 204
    connection.close()


def test_a_malformed_chunk_is_the_client_s_mistake(connection: socket.socket) -> None:
    """400, although the registry had begun to read."""
    connection.sendall(
        b"POST /v2/app/blobs/uploads/?digest=sha256:" + b"0" * 64 + b" HTTP/1.1\r\nHost: x\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"
    )
    assert _read(connection, b"never").startswith(b"HTTP/1.1 400 Bad Request")


def test_registries_live_side_by_side() -> None:
    """Nothing is shared."""
    with FakeRegistry() as one, FakeRegistry() as other:
        assert one.address != other.address
        one.seed("app:1", files={"/a": "b"})
        assert other.repositories == []


def test_closing_ends_connections_and_threads() -> None:
    """Also a connection that a client keeps open."""
    before = set(threading.enumerate())
    registry = FakeRegistry().start()
    assert registry.start() is registry
    connection = HTTPConnection(registry.address, timeout=5)
    connection.request("GET", "/v2/")
    connection.getresponse().read()
    assert connection.sock is not None
    registry.close()
    assert connection.sock.recv(1) == b""
    connection.close()
    assert left_threads(before) == []
    registry.close()


def test_a_registry_can_be_started_again() -> None:
    """With what it held."""
    registry = FakeRegistry()
    with registry:
        registry.seed("app:1", files={"/a": "b"})
    assert registry.address == "registry.test"
    with registry:
        assert "app:1" in registry
        assert registry.address.startswith("127.0.0.1:")


def test_it_listens_on_the_port_asked_for() -> None:
    """A port that is taken is an error."""
    with FakeRegistry() as registry:
        port = int(registry.address.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            FakeRegistry(port=port).start()


def test_another_address_of_the_loopback_interface() -> None:
    """IPv6 has its brackets."""
    try:
        registry = FakeRegistry(host="::1").start()
    except OSError:
        pytest.skip("no IPv6 here")
    with registry:
        assert registry.url.startswith("http://[::1]:")


def test_https_with_a_certificate_made_on_the_spot() -> None:
    """A client that trusts it gets in; a client that does not, does not."""
    pytest.importorskip("cryptography")
    with FakeRegistry(tls=True) as registry:
        trusting = registry.certificate.client_context()
        connection = HTTPSConnection(registry.address, timeout=5, context=trusting)
        location = _upload(connection)
        assert location.startswith(f"https://{registry.address}/")
        connection.close()
        stranger = HTTPSConnection(registry.address, timeout=5)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/v2/")
        stranger.close()
        with socket.create_connection(("127.0.0.1", int(registry.address[10:]))) as silent:
            silent.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert b"200" not in silent.recv(100)


def test_closing_ends_a_handshake_that_never_began() -> None:
    """A client that connects to HTTPS and says nothing."""
    pytest.importorskip("cryptography")
    registry = FakeRegistry(tls=True).start()
    with socket.create_connection(("127.0.0.1", int(registry.address[10:]))):
        registry.close()


def test_a_certificate_can_be_written_for_clients(tmp_path: object) -> None:
    """Into folders that are made; the key is not shown."""
    pytest.importorskip("cryptography")
    with FakeRegistry(tls=True, host="localhost") as registry:
        path = registry.certificate.write(f"{tmp_path}/certs.d/{registry.address}/ca.crt")
        assert path.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
        assert "PRIVATE" not in repr(registry.certificate)


def test_without_tls_there_is_no_certificate(registry: FakeRegistry) -> None:
    """The error says what to do."""
    with pytest.raises(ValueError, match="tls=True"):
        _ = registry.certificate


def test_tls_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """`cryptography` is needed for nothing else."""
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(ConfigurationError, match=r"imagebuilders\[tls\]"):
        FakeRegistry(tls=True).start()


def test_a_chunk_that_comes_after_the_end_changes_nothing(served: FakeRegistry) -> None:
    """While one request ends an upload, another waits: it finds no upload any more."""
    waiting = HTTPConnection(served.address, timeout=5)
    ending = HTTPConnection(served.address, timeout=5)
    path = "/v2" + _upload(ending).partition("/v2")[2]
    ending.putrequest("PUT", f"{path}?digest={digest_of(b'hello')}")
    ending.putheader("Content-Length", "5")
    ending.putheader("Expect", "100-continue")
    ending.endheaders()
    assert ending.sock.recv(100).startswith(b"HTTP/1.1 100")  # the upload is in hand now
    waiting.request("PATCH", path, body=b"more")
    ending.send(b"hello")
    assert ending.getresponse().status == 201
    assert waiting.getresponse().status == 404
    assert served.blob(digest_of(b"hello")) == b"hello"
    ending.close()
    waiting.close()
