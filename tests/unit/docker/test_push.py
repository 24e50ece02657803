"""Pushing an image, and every way it can fail."""

from __future__ import annotations

import errno
import socket
from typing import Any

import docker
import pytest
import requests

from imagebuilders.docker.image_reference import ImageReference
from imagebuilders.docker.push import push_image
from imagebuilders.events import Event, ImagePushed, LayerProgress, StepOutput
from imagebuilders.exceptions import PushError

DIGEST = "sha256:" + "cd" * 32
REFERENCE = ImageReference("localhost:5000", "team/app", "1")


def _push(client: docker.DockerClient, **options: Any) -> tuple[str, list[Event]]:
    events: list[Event] = []
    arguments = {"authorization": "e30=", "emit": events.append, **options}
    return push_image(client, REFERENCE, **arguments), events


def test_a_push_gives_the_repo_digest(
    client: docker.DockerClient, scripted_engine: Any, script: Any
) -> None:
    """The digest comes in the stream; only the one tag is pushed."""
    scripted_engine.answers.append(
        script.stream(
            [
                {"status": "The push refers to repository [localhost:5000/team/app]"},
                {"status": "Pushing", "id": "l1", "progressDetail": {"current": 1, "total": 2}},
                {"status": f"1: digest: {DIGEST} size: 5"},
                {"progressDetail": {}, "aux": {"Tag": "1", "Digest": DIGEST, "Size": 5}},
            ]
        )
    )
    digest, events = _push(client)
    assert digest == f"localhost:5000/team/app@{DIGEST}"
    assert LayerProgress("l1", "Pushing", 1, 2) in events
    assert StepOutput(0, "The push refers to repository [localhost:5000/team/app]") in events
    assert events[-1] == ImagePushed(digest)
    [request] = scripted_engine.requests
    assert request.line == "POST /v1.41/images/localhost:5000/team/app/push?tag=1 HTTP/1.1"
    assert request.headers["x-registry-auth"] == "e30="


def test_podman_tells_the_digest_in_a_status_line(
    client: docker.DockerClient, scripted_engine: Any, script: Any
) -> None:
    """There is no `aux`; the line is the one that Docker writes, too."""
    scripted_engine.answers.append(
        script.stream([{"status": f"1: digest: {DIGEST} size: 576"}, {"status": "done"}])
    )
    digest, _ = _push(client)
    assert digest == f"localhost:5000/team/app@{DIGEST}"


@pytest.mark.parametrize(
    ("message", "detail", "advice"),
    [
        (
            {"errorDetail": {"message": "denied: requested access to the resource is denied"}},
            "denied: requested access to the resource is denied",
            "docker login localhost:5000",
        ),
        ({"error": "unauthorized: authentication required"}, "unauthorized", "username"),
        ({"error": "denied: storage limit is reached"}, "denied", "See the log of the registry"),
        ({"error": "denied: alice is not allowed to push here"}, "denied", "username"),
        ({"errorDetail": {}}, "no reason given", "See the log of the registry"),
        (
            {"errorDetail": {"message": "received unexpected HTTP status: 500 Internal Server"}},
            "500",
            "The registry itself failed",
        ),
        ({"error": "toomanyrequests: slow down"}, "toomanyrequests", "limits how often"),
        ({"error": "dial tcp 127.0.0.1:1: connect: connection refused"}, "dial", "see whether"),
        ({"error": "Get https://r/v2/: net/http: TLS handshake timeout"}, "timeout", "slow"),
        (
            {"error": "http: server gave HTTP response to HTTPS client"},
            "server gave HTTP",
            "insecure-registries",
        ),
        ({"error": "x509: certificate signed by unknown authority"}, "x509", "ca.crt"),
        (
            {"error": "An image does not exist locally with the tag: localhost:5000/team/app"},
            "does not exist locally",
            "Build the image",
        ),
        ({"error": "blob upload invalid"}, "blob upload", "See the log of the registry"),
    ],
)
def test_an_error_in_the_stream_is_raised(
    client: docker.DockerClient,
    scripted_engine: Any,
    script: Any,
    message: object,
    detail: str,
    advice: str,
) -> None:
    """The answer's status is 200 all the same; the error says what to do next."""
    scripted_engine.answers.append(script.stream([{"status": "Preparing", "id": "a"}, message]))
    with pytest.raises(PushError, match="localhost:5000/team/app:1 was not pushed") as caught:
        _push(client)
    assert caught.value.registry == "localhost:5000"
    assert caught.value.image_name == "localhost:5000/team/app:1"
    assert detail in (caught.value.detail or "")
    assert advice in str(caught.value)


def test_a_refusal_is_raised(
    client: docker.DockerClient, scripted_engine: Any, script: Any
) -> None:
    """Newer engines refuse the push of an image they do not have."""
    body = b'{"message":"tag does not exist: localhost:5000/team/app:1"}'
    scripted_engine.answers.append(script.plain("404 Not Found", body))
    with pytest.raises(PushError, match=r"tag does not exist: .*Build the image") as caught:
        _push(client)
    assert caught.value.detail == "tag does not exist: localhost:5000/team/app:1"


@pytest.mark.parametrize(
    ("messages", "complete", "words"),
    [
        ([{"status": "Preparing", "id": "a"}], False, "the Docker Engine went away"),
        ([{"status": "Preparing", "id": "a"}], True, "without the digest"),
        ([b"<html>"], True, "not a stream of JSON"),
    ],
)
def test_an_answer_that_breaks_off_is_no_success(
    client: docker.DockerClient,
    scripted_engine: Any,
    script: Any,
    messages: list[object],
    complete: bool,
    words: str,
) -> None:
    """Only a digest is proof."""
    scripted_engine.answers.append(script.stream(messages, complete=complete))
    with pytest.raises(PushError, match=words):
        _push(client)


def test_a_push_that_hangs_is_given_up(
    client: docker.DockerClient, scripted_engine: Any, script: Any
) -> None:
    """A slow registry is told from a dead engine."""

    def hang(connection: socket.socket) -> None:
        connection.sendall(script.stream([], complete=False))
        connection.recv(1)

    scripted_engine.answers.append(hang)
    with pytest.raises(PushError, match=r"nothing was heard for 0\.05 s\. The registry is slow"):
        _push(client, silence_timeout=0.05)
    scripted_engine.wait()


def test_a_connection_that_times_out_is_an_error_without_a_limit_too(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system gives a dead connection up by itself."""

    def time_out(*_: object, **__: object) -> None:
        raise requests.ConnectionError(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))

    monkeypatch.setattr(client.api, "post", time_out)
    with pytest.raises(PushError, match="nothing was heard in time"):
        _push(client)
