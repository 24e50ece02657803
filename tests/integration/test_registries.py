"""Container registries against real engines and registries, and against one that misbehaves."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.registry import Credentials, Registry

from fakes import FakeRegistry
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import Event, LayerProgress, listen
from imagebuilders.exceptions import PushError, RegistryError

pytestmark = pytest.mark.usefixtures("docker_config")

Tag = Callable[[Engine, str], str]


@pytest.fixture
def tagged() -> Iterator[Tag]:
    """Give an engine's base image another name, and take it away after the test."""
    given: list[tuple[Engine, str]] = []

    def tag(engine: Engine, name: str) -> str:
        engine.client.images.get(engine.busybox).tag(name)
        given.append((engine, name))
        return name

    yield tag
    for engine, name in given:
        engine.client.images.remove(name)


def _login(registry: Registry) -> Credentials:
    assert registry.credentials is not None
    return registry.credentials


def _port(server: FakeRegistry) -> int:
    return int(server.address.rpartition(":")[2])


def test_the_digest_is_the_registrys(every_engine: Engine, tagged: Tag) -> None:
    """Every engine tells the digest under which the registry has the image."""
    name = tagged(every_engine, f"{every_engine.registry.address}/digest/app:1")
    registry = DefaultContainerRegistry(
        uri=every_engine.registry.url, docker_client=every_engine.client
    )
    pushed = registry.push_image(name)
    manifest = every_engine.registry.manifest("digest/app", "1")
    assert pushed == f"{every_engine.registry.address}/digest/app@{manifest.digest}"


def test_only_one_tag_is_pushed(engine: Engine, tagged: Tag) -> None:
    """A name without a tag means `latest`, not every tag there is."""
    repository = f"{engine.registry.address}/tags/app"
    tagged(engine, f"{repository}:latest")
    tagged(engine, f"{repository}:other")
    DefaultContainerRegistry(uri=engine.registry.address, docker_client=engine.client).push_image(
        repository
    )
    assert engine.registry.tags("tags/app") == ["latest"]


def test_configured_credentials_open_the_registry(every_engine: Engine, tagged: Tag) -> None:
    """Username and password are checked at login and used for the push."""
    server = every_engine.registry_with_auth
    login = _login(server)
    name = tagged(every_engine, f"{server.address}/configured/app:1")
    registry = DefaultContainerRegistry(
        uri=server.address,
        username=login.username,
        password=login.password,
        docker_client=every_engine.client,
    )
    pushed = registry.push_image(name)
    assert pushed.endswith("@" + server.manifest("configured/app", "1").digest)


def test_wrong_credentials_are_told_with_user_and_registry(every_engine: Engine) -> None:
    """The engine is asked at login; the password is not repeated."""
    server = every_engine.registry_with_auth
    registry = DefaultContainerRegistry(
        uri=server.address, username="alice", password="wr0ng", docker_client=every_engine.client
    )
    with pytest.raises(RegistryError) as caught:
        registry.push_image(f"{server.address}/app:1")
    text = str(caught.value)
    assert f"The user 'alice' could not log in at the registry {server.address}" in text
    assert "docker login" in text
    assert "wr0ng" not in text


def test_a_push_without_credentials_is_denied(every_engine: Engine, tagged: Tag) -> None:
    """The status is 200; the error is in the stream."""
    server = every_engine.registry_with_auth
    name = tagged(every_engine, f"{server.address}/anonymous/app:1")
    registry = DefaultContainerRegistry(uri=server.address, docker_client=every_engine.client)
    with pytest.raises(PushError, match="docker login") as caught:
        registry.push_image(name)
    assert caught.value.image_name == name
    assert caught.value.detail


def test_what_docker_login_wrote_is_used(
    every_engine: Engine, tagged: Tag, docker_config: Path
) -> None:
    """The user's own configuration file needs no credentials in the component."""
    server = every_engine.registry_with_auth
    login = _login(server)
    auth = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    docker_config.write_text(json.dumps({"auths": {server.address: {"auth": auth}}}))
    name = tagged(every_engine, f"{server.address}/logged-in/app:1")
    registry = DefaultContainerRegistry(uri=server.address, docker_client=every_engine.client)
    assert registry.push_image(name).startswith(f"{server.address}/logged-in/app@sha256:")


def test_a_credential_helper_is_asked(
    engine: Engine,
    tagged: Tag,
    docker_config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The registry's own helper gives username and password."""
    server = engine.registry_with_auth
    login = _login(server)
    answer = json.dumps({"Username": login.username, "Secret": login.password})
    helper = tmp_path / "docker-credential-testbed"
    helper.write_text(f"#!/bin/sh\nread server; echo '{answer}'\n")
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    docker_config.write_text(json.dumps({"credHelpers": {server.address: "testbed"}}))
    name = tagged(engine, f"{server.address}/helped/app:1")
    registry = DefaultContainerRegistry(uri=server.address, docker_client=engine.client)
    assert registry.push_image(name).startswith(f"{server.address}/helped/app@sha256:")


def test_an_image_the_engine_does_not_have_cannot_be_pushed(every_engine: Engine) -> None:
    """Engines say so in different ways; the advice is the same."""
    server = every_engine.registry
    registry = DefaultContainerRegistry(uri=server.address, docker_client=every_engine.client)
    with pytest.raises(PushError, match="Build the image under this name first"):
        registry.push_image(f"{server.address}/no/such:1")


def test_a_registry_that_is_down_is_told(every_engine: Engine, tagged: Tag) -> None:
    """Nobody listens at the address."""
    name = tagged(every_engine, "127.0.0.1:9/app:1")
    registry = DefaultContainerRegistry(uri="127.0.0.1:9", docker_client=every_engine.client)
    with pytest.raises(PushError, match="cannot reach the registry") as caught:
        registry.push_image(name)
    assert caught.value.registry == "127.0.0.1:9"
    registry = DefaultContainerRegistry(
        uri="127.0.0.1:9", username="u", password="p", docker_client=every_engine.client
    )
    with pytest.raises(RegistryError, match="cannot reach the registry"):
        registry.push_image(name)


@pytest.mark.parametrize(
    ("status", "advice"), [(500, "The registry itself failed"), (429, "limits how often")]
)
def test_a_registry_that_refuses_is_told(
    engine: Engine, tagged: Tag, status: int, advice: str
) -> None:
    """The engine gives up in the end, and the error says what the registry answered."""
    with FakeRegistry() as server, engine.forwarded(_port(server)):
        name = tagged(engine, f"{server.address}/app:1")
        # Refused layers are tried again for a minute; a refused manifest is not.
        server.faults.status(status, method="PUT", path="/v2/*/manifests/*", times=None)
        registry = DefaultContainerRegistry(uri=server.address, docker_client=engine.client)
        with pytest.raises(PushError, match=advice) as caught:
            registry.push_image(name)
        assert server.requests
    assert caught.value.detail


def test_a_registry_that_hangs_is_given_up(engine: Engine, tagged: Tag) -> None:
    """The engine waits for ever; the component's time limit ends it."""
    released = threading.Event()
    with FakeRegistry(sleep=lambda seconds: released.wait(seconds) and None) as server:
        server.faults.delay(60, path="/v2/*", method="POST")
        with engine.forwarded(_port(server)):
            name = tagged(engine, f"{server.address}/app:1")
            registry = DefaultContainerRegistry(
                uri=server.address, idle_timeout=2, docker_client=engine.client
            )
            try:
                with pytest.raises(PushError, match="nothing was heard for 2 s"):
                    registry.push_image(name)
            finally:
                released.set()


def test_an_engine_that_dies_during_a_push_is_told(disposable_engine: Engine) -> None:
    """The push is no success, and the error is not about the registry."""
    name = f"{disposable_engine.registry.address}/app:1"
    disposable_engine.client.images.get(disposable_engine.busybox).tag(name)
    registry = DefaultContainerRegistry(
        uri=disposable_engine.registry.address, docker_client=disposable_engine.client
    )

    killed = threading.Event()

    def kill(event: Event) -> None:
        # Another layer's event may have arrived before the engine was gone.
        if isinstance(event, LayerProgress) and not killed.is_set():
            killed.set()
            disposable_engine.kill()

    with listen(kill), pytest.raises(PushError, match="Docker Engine went away"):
        registry.push_image(name)
