"""Opening connections to daemons."""

from __future__ import annotations

import dataclasses
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from ports import Proxy

from fakes.http.certificates import Certificate
from imagebuilders.connections.address import parse_address
from imagebuilders.connections.dial import Endpoint, ProxyError, dial, open_stream
from imagebuilders.connections.http1 import send_request
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.proxies import Proxy as ProxySetting


@pytest.fixture
def files(tmp_path: Path, certificate: Certificate) -> TLSFiles:
    """What a client of the engine needs."""
    (tmp_path / "ca.pem").write_bytes(certificate.certificate)
    (tmp_path / "cert.pem").write_bytes(certificate.certificate)
    (tmp_path / "key.pem").write_bytes(certificate.key)
    return TLSFiles.in_directory(tmp_path, verify=True)


def _ping(endpoint: Endpoint) -> bytes:
    """What the engine says to a ping."""
    stream = open_stream(endpoint, timeout=5)
    try:
        answer = send_request(
            stream,
            "GET",
            endpoint.forwarded("/_ping"),
            headers=endpoint.headers(),
            idle_timeout=5,
        )
        return answer.read(100)
    finally:
        stream.close()


def _setting(proxy: Proxy, authorization: str | None = None) -> ProxySetting:
    return ProxySetting("127.0.0.1", proxy.port, authorization=authorization)


def test_tcp(tcp_port: int) -> None:
    """Small messages are sent at once, and a peer that has vanished is noticed."""
    endpoint = Endpoint(parse_address(f"localhost:{tcp_port}"))
    assert _ping(endpoint) == b"OK"
    with dial(endpoint, timeout=5) as connected:
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_mutual_tls(tls_port: int, files: TLSFiles) -> None:
    """Both sides show their certificates."""
    endpoint = Endpoint(parse_address(f"localhost:{tls_port}"), files)
    assert endpoint.is_secure
    assert _ping(endpoint) == b"OK"
    stream = open_stream(endpoint, timeout=5)
    assert not stream.close_write()  # not possible by TLS
    stream.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_unknown_authority(tls_port: int, host: str) -> None:
    """It is not trusted, unless the check is skipped; then the client's certificate is missed."""
    address = parse_address(f"https://{host}:{tls_port}")
    with pytest.raises(ssl.SSLCertVerificationError):
        dial(Endpoint(address), timeout=5)
    with pytest.raises(OSError, match=r"(?i)certificate.required|reset"):
        _ping(Endpoint(address, TLSFiles(verify=False)))


def test_missing_files_are_missed_before_connecting(tmp_path: Path) -> None:
    """There is nobody at the address; that is not what is told."""
    files = TLSFiles(ca=tmp_path / "ca.pem")
    with pytest.raises(ConfigurationError, match=r"ca\.pem cannot be read"):
        dial(Endpoint(parse_address("localhost:1"), files), timeout=5)


def test_a_proxy_forwards_plain_requests(tcp_port: int, proxied: Callable[[int], Proxy]) -> None:
    """It is sent the whole URL and who asks; the engine is known by its own name."""
    proxy = proxied(tcp_port)
    endpoint = Endpoint(parse_address("engine.example:2375"), proxy=_setting(proxy, "Basic xyz"))
    assert _ping(endpoint) == b"OK"
    [head] = proxy.heads
    assert head.startswith(b"GET http://engine.example:2375/_ping HTTP/1.1\r\n")
    assert b"\r\nHost: engine.example:2375\r\n" in head
    assert b"\r\nProxy-Authorization: Basic xyz\r\n" in head


def test_a_proxy_tunnels_tls(
    tls_port: int, files: TLSFiles, proxied: Callable[[int], Proxy]
) -> None:
    """It sees where to connect, and nothing else."""
    proxy = proxied(tls_port)
    endpoint = Endpoint(parse_address("localhost:2376"), files, proxy=_setting(proxy, "Basic xyz"))
    assert _ping(endpoint) == b"OK"
    [head] = proxy.heads
    assert head.startswith(b"CONNECT localhost:2376 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic xyz\r\n" in head
    assert endpoint.headers() == {"Host": "localhost:2376"}


def test_a_proxy_that_refuses(
    tls_port: int, files: TLSFiles, proxied: Callable[[int], Proxy]
) -> None:
    """The error says that it is the proxy."""
    proxy = proxied(tls_port)
    proxy.status = "407 Who"
    endpoint = Endpoint(parse_address("localhost:2376"), files, proxy=_setting(proxy))
    words = rf"the proxy http://127\.0\.0\.1:{proxy.port} answered with HTTP status 407"
    with pytest.raises(ProxyError, match=words):
        dial(endpoint, timeout=5)


@pytest.mark.parametrize(
    ("address", "host", "base"),
    [
        ("unix:///x", "localhost", ""),
        ("ssh://far/x", "localhost", ""),
        ("tcp://far:1/base", "far:1", "/base"),
        ("tcp://[::1]:1", "[::1]:1", ""),
    ],
)
def test_names_in_requests(address: str, host: str, base: str) -> None:
    """What has no host is called by a common name; a socket's path is no path of the API."""
    endpoint = Endpoint(parse_address(address))
    assert (endpoint.host_header, endpoint.base_path) == (host, base)
    assert endpoint.forwarded("/x") == "/x"


def test_ssh_runs_a_command() -> None:
    """The connection is what the command speaks to."""
    endpoint = dataclasses.replace(Endpoint(parse_address("ssh://far")), command=["cat"])
    stream = open_stream(endpoint, timeout=5)
    stream.send(b"abc")
    assert stream.receive(timeout=5) == b"abc"
    stream.close()
