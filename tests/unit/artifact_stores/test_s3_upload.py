"""Multipart uploads: parts, faults in their middle, what is taken back."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError  # type: ignore[import-untyped]
from memory_s3 import MemoryS3Store

from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.artifact_stores.s3 import multipart
from imagebuilders.artifact_stores.s3.tags import tag_of_parts
from imagebuilders.exceptions import UploadError

MIB = 1024 * 1024
PARTS = [bytes([n]) * MIB for n in range(12)]  # two whole parts and one of 2 MiB


def test_a_file_of_one_part_is_put(s3_store: MemoryS3Store) -> None:
    """What fits in one part costs one request."""
    s3_store.publish("file", [bytes(5 * MIB)])
    assert s3_store.service.count() == {"put_object": 1}


def test_a_larger_file_goes_in_parts(s3_store: MemoryS3Store) -> None:
    """Three parts, one completion, and progress part by part."""
    progress: list[int] = []
    assert s3_store.publish("file", PARTS, on_progress=progress.append) == 12 * MIB
    assert s3_store.service.count() == {
        "create_multipart_upload": 1,
        "upload_part": 3,
        "complete_multipart_upload": 1,
    }
    assert progress == [5 * MIB, 10 * MIB, 12 * MIB]
    assert s3_store.service.contents["prefix/file"] == b"".join(PARTS)


def test_only_the_part_that_failed_is_sent_again(s3_store: MemoryS3Store) -> None:
    """A connection cut in the middle of a part costs that part, not the upload."""
    service = s3_store.service
    service.fail("upload_part", ConnectionClosedError(endpoint_url="http://host"))
    service.fail("upload_part", service.error("InternalError", 500))
    s3_store.publish("file", iter(PARTS))
    assert service.count()["upload_part"] == 5
    assert service.contents["prefix/file"] == b"".join(PARTS)


@pytest.mark.parametrize(
    "method", ["create_multipart_upload", "upload_part", "complete_multipart_upload"]
)
def test_a_failed_upload_is_taken_back(s3_store: MemoryS3Store, method: str) -> None:
    """Whichever request fails for good: an upload error, no object, and no part stays."""
    service = s3_store.service
    service.fail(method, service.error("AccessDenied", 403))
    with pytest.raises(UploadError, match="access denied"):
        s3_store.publish("file", PARTS)
    assert service.uploads == {}
    assert service.contents == {}


def test_an_abort_that_fails_does_not_hide_the_error(s3_store: MemoryS3Store) -> None:
    """The error told is why the upload failed."""
    service = s3_store.service
    service.fail("upload_part", service.error("AccessDenied", 403), times=3)
    service.fail("abort_multipart_upload", service.error("Strange", 400))
    with pytest.raises(UploadError, match="access denied"):
        s3_store.publish("file", PARTS)


def test_parts_under_way_are_waited_for(s3_store: MemoryS3Store) -> None:
    """Nothing is sent after the abort, where it would stay; parts not begun are not sent."""
    service = s3_store.service
    send = service._upload_part
    second_begun = threading.Event()

    def slow(PartNumber: int, **arguments: Any) -> object:  # noqa: N803
        if PartNumber == 1:
            assert second_begun.wait(5)
            raise service.error("AccessDenied", 403)
        second_begun.set()
        return send(PartNumber=PartNumber, **arguments)

    service.answers["upload_part"] = slow
    with pytest.raises(UploadError):
        s3_store.publish("file", PARTS)
    assert [method for method, _ in service.requests][-1] == "abort_multipart_upload"
    assert service.uploads == {}


def test_a_part_is_not_tried_again_once_the_upload_was_given_up(
    s3_store: MemoryS3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When one part has failed for good, another's transient fault is not waited out."""
    service = s3_store.service
    second_begun, given_up = threading.Event(), threading.Event()

    def fail(PartNumber: int, **_: object) -> object:  # noqa: N803
        if PartNumber == 1:
            assert second_begun.wait(5)
            raise service.error("AccessDenied", 403)
        second_begun.set()
        raise service.error("SlowDown", 503)

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *arguments: bool, **options: bool) -> None:
            """Note that the upload ends."""
            given_up.set()
            super().shutdown(*arguments, **options)

    policy = RetryPolicy(sleep=lambda _: None if given_up.wait(5) else pytest.fail("no end"))
    service.answers["upload_part"] = fail
    monkeypatch.setattr(multipart, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(type(s3_store), "retry_policy", policy)
    with pytest.raises(UploadError, match="access denied"):
        s3_store.publish("file", PARTS)
    assert service.count()["upload_part"] == 2


def test_only_a_few_parts_are_in_memory(
    s3_store: MemoryS3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large the file, an upload holds `concurrency + 2` parts at most."""
    service = s3_store.service
    service.answers["upload_part"] = lambda **_: {"ETag": '"tag"'}
    service.answers["complete_multipart_upload"] = lambda **_: {}
    send = service.request

    def forget(method: str, arguments: Mapping[str, Any]) -> object:
        answer = send(method, arguments)
        service.requests.clear()
        return answer

    monkeypatch.setattr(service, "request", forget)
    tracemalloc.start()
    try:
        s3_store.publish("file", (bytes(MIB) for _ in range(100)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (s3_store.config.concurrency + 2) * s3_store.config.part_size + 2 * MIB


def test_an_interrupt_takes_the_upload_back(s3_store: MemoryS3Store) -> None:
    """Ctrl-C while the archive is made leaves no parts behind."""

    def chunks() -> Iterator[bytes]:
        yield from PARTS
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3_store.publish("file", chunks())
    assert s3_store.service.uploads == {}


def test_a_lost_answer_to_the_completion_is_success(s3_store: MemoryS3Store) -> None:
    """When the completion was carried out and its answer lost, the object is recognised."""
    service = s3_store.service
    service.lose_answer(
        "complete_multipart_upload", ConnectionClosedError(endpoint_url="http://host")
    )
    assert s3_store.publish("file", PARTS) == 12 * MIB
    assert service.count()["complete_multipart_upload"] == 2
    assert service.count()["head_object"] == 1


@pytest.mark.parametrize("there", [None, [b"another object"], list(reversed(PARTS))])
def test_an_upload_aborted_by_others_is_an_error(
    s3_store: MemoryS3Store, there: list[bytes] | None
) -> None:
    """Without the upload, and without the object it was to make, it has failed.

    An object of the same size is not taken for it.
    """
    service = s3_store.service
    if there is not None:
        s3_store.publish("file", there)
    service.fail("complete_multipart_upload", service.error("NoSuchUpload", 404))
    with pytest.raises(UploadError, match="NoSuchUpload"):
        s3_store.publish("file", PARTS)


def test_tags_that_are_no_checksums_prove_nothing() -> None:
    """The tags of some encrypted parts are no MD5s: what they make together is not known."""
    assert tag_of_parts(['"0123456789abcdef0123456789abcdef"', '"opaque"']) is None


def test_too_many_parts_name_the_setting(
    s3_store: MemoryS3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of more parts than S3 takes is an error that says which setting to raise."""
    monkeypatch.setattr(multipart, "MOST_PARTS", 2)
    with pytest.raises(UploadError, match="larger part_size"):
        s3_store.publish("file", PARTS)
    assert s3_store.service.uploads == {}


def test_uploads_of_others_are_left_alone(s3_store: MemoryS3Store) -> None:
    """An upload beside it, however old, may be under way."""
    service = s3_store.service
    theirs = service.begin("prefix/folder/theirs")
    s3_store.publish("folder/file", PARTS)
    assert set(service.uploads) == {theirs}


def test_a_store_may_be_a_whole_bucket(s3_store: MemoryS3Store) -> None:
    """At the bucket's root there is no folder."""
    store = type(s3_store)(path="s3://bucket")
    store.service = s3_store.service
    assert store.publish("file", [b"x"]) == 1
    assert store.service.contents["file"] == b"x"
