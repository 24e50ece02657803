"""Planned faults reach the client as real ones would."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from typing import Any

import docker.errors
import pytest
import requests.exceptions
import urllib3.exceptions
from left_threads import left_threads

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import Files, pack

Build = Callable[..., str]
# The SDK lets either through, by how it reads the stream.
_BROKEN = (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError)
_CONTEXT = pack({"Dockerfile": "FROM scratch\nCOPY a /\nENV b=1", "a": "1"})


def test_an_error_by_endpoint_and_count(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """So many requests fail, later ones do not, others never did."""
    engine.faults.fail("GET /images/json", 500, "boom", times=2, after=1)
    client.images.list()
    for _ in range(2):
        with pytest.raises(docker.errors.APIError, match="boom"):
            client.images.list()
    client.images.list()
    assert client.ping()


def test_a_cut_stream(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """The connection breaks after so many bytes."""
    engine.faults.cut("POST /build", after_bytes=30)
    stream = client.api.build(fileobj=io.BytesIO(_CONTEXT), custom_context=True)
    with pytest.raises(_BROKEN):
        list(stream)


def test_the_engine_goes_away_in_the_middle_of_a_build(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """What was printed before arrives, then the connection breaks."""
    engine.faults.die_at_step("env")
    stream = client.api.build(fileobj=io.BytesIO(_CONTEXT), custom_context=True, decode=True)
    seen: list[str] = []
    with pytest.raises(_BROKEN):
        seen.extend(line["stream"] for line in stream)
    assert client.ping()


@pytest.mark.parametrize(
    ("step", "before", "path"),
    [
        ("COPY a /x/y/new", "", "x/y/new"),
        ("COPY d /x/y", "", "x/y/s/big"),
        ("ADD x.tar /x/y/", "failed to copy files: ", "s/f"),
    ],
)
@pytest.mark.parametrize(
    ("version", "process"),
    [("20.10", "Error processing tar file(exit status 1): "), ("28.5", "")],
)
def test_no_space_left(version: str, process: str, step: str, before: str, path: str) -> None:
    """A step finds the disk full, once, and names the file as that version does."""
    engine = FakeDockerEngine(version)
    client = FakeDockerClient(engine)
    engine.faults.no_space_at_step(step.split()[0])
    files: Files = {"a": "1", "d/empty": "", "d/s/big": "1", "x.tar": pack({"s/f": "1"})}
    context = pack({"Dockerfile": f"FROM scratch\n{step}", **files})

    def build() -> None:
        client.images.build(fileobj=io.BytesIO(context), custom_context=True)

    with pytest.raises(docker.errors.BuildError) as caught:
        build()
    assert caught.value.msg == f"{before}{process}write /{path}: no space left on device"
    build()
    client.close()


def test_no_space_left_for_the_context(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """The request fails before the first step."""
    engine.faults.no_space_for_context()
    with pytest.raises(docker.errors.APIError, match="write /Dockerfile: no space left on device"):
        client.images.build(fileobj=io.BytesIO(_CONTEXT), custom_context=True)
    client.images.build(fileobj=io.BytesIO(_CONTEXT), custom_context=True)


def test_only_what_writes_files_finds_the_disk_full(engine: FakeDockerEngine) -> None:
    """A RUN says so by its own output."""
    with pytest.raises(ValueError, match="known: copy, add"):
        engine.faults.no_space_at_step("run")


def test_a_denied_push_is_a_success_with_an_error_in_it(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """As from a real engine: status 200 and `errorDetail` in the stream."""
    engine.seed_image("registry.example/x:1")
    engine.faults.deny_push()
    lines = list(client.images.push("registry.example/x", "1", stream=True, decode=True))
    assert "requested access to the resource is denied" in lines[-1]["errorDetail"]["message"]


def test_a_late_answer(engine: FakeDockerEngine) -> None:
    """The SDK's own timeout is what ends the wait."""
    engine.faults.delay("GET /_ping", 60)
    impatient = FakeDockerClient(engine, timeout=0.02)
    try:
        with pytest.raises(requests.exceptions.ReadTimeout):
            impatient.api.get("http://localhost:2375/_ping", timeout=0.02)
    finally:
        impatient.close()


def test_a_late_answer_to_nobody(engine: FakeDockerEngine) -> None:
    """What was asked is done when the client goes away, and nothing goes on waiting."""
    before = set(threading.enumerate())
    delayed = engine.faults.delay("POST /volumes/create", 3600)
    impatient = FakeDockerClient(engine, timeout=0.02)
    with pytest.raises(requests.exceptions.ReadTimeout):
        impatient.api.post(
            "http://localhost:2375/v1.41/volumes/create", json={"Name": "late"}, timeout=0.02
        )
    impatient.close()
    assert left_threads(before) == []
    assert delayed.hits == 1
    client = FakeDockerClient(engine)
    assert [volume.name for volume in client.volumes.list()] == ["late"]
    client.close()


def test_an_answer_that_hangs_is_given_up_before_its_first_byte(engine: FakeDockerEngine) -> None:
    """The test that waits for the client to be gone is told even then."""
    fault = engine.faults.answer("GET /_ping", [], then="hang")
    near, far = socket.socketpair()
    near.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
    near.close()
    engine.serve_connection(far)
    assert fault.abandoned.is_set()


def test_requests_are_recorded(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """Method, path, status and headers, without the version in the path."""
    client.images.list()
    assert (engine.requests[-1].method, engine.requests[-1].path) == ("GET", "/images/json")
    assert engine.requests[-1].status == 200
    assert engine.requests[-1].headers["accept-encoding"]


def test_an_answer_of_the_tests_own(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """Messages, bytes and a status in place of the engine's, as often as planned."""
    fault = engine.faults.answer("POST /build", [{"stream": "odd"}, b'{"stream"', b':"cut"}'])
    stream = client.api.build(fileobj=io.BytesIO(_CONTEXT), custom_context=True, decode=True)
    assert list(stream) == [{"stream": "odd"}, {"stream": "cut"}]
    assert fault.hits == 1
    assert engine.builds == []
    engine.faults.answer("GET /_ping", b"<html>", status=502)
    with pytest.raises(docker.errors.APIError, match="502"):
        client.ping()
    assert client.ping()


def test_an_answer_that_breaks_off(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """What was planned arrives, then the connection is gone."""
    engine.faults.answer("POST /build", [{"stream": "half"}], then="break")
    stream = client.api.build(fileobj=io.BytesIO(_CONTEXT), custom_context=True, decode=True)
    assert next(stream) == {"stream": "half"}
    with pytest.raises(_BROKEN):
        next(stream)


def test_an_answer_that_hangs(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """It says no more, and tells when the client went away."""
    fault = engine.faults.answer("POST /build", [{"stream": "half"}], then="hang")
    response = client.api.post("http://localhost:2375/v1.41/build", data=_CONTEXT, stream=True)
    chunks = response.iter_content(chunk_size=None)
    assert next(chunks) == b'{"stream":"half"}\r\n'
    connection: Any = response.raw.connection
    connection.sock.settimeout(0.02)
    with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
        next(chunks)
    assert not fault.abandoned.is_set()
    response.close()
    assert fault.abandoned.wait(5)


def test_what_comes_after_an_answer_is_one_of_three(engine: FakeDockerEngine) -> None:
    """Anything else is refused when it is planned."""
    with pytest.raises(ValueError, match="'explode'"):
        engine.faults.answer("GET /_ping", b"", then="explode")


def test_no_answer_at_all(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """The connection breaks before the first byte; the request is recorded all the same."""
    engine.faults.drop("GET /_ping")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.ping()
    assert (engine.requests[-1].path, engine.requests[-1].status) == ("/_ping", 0)
    assert client.ping()
