"""Uploading blobs to registries that cut, lose, or refuse."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry_clients import Reply, ScriptedTransport, Sent, Waits, scripted_repository

from fakes import FakeRegistry
from imagebuilders.distribution import Repository
from imagebuilders.distribution.retries import RetryPolicy
from imagebuilders.distribution.upload_session import MAX_CHUNK_BYTES
from imagebuilders.exceptions import (
    DigestMismatchError,
    ImageNameError,
    RegistryConnectionError,
    RegistryContentError,
    RegistryNotFoundError,
    RegistryResponseError,
)
from imagebuilders.oci.digest import Digest

_CONTENT = bytes(range(256)) * 100
_DIGEST = Digest.of(_CONTENT)
_CHUNK = 10_000


def _methods(registry: FakeRegistry) -> list[str]:
    return [sent.method for sent in registry.requests if "/blobs/" in sent.path]


def _pieces(content: bytes, size: int = 700) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def test_what_is_there_is_not_sent(fake_registry: FakeRegistry, repository: Repository) -> None:
    """The registry is asked first."""
    repository.upload_blob(_CONTENT)
    repository.upload_blob(_CONTENT)
    assert _methods(fake_registry) == ["HEAD", "POST", "PUT", "HEAD"]


def test_few_pieces_go_in_one(fake_registry: FakeRegistry, repository: Repository) -> None:
    """As do bytes."""
    repository.upload_blob(_pieces(_CONTENT))
    assert _methods(fake_registry) == ["HEAD", "POST", "PUT"]


def test_chunks_have_the_size_that_was_asked_for(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """Of bytes, files and pieces alike; a file is not held in memory."""
    for content in (_CONTENT, io.BytesIO(_CONTENT), _pieces(_CONTENT)):
        repository.upload_blob(content, chunk_size=_CHUNK)
        sizes = [
            sent.headers["content-length"]
            for sent in fake_registry.requests
            if sent.method == "PATCH"
        ]
        assert sizes[-3:] == ["10000", "10000", "5600"]
        repository.delete_blob(_DIGEST)


def test_a_stream_that_cannot_be_positioned_is_sent(repository: Repository) -> None:
    """As what comes from a pipe."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert repository.upload_blob(Pipe(_CONTENT), chunk_size=_CHUNK).digest == _DIGEST
    assert repository.read_blob(_DIGEST) == _CONTENT


def test_progress_is_told(repository: Repository) -> None:
    """Up to the end, also when the blob is there already."""
    for content in (io.BytesIO(_CONTENT), _CONTENT):
        seen: list[int] = []
        repository.upload_blob(content, on_progress=seen.append)
        assert seen[-1] == len(_CONTENT)


@pytest.mark.parametrize("content", ["text", 7, None])
def test_what_is_not_content_is_refused(repository: Repository, content: object) -> None:
    """Text has no bytes before it is encoded."""
    with pytest.raises(TypeError, match="bytes, a binary file or an iterable of bytes"):
        repository.upload_blob(content)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["bytes", "file", "pieces", "chunks"])
def test_other_content_than_said_is_not_left_behind(
    fake_registry: FakeRegistry, repository: Repository, kind: str
) -> None:
    """Whatever it comes as."""
    content: Any = {
        "bytes": _CONTENT,
        "file": io.BytesIO(_CONTENT),
        "pieces": _pieces(_CONTENT),
        "chunks": _pieces(_CONTENT),
    }[kind]
    size = _CHUNK if kind == "chunks" else None
    with pytest.raises(DigestMismatchError) as caught:
        repository.upload_blob(content, digest=Digest.of(b"other"), chunk_size=size)
    assert caught.value.actual == str(_DIGEST)
    assert fake_registry.open_uploads == 0
    assert fake_registry.used_bytes == 0


def test_a_file_that_shrinks_is_told(fake_registry: FakeRegistry, repository: Repository) -> None:
    """The registry is not left waiting for the rest."""

    class Shrinking(io.BytesIO):
        readings = 0

        def seek(self, position: int, whence: int = 0) -> int:
            if position == 0 and whence == 0:
                self.readings += 1
                if self.readings == 2:
                    self.truncate(100)
            return super().seek(position, whence)

    with pytest.raises(DigestMismatchError, match="has 100 bytes; it should have 25600"):
        repository.upload_blob(Shrinking(_CONTENT))
    assert fake_registry.open_uploads == 0


def test_pieces_that_fail_leave_nothing_behind(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """Their own error comes out."""

    def failing() -> Iterator[bytes]:
        yield _CONTENT
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        repository.upload_blob(failing(), chunk_size=_CHUNK)
    assert fake_registry.open_uploads == 0


@pytest.mark.parametrize("status", [403, 413])
@pytest.mark.parametrize("chunk_size", [None, _CHUNK])
def test_a_refused_upload_is_cancelled(
    fake_registry: FakeRegistry, repository: Repository, status: int, chunk_size: int | None
) -> None:
    """Nothing stays open at the registry."""
    for method in ("PUT", "PATCH"):
        fake_registry.faults.status(status, method=method, times=None)
    with pytest.raises(RegistryResponseError) as caught:
        repository.upload_blob(_CONTENT, chunk_size=chunk_size)
    assert caught.value.status == status
    assert fake_registry.open_uploads == 0


# --- cuts --------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1, 5000])
def test_one_piece_that_was_cut_is_sent_again(
    fake_registry: FakeRegistry, repository: Repository, waits: Waits, after: int
) -> None:
    """From a file's start."""
    fault = fake_registry.faults.cut(after, method="PUT")
    repository.upload_blob(io.BytesIO(_CONTENT))
    assert repository.read_blob(_DIGEST) == _CONTENT
    assert fault.hits == 1
    assert waits.seconds == [0.5]


@pytest.mark.parametrize("skip", [0, 1, 2])
@pytest.mark.parametrize("after", [0, 1, 2, 5000, 9999])
def test_a_chunk_that_was_cut_goes_on(
    fake_registry: FakeRegistry, repository: Repository, after: int, skip: int
) -> None:
    """From what the registry has of it; pieces come but once."""
    fault = fake_registry.faults.cut(after, method="PATCH", skip=skip)
    uploaded = repository.upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert uploaded.digest == _DIGEST
    assert repository.read_blob(_DIGEST) == _CONTENT
    assert fault.hits == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_chunk_that_failed_goes_on(
    fake_registry: FakeRegistry, repository: Repository, status: int
) -> None:
    """After a look at how far it got."""
    fault = fake_registry.faults.status(status, method="PATCH", times=2, skip=1)
    repository.upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert repository.read_blob(_DIGEST) == _CONTENT
    assert fault.hits == 2


def test_an_end_whose_answer_was_lost_is_an_end(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """The blob is there; the registry knows no upload any more."""
    fake_registry.faults.cut(0, method="PUT")
    fault = fake_registry.faults.status(502, method="PUT", skip=1)
    repository.upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert repository.read_blob(_DIGEST) == _CONTENT
    assert fault.hits <= 1


def test_a_registry_that_always_cuts_is_told(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """After the last attempt."""
    fault = fake_registry.faults.cut(0, method="PATCH", times=None)
    with pytest.raises(RegistryConnectionError):
        repository.upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert fault.hits == 5


# --- what no double plays -------------------------------------------------------------


class Store:
    """A registry's uploads, with the habits that a test gives it.

    Attributes:
        location: where each upload goes on.
        least: the least bytes of a chunk but the last.
        keeps: how many bytes of each chunk it keeps; all by default.
        forgets: whether it answers that it has nothing.
    """

    def __init__(
        self,
        *,
        location: str = "/v2/team/app/blobs/uploads/1?state=a%2Fb",
        least: str = "",
        keeps: int | None = None,
        forgets: bool = False,
        told: str | None = None,
    ) -> None:
        self.location, self.least, self.keeps = location, least, keeps
        self.forgets, self.told = forgets, told
        self.data = b""
        self.blobs: dict[str, bytes] = {}
        self.cancelled = 0
        self.transport = ScriptedTransport(self.answer)

    def answer(self, sent: Sent) -> Reply:
        """Answer as a registry does."""
        if sent.method == "HEAD":
            content = self.blobs.get(sent.url.rpartition("/")[2])
            return Reply(404) if content is None else Reply(body=content)
        if sent.method == "DELETE":
            self.cancelled += 1
            return Reply(204)
        fields = {"Location": self.location}
        if sent.method == "POST":
            return Reply(202, fields | ({"OCI-Chunk-Min-Length": self.least} if self.least else {}))
        if sent.method == "PATCH":
            begin = int(sent.headers["Content-Range"].partition("-")[0])
            if begin != len(self.data):
                return Reply(416, fields)
            self.data += sent.body[: self.keeps]
        if sent.method == "PUT":
            found = re.search("digest=(sha256)%3A(.*)", sent.url)
            assert found
            self.blobs[f"{found[1]}:{found[2]}"] = self.data + sent.body
            return Reply(201)
        kept = 0 if self.forgets else len(self.data)
        told = f"0-{max(kept - 1, 0)}" if self.told is None else self.told
        return Reply(202, fields | {"Range": told})


def test_a_registry_may_want_larger_chunks() -> None:
    """All but the last have the size that it wants."""
    store = Store(least="9000")
    scripted_repository(store.transport).upload_blob(_pieces(_CONTENT), chunk_size=1000)
    sizes = [len(sent.body) for sent in store.transport.sent if sent.method == "PATCH"]
    assert sizes == [9000, 9000, 7600]
    assert store.blobs == {str(_DIGEST): _CONTENT}


def test_a_registry_cannot_ask_for_all_memory() -> None:
    """Chunks that are too large are not sent."""
    store = Store(least=str(MAX_CHUNK_BYTES + 1))
    with pytest.raises(RegistryContentError, match="wants chunks of 536870913 bytes"):
        scripted_repository(store.transport).upload_blob(_pieces(_CONTENT), chunk_size=1000)
    assert store.cancelled == 1


def test_a_question_of_where_to_go_on_is_no_failed_attempt() -> None:
    """One answer that a chunk belongs elsewhere is none, also where one attempt is all."""

    class OneAttempt(Waits):
        def policy(self, **options: Any) -> RetryPolicy:
            return super().policy(attempts=1, **options)

    store = Store()
    misplaced = [True]

    def answer(sent: Sent) -> Reply:
        if sent.method == "PATCH" and store.data and misplaced:
            misplaced.clear()
            return Reply(416, {"Location": store.location})
        return store.answer(sent)

    repository = scripted_repository(ScriptedTransport(answer), waits=OneAttempt())
    repository.upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert store.blobs == {str(_DIGEST): _CONTENT}


def test_a_registry_may_keep_a_part_of_a_chunk() -> None:
    """The rest is sent next."""
    store = Store(keeps=3000)
    scripted_repository(store.transport).upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert store.blobs == {str(_DIGEST): _CONTENT}


@pytest.mark.parametrize(
    ("store", "complaint"),
    [
        (Store(keeps=1), "takes too few bytes at a time"),
        (Store(keeps=0, told="0-99999999"), "has 100000000 bytes of an upload"),
        (Store(location=""), "does not say where an upload goes on"),
        (Store(location="ftp://x/"), "not of http or https"),
        (Store(location="http://store.example/"), "without TLS"),
    ],
    ids=["few", "many", "nowhere", "ftp", "plain"],
)
def test_a_registry_that_cannot_be_served_is_told(store: Store, complaint: str) -> None:
    """Instead of trying forever, or elsewhere."""
    with pytest.raises(RegistryContentError, match=complaint):
        scripted_repository(store.transport).upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)


def test_a_registry_that_refuses_each_place_is_told() -> None:
    """It says that it has nothing, and does not want the first byte."""
    store = Store()
    transport = ScriptedTransport(
        lambda sent: Reply(416) if sent.method == "PATCH" else store.answer(sent)
    )
    with pytest.raises(RegistryResponseError, match="answered 416"):
        scripted_repository(transport).upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert store.cancelled == 1


def test_a_registry_that_lost_what_it_had_is_told() -> None:
    """Pieces that came before cannot be had again."""
    store = Store()
    answer, calls = store.answer, 0

    def losing(sent: Sent) -> Reply | Exception:
        nonlocal calls
        if sent.method == "PATCH":
            calls += 1
            if calls == 2:
                store.data = b""
                return ConnectionResetError()
        return answer(sent)

    transport = ScriptedTransport(losing)
    with pytest.raises(RegistryContentError, match="has 0 bytes of an upload of which 20000"):
        scripted_repository(transport).upload_blob(_pieces(_CONTENT), chunk_size=_CHUNK)
    assert store.cancelled == 1


@settings(max_examples=150)
@given(
    size=st.integers(0, 50),
    chunk_size=st.integers(1, 20),
    faults=st.lists(st.tuples(st.sampled_from(("before", "within", "after")), st.integers(0, 9))),
)
def test_whatever_is_cut_the_blob_is_right(
    size: int, chunk_size: int, faults: list[tuple[str, int]]
) -> None:
    """Before a chunk, within one, or after it; and at most as often as it is tried again."""
    store, pending = Store(), [*faults]
    content = bytes(range(size))

    def cutting(sent: Sent) -> Reply | Exception:
        if sent.method not in ("PATCH", "PUT") or not pending:
            return store.answer(sent)
        when, kept = pending.pop(0)
        if when == "after":
            store.answer(sent)
        elif when == "within" and sent.method == "PATCH":
            is_next = sent.headers["Content-Range"].startswith(f"{len(store.data)}-")
            store.data += sent.body[:kept] if is_next else b""
        return ConnectionResetError()

    repository = scripted_repository(ScriptedTransport(cutting))
    try:
        repository.upload_blob(_pieces(content, 3), chunk_size=chunk_size)
    except RegistryConnectionError:
        assert len(faults) >= 5
    else:
        assert store.blobs[str(Digest.of(content))] == content


# --- mounting ------------------------------------------------------------------------


def test_a_mount_that_becomes_an_upload_is_cancelled(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """Nothing stays open at the registry."""
    assert not repository.mount_blob(_DIGEST, "other/app")
    assert fake_registry.open_uploads == 0


def test_a_malformed_source_is_refused(repository: Repository) -> None:
    """Before anything is asked."""
    with pytest.raises(ImageNameError, match="is not a repository"):
        repository.mount_blob(_DIGEST, "a&from=b")


def test_a_mount_that_fails_is_told(fake_registry: FakeRegistry, repository: Repository) -> None:
    """Unless it is for want of rights, or of the source."""
    fake_registry.faults.status(404, method="POST")
    assert not repository.mount_blob(_DIGEST, "other/app")
    fake_registry.faults.status(400, method="POST")
    with pytest.raises(RegistryResponseError):
        repository.mount_blob(_DIGEST, "other/app")


def test_a_deleted_blob_is_gone(repository: Repository) -> None:
    """By its digest, as text or as a value."""
    repository.upload_blob(_CONTENT)
    repository.delete_blob(str(_DIGEST))
    with pytest.raises(RegistryNotFoundError, match="was not deleted"):
        repository.delete_blob(_DIGEST)
