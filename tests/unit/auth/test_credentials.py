"""Credentials, and the entries of `auths`."""

from __future__ import annotations

import base64
import json

import pytest
from docker_logins import auth
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.auth.credentials import (
    DOCKER_HUB_KEY,
    Credentials,
    EntryError,
    decode_auth,
    domain_of,
    encode_auth,
    read_entry,
    server_key,
)
from imagebuilders.auth.go_fields import decode


def _read(entry: object) -> Credentials:
    return read_entry(decode(json.dumps(entry).encode()))


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (None, Credentials()),
        ({}, Credentials()),
        ({"auth": ""}, Credentials()),
        ({"auth": None, "username": None}, Credentials()),
        (auth("u:p:w"), Credentials("u", "p:w")),
        ({"AUTH": auth("u:p")["auth"], "email": "u@r"}, Credentials("u", "p")),
        ({"username": "u", "password": "p"}, Credentials("u", "p")),
        ({"username": "x", "password": "y", **auth("u:p")}, Credentials("u", "p")),
        ({"identitytoken": "i", **auth("u:p")}, Credentials("u", "p", identity_token="i")),
        ({"registrytoken": "r"}, Credentials(registry_token="r")),
    ],
)
def test_an_entry_is_read_as_go_reads_it(entry: object, found: Credentials) -> None:
    """An empty one stands beside a credentials store."""
    assert _read(entry) == found
    assert bool(_read(entry)) is (found != Credentials())


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (1, "it is not an object"),
        ([], "it is not an object"),
        ({"auth": 1}, "'auth' should be a string"),
        ({"auth": "?"}, "its 'auth' is not base64"),
        ({"auth": "c2VjcmV0\u00e9"}, "its 'auth' is not base64"),
        (auth("secret"), "its 'auth' is not a username, a colon and a password"),
        (auth(":secret"), "its 'auth' is not a username, a colon and a password"),
        ({"identitytoken": ["secret"]}, "'identitytoken' should be a string"),
    ],
)
def test_a_malformed_entry_says_what_is_wrong(entry: object, reason: str) -> None:
    """No value of it is repeated."""
    with pytest.raises(EntryError, match=reason) as caught:
        _read(entry)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(password=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_line_breaks_in_base64_do_not_count(password: str) -> None:
    """Some tools wrap it after 76 characters."""
    wrapped = base64.encodebytes(f"user:{password}".encode()).decode().replace("\n", "\r\n")
    assert decode_auth(wrapped) == ("user", password)


def test_a_password_may_be_latin_1() -> None:
    """What is not UTF-8 was written where Latin-1 is usual."""
    assert decode_auth(auth("u:pä".encode("latin-1"))["auth"]) == ("u", "pä")
    assert decode_auth(auth("u:pä")["auth"]) == ("u", "pä")


def test_zero_bytes_around_a_password_are_padding() -> None:
    """Old versions of `docker` wrote them."""
    assert decode_auth(auth("u:\0p\0\0")["auth"]) == ("u", "p")


def test_the_engine_is_sent_what_there_is() -> None:
    """Each kind of credentials has a field of its own; Docker Hub has a name of its own."""
    assert Credentials("u", "p").auth_config("docker.io") == {
        "username": "u",
        "password": "p",
        "serveraddress": DOCKER_HUB_KEY,
    }
    assert Credentials(identity_token="i").auth_config("r") == {
        "identitytoken": "i",
        "serveraddress": "r",
    }
    assert Credentials(registry_token="t").auth_config("r") == {
        "registrytoken": "t",
        "serveraddress": "r",
    }


def test_a_pair_holds_a_password_or_an_identity_token() -> None:
    """A helper spells a token so; a bearer token has no such spelling."""
    assert Credentials("u", "p").pair == ("u", "p")
    assert Credentials.from_pair("<token>", "i").pair == ("<token>", "i")
    assert Credentials("u", "p", identity_token="i").pair == ("<token>", "i")
    assert Credentials(registry_token="t").pair is None


@pytest.mark.parametrize(
    ("key", "domain"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("ghcr.io/team", "ghcr.io"),
        ("http://localhost:5000", "localhost:5000"),
        (DOCKER_HUB_KEY, "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_a_key_has_a_domain(key: str, domain: str) -> None:
    """Old keys are URLs."""
    assert domain_of(key) == domain
    assert domain_of(server_key(domain)) == domain


def test_secrets_are_not_shown() -> None:
    """A credential in a traceback or a log does not tell its secret."""
    assert "pw" not in repr(Credentials("u", "pw", "pw", "pw"))


def test_the_header_is_url_safe_base64_of_json() -> None:
    """Standard base64 has `/` and `+`, which the engine does not decode."""
    value = {"password": "~~~???>>>"}
    encoded = encode_auth(value)
    assert not set("+/") & set(encoded)
    assert json.loads(base64.urlsafe_b64decode(encoded)) == value
