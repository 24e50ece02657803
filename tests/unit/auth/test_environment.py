"""Logins in `DOCKER_AUTH_CONFIG`."""

from __future__ import annotations

import json

import pytest
from docker_logins import auth

from imagebuilders.auth.credentials import Credentials
from imagebuilders.auth.environment import read_variable
from imagebuilders.exceptions import ConfigurationError


def _environ(value: object) -> dict[str, str]:
    return {"DOCKER_AUTH_CONFIG": value if isinstance(value, str) else json.dumps(value)}


@pytest.mark.parametrize("value", ["", " ", "null", "{}", '{"auths": null}'])
def test_nothing_in_it_is_no_login(value: str) -> None:
    """Not set, empty and `null` are the same."""
    assert read_variable(_environ(value)) == {}
    assert read_variable({}) == {}


def test_its_logins_are_read() -> None:
    """They are written as `docker login` writes them into config.json."""
    value = {"auths": {"r:5000": auth("u:p"), "https://g/v1/": auth("v:q")}}
    assert read_variable(_environ(value)) == {
        "r:5000": Credentials("u", "p"),
        "https://g/v1/": Credentials("v", "q"),
    }


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{", "not valid JSON"),
        ('{"auths": {}} {}', "not valid JSON"),
        ("[]", "should hold a JSON object"),
        ({"auths": {}, "credsStore": "x"}, "the key 'credsStore' is unknown"),
        ({"auths": {"r": {"auth": "eDp5", "email": "x"}}}, "the key 'email' of 'auths.r'"),
        ({"auths": {"r": {}}}, "'auths.r' has no 'auth'"),
        ({"auths": {"r": None}}, "'auths.r' has no 'auth'"),
        ({"auths": {"r": 1}}, "'auths.r' should be an object"),
        ({"auths": {"r": auth("secret")}}, "not a username, a colon and a password"),
    ],
)
def test_anything_else_is_an_error_without_its_passwords(value: object, reason: str) -> None:
    """`docker` refuses it, too; the error names the variable, and says what is wrong."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read_variable(_environ(value))
    assert caught.value.file == "DOCKER_AUTH_CONFIG"
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
