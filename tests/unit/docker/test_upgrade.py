"""Engines' connections turned into byte streams."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from left_threads import left_threads
from ports import accepting, engine_with_tls

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuildKit
from fakes.http.certificates import make_certificate
from imagebuilders.buildkit.engine import engine_buildkit
from imagebuilders.buildkit.session.session import Session
from imagebuilders.connections.nonblocking import NonBlockingStream, non_blocking
from imagebuilders.connections.upgrade import UpgradeRefusedError
from imagebuilders.docker.build_engine import GivenEngine
from imagebuilders.docker.client import connect
from imagebuilders.docker.endpoint import known_endpoint
from imagebuilders.docker.upgrade import upgrade
from imagebuilders.exceptions import EngineDisconnectedError, EngineTimeoutError


@pytest.fixture
def buildkit() -> ScriptedBuildKit:
    """A daemon for which every build succeeds."""
    return ScriptedBuildKit()


@pytest.fixture
def engine(buildkit: ScriptedBuildKit) -> FakeDockerEngine:
    """An engine with that daemon."""
    return FakeDockerEngine("28.5", buildkit=buildkit)


def _read(stream: NonBlockingStream) -> bytes:
    """Wait for bytes."""
    while (data := stream.read()) is None:
        select.select([stream.read_descriptor()], [], [], 10)
    return data


# --- ways --------------------------------------------------------------------


@contextmanager
def _in_memory(engine: FakeDockerEngine, _folder: Path) -> Iterator[docker.DockerClient]:
    with contextlib.closing(FakeDockerClient(engine)) as client:
        yield client


@contextmanager
def _by_sdk_and_unix(engine: FakeDockerEngine, _folder: Path) -> Iterator[docker.DockerClient]:
    with engine.serve() as address, contextlib.closing(docker.DockerClient(address)) as client:
        yield client


@contextmanager
def _by_sdk_and_tcp(engine: FakeDockerEngine, _folder: Path) -> Iterator[docker.DockerClient]:
    with (
        engine.serve("tcp://127.0.0.1:0") as address,
        contextlib.closing(docker.DockerClient(address)) as client,
    ):
        yield client


@contextmanager
def _found(engine: FakeDockerEngine, _folder: Path) -> Iterator[docker.DockerClient]:
    with (
        engine.serve() as address,
        contextlib.closing(connect(environ={"DOCKER_HOST": address})) as client,
    ):
        yield client


@contextmanager
def _by_tls(engine: FakeDockerEngine, folder: Path) -> Iterator[docker.DockerClient]:
    pytest.importorskip("cryptography")
    certificate = make_certificate("localhost")
    certificate.write(folder / "ca.pem")
    certificate.write(folder / "cert.pem")
    (folder / "key.pem").write_bytes(certificate.key)
    with engine_with_tls(engine, certificate) as port:
        environ = {
            "DOCKER_HOST": f"tcp://localhost:{port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(folder),
        }
        with contextlib.closing(connect(environ=environ)) as client:
            yield client


@pytest.mark.parametrize(
    "way",
    [_in_memory, _by_sdk_and_unix, _by_sdk_and_tcp, _found, _by_tls],
    ids=lambda w: w.__name__,
)
def test_whatever_a_client_connects_by_leads_to_buildkit(
    way: Callable[[FakeDockerEngine, Path], contextlib.AbstractContextManager[docker.DockerClient]],
    engine: FakeDockerEngine,
    buildkit: ScriptedBuildKit,
    tmp_path: Path,
) -> None:
    """Control and session alike; the client is as it was afterwards."""
    with way(engine, tmp_path) as client:
        with engine_buildkit(GivenEngine(client)) as control:
            assert control.version() == "v0.32.2"
            session = Session()
            with control.attached(session):
                peer = buildkit.find_session(session.id)
                assert peer.check_health()
                assert "/grpc.health.v1.Health/Check" in peer.methods
        assert client.ping()


# --- refusals ----------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 302, 403, 404, 501])
def test_another_answer_is_closed_unread(engine: FakeDockerEngine, status: int) -> None:
    """Nothing of its body is waited for, and no redirect followed."""
    fault = engine.faults.answer("POST /grpc", b"x", status=status, then="hang")
    with contextlib.closing(FakeDockerClient(engine)) as client:
        with pytest.raises(UpgradeRefusedError) as caught:
            upgrade(client, "/grpc")
        assert caught.value.status == status
        assert fault.abandoned.wait(10)


def test_an_early_end_is_a_refusal(engine: FakeDockerEngine) -> None:
    """The engine, or a proxy before it, closed the connection without a word."""
    engine.faults.drop("POST /grpc")
    with contextlib.closing(FakeDockerClient(engine)) as client:
        with pytest.raises(UpgradeRefusedError, match="without an answer") as caught:
            upgrade(client, "/grpc")
        assert caught.value.status is None


def test_an_engine_without_a_word_is_not_waited_for(engine: FakeDockerEngine) -> None:
    """It has its time to answer."""
    engine.faults.delay("POST /grpc", 10)
    with (
        contextlib.closing(FakeDockerClient(engine)) as client,
        pytest.raises(EngineTimeoutError),
    ):
        upgrade(client, "/grpc", timeout=0.05)


def test_an_engine_that_is_gone() -> None:
    """Nobody listens: that is no refusal."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = docker.DockerClient(f"tcp://127.0.0.1:{port}", version="1.41")
    with contextlib.closing(client), pytest.raises(EngineDisconnectedError):
        upgrade(client, "/grpc")


@contextmanager
def _saying(*pieces: bytes) -> Iterator[docker.DockerClient]:
    """A client of something that answers with these pieces, however it is asked."""

    def handle(connected: socket.socket) -> None:
        with connected:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connected.recv(4096)
            for piece in pieces:
                connected.sendall(piece)
            while connected.recv(4096):
                pass

    with (
        accepting(handle) as port,
        contextlib.closing(
            docker.DockerClient(f"tcp://127.0.0.1:{port}", version="1.41")
        ) as client,
    ):
        yield client


def test_what_comes_behind_the_answer_belongs_to_the_stream() -> None:
    """The head comes in pieces of any size, the first bytes perhaps with it."""
    head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    pieces = [head[:5], head[5:-1], head[-1:] + b"\x00\x01first"]
    with _saying(*pieces) as client:
        stream = upgrade(client, "/grpc", headers=[("X-A", "1"), ("X-A", "2\r\nX-B: 3")])
        assert _read(stream) == b"\x00\x01first"
        stream.close()


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n\r\n", b"\r\n\r\n", b"x" * 70_000])
def test_what_is_not_http_is_a_refusal(answer: bytes) -> None:
    """However long it is."""
    with _saying(answer) as client, pytest.raises(UpgradeRefusedError):
        upgrade(client, "/grpc")


# --- prior knowledge ---------------------------------------------------------


@contextmanager
def _later_engine(buildkit: ScriptedBuildKit | None) -> Iterator[str]:
    """Listen as an engine that upgrades nothing; one of later versions speaks HTTP/2 at once."""
    engine = FakeDockerEngine("28.5", buildkit=False)

    def handle(connected: socket.socket) -> None:
        first = connected.recv(3, socket.MSG_PEEK)
        if first == b"PRI" and buildkit is not None:
            buildkit.attach(connected)
        elif first == b"PRI":
            connected.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            connected.close()
        else:
            engine.serve_connection(connected)

    with accepting(handle) as port:
        yield f"tcp://127.0.0.1:{port}"


def test_an_engine_that_upgrades_nothing_is_tried_by_prior_knowledge(
    buildkit: ScriptedBuildKit,
) -> None:
    """The session then runs inside the one connection."""
    with (
        _later_engine(buildkit) as address,
        contextlib.closing(docker.DockerClient(address)) as client,
    ):
        with engine_buildkit(GivenEngine(client)) as control:
            assert control.version() == "v0.32.2"
        buildkit.close()


def test_an_engine_without_buildkit_is_a_refusal() -> None:
    """What it said to the upgrade is what is told."""
    with (
        _later_engine(None) as address,
        contextlib.closing(docker.DockerClient(address)) as client,
        pytest.raises(UpgradeRefusedError) as caught,
    ):
        engine_buildkit(GivenEngine(client))
    assert caught.value.status == 501


def test_where_an_engine_is_known_to_be(engine: FakeDockerEngine, tmp_path: Path) -> None:
    """By the client's own way to it; a client may have one that leads nowhere else."""
    clients = [
        docker.DockerClient(f"unix://{tmp_path}/d.sock", version="1.41"),
        docker.DockerClient("tcp://127.0.0.1:1234", version="1.41"),
        docker.DockerClient("https://127.0.0.1:1234", version="1.41"),
        FakeDockerClient(engine),
    ]
    known = [known_endpoint(client) for client in clients]
    for client in clients:
        client.close()
    shown = [None if endpoint is None else str(endpoint.address) for endpoint in known]
    assert shown == [f"unix://{tmp_path}/d.sock", "tcp://127.0.0.1:1234", None, None]


# --- connections that are no sockets -----------------------------------------


class _Channel:
    """What a library has in a socket's place: it can only send and receive, and waits for both."""

    def __init__(self, connected: socket.socket) -> None:
        self.settimeout = connected.settimeout
        self.sendall = connected.sendall
        self.recv = connected.recv
        self.shutdown = connected.shutdown
        self.fileno = connected.fileno
        self._connected = connected

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connected.shutdown(socket.SHUT_RDWR)
        self._connected.close()


def test_a_channel_of_another_library_is_carried() -> None:
    """Bytes both ways; closing the stream closes it, and the end of it is the stream's."""
    near, far = socket.socketpair()
    before = set(threading.enumerate())
    stream = non_blocking(_Channel(near))
    assert stream.read() is None
    far.sendall(b"hello")
    assert _read(stream) == b"hello"
    assert stream.write(memoryview(b"there")) == 5
    assert far.recv(10) == b"there"
    far.close()
    assert _read(stream) == b""
    stream.close()
    assert left_threads(before) == []
    assert near.fileno() == -1


def test_a_command_of_the_sdk_is_read_and_written_by_its_pipes() -> None:
    """The SDK's own socket around `ssh` would wait for as many bytes as were asked for."""
    program = "import sys; d = sys.stdin.buffer.read1(5); sys.stdout.buffer.write(d.upper())"

    class _Command(_Channel):
        def __init__(self) -> None:
            self.proc = subprocess.Popen(
                [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )

        def close(self) -> None:
            self.proc.terminate()

    command = _Command()
    stream = non_blocking(command)
    assert stream.read() is None
    assert stream.write(memoryview(b"hello")) == 5
    assert _read(stream) == b"HELLO"
    assert _read(stream) == b""
    stream.close()
    stream.close()
    command.proc.wait(10)
    with pytest.raises(ValueError, match="closed"):
        stream.read_descriptor()
