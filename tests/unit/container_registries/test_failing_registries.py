"""Pushing to registries that refuse, fail and break off: what the user is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.registry import RepositoryRule
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.exceptions import PushError, RegistryError

MANIFEST = "/v2/*/manifests/*"
UPLOAD = "/v2/*/blobs/uploads/*"

Break = Callable[[FakeRegistry], object]


@pytest.fixture(autouse=True)
def _no_docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture(params=["20.10", "28.5"])
def docker_client(request: pytest.FixtureRequest) -> Iterator[FakeDockerClient]:
    """Give a client of an old and of a new engine."""
    client = FakeDockerClient(FakeDockerEngine(request.param))
    yield client
    client.close()


def _push(
    client: FakeDockerClient, server: FakeRegistry, login: tuple[str, str] | None = None
) -> str:
    name = f"{server.address}/team/app:1"
    client.engine.seed_image(name, files={"/a": "x"})
    username, password = login or (None, None)
    registry = DefaultContainerRegistry(
        uri=server.address, username=username, password=password, docker_client=client
    )
    return registry.push_image(name)


@pytest.mark.parametrize(
    ("make", "detail", "advice"),
    [
        pytest.param(
            lambda s: s.faults.too_many_requests(30, method="PUT", path=MANIFEST, times=None),
            "toomanyrequests: a fault asked for by the test",
            "limits how often",
            id="429 at the manifest",
        ),
        pytest.param(
            lambda s: s.faults.too_many_requests(30, method="POST", path=UPLOAD, times=None),
            "toomanyrequests: a fault asked for by the test",
            "limits how often",
            id="429 at a layer",
        ),
        pytest.param(
            lambda s: s.faults.status(500, method="PUT", path=MANIFEST, times=None),
            "received unexpected HTTP status: 500 Internal Server Error",
            "The registry itself failed",
            id="500 at the manifest",
        ),
        pytest.param(
            lambda s: s.faults.status(503, method="PATCH", path=UPLOAD, times=None),
            "received unexpected HTTP status: 503 Service Unavailable",
            "The registry itself failed",
            id="503 at a layer, five times",
        ),
        pytest.param(
            lambda s: s.faults.status(
                403, method="PUT", path=MANIFEST, times=None, message="user is not on the list"
            ),
            "denied: user is not on the list",
            "docker login",
            id="403 in the registry's words",
        ),
        pytest.param(
            lambda s: s.faults.cut(method="PUT", path=MANIFEST, times=None),
            "EOF",
            "cannot reach the registry",
            id="cut at the manifest",
        ),
        pytest.param(
            lambda s: s.faults.cut(10, method="PATCH", path=UPLOAD, times=None),
            "EOF",
            "cannot reach the registry",
            id="cut at a layer, five times",
        ),
        pytest.param(
            lambda s: setattr(s, "read_only", True),
            "unsupported: the registry is read-only",
            "takes no pushes",
            id="read-only",
        ),
    ],
)
def test_a_registry_that_does_not_take_it(
    docker_client: FakeDockerClient, make: Break, detail: str, advice: str
) -> None:
    """The engine's words, and what to do about them."""
    with FakeRegistry() as server:
        make(server)
        with pytest.raises(PushError, match=advice) as caught:
            _push(docker_client, server)
        assert server.address in str(caught.value)
        assert caught.value.registry == server.address
    assert caught.value.detail is not None
    assert caught.value.detail.endswith(detail)


def test_a_registry_that_is_full(docker_client: FakeDockerClient) -> None:
    """The registry's own words are there."""
    with (
        FakeRegistry(storage_limit=10) as server,
        pytest.raises(PushError, match="storage limit would be exceeded"),
    ):
        _push(docker_client, server)


def test_a_user_who_may_not_push(docker_client: FakeDockerClient) -> None:
    """The login succeeds, the push does not."""
    rules = [RepositoryRule("team/*", push=())]
    for kind in ("basic", "bearer"):
        with (
            FakeRegistry(auth=kind, users={"alice": "s3cret"}, rules=rules) as server,
            pytest.raises(PushError, match="may push there") as caught,
        ):
            _push(docker_client, server, ("alice", "s3cret"))
        assert caught.value.detail == "denied: requested access to the resource is denied"


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_wrong_credentials(docker_client: FakeDockerClient, kind: str) -> None:
    """They are found out at login, before anything is sent; the password is not told."""
    with FakeRegistry(auth=kind, users={"alice": "s3cret"}) as server:
        with pytest.raises(RegistryError, match="'alice' could not log in") as caught:
            _push(docker_client, server, ("alice", "wr0ng"))
        assert not [r for r in server.requests if r.method != "GET"]
    assert "docker login" in str(caught.value)
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_no_credentials(docker_client: FakeDockerClient, kind: str) -> None:
    """However the registry asks for them."""
    with (
        FakeRegistry(auth=kind, users={"alice": "s3cret"}) as server,
        pytest.raises(PushError, match=f"docker login {server.address}"),
    ):
        _push(docker_client, server)


@pytest.mark.parametrize(
    ("status", "advice"), [(429, "limits how often"), (503, "The registry itself failed")]
)
def test_a_login_that_fails(docker_client: FakeDockerClient, status: int, advice: str) -> None:
    """The registry is in trouble already when the user logs in."""
    with FakeRegistry() as server:
        server.faults.status(status, path="/v2/", times=None)
        with pytest.raises(RegistryError, match=advice):
            _push(docker_client, server, ("alice", "s3cret"))


def test_a_registry_that_is_slow(docker_client: FakeDockerClient) -> None:
    """The component's time limit ends what the engine would wait for."""
    released = threading.Event()
    with FakeRegistry(sleep=lambda seconds: released.wait(seconds) and None) as server:
        server.faults.delay(60, method="POST", path=UPLOAD)
        name = f"{server.address}/app:1"
        docker_client.engine.seed_image(name, files={"/a": "x"})
        registry = DefaultContainerRegistry(
            uri=server.address, idle_timeout=0.05, docker_client=docker_client
        )
        try:
            with pytest.raises(PushError, match=r"nothing was heard for 0\.05 s"):
                registry.push_image(name)
        finally:
            released.set()


def test_trouble_that_passes(docker_client: FakeDockerClient) -> None:
    """A layer that fails once is sent again by the engine."""
    with FakeRegistry() as server:
        server.faults.status(502, method="PUT", path=UPLOAD, times=1)
        server.faults.cut(method="PATCH", path=UPLOAD, times=1)
        pushed = _push(docker_client, server)
        assert pushed == f"{server.address}/team/app@{server.manifest('team/app:1').digest}"
