"""Pushing an image, and every way it can fail."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from imagebuilders.docker.push import push_image
from imagebuilders.events import Event, ImagePushed, LayerProgress, StepOutput
from imagebuilders.exceptions import PushError
from imagebuilders.oci.reference import ImageReference

DIGEST = "sha256:" + "cd" * 32
NOWHERE = ImageReference("localhost:5000", "team/app", "1")
_PUSH = "POST /images/*/push"


@pytest.fixture
def reference(fake_engine: FakeDockerEngine, fake_registry: FakeRegistry) -> ImageReference:
    """An image that is in the engine, under a name of the registry."""
    reference = ImageReference(fake_registry.address, "team/app", "1")
    fake_engine.seed_image(str(reference), files={"/f": "1"})
    return reference


def _push(
    client: FakeDockerClient, reference: ImageReference = NOWHERE, **options: Any
) -> tuple[str, list[Event]]:
    events: list[Event] = []
    arguments = {"authorization": "e30=", "emit": events.append, **options}
    return push_image(client, reference, **arguments), events


@pytest.mark.parametrize("version", ["20.10", "26.1", "28.5"])
def test_a_push_gives_the_repo_digest(version: str, fake_registry: FakeRegistry) -> None:
    """The digest comes in the stream; only the one tag is pushed."""
    engine = FakeDockerEngine(version)
    client = FakeDockerClient(engine)
    reference = ImageReference(fake_registry.address, "team/app", "1")
    engine.seed_image(reference.repository + ":2")
    layer = engine.seed_image(str(reference), files={"/f": "1"}).layers[0]
    digest, events = _push(client, reference)
    client.close()
    assert digest == f"{reference.repository}@{fake_registry.manifest('team/app:1').digest}"
    assert fake_registry.tags("team/app") == ["1"]
    item = layer.diff_id[7:19]
    assert LayerProgress(item, "Preparing") in events
    sizes = [event.total for event in events if isinstance(event, LayerProgress)]
    assert max(sizes) == layer.size
    assert StepOutput(0, f"The push refers to repository [{reference.repository}]") in events
    assert events[-1] == ImagePushed(digest)
    assert engine.requests[-1].headers["x-registry-auth"] == "e30="


def test_podman_tells_the_digest_in_a_status_line(
    client: FakeDockerClient, fake_engine: FakeDockerEngine
) -> None:
    """There is no `aux`; the line is the one that Docker writes, too."""
    lines = [{"status": f"1: digest: {DIGEST} size: 576"}, {"status": "done"}]
    fake_engine.faults.answer(_PUSH, lines)
    digest, _ = _push(client)
    assert digest == f"localhost:5000/team/app@{DIGEST}"


@pytest.mark.parametrize("digest", ["", "latest", "sha256:\x1b[2J", DIGEST.upper(), 7, [DIGEST]])
def test_a_digest_that_is_malformed_is_not_returned(
    client: FakeDockerClient, fake_engine: FakeDockerEngine, digest: object
) -> None:
    """Nor shown with characters that a terminal obeys: whoever deploys it would deploy anything."""
    fake_engine.faults.answer(_PUSH, [{"aux": {"Tag": "1", "Digest": digest, "Size": 1}}])
    error = _refused(client)
    assert "is not a digest" in (error.detail or "")
    assert "\x1b" not in str(error)


def _refused(client: FakeDockerClient, reference: ImageReference = NOWHERE) -> PushError:
    with pytest.raises(PushError, match=f"{reference} was not pushed") as caught:
        _push(client, reference)
    assert caught.value.registry == reference.domain
    assert caught.value.image_name == str(reference)
    return caught.value


@pytest.mark.parametrize(
    ("options", "detail", "advice"),
    [
        ({"auth": "basic", "users": {"ann": "x"}}, "no basic auth credentials", "docker login"),
        ({"read_only": True}, "unsupported", "takes no pushes"),
        ({"storage_limit": 1}, "denied: ", "no room left"),
    ],
)
def test_a_registry_that_takes_nothing(
    client: FakeDockerClient,
    fake_engine: FakeDockerEngine,
    fake_registry_factory: Any,
    options: dict[str, Any],
    detail: str,
    advice: str,
) -> None:
    """The answer's status is 200 all the same; the error says what to do next."""
    registry = fake_registry_factory(**options)
    reference = ImageReference(registry.address, "team/app", "1")
    fake_engine.seed_image(str(reference), files={"/f": "1"})
    error = _refused(client, reference)
    assert detail in (error.detail or "")
    assert advice in str(error)


@pytest.mark.parametrize(
    ("status", "detail", "advice"),
    [
        (500, "500 Internal Server Error", "The registry itself failed"),
        (429, "toomanyrequests", "limits how often"),
    ],
)
def test_a_registry_that_fails(
    client: FakeDockerClient,
    fake_registry: FakeRegistry,
    reference: ImageReference,
    status: int,
    detail: str,
    advice: str,
) -> None:
    """The engine tells the registry's words."""
    fake_registry.faults.status(status, method="PUT", path="/v2/*/manifests/*")
    error = _refused(client, reference)
    assert detail in (error.detail or "")
    assert advice in str(error)


def test_a_registry_that_is_not_there(
    client: FakeDockerClient, fake_engine: FakeDockerEngine
) -> None:
    """The address is in doubt."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = ImageReference(f"127.0.0.1:{unused.getsockname()[1]}", "team/app", "1")
        fake_engine.seed_image(str(nobody))
        error = _refused(client, nobody)
    assert "connection refused" in (error.detail or "")
    assert "see whether" in str(error)


def test_an_image_that_is_not_there(client: FakeDockerClient, fake_registry: FakeRegistry) -> None:
    """It has to be built first."""
    error = _refused(client, ImageReference(fake_registry.address, "team/app", "1"))
    assert "does not exist locally" in (error.detail or "")
    assert "Build the image" in str(error)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("denied: requested access to the resource is denied", "docker login localhost:5000"),
        ("unauthorized: authentication required", "username"),
        ("denied: storage limit is reached", "no room left"),
        ("denied: alice is not allowed to push here", "username"),
        ("received unexpected HTTP status: 500 Internal Server Error", "The registry itself"),
        ("Get https://r/v2/: net/http: TLS handshake timeout", "slow"),
        ("http: server gave HTTP response to HTTPS client", "insecure-registries"),
        ("x509: certificate signed by unknown authority", "ca.crt"),
        ("blob upload invalid", "See the log of the registry"),
    ],
)
def test_an_error_in_the_stream_is_raised(
    client: FakeDockerClient, fake_engine: FakeDockerEngine, text: str, advice: str
) -> None:
    """What registries and networks elsewhere say is understood as well."""
    fake_engine.faults.deny_push(text)
    error = _refused(client)
    assert error.detail == text
    assert advice in str(error)


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ({"error": "blob upload invalid"}, "blob upload invalid"),
        ({"errorDetail": {}}, "no reason given"),
        ({"errorDetail": "odd", "error": "words"}, "words"),
    ],
)
def test_an_error_may_lack_a_part(
    client: FakeDockerClient,
    fake_engine: FakeDockerEngine,
    message: dict[str, object],
    detail: str,
) -> None:
    """Podman and older engines leave parts of the detail out."""
    fake_engine.faults.answer(_PUSH, [{"status": "Preparing", "id": "a"}, message])
    assert _refused(client).detail == detail


def test_a_refusal_is_raised(client: FakeDockerClient, fake_engine: FakeDockerEngine) -> None:
    """Newer engines refuse the push of an image they do not have."""
    words = "tag does not exist: localhost:5000/team/app:1"
    fake_engine.faults.fail(_PUSH, 404, words)
    error = _refused(client)
    assert "Build the image" in str(error)
    assert error.detail == words


@pytest.mark.parametrize(
    ("messages", "then", "words"),
    [
        ([{"status": "Preparing", "id": "a"}], "break", "the Docker Engine went away"),
        ([{"status": "Preparing", "id": "a"}], "end", "without the digest"),
        ([b"<html>"], "end", "not a stream of JSON"),
    ],
)
def test_an_answer_that_breaks_off_is_no_success(
    client: FakeDockerClient,
    fake_engine: FakeDockerEngine,
    messages: list[dict[str, object] | bytes],
    then: str,
    words: str,
) -> None:
    """Only a digest is proof."""
    fake_engine.faults.answer(_PUSH, messages, then=then)
    with pytest.raises(PushError, match=words):
        _push(client)


def test_a_push_that_hangs_is_given_up(
    client: FakeDockerClient, fake_engine: FakeDockerEngine
) -> None:
    """A slow registry is told from a dead engine."""
    fault = fake_engine.faults.answer(_PUSH, [], then="hang")
    with pytest.raises(PushError, match=r"nothing was heard for 0\.05 s\. The registry is slow"):
        _push(client, idle_timeout=0.05)
    assert fault.abandoned.wait(5)


def test_a_connection_that_times_out_is_an_error_without_a_limit_too(
    client: FakeDockerClient, mocker: MockerFixture
) -> None:
    """The system gives a dead connection up by itself."""
    error = TimeoutError(errno.ETIMEDOUT, "Connection timed out")
    mocker.patch("imagebuilders.connections.streams.SocketStream.receive", side_effect=error)
    with pytest.raises(PushError, match="nothing was heard in time"):
        _push(client)
