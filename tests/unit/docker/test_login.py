"""Logging in at a registry."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import docker
import pytest

from imagebuilders.docker.login import log_in
from imagebuilders.exceptions import RegistryError


def test_the_engine_checks_username_and_password(
    client: docker.DockerClient, scripted_engine: Any, script: Any
) -> None:
    """Docker Hub is named by its own key."""
    scripted_engine.answers += [script.plain("200 OK", b'{"Status":"Login Succeeded"}')] * 2
    log_in(client, "localhost:5000", "alice", "s3cret")
    log_in(client, "docker.io", "alice", "s3cret")
    first, second = (json.loads(request.body) for request in scripted_engine.requests)
    assert first["serveraddress"] == "localhost:5000"
    assert (first["username"], first["password"]) == ("alice", "s3cret")
    assert second["serveraddress"] == "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        ("401 Unauthorized", "unauthorized: incorrect username or password", "docker login r:1"),
        ("500 Error", "Get http://r:1/v2/: dial tcp: connection refused", "cannot reach"),
        ("500 Error", "login attempt failed with status: 503 Service Unavailable", "failed"),
        ("429 Too Many", "toomanyrequests", "limits how often"),
        ("400 Bad Request", "user alice with s3cret is odd", "with *** is odd"),
    ],
)
def test_a_refused_login_names_user_and_registry(
    client: docker.DockerClient,
    scripted_engine: Any,
    script: Any,
    status: str,
    message: str,
    words: str,
) -> None:
    """The password appears nowhere, not even in a chained error."""
    body = json.dumps({"message": message}).encode()
    scripted_engine.answers.append(script.plain(status, body))
    with pytest.raises(RegistryError) as caught:
        log_in(client, "r:1", "alice", "s3cret")
    assert str(caught.value).startswith("The user 'alice' could not log in at the registry r:1: ")
    assert words in str(caught.value)
    assert caught.value.registry == "r:1"
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_login_that_hangs_is_given_up(scripted_engine: Any) -> None:
    """The engine waits for the registry."""
    client = scripted_engine.client()
    client.api.timeout = 0.05
    scripted_engine.answers.append(lambda connection: connection.recv(1))
    with pytest.raises(RegistryError, match="there was no answer in time"):
        log_in(client, "r:1", "alice", "s3cret")
    client.close()
    scripted_engine.wait()


def test_an_engine_that_went_away_is_not_the_registrys_fault(
    client: docker.DockerClient, scripted_engine: Any
) -> None:
    """The error says that the engine did not answer."""
    scripted_engine.answers.append(b"")
    with pytest.raises(RegistryError, match="for the Docker Engine did not answer"):
        log_in(client, "r:1", "alice", "s3cret")


def test_the_client_stays_logged_in(
    client: docker.DockerClient, scripted_engine: Any, script: Any
) -> None:
    """What the SDK itself pushes with the client goes under this user."""
    scripted_engine.answers += [
        script.plain("200 OK", b'{"Status":"Login Succeeded"}'),
        script.stream([]),
    ]
    log_in(client, "r:1", "alice", "s3cret")
    client.images.push("r:1/app")
    header = base64.urlsafe_b64decode(scripted_engine.requests[1].headers["x-registry-auth"])
    assert json.loads(header)["username"] == "alice"


def test_a_broken_credential_helper_is_not_asked(
    scripted_engine: Any, script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A username and password that are given need no helper."""
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "no-such-helper"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    client = scripted_engine.client()
    scripted_engine.answers.append(script.plain("200 OK", b'{"Status":"Login Succeeded"}'))
    log_in(client, "r:1", "alice", "s3cret")
    client.close()
    assert json.loads(scripted_engine.requests[0].body)["username"] == "alice"
