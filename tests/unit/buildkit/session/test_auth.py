"""Who to be at a registry, when a daemon asks."""

from __future__ import annotations

import logging

import pytest
from joined_session import joined_session

from imagebuilders.auth.credentials import Credentials
from imagebuilders.auth.keychain import Keychain
from imagebuilders.buildkit.session.auth import RegistryAuth
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.exceptions import RegistryError


class _Source:
    """Knows some credentials."""

    def __init__(self, **known: Credentials) -> None:
        self.known = {name.replace("_", "."): value for name, value in known.items()}
        self.asked: list[str] = []

    def credentials_for(self, registry: str) -> Credentials | None:
        """Return what is known."""
        self.asked.append(registry)
        if registry == "broken.example":
            raise RegistryError("The credential helper docker-credential-x failed.")
        return self.known.get(registry)


def asked(auth: RegistryAuth, host: str) -> tuple[str, str]:
    """Ask as a daemon does."""
    with joined_session(auth) as daemon:
        return daemon.credentials(host)


def test_credentials_are_those_of_the_host() -> None:
    """Each host gets its own, an unknown one nobody's; what leaves is told to the mask."""
    handed_out: list[bytes] = []
    source = _Source(a_example=Credentials("me", "päss"), b_example=Credentials("you", "word"))
    auth = RegistryAuth(source, handed_out=handed_out.append)
    assert asked(auth, "a.example") == ("me", "päss")
    assert asked(auth, "b.example") == ("you", "word")
    assert asked(auth, "c.example") == ("", "")
    assert handed_out == ["päss".encode(), b"word"]


@pytest.mark.parametrize("host", ["registry-1.docker.io", "index.docker.io", "docker.io"])
def test_docker_hub_has_several_names(host: str) -> None:
    """All of them mean the same credentials."""
    source = _Source(docker_io=Credentials("me", "hub"))
    assert asked(RegistryAuth(source, expected=["docker.io"]), host) == ("me", "hub")
    assert source.asked == ["docker.io"]


def test_an_identity_token_has_no_user() -> None:
    """So daemons know one."""
    source = _Source(a_example=Credentials(identity_token="refresh"))
    handed_out: list[bytes] = []
    auth = RegistryAuth(source, handed_out=handed_out.append)
    assert asked(auth, "a.example") == ("", "refresh")
    assert handed_out == [b"refresh"]


def test_a_host_that_the_build_does_not_name_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A daemon that asks for other credentials gets them seen by the user, in one harmless line."""
    auth = RegistryAuth(_Source(), expected=["a.example", "docker.io"])
    asked(auth, "a.example")
    asked(auth, "registry-1.docker.io")
    assert caplog.records == []
    asked(auth, "evil\x1b[2K.example" + "x" * 1000)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "evil\\x1b[2K.example" in record.getMessage()
    assert len(record.getMessage()) < 500


def test_a_broken_helper_is_logged_and_nobody_is_known(caplog: pytest.LogCaptureFixture) -> None:
    """As most images need nobody to be known, the build goes on."""
    auth = RegistryAuth(_Source(), expected=["broken.example"])
    assert asked(auth, "broken.example") == ("", "")
    assert "docker-credential-x failed" in caplog.text


def test_tokens_are_left_to_the_daemon() -> None:
    """A daemon that finds no token authority fetches tokens by itself."""
    with joined_session(RegistryAuth(_Source())) as daemon:
        for method in ("GetTokenAuthority", "FetchToken", "VerifyTokenAuthority"):
            with pytest.raises(CallError) as caught:
                daemon.unary(f"/moby.filesync.v1.Auth/{method}", b"")
            assert caught.value.status.code == Code.UNIMPLEMENTED


def test_the_keychain_is_a_source() -> None:
    """Docker's own configuration, and what is given beside it."""
    keychain = Keychain({}).with_credentials("a.example", Credentials("me", "word"))
    assert asked(RegistryAuth(keychain), "a.example") == ("me", "word")


@pytest.mark.parametrize("request_bytes", [b"\xff", b"\x0a\xff", b"\x0a\x02\xff\xff"])
def test_an_unreadable_question_is_refused(request_bytes: bytes) -> None:
    """Garbage is answered with a status."""
    with joined_session(RegistryAuth(_Source())) as daemon, pytest.raises(CallError) as caught:
        daemon.unary("/moby.filesync.v1.Auth/Credentials", request_bytes)
    assert caught.value.status.code == Code.INVALID_ARGUMENT
