"""What a client sees of pushes and pulls, beyond what the contract compares.

They are those of an engine with a graph driver; `test_content_store.py` has containerd's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import docker.errors
import pytest
from pytest_mock import MockerFixture
from registry_clients import Reply, ScriptedTransport, Sent

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.transfers import reliable
from fakes.registry import SeedImage

Build = Callable[..., str]
Message = dict[str, Any]

pytestmark = pytest.mark.fake_docker_engine(version="20.10")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry that takes everybody."""
    with FakeRegistry() as registry:
        yield registry


def _push(client: FakeDockerClient, name: str, **auth: str) -> list[Message]:
    return list(client.api.push(name, auth_config=auth, stream=True, decode=True))


def _pull(client: FakeDockerClient, name: str) -> list[Message]:
    return list(client.api.pull(name, stream=True, decode=True))


def _statuses(messages: list[Message]) -> list[str]:
    return [str(message.get("status")) for message in messages]


def test_the_progress_of_a_push(
    client: FakeDockerClient, build: Build, registry: FakeRegistry
) -> None:
    """A bar without a ratio: an archive is more than the files in it."""
    name = f"{registry.address}/app:1"
    build("FROM scratch\nCOPY a /a", {"a": "1"}, tag=name)
    pushing = next(m for m in _push(client, name) if m.get("status") == "Pushing")
    assert pushing["progressDetail"] == {"current": 2048, "total": 1}
    assert pushing["progress"] == f"[{'=' * 50}>]  2.048kB"


def test_the_progress_of_a_pull(client: FakeDockerClient, registry: FakeRegistry) -> None:
    """Each layer is loaded, checked and unpacked."""
    registry.seed("app:1", SeedImage(files={"a": "1"}))
    messages = _pull(client, f"{registry.address}/app:1")
    assert _statuses(messages)[1:-2] == [
        "Pulling fs layer",
        "Downloading",
        "Verifying Checksum",
        "Download complete",
        "Extracting",
        "Pull complete",
    ]
    [loading] = [m for m in messages if m["status"] == "Downloading"]
    size = loading["progressDetail"]["total"]
    assert loading["progress"] == f"[{'=' * 50}>] {f'{size}B'.rjust(8)}/{size}B"


def test_a_failing_upload_is_tried_five_times_without_waiting(
    client: FakeDockerClient, build: Build, registry: FakeRegistry
) -> None:
    """The words are those of fifty seconds of waiting."""
    name = f"{registry.address}/app:1"
    build("FROM scratch\nCOPY a /a", {"a": "1"}, tag=name)
    fault = registry.faults.status(500, method="PATCH", times=None)
    messages = _push(client, name)
    waits = [s for s in _statuses(messages) if s.startswith("Retrying in")]
    assert (waits[0], waits[4], waits[5]) == (
        "Retrying in 5 seconds",
        "Retrying in 1 second",
        "Retrying in 10 seconds",
    )
    assert len(waits) == 5 + 10 + 15 + 20
    assert fault.hits == 5
    words = "received unexpected HTTP status: 500 Internal Server Error"
    assert messages[-1] == {"errorDetail": {"message": words}, "error": words}


def test_wrong_credentials_at_a_token_service_are_tried_five_times(
    client: FakeDockerClient, build: Build
) -> None:
    """A refusal that says nothing but its code does not count as final."""
    with FakeRegistry(auth="bearer", users={"alice": "secret"}) as registry:
        name = f"{registry.address}/app:1"
        build("FROM scratch\nCOPY a /a", {"a": "1"}, tag=name)
        messages = _push(client, name, username="alice", password="wrong")
    assert len([s for s in _statuses(messages) if s.startswith("Retrying in")]) == 50
    assert messages[-1]["error"] == "unauthorized"


@pytest.mark.parametrize(("version", "tries"), [("20.10", 6), ("28.5", 5)])
def test_a_layer_that_is_never_given_whole(
    registry: FakeRegistry, version: str, tries: int
) -> None:
    """Each try goes on where the last broke off."""
    client = FakeDockerClient(FakeDockerEngine(version))
    manifest = registry.seed("app:1", SeedImage(files={"a": "1" * 50}))
    layers: Any = manifest.document["layers"]
    path = f"*/blobs/{layers[0]['digest']}"
    registry.faults.cut(10, method="GET", path=path, times=None)
    messages = _pull(client, f"{registry.address}/app:1")
    assert messages[-1]["error"] == "unexpected EOF"
    ranges = [r.headers.get("range") for r in registry.requests if r.reference == path[8:]]
    assert ranges == [None, *(f"bytes={10 * n}-" for n in range(1, tries))]
    client.close()


def test_what_an_engine_knows_of_layers_is_its_own(
    client: FakeDockerClient, build: Build, registry: FakeRegistry
) -> None:
    """Another engine sends a layer that the registry has."""
    name = f"{registry.address}/app:1"
    build("FROM scratch\nCOPY a /a", {"a": "1"}, tag=name)
    assert "Pushed" in _statuses(_push(client, name))
    assert "Layer already exists" in _statuses(_push(client, name))
    other = FakeDockerClient(FakeDockerEngine("20.10"))
    other.images.load(b"".join(client.images.get(name).save(named=True)))
    assert "Pushed" in _statuses(_push(other, name))
    other.close()


def test_a_hub_that_has_an_image_gives_all_its_tags(engine: FakeDockerEngine) -> None:
    """Without a tag every one that was seeded comes."""
    for tag in ("1", "2"):
        engine.seed_hub(f"thing:{tag}", env={"tag": tag})
    client = FakeDockerClient(engine)
    assert len(client.images.pull("thing", all_tags=True)) == 2
    with pytest.raises(docker.errors.NotFound, match="manifest for thing:3 not found"):
        client.images.pull("thing:3")
    client.close()


def test_a_client_without_credentials(
    client: FakeDockerClient, build: Build, registry: FakeRegistry
) -> None:
    """Older engines want a document that holds none; the SDK sends an empty one as the body."""
    name = f"{registry.address}/app:1"
    build("FROM scratch\nCOPY a /a", {"a": "1"}, tag=name)
    url = f"{client.api.base_url}/images/{name.rpartition(':')[0]}/push?tag=1"
    answer = client.api.post(url, timeout=10)
    assert answer.status_code == 400
    assert "missing X-Registry-Auth" in answer.json()["message"]
    nobody = base64.urlsafe_b64encode(json.dumps({}).encode()).decode()
    assert client.api.post(url, headers={"X-Registry-Auth": nobody}, timeout=10).ok
    assert '"aux"' in client.api.push(name)


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_any_certificate_will_do_on_the_loopback(
    client: FakeDockerClient, build: Build, kind: str
) -> None:
    """A registry there is taken as insecure, with TLS as without."""
    pytest.importorskip("cryptography")
    users = {"alice": "secret"}
    with FakeRegistry(tls=True, auth=kind, users=users) as registry:
        name = f"{registry.address}/app:1"
        image = build("FROM scratch\nCOPY a /a", {"a": "1"}, tag=name)
        client.login("alice", "secret", registry=registry.address)
        assert "Pushed" in _statuses(_push(client, name, username="alice", password="secret"))
        client.images.remove(name)
        assert client.images.pull(name).id == image


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ("Bearer service=x", "no realm specified for token auth challenge"),
        ('Bearer realm="/token"', "did not include a token in the response"),
        ('Bearer realm="ftp://elsewhere"', "is not of http or https"),
    ],
)
def test_challenges_that_cannot_be_met(mocker: MockerFixture, challenge: str, words: str) -> None:
    """The engine says what is wrong with a challenge, or with the token service's answer."""

    def answer(sent: Sent) -> Reply:
        if sent.url.startswith("https://registry.example/token?"):
            return Reply(body=b"{}")
        return Reply(401, {"WWW-Authenticate": challenge})

    transport = ScriptedTransport(answer)
    mocker.patch("fakes.engine.registries.connection.Transport", return_value=transport)
    client = FakeDockerClient(FakeDockerEngine(network=True))
    with pytest.raises(docker.errors.APIError, match=words):
        client.login("alice", "secret", registry="registry.example")
    client.close()


@pytest.mark.parametrize("port", ["99999", "no"])
def test_an_address_that_is_none(client: FakeDockerClient, port: str) -> None:
    """The engine answers, where nobody can be asked."""
    with pytest.raises(docker.errors.APIError, match=f'Get "http://localhost:{port}/v2/"'):
        client.login("alice", "secret", registry=f"localhost:{port}")


@pytest.mark.parametrize("first", ["ab", "ba"])
@pytest.mark.parametrize("ended", ["Pull complete", "Pushed"])
def test_layers_are_compared_in_the_order_of_their_image(first: str, ended: str) -> None:
    """Where they begin and end side by side, and were not named in order before."""
    begun = [{"status": "Pulling fs layer", "id": item} for item in first]
    passing = {"status": "Downloading", "id": "b"}
    ends = [{"status": ended, "id": item} for item in ("b", "a")]
    seen = reliable([*begun, passing, *ends], known=["a", "b"])
    assert [message["id"] for message in seen] == ["a", "b", "a", "b"]


def test_only_what_comes_in_every_run_is_compared() -> None:
    """Passing words go, and layers that end side by side are put in order."""
    seen = reliable(
        [
            {"status": "Preparing", "id": "b"},
            {"status": "Preparing", "id": "a"},
            {"status": "Pushing", "id": "b", "progressDetail": {"current": 1}},
            {"status": "Pushed", "id": "a"},
            {"status": "Mounted from x", "id": "b"},
            {"status": "1: digest: …"},
        ]
    )
    assert [(m["status"], m.get("id")) for m in seen] == [
        ("Preparing", "b"),
        ("Preparing", "a"),
        ("Mounted from x", "b"),
        ("Pushed", "a"),
        ("1: digest: …", None),
    ]
