"""Addresses, in the spellings that docker takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.connections.address import Address, AddressError, Scheme, parse_address


def _tcp(host: str, port: int, path: str = "", *, tls: bool = False) -> Address:
    return Address(Scheme.TCP, host=host, port=port, path=path, tls=tls)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp://docker.com:2375", _tcp("docker.com", 2375)),
        ("tcp://host", _tcp("host", 2375)),
        ("tcp://host:", _tcp("host", 2375)),
        ("tcp://", _tcp("localhost", 2375)),
        ("tcp://:7777", _tcp("localhost", 7777)),
        (" tcp://:7777/path ", _tcp("localhost", 7777, "/path")),
        ("tcp://host:1/base/", _tcp("host", 1, "/base")),
        ("0.0.0.1:5555", _tcp("0.0.0.1", 5555)),
        ("localhost:", _tcp("localhost", 2375)),
        (":6666", _tcp("localhost", 6666)),
        ("host", _tcp("host", 2375)),
        ("[::1]:5555/path", _tcp("::1", 5555, "/path")),
        ("tcp://[::1]", _tcp("::1", 2375)),
        ("TCP://host:1", _tcp("host", 1)),
        ("http://host:1", _tcp("host", 1)),
        ("https://host:1", _tcp("host", 1, tls=True)),
        ("https://host", _tcp("host", 2376, tls=True)),
        ("unix:///run/docker.sock", Address(Scheme.UNIX, path="/run/docker.sock")),
        ("unix://", Address(Scheme.UNIX, path="/var/run/docker.sock")),
        ("unix://relative/path", Address(Scheme.UNIX, path="relative/path")),
        ("unix:///with space", Address(Scheme.UNIX, path="/with space")),
        ("ssh://me@far", Address(Scheme.SSH, host="far", user="me")),
        ("ssh://far:2222", Address(Scheme.SSH, host="far", port=2222)),
        ("ssh://Alias/", Address(Scheme.SSH, host="Alias")),
        (
            "ssh://me%40corp@[fe80::1]:22/run/x.sock",
            Address(Scheme.SSH, host="fe80::1", port=22, path="/run/x.sock", user="me@corp"),
        ),
    ],
)
def test_spelling(text: str, expected: Address) -> None:
    """A port, host or scheme that is left out is docker's own."""
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["tcp://host", "host", "tcp://host:"])
def test_port_with_tls(text: str) -> None:
    """The port that is left out is another with TLS."""
    assert parse_address(text, tls=True).port == 2376


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("udp://127.0.0.1", "udp:// is not supported"),
        ("fd://3", "fd:// is not supported"),
        ("npipe:////./pipe/docker", "only there on Windows"),
        ("something with spaces", "a space or a control character"),
        ("://", "is not supported"),
        ("tcp://invalid:port", "malformed"),
        ("tcp://host:65536", "malformed"),
        ("tcp://host:0", "no port 0"),
        ("tcp://[::1", "malformed"),
        ("tcp://host?x=1", "no query"),
        ("tcp://me@host", "only for ssh"),
        ("ssh://", "the host is missing"),
        ("ssh://me@", "the host is missing"),
        ("ssh://host#x", "no fragment"),
        ("unix:///a\0b", "a null character"),
        ("DOCKER_HOST=unix:///run/docker.sock", "leave out 'DOCKER_HOST='"),
        ("export DOCKER_HOST=tcp://host:2375", "leave out 'export DOCKER_HOST='"),
        ("'tcp://host:2375'", "leave out the quotation marks"),
        ('"unix:///run/docker.sock', "leave out the quotation marks"),
    ],
)
def test_unusable_address(text: str, words: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(AddressError, match=words):
        parse_address(text)


@pytest.mark.parametrize("scheme", ["ssh", "tcp"])
def test_password(scheme: str) -> None:
    """A password is refused, and not shown."""
    with pytest.raises(AddressError, match="a password in an address") as caught:
        parse_address(f"{scheme}://me:s3cret@host")
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    """Any text is an address, or an error of the documented kind."""
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert address.scheme is Scheme.UNIX or address.host


@given(
    st.builds(
        Address,
        st.just(Scheme.TCP),
        st.sampled_from(["host", "10.0.0.1", "fe80::1", "a.example"]),
        st.integers(1, 65535),
        st.sampled_from(["", "/base", "/a/b"]),
    )
)
def test_an_address_is_its_own_spelling(address: Address) -> None:
    """What is shown of an address leads to the same one."""
    assert parse_address(str(address)) == address
