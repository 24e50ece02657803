"""HTTP/2 with prior knowledge on the engine's own socket."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from fakes import FakeDockerEngine
from imagebuilders import BuildContext, BuildKitImageBuilder

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Client:
    """A client of HTTP/2 for a few requests, one after another."""

    def __init__(self, address: str, window: int = 65535) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(address.removeprefix("unix://"))
        self.came: dict[int, bytes] = {}
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._h2.initiate_connection()
        self._h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self._flush()
        # As some clients do, it waits for the server's settings.
        while not any(isinstance(e, h2.events.RemoteSettingsChanged) for e in self._receive()):
            pass

    def _flush(self) -> None:
        self.socket.sendall(self._h2.data_to_send())

    def _receive(self) -> list[h2.events.Event]:
        data = self.socket.recv(65536)
        assert data, "the connection ended"
        events = self._h2.receive_data(data)
        for event in events:
            if isinstance(event, h2.events.DataReceived):
                size = event.flow_controlled_length or 0
                number = event.stream_id or 0
                self._h2.acknowledge_received_data(size, number)
                self.came[number] = self.came.get(number, b"") + (event.data or b"")
        self._flush()
        return events

    def begin(self, method: str, path: str, body: bytes = b"") -> int:
        """Send a request; return its stream."""
        number = self._h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "http"), (":authority", "x"), (":path", path)]
        kind = [("content-type", "application/json")] if body else []
        self._h2.send_headers(number, [*head, *kind], end_stream=not body)
        if body:
            self._h2.send_data(number, body, end_stream=True)
        self._flush()
        return number

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Send a request; return status, headers and body of the answer."""
        number, headers = self.begin(method, path, body), {}
        while True:
            for event in self._receive():
                if getattr(event, "stream_id", None) != number:
                    continue
                if isinstance(event, h2.events.ResponseReceived):
                    headers = {str(name): str(value) for name, value in event.headers or []}
                elif isinstance(event, h2.events.StreamReset):
                    return 0, headers, b""
                elif isinstance(event, h2.events.StreamEnded):
                    return int(headers.pop(":status")), headers, self.came.get(number, b"")

    def wait_for(self, words: bytes, number: int) -> None:
        """Wait until a stream has told something."""
        while words not in self.came.get(number, b""):
            self._receive()


@pytest.fixture
def engine() -> Iterator[FakeDockerEngine]:
    """A 29, with an image."""
    engine = FakeDockerEngine("29.7")
    engine.seed_image("base:1", files={"/big": random.Random(1).randbytes(200_000)})
    yield engine
    engine.close()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[Client]:
    """A client of it."""
    with engine.serve() as address:
        client = Client(address, window=20_000)
        with client.socket:
            yield client


def test_requests_are_answered_as_ever(client: Client) -> None:
    """Ping, documents, bodies, refusals; headers of single connections are not told."""
    status, headers, body = client.ask("GET", "/_ping")
    assert (status, headers["api-version"], body) == (200, "1.55", b"OK")
    status, headers, body = client.ask("GET", "/v1.55/images/json")
    assert [line["RepoTags"] for line in json.loads(body)] == [["base:1"]]
    assert "transfer-encoding" not in headers
    document = json.dumps({"Name": "volume"}).encode()
    assert client.ask("POST", "/v1.55/volumes/create", document)[0] == 201
    assert client.ask("HEAD", "/_ping")[2] == b""
    status, _, body = client.ask("GET", "/v1.39/info")
    assert status == 400
    assert b"client version 1.39 is too old. Minimum supported API version is 1.40" in body


def test_long_answers_wait_for_the_clients_window(client: Client) -> None:
    """An archive comes whole, though it is longer than the window."""
    status, _, body = client.ask("GET", "/images/base:1/get")
    assert status == 200
    assert len(body) > 200_000


def test_a_stream_that_goes_on(client: Client) -> None:
    """Events come while other requests are answered on the same connection."""
    events = client.begin("GET", "/events?since=1")
    assert client.ask("POST", "/images/base:1/tag?repo=other&tag=1")[0] == 201
    client.wait_for(b'"name":"other:1"', events)


def test_what_takes_a_connection_over(client: Client) -> None:
    """That cannot be on a stream, which is broken off; the connection goes on."""
    created = json.dumps({"Image": "base:1", "Cmd": ["x"]}).encode()
    made = json.loads(client.ask("POST", "/containers/create", created)[2])["Id"]
    assert client.ask("POST", f"/containers/{made}/attach?stream=1")[0] == 0
    assert client.ask("GET", "/_ping")[0] == 200


def test_buildkit_is_called_without_an_upgrade(engine: FakeDockerEngine) -> None:
    """A builder for BuildKit daemons builds with the engine's own."""
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY f /\n", "Dockerfile")
    context.add_file("1", "f")
    with engine.serve() as address:
        builder = BuildKitImageBuilder(addresses=address)
        builder.build("app:1", context, {"outputs": "type=image,name=docker.io/library/app:1"})
    assert engine.image_tree("app:1") == {"/f": "1"}


def test_what_is_no_http2_behind_its_beginning(engine: FakeDockerEngine) -> None:
    """The connection ends, and the engine goes on."""
    for sent in (_PREFACE[:10], _PREFACE, _PREFACE + b"\0\0\1\1\4\0\0\0\1\xff"):
        with engine.serve() as address, socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(20)
            plain.connect(address.removeprefix("unix://"))
            plain.sendall(sent)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(1000):
                pass


@pytest.mark.parametrize("version", ["20.10", "28.5"])
def test_older_engines_say_nothing(version: str) -> None:
    """They close the connection."""
    engine = FakeDockerEngine(version)
    with engine.serve() as address, socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(address.removeprefix("unix://"))
        plain.sendall(_PREFACE)
        with pytest.raises((ConnectionError, AssertionError)):
            assert plain.recv(1000)
    engine.close()
