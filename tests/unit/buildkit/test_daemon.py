"""Connections to a daemon that listens by itself."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from fakes.http.certificates import make_certificate
from imagebuilders.buildkit import connect
from imagebuilders.buildkit.build import ImageBuild, build_image
from imagebuilders.buildkit.session.synced_folders import PackedFolder
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.events import Event, StepOutput
from imagebuilders.exceptions import BuildKitError, ConfigurationError

_FILE = Entry("a.txt", EntryType.FILE, size=6, source=b"hello\n")


def _build() -> ImageBuild:
    return ImageBuild("app:1", {}, {"context": PackedFolder.of([_FILE])})


def _script(build: ScriptedBuild) -> dict[str, str]:
    content = build.session.copy("context")["a.txt"].content or b""
    build.step("[1/1] RUN cat", output=content)
    return {"size": str(len(content))}


@pytest.mark.parametrize("listen", [None, "tcp://127.0.0.1:0"])
def test_a_build_without_builders(listen: str | None) -> None:
    """A daemon at an address is used through its client alone."""
    daemon = ScriptedBuildKit(_script)
    told: list[Event] = []
    with daemon.serve(listen) as address, connect(address) as client:
        assert client.version() == "v0.32.2"
        (worker,) = client.workers()
        assert worker.platforms == ("linux/amd64",)
        assert not worker.has_containerd_store
        assert build_image(client, _build(), told.append) == {"size": "6"}
    assert [event.line for event in told if isinstance(event, StepOutput)] == ["hello"]


def test_a_daemon_without_info(tmp_path: Path) -> None:
    """That of 20.10 does not tell its version."""
    daemon = ScriptedBuildKit(version=None, containerd_store=True)
    with daemon.serve(f"unix://{tmp_path}/d.sock") as address, connect(address) as client:
        assert client.version() == ""
        assert client.workers()[0].has_containerd_store


def test_tls_is_agreed_on_by_alpn(tmp_path: Path) -> None:
    """HTTP/2 is asked for by its name; the daemon's certificate is checked."""
    pytest.importorskip("cryptography")
    certificate = make_certificate("localhost")
    context = certificate.server_context()
    context.set_alpn_protocols(["h2"])
    daemon = ScriptedBuildKit(_script)
    files = TLSFiles(ca=certificate.write(tmp_path / "ca.pem"))
    with daemon.serve("tcp://127.0.0.1:0", tls=context) as address:
        address = address.replace("127.0.0.1", "localhost")
        with connect(address, tls=files) as client:
            assert build_image(client, _build(), lambda _: None) == {"size": "6"}
            (connection,) = daemon.connections
            assert isinstance(connection.socket, ssl.SSLSocket)
            assert connection.socket.selected_alpn_protocol() == "h2"
        with pytest.raises(BuildKitError, match="certificate"):
            connect(address, tls=TLSFiles())


def test_nothing_listens(tmp_path: Path) -> None:
    """The error names the address and what to do."""
    with pytest.raises(BuildKitError, match=r"No BuildKit daemon answers at unix://.*buildkitd"):
        connect(f"unix://{tmp_path}/none.sock")


@pytest.mark.parametrize(
    "address",
    [
        *("ssh://", "npipe:////./pipe/x", "tcp://host:99999", "tcp://host", "unix://"),
        *("/run/buildkit/buildkitd.sock", "buildkitd", "buildkitd:1234", "tcp://host:1234/path"),
        *("docker-container://", "docker-container://a b", "docker-container://a?x=1"),
        *("kube-pod://-p", "kube-pod://pod-", "kube-pod://..", "kube-pod://pod?container=-c"),
        *("kube-pod://", "kube-pod://Pod", "kube-pod://pod?namespace=--x", "ssh://a:b@host"),
    ],
)
def test_an_address_that_cannot_be_used(address: str) -> None:
    """It is said before anything is tried."""
    with pytest.raises(ConfigurationError, match="cannot be used"):
        connect(address)


@contextmanager
def _listening(answer: bytes | None) -> Iterator[str]:
    """Listen, and say something, or nothing, to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connected, _ = listener.accept()
            with connected:
                if answer is not None:
                    connected.recv(24)
                    connected.sendall(answer)
                while connected.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_a_daemon_that_says_nothing() -> None:
    """It is not waited for."""
    with _listening(None) as address, pytest.raises(BuildKitError, match="said nothing"):
        connect(address, timeout=0.05)


def test_something_that_is_not_a_daemon() -> None:
    """Such as a Docker Engine, which speaks HTTP/1: the error says so, and what builds with one."""
    answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
    with _listening(answer) as address, pytest.raises(BuildKitError) as caught:
        connect(address, timeout=10)
    assert "the peer speaks HTTP/1" in str(caught.value)
    assert "LocalImageBuilder" in str(caught.value)
