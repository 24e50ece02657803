"""Requests whose answer is a stream of messages, and the engine's errors."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
import requests
import urllib3.exceptions
from ports import Proxy, accepting, engine_with_tls
from pytest_mock import MockerFixture
from requests.adapters import BaseAdapter

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.http.certificates import make_certificate
from imagebuilders.docker import stream
from imagebuilders.docker.stream import engine_errors, get, post
from imagebuilders.exceptions import (
    EngineDisconnectedError,
    EngineError,
    EngineResponseError,
    EngineTimeoutError,
)

Served = Callable[..., docker.DockerClient]


@pytest.fixture
def served(client: FakeDockerClient, mocker: MockerFixture) -> Iterator[Served]:
    """A client whose engine has answered beforehand, and then ended the connection, or not."""
    ends: list[socket.socket] = []

    def serve(raw: bytes, *, ended: bool = True) -> docker.DockerClient:
        near, far = socket.socketpair()
        ends.extend((near, far))
        near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000_000)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
        far.sendall(raw)
        if ended:
            far.shutdown(socket.SHUT_WR)
        mocker.patch("fakes.http.socket_pairs._pair", return_value=(near, socket.socket()))
        mocker.patch("fakes.engine.engine.FakeDockerEngine.serve_connection", _leave)
        return client

    yield serve
    for end in ends:
        end.close()


def _leave(_: object, connection: socket.socket) -> None:
    connection.close()


def _post(client: docker.DockerClient, **options: float) -> list[object]:
    with post(client, "/auth", params={"x": "s3cret"}, headers={}, body=b"{}", **options) as told:
        return list(told)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BrokenPipeError(32, "Broken pipe"), EngineDisconnectedError),
        (TimeoutError("timed out"), EngineTimeoutError),
    ],
)
def test_each_error_has_its_counterpart(error: Exception, expected: type[EngineError]) -> None:
    """The original error is the cause."""
    with pytest.raises(expected) as caught, engine_errors():
        raise error
    assert type(caught.value) is expected
    assert caught.value.__cause__ is error
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (requests.ConnectionError("reset: s3cret"), EngineDisconnectedError),
        (urllib3.exceptions.ConnectTimeoutError("s3cret"), EngineTimeoutError),
        (urllib3.exceptions.ProtocolError("s3cret"), EngineDisconnectedError),
    ],
)
def test_the_http_libraries_errors_are_not_shown(
    error: Exception, expected: type[EngineError]
) -> None:
    """They may quote the URL, and with it the build arguments; a traceback would print them."""
    with pytest.raises(expected) as caught, engine_errors():
        raise error
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_the_system_speaks_for_the_http_libraries() -> None:
    """Their own texts may quote the URL, and with it the build arguments."""
    refused = ConnectionRefusedError(111, "Connection refused")
    error = requests.ConnectionError("Max retries exceeded with url: /build?buildargs=s3cret")
    error.__context__ = refused
    expected = pytest.raises(EngineDisconnectedError, match="broke off: Connection refused")
    with expected as caught, engine_errors():
        raise error
    assert caught.value.__cause__ is refused
    assert caught.value.__suppress_context__
    assert "s3cret" not in str(caught.value)


def test_other_errors_pass() -> None:
    """A defect is not dressed up as the engine's."""
    with pytest.raises(ZeroDivisionError), engine_errors():
        raise ZeroDivisionError


def test_an_error_of_the_body_passes_as_it_is(client: FakeDockerClient) -> None:
    """Even when it is one of the system's, which are the connection's else."""
    closed: list[bool] = []

    def body() -> Iterator[bytes]:
        try:
            yield b"first"
            raise TimeoutError("of a slow disk")
        finally:
            closed.append(True)

    expected = pytest.raises(TimeoutError, match="of a slow disk")
    with expected, post(client, "/build", params={}, headers={}, body=body()):
        pytest.fail("there was an answer")
    assert closed == [True]


@pytest.mark.parametrize("error", [ConnectionResetError, KeyboardInterrupt])
def test_an_error_of_the_caller_passes_as_it_is(
    client: FakeDockerClient, fake_engine: FakeDockerEngine, error: type[BaseException]
) -> None:
    """And the engine is left at once."""
    fault = fake_engine.faults.answer("POST /auth", [{"a": 1}], then="hang")

    def fail(message: object) -> None:
        assert message == {"a": 1}
        raise error

    with pytest.raises(error), post(client, "/auth", params={}, headers={}) as messages:
        fail(next(messages))
    assert fault.abandoned.wait(5)


@pytest.mark.parametrize(
    ("status", "body", "explanation"),
    [
        (400, b'{"message":"bad parameter "}', "bad parameter"),
        (502, b"<html>Bad Gateway</html>\n", "HTTP status 502: <html>Bad Gateway</html>"),
        (503, b"", "HTTP status 503, without a reason."),
        (500, b'{"message":""}', "HTTP status 500, without a reason."),
        (500, b" \n", "HTTP status 500, without a reason."),
        (400, b'{"message":5}', "HTTP status 400, without a reason."),
        (500, b"{}", "HTTP status 500, without a reason."),
        (400, b"x" * 10_000, f"HTTP status 400: {'x' * 500}"),
        (
            502,
            b'<a href="http://far:2375/v1.41/build?buildargs=%7Bsecret">/v1.41/build?x=secret</a>',
            'HTTP status 502: <a href="http://far:2375/v1.41/build?…">/v1.41/build?…</a>',
        ),
        (400, b'{"message":"no /v1.41/auth?secret here"}', "no /v1.41/auth?… here"),
        (400, b"\xff", "HTTP status 400: \N{REPLACEMENT CHARACTER}"),
        (400, b'{"message":"\\ud800"}', "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_refusal(
    client: FakeDockerClient,
    fake_engine: FakeDockerEngine,
    status: int,
    body: bytes,
    explanation: str,
) -> None:
    """The engine's words, a part of what else came, or the status."""
    fake_engine.faults.answer("POST /auth", body, status=status)
    with pytest.raises(EngineResponseError) as caught:
        _post(client)
    assert (caught.value.status, caught.value.explanation) == (status, explanation)
    assert str(caught.value).count(f"HTTP status {status}") == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("http://me:s3cret@other.example:1/x?buildargs=s3cret", " to 'other.example:1'"),
        ("/elsewhere?x=s3cret", " to '/elsewhere'"),
        ("http://[::1", ""),
        (None, ""),
    ],
)
def test_a_redirect_is_not_followed(
    served: Served, status: int, location: str | None, to: str
) -> None:
    """The error says where it leads, without what may be secret."""
    header = "" if location is None else f"Location: {location}\r\n"
    client = served(f"HTTP/1.1 {status} Moved\r\n{header}Content-Length: 0\r\n\r\n".encode())
    with pytest.raises(EngineResponseError, match="which is not followed") as caught:
        _post(client)
    assert f"it is a redirect{to}, which" in caught.value.explanation
    assert f"HTTP status {status}" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_refusal_without_an_end(served: Served, mocker: MockerFixture) -> None:
    """It is read up to a limit of size, and of time."""
    client = served(b"HTTP/1.1 500 No\r\n\r\n" + b"word " * 50_000)
    with pytest.raises(EngineResponseError) as caught:
        _post(client)
    assert len(caught.value.explanation) <= 520
    mocker.patch.object(stream, "EXPLANATION_SECONDS", -1)
    client = served(b"HTTP/1.1 500 No\r\n\r\nword", ended=False)
    with pytest.raises(EngineResponseError, match="word"):
        _post(client)


def test_a_refusal_that_breaks_off(served: Served) -> None:
    """What came of it is told."""
    client = served(b"HTTP/1.1 400 No\r\nContent-Length: 99\r\n\r\nfirst words")
    with pytest.raises(EngineResponseError, match="first words"):
        _post(client)


def test_a_status_of_its_own(served: Served) -> None:
    """It is told by the server's own words."""
    client = served(b"HTTP/1.1 555 Our Own\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(EngineResponseError, match="HTTP status 555"):
        _post(client)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", EngineDisconnectedError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", EngineDisconnectedError),
        (b"HTTP/1.1 200 OK\r\n\r\n{", EngineError),
        (b"nonsense\r\n\r\n", EngineError),
    ],
)
def test_an_answer_at_fault(served: Served, raw: bytes, error: type[EngineError]) -> None:
    """It is the package's own error."""
    with pytest.raises(error) as caught:
        _post(served(raw))
    assert type(caught.value) is error


def test_an_engine_that_is_silent(client: FakeDockerClient, fake_engine: FakeDockerEngine) -> None:
    """The limit of the caller holds."""
    fault = fake_engine.faults.answer("POST /auth", [{"a": 1}], then="hang")
    with pytest.raises(EngineTimeoutError):
        _post(client, idle_timeout=0.05)
    assert fault.abandoned.wait(5)


def test_a_question(client: FakeDockerClient, fake_engine: FakeDockerEngine) -> None:
    """The answer is one object; a refusal is an error."""
    answer = get(client, "/version")
    assert isinstance(answer, dict)
    assert answer["Version"] == "20.10.24"
    fake_engine.faults.answer("GET /version", b"")
    assert get(client, "/version") is None
    fake_engine.faults.fail("GET /version", 500, "out of order")
    with pytest.raises(EngineResponseError, match="out of order"):
        get(client, "/version")


def test_the_query_is_in_no_log(client: FakeDockerClient, caplog: pytest.LogCaptureFixture) -> None:
    """It may hold build arguments."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(EngineResponseError):
        _post(client)
    assert "s3cret" not in caplog.text


def test_a_client_without_connections_to_lend(client: FakeDockerClient) -> None:
    """The error says what is needed."""

    class Adapter(BaseAdapter):
        """One that is not made on urllib3."""

        def close(self) -> None:
            """Nothing is open."""

    client.api.mount("http://", Adapter())
    client.api.mount(client.api.base_url, Adapter())
    with pytest.raises(EngineError, match="sends its requests by a Adapter"):
        _post(client)


class TestGivenClients:
    """A client of the SDK's own, whatever it leads by."""

    @pytest.fixture(params=["unix", "tcp"])
    def given(
        self, request: pytest.FixtureRequest, fake_engine: FakeDockerEngine
    ) -> Iterator[docker.DockerClient]:
        """A client of a served engine."""
        listen = "tcp://127.0.0.1:0" if request.param == "tcp" else None
        with fake_engine.serve(listen) as address:
            client = docker.DockerClient(address, version="1.41")
            yield client
            client.close()

    def test_its_connection_is_used(
        self, given: docker.DockerClient, fake_engine: FakeDockerEngine
    ) -> None:
        """One connection carries requests of the SDK and of this package."""
        given.ping()
        assert isinstance(get(given, "/version"), dict)
        given.ping()
        paths = [one.path for one in fake_engine.requests]
        assert [path.rpartition("/")[2] for path in paths] == ["_ping", "version", "_ping"]

    def test_its_headers_are_sent(
        self, given: docker.DockerClient, fake_engine: FakeDockerEngine
    ) -> None:
        """As with the SDK's own requests."""
        given.api.headers["X-Own"] = "1"
        get(given, "/version")
        [request] = fake_engine.requests
        assert request.headers["x-own"] == "1"

    def test_no_proxy_before_this_machine(
        self, given: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the environment says of other servers does not count."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        assert isinstance(get(given, "/version"), dict)

    @pytest.mark.parametrize("variable", ["HTTP_PROXY", None])
    def test_a_proxy_before_another(
        self, fake_engine: FakeDockerEngine, monkeypatch: pytest.MonkeyPatch, variable: str | None
    ) -> None:
        """It is asked for the whole URL, with its credentials."""
        with fake_engine.serve("tcp://127.0.0.1:0") as address:
            proxy = f"http://me:pw@{address.partition('://')[2]}"
            client = docker.DockerClient("tcp://engine.example:2375", version="1.41")
            if variable:
                monkeypatch.setenv(variable, proxy)
            else:
                client.api.proxies["http"] = proxy
            assert isinstance(get(client, "/version"), dict)
            client.close()
        [request] = fake_engine.requests
        assert request.headers["host"] == "engine.example:2375"
        assert request.headers["proxy-authorization"] == "Basic bWU6cHc="

    @pytest.mark.parametrize("by_proxy", [False, True])
    def test_tls(
        self,
        fake_engine: FakeDockerEngine,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        by_proxy: bool,
    ) -> None:
        """Its files count, those of the environment for other servers do not; a proxy tunnels."""
        pytest.importorskip("cryptography")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
        certificate = make_certificate("engine.example")
        (tmp_path / "cert.pem").write_bytes(certificate.certificate)
        (tmp_path / "key.pem").write_bytes(certificate.key)
        cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
        tls = docker.tls.TLSConfig(client_cert=(cert, key), ca_cert=cert, verify=True)
        with engine_with_tls(fake_engine, certificate) as port, ExitStack() as stack:
            host = f"tcp://localhost:{port}"
            proxy = Proxy(port)
            if by_proxy:
                host = "tcp://engine.example:2376"
                proxy.port = stack.enter_context(accepting(proxy.handle))
                monkeypatch.setenv("HTTPS_PROXY", f"http://me:pw@127.0.0.1:{proxy.port}")
            client = docker.DockerClient(host, version="1.41", tls=tls)
            assert isinstance(get(client, "/version"), dict)
            client.close()
        assert len(proxy.heads) == by_proxy
        assert not proxy.heads or b"Proxy-Authorization: Basic bWU6cHc=" in proxy.heads[0]
        assert "proxy-authorization" not in fake_engine.requests[0].headers

    def test_nobody_is_there(self) -> None:
        """The reason is the system's."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            client = docker.DockerClient(
                f"tcp://127.0.0.1:{unused.getsockname()[1]}", version="1.41"
            )
            with pytest.raises(EngineDisconnectedError, match="Connection refused"):
                get(client, "/version")
            client.close()
