"""Blobs in folders of the client, which a daemon reads and writes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joined_session import joined_session

from fakes.buildkit.session_peer import SessionPeer
from imagebuilders.buildkit.proto.content_pb2 import (
    COMMIT,
    STAT,
    WRITE,
    WriteContentRequest,
    WriteContentResponse,
)
from imagebuilders.buildkit.session.content import SERVICE, ContentFolder, ContentStores
from imagebuilders.buildkit.session.upload import Upload
from imagebuilders.buildkit.transport.errors import CallCancelledError, CallError
from imagebuilders.buildkit.transport.status import Code

CONTENT = os.urandom(3_000_000)
STORE = (("buildkit-attachable-store-id", "local:cache"),)


def digest_of(content: bytes) -> str:
    """Return a blob's digest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def put(root: Path, content: bytes = CONTENT) -> str:
    """Put a blob into a folder; return its digest."""
    digest = digest_of(content)
    path = root / "blobs" / "sha256" / digest.removeprefix("sha256:")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest


@pytest.fixture
def daemon(root: Path) -> Iterator[SessionPeer]:
    """What calls a store that can be written, and one that cannot."""
    stores = {
        "local:cache": ContentFolder(root, writable=True),
        "oci:layout": ContentFolder(root),
    }
    with joined_session(ContentStores(stores)) as peer:
        yield peer


def blobs(root: Path) -> list[str]:
    """Return the names in the folder of blobs."""
    folder = root / "blobs" / "sha256"
    return sorted(os.listdir(folder)) if folder.exists() else []


def code_of(error: pytest.ExceptionInfo[CallError]) -> Code:
    """Return the code of a call's error."""
    return Code(error.value.status.code)


# --- reading -----------------------------------------------------------------


def test_a_blob_is_read_whole_and_in_parts(daemon: SessionPeer, root: Path) -> None:
    """Wherever a part begins and ends, also behind the end."""
    digest = put(root)
    assert daemon.content_size("oci:layout", digest) == len(CONTENT)
    assert daemon.read_content("oci:layout", digest) == CONTENT
    assert (
        daemon.read_content("oci:layout", digest, offset=5, size=2_000_000)
        == (CONTENT[5:2_000_005])
    )
    assert daemon.read_content("oci:layout", digest, offset=2_999_999, size=512) == CONTENT[-1:]
    assert daemon.read_content("oci:layout", digest, offset=4_000_000) == b""
    assert daemon.read_content("oci:layout", digest, offset=-5, size=-5) == CONTENT


@pytest.mark.parametrize(
    "digest",
    [
        *("", "sha256:", "sha256:../../../secret", "../secret", "sha256:" + "A" * 64),
        *("sha256:" + "a" * 63, "sha256:" + "a" * 65, "sha512:" + "a" * 128),
        *("sha256:" + "a" * 64 + "\n", "x" * 100_000),
    ],
)
def test_what_is_no_digest_is_refused(daemon: SessionPeer, root: Path, digest: str) -> None:
    """So that no path can be made of one."""
    (root / "secret").write_text("secret")
    with pytest.raises(CallError) as caught:
        daemon.content_size("oci:layout", digest)
    assert code_of(caught) == Code.INVALID_ARGUMENT
    with pytest.raises(CallError) as caught:
        daemon.read_content("oci:layout", digest)
    assert code_of(caught) == Code.INVALID_ARGUMENT
    assert len(caught.value.status.message) < 500


@pytest.mark.parametrize("what", ["blob", "folder", "above", "pipe", "directory"])
def test_no_link_is_followed(daemon: SessionPeer, root: Path, tmp_path: Path, what: str) -> None:
    """A layout that is made of links leads to no other file; nor is a pipe waited for."""
    outside = tmp_path / "outside"
    digest = put(outside, b"secret")
    name = digest.removeprefix("sha256:")
    if what == "above":
        (root / "blobs").symlink_to(outside / "blobs")
    elif what == "folder":
        (root / "blobs").mkdir()
        (root / "blobs/sha256").symlink_to(outside / "blobs/sha256")
    else:
        (root / "blobs/sha256").mkdir(parents=True)
        place = root / "blobs/sha256" / name
        if what == "blob":
            place.symlink_to(outside / "blobs/sha256" / name)
        elif what == "pipe":
            os.mkfifo(place)
        else:
            place.mkdir()
    with pytest.raises(CallError) as caught:
        daemon.read_content("oci:layout", digest)
    assert code_of(caught) == Code.NOT_FOUND
    with pytest.raises(CallError) as caught:
        daemon.content_size("oci:layout", digest)
    assert code_of(caught) == Code.NOT_FOUND


@pytest.mark.parametrize("store", ["", "local:other", "export"])
def test_a_store_that_there_is_not(daemon: SessionPeer, root: Path, store: str) -> None:
    """Only the folders of the build are served."""
    with pytest.raises(CallError) as caught:
        daemon.content_size(store, put(root))
    assert code_of(caught) == Code.NOT_FOUND


def test_a_blob_that_there_is_not(daemon: SessionPeer) -> None:
    """It is NOT_FOUND, so that the daemon looks elsewhere, even if the folder is missing."""
    for ask in (daemon.content_size, daemon.read_content):
        with pytest.raises(CallError) as caught:
            ask("local:cache", digest_of(b"x"))
        assert code_of(caught) == Code.NOT_FOUND


# --- writing -----------------------------------------------------------------


def test_a_blob_is_written(daemon: SessionPeer, root: Path) -> None:
    """It stands under its digest, whole, readable by all as the umask allows."""
    digest = digest_of(CONTENT)
    daemon.write_content("local:cache", digest, CONTENT)
    assert blobs(root) == [digest.removeprefix("sha256:")]
    assert daemon.read_content("local:cache", digest) == CONTENT
    mask = os.umask(0)
    os.umask(mask)
    path = root / "blobs/sha256" / blobs(root)[0]
    assert path.stat().st_mode & 0o777 == 0o644 & ~mask


def test_a_blob_that_is_there_is_not_written_again(daemon: SessionPeer, root: Path) -> None:
    """The daemon hears so at once, and goes on."""
    digest = put(root)
    before = os.stat(root / "blobs" / "sha256" / digest.partition(":")[2])
    look = WriteContentRequest(action=STAT, ref="r", total=len(CONTENT), expected=digest)
    with pytest.raises(CallError) as caught:
        send(daemon, look)
    assert code_of(caught) == Code.ALREADY_EXISTS
    daemon.write_content("local:cache", digest, CONTENT)
    assert os.stat(root / "blobs" / "sha256" / digest.partition(":")[2]) == before


def test_a_layout_is_not_written(daemon: SessionPeer, root: Path) -> None:
    """A folder that is read stays as it is."""
    with pytest.raises(CallError) as caught:
        daemon.write_content("oci:layout", digest_of(b"x"), b"x")
    assert code_of(caught) == Code.PERMISSION_DENIED
    assert os.listdir(root) == []


def send(daemon: SessionPeer, *requests: WriteContentRequest | bytes) -> list[WriteContentResponse]:
    """Send requests of one write; return the answers."""
    found: list[WriteContentResponse] = []
    with daemon.open(f"{SERVICE}Write", STORE) as call:
        try:
            for request in requests:
                call.send(request if isinstance(request, bytes) else request.SerializeToString())
            call.half_close()
        except CallCancelledError:
            pass  # what follows says why
        while (message := call.receive(30)) is not None:
            found.append(WriteContentResponse.FromString(message))
    return found


def test_answers_tell_how_far_it_is(daemon: SessionPeer) -> None:
    """Each request is answered with what was written so far."""
    expected = digest_of(b"abc")
    found = send(
        daemon,
        WriteContentRequest(action=STAT, ref="r", total=3, expected=expected),
        WriteContentRequest(action=WRITE, data=b"ab"),
        WriteContentRequest(action=COMMIT, offset=2, data=b"c", total=3, expected=expected),
    )
    assert [(each.action, each.offset, each.total) for each in found] == [
        *((STAT, 0, 3), (WRITE, 2, 3), (COMMIT, 3, 3)),
    ]
    assert [each.digest for each in found] == list(map(digest_of, (b"", b"ab", b"abc")))


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        pytest.param(
            [WriteContentRequest(action=COMMIT, data=b"x", expected=digest_of(b"y"))],
            Code.FAILED_PRECONDITION,
            id="wrong-digest",
        ),
        pytest.param(
            [WriteContentRequest(action=COMMIT, data=b"x", total=2)],
            Code.FAILED_PRECONDITION,
            id="wrong-size",
        ),
        pytest.param(
            [WriteContentRequest(action=WRITE, data=b"x", offset=5)],
            Code.OUT_OF_RANGE,
            id="gap",
        ),
        pytest.param(
            [WriteContentRequest(action=WRITE, data=b"x", offset=-1)],
            Code.OUT_OF_RANGE,
            id="before-the-beginning",
        ),
        pytest.param(
            [WriteContentRequest(action=COMMIT, data=b"x", expected="sha256:../../x")],
            Code.INVALID_ARGUMENT,
            id="path",
        ),
        pytest.param([b"\xff\xff"], Code.INVALID_ARGUMENT, id="garbage"),
    ],
)
def test_what_is_not_as_it_should_be_leaves_nothing(
    daemon: SessionPeer, root: Path, requests: list[WriteContentRequest | bytes], code: Code
) -> None:
    """A blob that breaks its word does not appear, and nothing of it stays."""
    with pytest.raises(CallError) as caught:
        send(daemon, *requests)
    assert code_of(caught) == code
    assert blobs(root) == []


def test_a_write_that_is_broken_off_leaves_nothing(daemon: SessionPeer, root: Path) -> None:
    """Neither without a commit nor by a call that is cancelled."""
    send(daemon, WriteContentRequest(action=WRITE, data=CONTENT[:1000]))
    assert blobs(root) == []
    with daemon.open(f"{SERVICE}Write", STORE) as call:
        call.send(WriteContentRequest(action=WRITE, data=CONTENT[:1000]).SerializeToString())
        assert call.receive(30)
        assert len(blobs(root)) == 1
    daemon.check_health()
    send(daemon, WriteContentRequest(action=COMMIT))  # of nothing: the empty blob
    assert digest_of(b"").removeprefix("sha256:") in blobs(root)


def test_a_commit_is_the_end(daemon: SessionPeer, root: Path) -> None:
    """What comes behind it changes nothing any more."""
    with pytest.raises(CallError) as caught:
        send(
            daemon,
            WriteContentRequest(action=COMMIT, data=b"x"),
            WriteContentRequest(action=WRITE, data=b"y", offset=1),
        )
    assert code_of(caught) == Code.FAILED_PRECONDITION
    (name,) = blobs(root)
    assert (root / "blobs/sha256" / name).read_bytes() == b"x"


def test_nothing_is_written_through_a_link(daemon: SessionPeer, root: Path, tmp_path: Path) -> None:
    """A link in the place of the folder of blobs is not followed."""
    (tmp_path / "outside").mkdir()
    (root / "blobs").mkdir()
    (root / "blobs/sha256").symlink_to(tmp_path / "outside")
    with pytest.raises(CallError, match="cannot be written below"):
        send(daemon, WriteContentRequest(action=COMMIT, data=b"x"))
    assert os.listdir(tmp_path / "outside") == []


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.builds(
                lambda action, offset, total, data, expected: WriteContentRequest(
                    action=action, offset=offset, total=total, data=data, expected=expected
                ),
                st.sampled_from([STAT, WRITE, COMMIT]),
                st.integers(-1, 4),
                st.integers(-1, 4),
                st.binary(max_size=3),
                st.sampled_from(["", digest_of(b""), digest_of(b"a"), "sha256:..", "x"]),
            ),
        ),
        max_size=6,
    )
)
def test_any_requests_leave_only_whole_blobs(
    daemon: SessionPeer, root: Path, requests: list[WriteContentRequest | bytes]
) -> None:
    """Whatever a daemon sends, each file that stays has the digest that it is named by."""
    code = Code.OK
    try:
        send(daemon, *requests)
    except CallError as error:
        code = Code(error.status.code)
    assert code != Code.INTERNAL
    assert os.listdir(root) in ([], ["blobs"])
    for name in blobs(root):
        path = root / "blobs/sha256" / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name
        path.unlink()


@pytest.mark.parametrize("method", ["Status", "Abort"])
def test_there_are_no_writes_to_go_on_with(daemon: SessionPeer, method: str) -> None:
    """A write that was broken off begins anew."""
    with pytest.raises(CallError) as caught:
        daemon.unary(f"{SERVICE}{method}", b"", STORE)
    assert code_of(caught) == Code.NOT_FOUND


@pytest.mark.parametrize("method", ["Info", "Read", "Status", "Abort"])
def test_unreadable_requests_are_refused(daemon: SessionPeer, method: str) -> None:
    """Garbage is answered with a status."""
    with pytest.raises(CallError) as caught:
        daemon.unary(f"{SERVICE}{method}", b"\xff", STORE)
    assert code_of(caught) == Code.INVALID_ARGUMENT


# --- uploads -----------------------------------------------------------------


def test_an_upload_is_pulled_once() -> None:
    """A stream comes in the pieces that a daemon takes, under an address nobody can guess."""
    upload = Upload()
    address = upload.add(iter([b"", CONTENT, b"end"]))
    with joined_session(upload) as daemon:
        assert daemon.pull(address) == CONTENT + b"end"
        with pytest.raises(CallError) as caught:
            daemon.pull(address)
        assert code_of(caught) == Code.NOT_FOUND
        with pytest.raises(CallError) as caught:
            daemon.pull("http://buildkit-session/" + "../" * 1000)
        assert code_of(caught) == Code.NOT_FOUND


def test_an_upload_that_fails_is_no_short_one() -> None:
    """A source that breaks ends the call with a status, so that the daemon takes no half."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError(5, "Input/output error")

    upload = Upload()
    address = upload.add(broken())
    with joined_session(upload) as daemon, pytest.raises(CallError) as caught:
        daemon.pull(address)
    assert code_of(caught) == Code.INTERNAL
