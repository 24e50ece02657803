"""Reading blobs from registries that cut, mix up, or send something else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry_clients import Reply, ScriptedTransport, Sent, Waits, scripted_repository

from fakes import FakeRegistry
from imagebuilders.distribution import Repository
from imagebuilders.exceptions import (
    DigestMismatchError,
    ImageFormatError,
    RegistryConnectionError,
    RegistryContentError,
    RegistryNotFoundError,
)
from imagebuilders.oci.digest import Digest

_CONTENT = bytes(range(256)) * 4000
_DIGEST = Digest.of(_CONTENT)


def _ranges(registry: FakeRegistry) -> list[str]:
    asked = [sent for sent in registry.requests if sent.method == "GET" and "/blobs/" in sent.path]
    return [sent.headers.get("range", "") for sent in asked]


def test_a_download_that_was_cut_goes_on(
    fake_registry: FakeRegistry, repository: Repository, waits: Waits
) -> None:
    """From the byte that is missing, as often as it takes."""
    repository.upload_blob(_CONTENT)
    fake_registry.faults.cut(300_000, method="GET", times=2)
    assert repository.read_blob(_DIGEST, size=len(_CONTENT)) == _CONTENT
    assert all(re.fullmatch(r"bytes=[1-9]\d*-", text) for text in _ranges(fake_registry)[1:])
    assert len(_ranges(fake_registry)) == 3
    assert waits.seconds == [0.5, 1.0]


def test_what_came_before_a_cut_counts(fake_registry: FakeRegistry, repository: Repository) -> None:
    """The next request is for what is missing, to the byte."""
    repository.upload_blob(_CONTENT)
    fake_registry.faults.cut(12_345, method="GET")
    assert repository.read_blob(_DIGEST, size=len(_CONTENT)) == _CONTENT
    assert _ranges(fake_registry) == ["", "bytes=12345-"]


def test_a_download_that_is_always_cut_is_told(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """After the last attempt."""
    repository.upload_blob(_CONTENT)
    fault = fake_registry.faults.cut(10, method="GET", path="/v2/*/blobs/*", times=None)
    with pytest.raises(RegistryConnectionError, match="the connection ended early"):
        repository.read_blob(_DIGEST)
    assert fault.hits == 5


def test_a_part_that_was_cut_goes_on(fake_registry: FakeRegistry, repository: Repository) -> None:
    """Within its range."""
    repository.upload_blob(_CONTENT)
    fake_registry.faults.cut(1000, method="GET")
    with repository.open_blob_range(_DIGEST, 500_000, 5000) as pieces:
        assert b"".join(pieces) == _CONTENT[500_000:505_000]
    assert _ranges(fake_registry) == ["bytes=500000-504999", "bytes=501000-504999"]


def test_content_with_another_digest_is_refused(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """One byte is enough; the cause tells both digests."""
    repository.upload_blob(_CONTENT)
    fake_registry.faults.corrupt(str(_DIGEST))
    with pytest.raises(RegistryContentError, match="is not what it should be") as caught:
        repository.read_blob(_DIGEST)
    assert isinstance(caught.value.__cause__, DigestMismatchError)


def test_content_of_another_size_is_refused(repository: Repository) -> None:
    """As a manifest has it."""
    repository.upload_blob(_CONTENT)
    with pytest.raises(RegistryContentError, match="more than the 10 bytes"):
        repository.read_blob(_DIGEST, size=10)


def test_a_large_blob_is_not_held_in_memory(repository: Repository) -> None:
    """Unless the caller allows it."""
    repository.upload_blob(_CONTENT)
    with pytest.raises(RegistryContentError, match="has over 1000 bytes"):
        repository.read_blob(_DIGEST, max_bytes=1000)


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_a_range_has_no_negative_numbers(repository: Repository, start: int, length: int) -> None:
    """They would mean something else to a registry."""
    with pytest.raises(ValueError, match="0 or more"):
        repository.open_blob_range(_DIGEST, start, length)


def test_a_malformed_digest_is_refused(repository: Repository) -> None:
    """Before anything is asked."""
    for attempt in (repository.read_blob, repository.blob_size, repository.delete_blob):
        with pytest.raises(ImageFormatError, match="is not a digest"):
            attempt("sha256:../../secret")


def test_a_blob_that_vanishes_is_told(fake_registry: FakeRegistry, repository: Repository) -> None:
    """Also after a part of it was read."""
    repository.upload_blob(_CONTENT)
    with repository.open_blob(_DIGEST) as pieces:
        next(pieces)
        fake_registry.faults.cut(0, method="GET")
    repository.delete_blob(_DIGEST)
    with pytest.raises(RegistryNotFoundError):
        repository.read_blob(_DIGEST)


def _served(content: bytes, *, ranges: str) -> ScriptedTransport:
    """A registry that cuts the first answer, and then does with ranges what `ranges` says."""

    def answer(sent: Sent) -> Reply:
        wanted = sent.headers.get("Range")
        if wanted is None:
            return Reply(body=content[:1000], length=len(content))
        begin = int(wanted.removeprefix("bytes=").partition("-")[0])
        fields = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
        if ranges == "ignored":
            return Reply(body=content)
        if ranges == "shifted":
            fields = {"Content-Range": f"bytes {begin - 1}-{len(content) - 1}/{len(content)}"}
        elif ranges == "untold":
            fields = {}
        return Reply(206, fields, content[begin:])

    return ScriptedTransport(answer)


def test_a_registry_without_ranges_sends_the_whole_again() -> None:
    """What is there already is skipped."""
    repository = scripted_repository(_served(_CONTENT, ranges="ignored"))
    assert repository.read_blob(_DIGEST) == _CONTENT
    with repository.open_blob_range(_DIGEST, 5000, 7) as pieces:
        assert b"".join(pieces) == _CONTENT[5000:5007]


@pytest.mark.parametrize("ranges", ["shifted", "untold"])
def test_another_part_than_wanted_is_refused(ranges: str) -> None:
    """Rather than put at a wrong place."""
    with pytest.raises(RegistryContentError, match="another part of it than was asked for"):
        scripted_repository(_served(_CONTENT, ranges=ranges)).read_blob(_DIGEST)


@settings(max_examples=50)
@given(
    content=st.binary(max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    has_ranges=st.booleans(),
    start=st.integers(0, 50),
    length=st.none() | st.integers(0, 50),
)
def test_whatever_is_cut_the_bytes_are_right(
    content: bytes, cuts: list[int], has_ranges: bool, start: int, length: int | None
) -> None:
    """Whole or in part, from a registry with ranges or without."""
    pending = list(cuts)

    def answer(sent: Sent) -> Reply:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", sent.headers.get("Range", ""))
        begin, end = 0, len(content)
        if found and has_ranges:
            begin = int(found[1])
            end = min(int(found[2]) + 1, end) if found[2] else end
            if begin >= end:
                return Reply(416)
        part = content[begin:end]
        sent_part = part[: pending.pop(0)] if pending else part
        fields = {"Content-Range": f"bytes {begin}-{end - 1}/{len(content)}"}
        is_part = bool(found) and has_ranges
        return Reply(206 if is_part else 200, fields if is_part else {}, sent_part, len(part))

    repository = scripted_repository(ScriptedTransport(answer))
    digest = Digest.of(content)
    if length is None:
        assert repository.read_blob(digest, size=len(content)) == content
    else:
        with repository.open_blob_range(digest, start, length) as pieces:
            assert b"".join(pieces) == content[start : start + length]


@pytest.mark.parametrize("length", ["", "x", "-1", "\N{SUPERSCRIPT TWO}", "9" * 50])
def test_a_size_that_cannot_be_used_is_told(length: str) -> None:
    """Not taken for a number."""
    transport = ScriptedTransport(lambda _: Reply(headers={"Content-Length": length}))
    with pytest.raises(RegistryContentError, match="does not say how large"):
        scripted_repository(transport).blob_size(_DIGEST)
