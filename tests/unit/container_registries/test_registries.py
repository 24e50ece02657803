"""Container registries: names, credentials, login and push."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from imagebuilders.container_registries import (
    BaseContainerRegistry,
    DefaultContainerRegistry,
    DefaultContainerRegistryConfig,
    DefaultContainerRegistryFlavor,
)
from imagebuilders.exceptions import (
    ConfigurationError,
    ImageNameError,
    PushError,
    RegistryError,
)
from imagebuilders.stack import Flavor, StackComponentType


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture
def docker_client() -> Iterator[FakeDockerClient]:
    """Give a client whose engine has the image `app`, under several names."""
    engine = FakeDockerEngine()
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("uri", "name", "belongs"),
    [
        ("localhost:5000", "localhost:5000/app:1", True),
        ("localhost:5000", "localhost:5000/team/app", True),
        ("localhost:5000", "localhost:5001/app", False),
        ("localhost:5000", "localhost/app", False),
        ("localhost:5000", "app", False),
        ("ghcr.io/team", "ghcr.io/team/app", True),
        ("ghcr.io/team", "ghcr.io/team2/app", False),
        ("ghcr.io/team", "ghcr.io/team", False),
        ("docker.io", "app", True),
        ("docker.io/user", "user/app:1", True),
        ("docker.io/user", "docker.io/user/app", True),
        ("docker.io/user", "app", False),
        ("https://localhost:5000/", "localhost:5000/app", True),
        ("localhost:5000", "localhost:5000/App", False),
        ("localhost:5000", "localhost:5000/", False),
    ],
)
def test_a_name_belongs_to_a_registry_or_not(uri: str, name: str, belongs: bool) -> None:
    """Whole components are compared; Docker Hub's short names are completed."""
    registry = DefaultContainerRegistry(uri=uri)
    assert registry.is_valid_image_name_for_registry(name) is belongs


def test_a_foreign_name_is_refused_before_anything_is_done() -> None:
    """The error names the prefix that is missing; the engine is not even looked for."""
    registry = DefaultContainerRegistry(uri="ghcr.io/team", name="work")
    with pytest.raises(ImageNameError, match=r"begin with 'ghcr\.io/team/'") as caught:
        registry.push_image("app:1")
    assert "it would go to docker.io/library/app" in str(caught.value)
    with pytest.raises(ValueError, match="upper case"):
        registry.push_image("ghcr.io/team/App")
    with pytest.raises(ValueError, match="has a digest"):
        registry.push_image("ghcr.io/team/app@sha256:" + "0" * 64)


def test_configured_credentials_are_secret_and_win(docker_config: Path) -> None:
    """They are shown nowhere, and the user's file does not count beside them."""
    _write_auth(docker_config, "ghcr.io", "other", "pw")
    registry = DefaultContainerRegistry(uri="ghcr.io", username="alice", password="s3cret")
    assert registry.credentials == ("alice", "s3cret")
    shown = repr(registry) + str(registry.config) + registry.config.model_dump_json()
    assert "s3cret" not in shown
    assert "alice" not in shown


def test_the_users_own_credentials_are_the_fallback(docker_config: Path) -> None:
    """What `docker login` wrote counts; without it there are none."""
    registry = DefaultContainerRegistry(uri="ghcr.io/team")
    assert DefaultContainerRegistry(uri="ghcr.io").credentials is None
    assert registry.auth_config() is None
    _write_auth(docker_config, "https://ghcr.io/v2/", "bob", "pw")
    assert registry.credentials == ("bob", "pw")
    assert registry.auth_config() == {
        "username": "bob",
        "password": "pw",
        "serveraddress": "ghcr.io",
    }


def test_the_users_tokens_are_the_fallback_too(docker_config: Path) -> None:
    """A bearer token has no username, and goes to the engine nevertheless."""
    docker_config.write_text(
        json.dumps({"auths": {"a.b": {"registrytoken": "t"}, "c.d": {"identitytoken": "i"}}})
    )
    bearer = DefaultContainerRegistry(uri="a.b")
    assert bearer.credentials is None
    assert bearer.auth_config() == {"registrytoken": "t", "serveraddress": "a.b"}
    identity = DefaultContainerRegistry(uri="c.d")
    assert identity.credentials == ("<token>", "i")
    assert identity.auth_config() == {"identitytoken": "i", "serveraddress": "c.d"}


def test_credentials_per_host(docker_config: Path) -> None:
    """The component's own count at its registry alone; elsewhere the user is who they are."""
    _write_auth(docker_config, "ghcr.io", "bob", "pw")
    registry = DefaultContainerRegistry(uri="docker.io/team", username="alice", password="s3cret")
    here = registry.credentials_for("index.docker.io")
    assert here is not None
    assert here.pair == ("alice", "s3cret")
    there = registry.credentials_for("ghcr.io")
    assert there is not None
    assert there.pair == ("bob", "pw")
    assert not registry.credentials_for("nobody.example")


def test_a_builder_without_an_engine_needs_no_docker_sdk() -> None:
    """Names and credentials are the registry's own; an engine is asked for by nothing of it."""
    code = (
        "import sys\n"
        "from imagebuilders import DefaultContainerRegistry\n"
        "registry = DefaultContainerRegistry(uri='r.example/team', username='a', password='b')\n"
        "print(registry.check_image_name('r.example/team/app:1').tag)\n"
        "print(registry.credentials_for('r.example').pair, registry.credentials_for('o.example'))\n"
        "registry.close()\n"
        "assert not {'docker', 'requests', 'urllib3'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n")[:2] == ["1", "('a', 'b') None"]


def test_a_failing_credential_helper_is_named(docker_config: Path) -> None:
    """The push stops before the engine is asked."""
    docker_config.write_text(json.dumps({"credHelpers": {"ghcr.io": "no-such-helper"}}))
    registry = DefaultContainerRegistry(uri="ghcr.io")
    with pytest.raises(RegistryError, match="docker-credential-no-such-helper"):
        registry.push_image("ghcr.io/app")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "uri: is required"),
        ({"uri": "no_host"}, "uri: 'no_host' is no registry address"),
        ({"uri": "a.b", "username": "alice"}, "the password is missing"),
        ({"uri": "a.b", "password": "s3cret"}, "the username is missing"),
        ({"uri": "a.b", "idle_timeout": 0, "password": "s3cret", "username": "u"}, "greater"),
        ({"uri": "a.b", "idle_timeout": float("inf")}, "finite"),
    ],
)
def test_wrong_settings_are_named_without_values(
    settings: dict[str, object], complaint: str
) -> None:
    """A password does not stand in the error about another setting."""
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        DefaultContainerRegistry(**settings)  # type: ignore[arg-type]
    assert "s3cret" not in str(caught.value)


def test_an_image_is_pushed_and_its_digest_given(docker_client: FakeDockerClient) -> None:
    """The digest is what the registry has; without a tag, `latest` goes and no other."""
    with FakeRegistry() as server:
        registry = DefaultContainerRegistry(uri=server.url, docker_client=docker_client)
        for tag in ("latest", "2"):
            docker_client.engine.seed_image(f"{server.address}/team/app:{tag}", files={"/a": "x"})
        reference = registry.push_image(f"{server.address}/team/app")
        assert server.tags("team/app") == ["latest"]
        digest = server.manifest("team/app:latest").digest
        assert reference == f"{server.address}/team/app@{digest}"


def test_configured_credentials_are_used_for_login_and_push(
    docker_client: FakeDockerClient,
) -> None:
    """A registry that wants a user gets the configured one."""
    with FakeRegistry(auth="basic", users={"alice": "s3cret"}) as server:
        registry = DefaultContainerRegistry(
            uri=server.address, username="alice", password="s3cret", docker_client=docker_client
        )
        docker_client.engine.seed_image(f"{server.address}/app:1", files={"/a": "x"})
        assert registry.docker_client is docker_client
        assert registry.push_image(f"{server.address}/app:1").startswith(f"{server.address}/app@")
    logins = [one for one in docker_client.engine.requests if one.path.endswith("/auth")]
    assert len(logins) == 1


def test_the_users_own_credentials_are_used_for_the_push(
    docker_client: FakeDockerClient, docker_config: Path
) -> None:
    """And checked at login, as configured ones are."""
    with FakeRegistry(auth="bearer", users={"bob": "pw"}) as server:
        _write_auth(docker_config, server.address, "bob", "pw")
        registry = DefaultContainerRegistry(uri=server.address, docker_client=docker_client)
        docker_client.engine.seed_image(f"{server.address}/app:1", files={"/a": "x"})
        registry.push_image(f"{server.address}/app:1")
        assert server.tags("app") == ["1"]
    logins = [one for one in docker_client.engine.requests if one.path.endswith("/auth")]
    assert len(logins) == 1


def test_an_identity_token_is_not_tried_at_login(
    docker_client: FakeDockerClient, docker_config: Path
) -> None:
    """The engine's login knows passwords only."""
    docker_config.write_text(json.dumps({"auths": {"r.example": {"identitytoken": "tok"}}}))
    registry = DefaultContainerRegistry(uri="r.example", docker_client=docker_client)
    assert registry.credentials == ("<token>", "tok")
    assert registry.auth_config() == {"identitytoken": "tok", "serveraddress": "r.example"}
    assert registry.docker_client is docker_client
    assert not docker_client.engine.requests


def test_a_registry_of_ones_own_may_find_credentials_elsewhere(
    docker_client: FakeDockerClient,
) -> None:
    """Login and push go by the property `credentials`, which a cloud's registry overrides."""

    class CloudRegistry(DefaultContainerRegistry):
        @property
        def credentials(self) -> tuple[str, str]:
            return "cloud", "short-lived"

    with FakeRegistry(auth="basic", users={"cloud": "short-lived"}) as server:
        registry = CloudRegistry(uri=server.address, docker_client=docker_client)
        docker_client.engine.seed_image(f"{server.address}/app:1", files={"/a": "x"})
        registry.push_image(f"{server.address}/app:1")
        assert server.tags("app") == ["1"]


def test_configured_credentials_need_no_credential_helper(
    docker_client: FakeDockerClient, docker_config: Path
) -> None:
    """The user's store may be broken: it is not asked."""
    docker_config.write_text(json.dumps({"credsStore": "no-such-helper"}))
    with FakeRegistry(auth="basic", users={"alice": "s3cret"}) as server:
        registry = DefaultContainerRegistry(
            uri=server.address, username="alice", password="s3cret", docker_client=docker_client
        )
        docker_client.engine.seed_image(f"{server.address}/app:1", files={"/a": "x"})
        registry.push_image(f"{server.address}/app:1")
        assert server.tags("app") == ["1"]


def test_wrong_credentials_are_an_error_at_login(docker_client: FakeDockerClient) -> None:
    """The error names the user and the registry, and not the password."""
    with FakeRegistry(auth="basic", users={"alice": "s3cret"}) as server:
        registry = DefaultContainerRegistry(
            uri=server.address, username="alice", password="wr0ng", docker_client=docker_client
        )
        with pytest.raises(RegistryError, match=f"'alice' could not log in at .*{server.address}"):
            registry.push_image(f"{server.address}/app:1")
        with pytest.raises(RegistryError) as caught:
            _ = registry.docker_client
    assert "wr0ng" not in str(caught.value)
    docker_client.ping()  # a client that was given stays open


def test_a_push_without_credentials_is_denied(docker_client: FakeDockerClient) -> None:
    """The engine's own words, and what to do."""
    with FakeRegistry(auth="basic", users={"alice": "s3cret"}) as server:
        registry = DefaultContainerRegistry(uri=server.address, docker_client=docker_client)
        docker_client.engine.seed_image(f"{server.address}/app:1", files={"/a": "x"})
        with pytest.raises(PushError, match="docker login") as caught:
            registry.push_image(f"{server.address}/app:1")
    assert caught.value.detail


def test_a_registry_that_is_down_is_an_error(docker_client: FakeDockerClient) -> None:
    """Nobody listens at the address."""
    with FakeRegistry() as server:
        address = server.address
    registry = DefaultContainerRegistry(uri=address, docker_client=docker_client)
    docker_client.engine.seed_image(f"{address}/app:1", files={"/a": "x"})
    with pytest.raises(PushError, match="cannot reach the registry"):
        registry.push_image(f"{address}/app:1")


def test_the_client_is_looked_for_when_first_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found as any engine is, kept, and closed by `close`."""
    engine = FakeDockerEngine()
    with engine.serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        registry = DefaultContainerRegistry(uri="localhost:5000")
        registry.close()  # nothing to close yet
        first = registry.docker_client
        assert registry.docker_client is first
        first.ping()
        registry.close()
        second = registry.docker_client
        assert second is not first
        registry.close()


def test_a_client_whose_login_fails_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that was made for the registry does not stay open."""
    engine = FakeDockerEngine()
    with engine.serve() as docker_host, FakeRegistry(auth="basic", users={"a": "b"}) as server:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        registry = DefaultContainerRegistry(uri=server.address, username="a", password="x")
        with pytest.raises(RegistryError):
            _ = registry.docker_client


def test_closing_leaves_a_given_client_open(docker_client: FakeDockerClient) -> None:
    """Who gives a client closes it."""
    registry = DefaultContainerRegistry(uri="localhost:5000", docker_client=docker_client)
    assert registry.docker_client is docker_client
    registry.close()
    docker_client.ping()


@pytest.mark.parametrize("wrong", [1, "tcp://127.0.0.1:2375", object()])
def test_what_is_no_client_is_refused_at_once(wrong: Any) -> None:
    """The error names the argument's right kind; nothing has been asked yet."""
    with pytest.raises(ConfigurationError, match=r"DefaultContainerRegistry is a docker\.Docker"):
        DefaultContainerRegistry(uri="localhost:5000", docker_client=wrong)
    with pytest.raises(ConfigurationError, match="did you mean 'docker_client'"):
        DefaultContainerRegistry(uri="localhost:5000", client=wrong)


def test_a_registry_travels_without_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be pickled and copied while its client is in use; the copy finds one for itself."""
    with FakeDockerEngine().serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        with FakeRegistry(auth="basic", users={"a": "b"}) as server:
            registry = DefaultContainerRegistry(
                uri=server.address, username="a", password="b", name="mine"
            )
            first = registry.docker_client
            for again in (pickle.loads(pickle.dumps(registry)), copy.deepcopy(registry)):
                assert (again.config, again.id) == (registry.config, registry.id)
                assert again.docker_client is not first
                again.docker_client.ping()
                again.close()
            first.ping()
            registry.close()


def test_an_override_of_the_client_pushes() -> None:
    """A registry that has its client from elsewhere needs to override nothing else."""
    engine = FakeDockerEngine()

    class OtherRegistry(DefaultContainerRegistry):
        @property
        def docker_client(self) -> FakeDockerClient:
            return client

    client = FakeDockerClient(engine)
    with FakeRegistry() as server:
        engine.seed_image(f"{server.address}/app:1", files={"/a": "x"})
        OtherRegistry(uri=server.address).push_image(f"{server.address}/app:1")
        assert server.tags("app") == ["1"]
    client.close()


def test_the_flavor_introduces_the_registry() -> None:
    """Its name is `default`; its pages are below the project's own."""
    flavor: Flavor = DefaultContainerRegistryFlavor()
    assert flavor.name == "default"
    assert flavor.type is StackComponentType.CONTAINER_REGISTRY
    assert flavor.config_class is DefaultContainerRegistryConfig
    assert flavor.implementation_class is DefaultContainerRegistry
    assert issubclass(flavor.implementation_class, BaseContainerRegistry)
    assert flavor.docs_url == flavor.generate_default_docs_url()
    assert flavor.sdk_docs_url == flavor.generate_default_sdk_docs_url()


def _write_auth(path: Path, name: str, username: str, password: str) -> None:
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {name: {"auth": auth}}}))
