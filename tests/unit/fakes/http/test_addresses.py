"""Where doubles listen."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from fakes.http.addresses import host_and_port, listen_tcp, listening

_V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))
_V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of temporary files whose path is too long for a socket."""
    folder = tmp_path / ("x" * 90)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_socket_of_its_own_is_removed() -> None:
    """With its folder, which nobody else can look into."""
    with listening(None, "double") as (listener, address):
        path = Path(address.removeprefix("unix://"))
        assert listener.family == socket.AF_UNIX
        assert path.parent.stat().st_mode & 0o777 == 0o700
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert not path.parent.exists()


def test_a_deep_folder_of_temporary_files_is_no_hindrance(deep: Path) -> None:
    """A shorter one is taken, and nothing is left in either."""
    with listening(None, "double") as (_, address):
        assert len(address) < 100
    assert list(deep.iterdir()) == []


def test_a_folder_that_means_something_in_a_url_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients would look for the socket elsewhere."""
    folder = tmp_path / "a#b"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with listening(None, "double") as (_, address):
        assert "#" not in address


def test_no_folder_will_do(deep: Path, mocker: MockerFixture) -> None:
    """The error says what to do."""
    mocker.patch("fakes.http.addresses._FOLDERS", (None,))
    with pytest.raises(OSError, match="name one, as in unix:///run") as caught:
        listening(None, "double").__enter__()
    assert caught.value.errno == errno.ENAMETOOLONG


def test_a_path_that_is_too_long(deep: Path) -> None:
    """The error names the path and how long one may be."""
    with pytest.raises(OSError, match="at most 100 bytes") as caught:
        listening(f"unix://{deep}/double.sock", "double").__enter__()
    assert caught.value.filename == f"{deep}/double.sock"


@pytest.mark.parametrize(
    "listen",
    ["tcp://", "tcp://:1", "tcp://a", "tcp://a:x", "tcp://a:65536", "tcp://::1:0", "tcp://[a]:0x"],
)
def test_what_is_no_tcp_address(listen: str) -> None:
    """It is refused with the form."""
    with pytest.raises(ValueError, match="no tcp://HOST:PORT"):
        listening(listen, "double").__enter__()


def test_an_ipv6_address_keeps_its_brackets() -> None:
    """So that it can be given to any client."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with listening("tcp://[::1]:0", "double") as (listener, address):
        assert address == f"tcp://{host_and_port(listener)}"
        assert address.startswith("tcp://[::1]:")
        socket.create_connection(listener.getsockname()[:2]).close()


def test_of_a_name_with_both_ipv4_is_taken(mocker: MockerFixture) -> None:
    """As clients do that are told `localhost` by their own configuration."""
    mocker.patch("socket.getaddrinfo", return_value=[_V6, _V4])
    with listen_tcp("localhost", 0) as listener:
        assert host_and_port(listener).startswith("127.0.0.1:")


def test_what_was_there_stays(tmp_path: Path) -> None:
    """A path that is taken is not removed."""
    taken = tmp_path / "s"
    taken.touch()
    with pytest.raises(OSError, match="there is a file already"):
        listening(f"unix://{taken}", "double").__enter__()
    assert os.listdir(tmp_path) == ["s"]
