"""Logging in at a registry."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from imagebuilders.docker.login import log_in
from imagebuilders.exceptions import RegistryError

_PRIVATE = pytest.mark.fake_registry(auth="basic", users={"alice": "s3cret"})


def _refused(client: FakeDockerClient, registry: str) -> RegistryError:
    """The error of a login; the password appears nowhere, not even in a chained error."""
    with pytest.raises(RegistryError) as caught:
        log_in(client, registry, "alice", "s3cret")
    text = str(caught.value)
    assert text.startswith(f"The user 'alice' could not log in at the registry {registry}: ")
    assert caught.value.registry == registry
    assert "s3cret" not in text
    assert caught.value.__suppress_context__
    return caught.value


@_PRIVATE
def test_the_engine_checks_username_and_password(
    client: FakeDockerClient, fake_engine: FakeDockerEngine, fake_registry: FakeRegistry
) -> None:
    """Docker Hub is named by its own key."""
    log_in(client, fake_registry.address, "alice", "s3cret")
    log_in(client, "docker.io", "alice", "s3cret")
    assert fake_engine.logins == {
        fake_registry.address: ("alice", "s3cret"),
        "index.docker.io": ("alice", "s3cret"),
    }
    assert "alice" in {request.user for request in fake_registry.requests}


@pytest.mark.parametrize("version", ["20.10", "26.1", "28.5"])
@pytest.mark.fake_registry(auth="basic", users={"alice": "another"})
def test_a_wrong_password_is_refused(version: str, fake_registry: FakeRegistry) -> None:
    """The error says how to log in by hand."""
    client = FakeDockerClient(FakeDockerEngine(version))
    error = _refused(client, fake_registry.address)
    client.close()
    assert f"docker login {fake_registry.address}" in str(error)


def test_a_registry_that_is_not_there(client: FakeDockerClient) -> None:
    """The engine cannot reach it."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = _refused(client, f"127.0.0.1:{unused.getsockname()[1]}")
    assert "cannot reach" in str(error)


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (401, "unauthorized: incorrect username or password", "docker login r:1"),
        (500, "login attempt failed with status: 503 Service Unavailable", "failed"),
        (429, "toomanyrequests", "limits how often"),
        (400, "user alice with s3cret is odd", "with *** is odd"),
    ],
)
def test_a_refused_login_names_user_and_registry(
    client: FakeDockerClient,
    fake_engine: FakeDockerEngine,
    status: int,
    message: str,
    words: str,
) -> None:
    """Whatever the registry says, and wherever it is."""
    fake_engine.faults.fail("POST /auth", status, message)
    assert words in str(_refused(client, "r:1"))


def test_a_login_that_hangs_is_given_up(
    client: FakeDockerClient, fake_engine: FakeDockerEngine
) -> None:
    """The engine waits for the registry."""
    vars(client.api)["timeout"] = 0.05
    fault = fake_engine.faults.answer("POST /auth", [], then="hang")
    with pytest.raises(RegistryError, match="there was no answer in time"):
        log_in(client, "r:1", "alice", "s3cret")
    assert fault.abandoned.wait(5)


def test_an_engine_that_went_away_is_not_the_registrys_fault(
    client: FakeDockerClient, fake_engine: FakeDockerEngine
) -> None:
    """The error says that the engine did not answer."""
    fake_engine.faults.drop("POST /auth")
    with pytest.raises(RegistryError, match="for the Docker Engine did not answer"):
        log_in(client, "r:1", "alice", "s3cret")


@_PRIVATE
def test_the_client_stays_logged_in(
    client: FakeDockerClient, fake_engine: FakeDockerEngine, fake_registry: FakeRegistry
) -> None:
    """What the SDK itself pushes with the client goes under this user."""
    name = f"{fake_registry.address}/app"
    fake_engine.seed_image(f"{name}:1")
    log_in(client, fake_registry.address, "alice", "s3cret")
    client.images.push(name, "1")
    assert fake_registry.tags("app") == ["1"]
    sent = fake_engine.requests[-1].headers["x-registry-auth"]
    assert json.loads(base64.urlsafe_b64decode(sent))["username"] == "alice"


@_PRIVATE
def test_a_broken_credential_helper_is_not_asked(
    fake_engine: FakeDockerEngine,
    fake_registry: FakeRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A username and password that are given need no helper."""
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "no-such-helper"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    client = FakeDockerClient(fake_engine)
    log_in(client, fake_registry.address, "alice", "s3cret")
    client.close()
    assert fake_engine.logins[fake_registry.address] == ("alice", "s3cret")
