"""What registries answer when they refuse, and what is told of it."""

from __future__ import annotations

import json
import pickle
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry_clients import ClientFactory, Login, Logins, Reply, ScriptedTransport, Waits
from registry_clients import scripted_repository as scripted

from fakes import FakeRegistry
from imagebuilders.distribution import Repository, RetryPolicy, Timeouts
from imagebuilders.distribution.failures import response_error
from imagebuilders.exceptions import (
    ImageNameError,
    RegistryAccessError,
    RegistryConnectionError,
    RegistryContentError,
    RegistryNotFoundError,
    RegistryResponseError,
)
from imagebuilders.oci.media_types import OCI_MANIFEST

_URL = "https://r.example/v2/"


def _errors(*entries: object) -> bytes:
    return json.dumps({"errors": list(entries)}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b"", RegistryAccessError, "answered 401. Give credentials for r.example"),
        (403, _errors({"code": "DENIED"}), RegistryAccessError, "403: DENIED. See which rights"),
        (404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}', RegistryNotFoundError, "Create the"),
        (413, b"<html>nginx</html>", RegistryResponseError, "answered 413. It, or a proxy"),
        (429, b"slow down\n", RegistryResponseError, "answered 429: slow down. It limits"),
        (400, b'{"details":"bad scope"}', RegistryResponseError, "answered 400: bad scope."),
        (400, b'{"error":"invalid"}', RegistryResponseError, "answered 400: invalid."),
        (400, b'["x"]', RegistryResponseError, "answered 400."),
        (400, b'{"errors":"x"}', RegistryResponseError, "answered 400."),
        (400, _errors(1, {"code": 2, "message": [3]}), RegistryResponseError, "answered 400."),
        (500, b"\x1b[2J\xff", RegistryResponseError, "itself failed"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(
    status: int, body: bytes, kind: type[Exception], words: str
) -> None:
    """Whatever form the answer has; nothing in it is obeyed by a terminal."""
    error = response_error("It failed", "r.example", status, body, url=_URL)
    assert type(error) is kind
    assert words in str(error)
    assert "\x1b" not in str(error)
    assert error.status == status
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_several_errors_are_told() -> None:
    """The first one's code counts; words are bounded."""
    entries = [{"code": f"E{number}", "message": "m" * 10_000} for number in range(9)]
    error = response_error("It failed", "r.example", 400, _errors(*entries), url=_URL)
    assert error.code == "E0"
    assert "E2 mmm" in error.detail
    assert len(str(error)) < 2000


@given(st.binary(max_size=100), st.integers(100, 599))
def test_any_answer_is_told(body: bytes, status: int) -> None:
    """In a line that can be printed."""
    text = str(response_error("It failed", "r.example", status, body, url=_URL))
    assert text.isprintable()


# --- statuses ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_be_over_soon_is_tried_again(
    fake_registry: FakeRegistry, repository: Repository, waits: Waits, status: int
) -> None:
    """Reading and writing alike."""
    digest = repository.upload_blob(b"{}").digest
    fault = fake_registry.faults.status(status, times=2)
    assert repository.read_blob(digest) == b"{}"
    assert fault.hits == 2
    assert waits.seconds == [0.5, 1.0]


def test_a_registry_that_keeps_failing_is_told(
    fake_registry: FakeRegistry, repository: Repository, waits: Waits
) -> None:
    """After the last attempt."""
    fault = fake_registry.faults.status(503, path="/v2/*/blobs/*", times=None)
    with pytest.raises(RegistryResponseError, match="answered 503"):
        repository.upload_blob(b"{}")
    assert fault.hits == 5
    assert waits.seconds == [0.5, 1, 2, 4]


def test_a_registry_that_limits_is_obeyed(
    fake_registry: FakeRegistry, repository: Repository, waits: Waits
) -> None:
    """It is waited for as long as it asks; not for minutes, though."""
    fake_registry.faults.too_many_requests(20, path="/v2/team/*")
    fake_registry.faults.too_many_requests(600, path="/v2/team/*", skip=1)
    with pytest.raises(RegistryResponseError, match="asks to wait 600 s"):
        repository.upload_blob(b"{}")
    assert waits.seconds == [20]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413])
def test_a_refusal_is_not_tried_again(
    fake_registry: FakeRegistry, repository: Repository, waits: Waits, status: int
) -> None:
    """It would be the same."""
    fake_registry.faults.status(status, method="PUT", times=None)
    with pytest.raises(RegistryResponseError) as caught:
        repository.write_manifest(b"{}", OCI_MANIFEST, "1")
    assert caught.value.status == status
    assert waits.seconds == []


# --- connections -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_cut_connection_is_tried_again(
    fake_registry: FakeRegistry, repository: Repository, method: str
) -> None:
    """Whatever it was used for."""
    fault = fake_registry.faults.cut(method=method, path="/v2/team/*")
    digest = repository.upload_blob(b"content").digest
    repository.write_manifest(
        b'{"schemaVersion":2,"layers":[],"config":{"digest":"%s"}}' % str(digest).encode(),
        OCI_MANIFEST,
        "1",
    )
    assert repository.read_blob(digest) == b"content"
    assert fault.hits == 1


def test_a_registry_that_is_not_there_is_told_at_once(
    new_client: ClientFactory, waits: Waits
) -> None:
    """Nothing is tried again where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(RegistryConnectionError, match="nobody listens there") as caught:
        new_client(f"127.0.0.1:{port}").ping()
    assert caught.value.registry == f"127.0.0.1:{port}"
    assert waits.seconds == []


def test_a_host_that_is_not_known_is_told_at_once(waits: Waits) -> None:
    """With its name."""
    transport = ScriptedTransport(lambda _: socket.gaierror(-2, "Name or service not known"))
    with pytest.raises(RegistryConnectionError, match=r"no host registry\.example"):
        scripted(transport, waits=waits).resolve("1")
    assert waits.seconds == []


def test_a_silent_registry_is_told(fake_registry: FakeRegistry, new_client: ClientFactory) -> None:
    """After the time that it may be silent."""
    fake_registry.faults.delay(60, times=None)
    client = new_client(
        fake_registry,
        plain_http=True,
        timeouts=Timeouts(idle=0.05),
        retries=RetryPolicy(attempts=1),
    )
    with pytest.raises(RegistryConnectionError, match="nothing was heard in time") as caught:
        client.ping()
    assert caught.value.is_transient


# --- names ------------------------------------------------------------------------


@pytest.mark.parametrize("registry", ["", "a b", "http://r.example", "r.example/x", "@", "r:x"])
def test_what_is_not_a_registry_is_refused(new_client: ClientFactory, registry: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ImageNameError, match="is not a registry's address"):
        new_client(registry)


@pytest.mark.parametrize("path", ["", "A", "a//b", "../x", "a/../b", "a?b", "a" * 256])
def test_what_is_not_a_repository_is_refused(new_client: ClientFactory, path: str) -> None:
    """Before anything is asked: a path must not lead elsewhere."""
    with pytest.raises(ImageNameError, match="is not a repository"):
        new_client("r.example").repository(path)


@pytest.mark.parametrize("reference", ["", ".", "..", "a/b", "a:b", "sha256:x", "a?b", "1\r\nX: y"])
def test_what_is_neither_tag_nor_digest_is_refused(repository: Repository, reference: str) -> None:
    """Before anything is asked."""
    for attempt in (repository.resolve, repository.read_manifest, repository.delete_manifest):
        with pytest.raises(ImageNameError, match="neither a tag nor a digest"):
            attempt(reference)


# --- secrets ----------------------------------------------------------------------


def test_no_secret_is_logged_or_shown(
    fake_registry_factory: type[FakeRegistry],
    new_client: ClientFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither passwords nor tokens, nor the state of uploads in a URL's query."""
    caplog.set_level("DEBUG")
    registry = fake_registry_factory(auth="bearer", users={"ann": "s3cret"})
    client = new_client(registry, credentials=Logins(Login("ann", "s3cret")))
    client.repository("team/app").upload_blob(b"{}")
    assert "POST http" in caplog.text
    tokens = [sent for sent in registry.requests if sent.headers.get("authorization")]
    assert tokens
    for secret in ("s3cret", "YW5uOnMzY3JldA==", "Bearer ", "scope=", "digest=", "account="):
        assert secret not in caplog.text
        assert secret not in repr(client)


def test_a_query_is_not_shown() -> None:
    """A signed URL is as good as a password."""

    def answer(sent: object) -> Reply:
        return Reply(307, {"Location": "https://cdn.example/blob?signature=s3cret"})

    transport = ScriptedTransport(
        lambda sent: (
            answer(sent)
            if "registry.example" in sent.url
            else ConnectionResetError("connection to ?signature=s3cret")
        )
    )
    with pytest.raises(RegistryConnectionError) as caught:
        scripted(transport).read_blob("sha256:" + "1" * 64)
    assert "s3cret" not in str(caught.value)
    assert "cdn.example" in str(caught.value)


def test_what_cannot_be_used_is_told(repository: Repository) -> None:
    """By an error of this package, whose cause says more."""
    transport = ScriptedTransport(lambda _: Reply(200, {"Docker-Content-Digest": "x"}, b"{}"))
    with pytest.raises(RegistryContentError, match="'x' is not a digest"):
        scripted(transport).read_manifest("1")
