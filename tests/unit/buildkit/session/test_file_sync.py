"""Folders of the client as a daemon copies them."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_mock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joined_session import joined_session
from recorded_transfers import RECORDED_NS, make_tree, transfers

from fakes.buildkit.file_transfer import SyncedFile
from imagebuilders import BuildContext
from imagebuilders.buildkit.proto.filesync_pb2 import Packet
from imagebuilders.buildkit.session.file_sync import DIFF_COPY, FileSync
from imagebuilders.buildkit.session.synced_folders import LocalFolder, PackedFolder, SyncedFolder
from imagebuilders.buildkit.transport.errors import CallCancelledError, CallError
from imagebuilders.buildkit.transport.status import Code, Metadata
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.exceptions import BuildContextError, ContextChangedError

COPIES = [
    pytest.param(scenario, copy, id=f"{scenario['id']}-{number}")
    for scenario in transfers()["copies"]
    for number, copy in enumerate(scenario["copies"])
]


def copied(
    folder: SyncedFolder, metadata: Mapping[str, Sequence[str]] | None = None
) -> list[SyncedFile]:
    """Copy a folder with all its contents, as a daemon does."""
    asked = {} if metadata is None else {name: tuple(values) for name, values in metadata.items()}
    with joined_session(FileSync({"context": folder})) as daemon:
        files = daemon.copy(
            "context",
            follow=asked.get("followpaths", ()),
            include=asked.get("include-patterns", ()),
            exclude=asked.get("exclude-patterns", ()),
        )
    return list(files.values())


def paths(files: Sequence[SyncedFile]) -> list[str]:
    """Return the paths in the order in which they were told."""
    return [file.path for file in files]


def snapshot_of(root: Path) -> PackedFolder:
    """Return a context's snapshot as it is sent."""
    (root / "Dockerfile").touch()
    return PackedFolder(BuildContext(str(root)).build_snapshot().folder)


# --- what is told ------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "copy"), COPIES)
def test_recorded_copy(scenario: dict[str, Any], copy: dict[str, Any], tmp_path: Path) -> None:
    """Entry by entry what the recorded client told is told for what the daemon asked.

    Most were recorded with a plain client: it wrote special bits as Unix does, and no link's size.
    """
    name = copy["metadata"]["dir-name"][0]
    files = scenario["dirs"].get(name)
    if files is None and name == "context":
        files = scenario["files"]
    elif files is None:
        files = [
            {"path": file, "type": "file", "size": len(text), "text": text}
            for file, text in (
                ("Dockerfile", scenario["dockerfile"]),
                ("Dockerfile.dockerignore", scenario["dockerfile_dockerignore"]),
            )
            if text is not None
        ]
    root = make_tree(tmp_path / "root", files)
    with joined_session(FileSync({name: LocalFolder(str(root))})) as daemon:
        metadata = tuple(
            (key, value) for key, values in copy["metadata"].items() for value in values
        )
        told = told_stats(daemon.open(DIFF_COPY, metadata))
    assert told == [
        (
            stat["path"],
            stat["mode"] if stat["mode"] != 0o4755 else 1 << 23 | 0o755,
            len(stat["linkname"]) if stat["mode"] & 1 << 27 else stat.get("size", 0),
            RECORDED_NS,
            stat.get("linkname", ""),
        )
        for stat in copy["stats"]
    ]


def told_stats(opened: Any) -> list[tuple[str, int, int, int, str]]:
    """Return what a client tells of a folder of which nothing is asked for."""
    found = []
    with opened as call:
        while message := call.receive(30):
            told = Packet.FromString(message).stat
            found.append(
                (
                    os.fsdecode(told.path),
                    told.mode,
                    told.size,
                    told.modTime,
                    os.fsdecode(told.linkname),
                )
            )
        call.send(Packet(type=Packet.PACKET_FIN).SerializeToString())
        assert Packet.FromString(call.receive(30)).type == Packet.PACKET_FIN
    return found


def test_order_is_that_of_parents_and_bytes(root: Path) -> None:
    """A folder comes before what is in it, and that before names that sort behind its own."""
    for name in ("a/x", "a/é", "a-b", "a.d/y", "a.txt", "B", "é", "z"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    (root / os.fsdecode(b"\xff")).touch()
    files = paths(copied(LocalFolder(str(root))))
    assert files == [
        *("B", "a", "a/x", "a/é", "a-b", "a.d", "a.d/y", "a.txt", "z", "é"),
        os.fsdecode(b"\xff"),
    ]


def test_modes_times_and_sizes_are_exact(root: Path) -> None:
    """Set-uid, set-gid and sticky bits, nanoseconds before 1970 and far ahead, and sizes."""
    for number, (mode, time) in enumerate(
        [(0o4755, 1), (0o2711, -1), (0o1000, 2**62), (0o7777, 1_700_000_000_123_456_789)]
    ):
        path = root / f"file{number}"
        path.write_bytes(b"x" * number * 70_000)
        path.chmod(mode)
        os.utime(path, ns=(time, time))
    (root / "empty").mkdir(mode=0o700)
    (root / "empty").chmod(0o3750)
    files = {file.path: file for file in copied(LocalFolder(str(root)))}
    assert files["file0"].mode == 1 << 23 | 0o755
    assert files["file1"].mode == 1 << 22 | 0o711
    assert files["file2"].mode == 1 << 20
    assert files["file3"].mode == 1 << 23 | 1 << 22 | 1 << 20 | 0o777
    assert files["empty"].mode == 1 << 31 | 1 << 22 | 1 << 20 | 0o750
    assert [files[f"file{number}"].mtime_ns for number in range(4)] == [
        *(1, -1, 2**62, 1_700_000_000_123_456_789),
    ]
    assert [files[f"file{number}"].size for number in range(4)] == [0, 70_000, 140_000, 210_000]
    assert files["file3"].content == b"x" * 210_000


def test_links_are_told_as_they_are(root: Path) -> None:
    """A link is told with what stands in it, whether that is there or not."""
    for name, target in (("a", "b"), ("dangling", "../../etc/passwd"), ("c", "é" * 100)):
        (root / name).symlink_to(target)
    files = {file.path: file for file in copied(LocalFolder(str(root)))}
    assert {name: file.linkname for name, file in files.items()} == {
        "a": "b",
        "dangling": "../../etc/passwd",
        "c": "é" * 100,
    }
    assert files["c"].size == 200
    assert files["c"].mode == 1 << 27 | 0o777
    assert all(file.content is None for file in files.values())


def test_hard_links_lead_to_the_first_that_is_sent(root: Path) -> None:
    """Of one file under several names the first that is sent has the content."""
    (root / "a").write_text("content")
    (root / "b").mkdir()
    (root / "b" / "c").hardlink_to(root / "a")
    (root / "b" / "d").hardlink_to(root / "a")
    (root / "twin").write_text("content")
    everything = {file.path: file for file in copied(LocalFolder(str(root)))}
    assert everything["a"].content == b"content"
    assert [everything[name].linkname for name in ("b/c", "b/d", "twin")] == ["a", "a", ""]
    assert [everything[name].size for name in ("b/c", "b/d")] == [0, 0]
    part = {
        file.path: file for file in copied(LocalFolder(str(root)), {"followpaths": ["b", "twin"]})
    }
    assert part["b/c"].content == b"content"
    assert part["b/d"].linkname == "b/c"


def test_equal_inodes_of_two_devices_are_two_files() -> None:
    """A hard link is told by inode and device together."""
    files = [
        Entry(f"f{device}", EntryType.FILE, size=2**64, inode=7, device=device) for device in (1, 2)
    ]
    with joined_session(FileSync({"context": PackedFolder.of(files)})) as daemon:
        told = daemon.copy("context", wanted=())
    assert [file.linkname for file in told.values()] == ["", ""]


def test_numbers_that_cannot_be_packed_are_told() -> None:
    """A file whose time has no room in the packed form is told from its entry."""
    entry = Entry("old", EntryType.FILE, 0o600, 3, 2**63, source="/nowhere")
    with joined_session(FileSync({"context": PackedFolder.of([entry])})) as daemon:
        told = daemon.copy("context", wanted=())
    assert (told["old"].mode, told["old"].size) == (0o600, 3)


def test_added_content_is_sent_and_has_a_time_of_its_own(root: Path) -> None:
    """A file in memory gets its time from its content, so that a change of equal size shows."""

    def time_of(content: bytes) -> int:
        context = BuildContext(str(root))
        context.add_file(content, "Dockerfile")
        context.add_file(content, "generated/settings")
        files = {file.path: file for file in copied(PackedFolder(context.build_snapshot().folder))}
        assert files["generated/settings"].content == content
        assert files["generated"].mode == 1 << 31 | 0o755
        return files["generated/settings"].mtime_ns

    assert time_of(b"a=1") == time_of(b"a=1") != time_of(b"a=2")
    assert 0 <= time_of(b"a=1") < 1_000_000_000


def test_the_snapshot_alone_decides_what_the_context_has(root: Path) -> None:
    """What the daemon would leave out of the context is sent, what the rules dropped is not."""
    (root / ".dockerignore").write_text("secret\ngenerated\n")
    (root / "secret").touch()
    (root / "kept").touch()
    (root / "Dockerfile").touch()
    context = BuildContext(str(root))
    context.add_file(b"x", "generated")
    folder = PackedFolder(context.build_snapshot().folder)
    told = paths(copied(folder, {"exclude-patterns": ["generated", "kept", ".dockerignore"]}))
    assert told == [".dockerignore", "Dockerfile", "generated", "kept"]
    assert paths(copied(folder, {"followpaths": ["secret", ".dockerignore"]})) == [".dockerignore"]


def test_the_daemons_patterns_count_in_a_named_context(root: Path) -> None:
    """A named context is sent without what its own ignore file drops, as the daemon read it."""
    for name in ("a.txt", "b.log", "dir/b.log", "dir/keep.log"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    folder = LocalFolder(str(root))
    assert paths(copied(folder, {"exclude-patterns": ["**/*.log", "!dir/keep.log"]})) == [
        *("a.txt", "dir", "dir/keep.log"),
    ]
    both = {"include-patterns": ["dir"], "exclude-patterns": ["**/b.log"]}
    assert paths(copied(folder, both)) == ["dir", "dir/keep.log"]


def test_include_patterns_choose(root: Path) -> None:
    """Patterns that are to be included choose entries, and the folders above these come too."""
    for name in ("a/b/c.py", "a/b/c.txt", "a/d.py", "e/f.txt", "g.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    folder = LocalFolder(str(root))
    assert paths(copied(folder, {"include-patterns": ["**/*.py", "!a/d.py"]})) == [
        *("a", "a/b", "a/b/c.py", "g.py"),
    ]
    assert paths(copied(folder, {"include-patterns": ["a/b", "e"], "followpaths": ["g.py"]})) == [
        *("a", "a/b", "a/b/c.py", "a/b/c.txt", "e", "e/f.txt", "g.py"),
    ]


def test_names_in_a_request_may_be_encoded(root: Path) -> None:
    """What the daemon encodes because it is not ASCII is decoded, also what is not UTF-8."""
    names = ["é.txt", "with blank+plus.txt", os.fsdecode(b"\xff.txt")]
    for name in [*names, "other"]:
        (root / name).touch()
    told = copied(LocalFolder(str(root)), {"followpaths": names})
    assert sorted(paths(told)) == sorted(names)


def test_an_empty_folder_is_an_answer(root: Path) -> None:
    """Of an empty folder the end alone is told."""
    assert copied(LocalFolder(str(root))) == []
    assert copied(PackedFolder.of([])) == []


def test_an_unknown_folder_is_refused(root: Path) -> None:
    """A name that the build does not have is NOT_FOUND, whatever lies on disk under it."""
    with joined_session(FileSync({"context": LocalFolder(str(root))})) as daemon:
        for name in ("etc", "..", str(root), ""):
            with pytest.raises(CallError) as caught:
                daemon.copy(name)
            assert caught.value.status.code == Code.NOT_FOUND


# --- what is on disk changes -------------------------------------------------


def _failure(sync: FileSync) -> Exception | None:
    return next(iter(sync.failures.values()), None)


@pytest.fixture
def watched(root: Path) -> FileSync:
    """Serve a snapshot of a folder with one file."""
    (root / "file").write_text("before")
    return FileSync({"context": snapshot_of(root)})


def fail_to_copy(sync: FileSync) -> CallError:
    """Copy a folder, which fails."""
    with joined_session(sync) as daemon, pytest.raises(CallError) as caught:
        daemon.copy("context")
    return caught.value


def test_a_file_that_vanished_breaks_the_copy_off(watched: FileSync, root: Path) -> None:
    """The daemon is told with an error packet, and the cause is kept for the build's error."""
    (root / "file").unlink()
    error = fail_to_copy(watched)
    assert isinstance(_failure(watched), ContextChangedError)
    assert "error from sender" in error.status.message
    assert "vanished" in error.status.message


@pytest.mark.parametrize("content", ["short", "longer than before", "other!"])
def test_a_file_that_was_written_to_breaks_the_copy_off(
    watched: FileSync, root: Path, content: str
) -> None:
    """Whatever its size is now, no mixture of two states is sent as one."""
    (root / "file").write_text(content)
    fail_to_copy(watched)
    assert isinstance(_failure(watched), ContextChangedError)


def test_a_file_exchanged_for_a_link_is_not_followed(
    watched: FileSync, root: Path, tmp_path: Path
) -> None:
    """What a link leads to that took a file's place never leaves, though it looks the same."""
    outside = tmp_path / "outside"
    outside.write_text("secret")
    told = (root / "file").stat()
    (root / "file").unlink()
    (root / "file").symlink_to(outside)
    os.utime(outside, ns=(told.st_mtime_ns, told.st_mtime_ns))
    error = fail_to_copy(watched)
    assert isinstance(_failure(watched), ContextChangedError)
    assert "secret" not in error.status.message


def test_a_folder_exchanged_for_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    """Nor is a link on the way to a file."""
    (root / "dir").mkdir()
    (root / "dir" / "file").write_text("before")
    sync = FileSync({"context": snapshot_of(root)})
    (root / "dir").rename(tmp_path / "moved")
    (root / "dir").symlink_to(tmp_path / "moved")
    fail_to_copy(sync)
    assert isinstance(_failure(sync), ContextChangedError)


def test_a_file_that_cannot_be_read_is_named(
    watched: FileSync, mocker: pytest_mock.MockerFixture
) -> None:
    """The build's error names a file that its user may not read."""
    really_open = os.open

    def refuse(path: str, *arguments: int, **keywords: int) -> int:
        if path == "file":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return really_open(path, *arguments, **keywords)

    mocker.patch("os.open", refuse)
    fail_to_copy(watched)
    assert isinstance(_failure(watched), BuildContextError)
    assert "file cannot be read: Permission denied" in str(_failure(watched))


def test_an_unreadable_file_is_no_matter_until_it_is_asked_for(
    watched: FileSync, root: Path
) -> None:
    """A file that the daemon has already may vanish."""
    (root / "file").unlink()
    with joined_session(watched) as daemon:
        assert daemon.copy("context", wanted=())["file"].size == 6
    assert _failure(watched) is None


@pytest.mark.parametrize(("name", "is_blamed"), [(b"\xff", True), ("é".encode(), False)])
def test_a_name_that_newer_daemons_do_not_take_is_named(
    root: Path, name: bytes, is_blamed: bool
) -> None:
    """When a daemon breaks off, a name that is not UTF-8 is what the build's error tells."""
    (root / os.fsdecode(name)).touch()
    sync = FileSync({"context": LocalFolder(str(root))})
    with joined_session(sync) as daemon:
        with daemon.open(DIFF_COPY, (("dir-name", "context"),)) as call:
            while call.receive(30):
                pass
        for thread in threading.enumerate():
            if "DiffCopy" in thread.name:
                thread.join(30)
    assert isinstance(_failure(sync), BuildContextError) is is_blamed
    assert not is_blamed or "\\xff has a name that is not UTF-8" in str(_failure(sync))


def test_a_named_context_that_is_gone_breaks_the_copy_off(root: Path) -> None:
    """A named context is walked when it is asked for; that it is gone is the build's error."""
    sync = FileSync({"extra": LocalFolder(str(root / "gone"))})
    with joined_session(sync) as daemon, pytest.raises(CallError):
        daemon.copy("extra")
    assert isinstance(_failure(sync), BuildContextError)


# --- a daemon that does not keep to the protocol -----------------------------


def ask(root: Path, *messages: bytes) -> list[bytes]:
    """Send messages for a small folder; return what comes back behind the STATs."""
    (root / "dir").mkdir(exist_ok=True)
    (root / "file").write_text("content")
    metadata: Metadata = (("dir-name", "context"),)
    found: list[bytes] = []
    with (
        joined_session(FileSync({"context": LocalFolder(str(root))})) as daemon,
        daemon.open(DIFF_COPY, metadata) as call,
    ):
        while call.receive(30):
            pass
        with suppress(CallCancelledError):  # what follows says why
            for message in messages:
                call.send(message)
        while (answer := call.receive(30)) is not None:
            found.append(answer)
    return found


def request(number: int) -> bytes:
    """Return a REQ."""
    return Packet(type=Packet.PACKET_REQ, ID=number).SerializeToString()


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((request(2),), id="unknown"),
        pytest.param((request(2**32 - 1),), id="far-away"),
        pytest.param((request(0),), id="folder"),
        pytest.param((request(1), request(1)), id="twice"),
        pytest.param((b"\xff",), id="garbage"),
    ],
)
def test_what_there_is_not_cannot_be_asked_for(root: Path, messages: tuple[bytes, ...]) -> None:
    """A number that was not told, a folder, a file twice, or garbage ends the call."""
    with pytest.raises(CallError) as caught:
        ask(root, *messages)
    assert caught.value.status.code == Code.INVALID_ARGUMENT


def test_an_error_of_the_daemon_ends_the_call(root: Path) -> None:
    """The daemon breaks off with an error packet."""
    broken_off = Packet(type=Packet.PACKET_ERR, data=b"disk full").SerializeToString()
    with pytest.raises(CallError, match="disk full"):
        ask(root, broken_off)


@pytest.mark.parametrize(
    "metadata",
    [
        {"include-patterns": ["a[", "b"]},
        {"include-patterns": ["!", "b"]},
        {"followpaths": ["a[", "b"]},
    ],
)
def test_malformed_patterns_of_what_is_wanted(root: Path, metadata: dict[str, list[str]]) -> None:
    """They are told as Docker's client tells them: they may be of a COPY's source."""
    (root / "a").touch()
    with pytest.raises(CallError) as caught:
        copied(LocalFolder(str(root)), metadata)
    wanted = " ".join(next(iter(metadata.values())))
    assert caught.value.status.code == Code.UNKNOWN
    text = f"invalid includepatterns: [{wanted}]: syntax error in pattern"
    assert caught.value.status.message == text


def test_malformed_patterns_of_what_is_not_wanted(root: Path) -> None:
    """A pattern that is none is the daemon's fault, and told so."""
    with pytest.raises(CallError) as caught:
        copied(LocalFolder(str(root)), {"exclude-patterns": ["["]})
    assert caught.value.status.code == Code.INVALID_ARGUMENT


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                lambda kind, number, data: Packet(
                    type=kind, ID=number, data=data
                ).SerializeToString(),
                st.integers(0, 5),
                st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1)),
                st.binary(max_size=20),
            ),
        ),
        max_size=12,
    )
)
def test_any_messages_end_the_call_in_good_order(root: Path, messages: list[bytes]) -> None:
    """Whatever a daemon sends, the call ends with data or a status, and nothing hangs."""
    fin = Packet(type=Packet.PACKET_FIN).SerializeToString()
    code, answers = Code.OK, [fin]
    try:
        answers = ask(root, *messages, fin)
    except CallError as error:
        code = Code(error.status.code)
    assert code in (Code.OK, Code.INVALID_ARGUMENT, Code.UNKNOWN)
    assert Packet.FromString(answers[-1]).type == Packet.PACKET_FIN


_NAME = st.text(st.sampled_from("ab*?[]!\\.é -"), min_size=1, max_size=4)
_PATH = st.lists(_NAME, min_size=1, max_size=3).map("/".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_PATH, max_size=4), st.lists(_PATH, max_size=3), st.lists(_PATH, max_size=3))
def test_any_request_chooses_from_the_folder(
    root: Path, follow: list[str], include: list[str], exclude: list[str]
) -> None:
    """Whatever patterns come, what is told is in the folder, parents first, each once."""
    for name in ("a/b", "b/a", "é", "a.b"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    for name, target in (("l", "a"), ("a/up", ".."), ("loop", "loop"), ("out", "/etc")):
        if not (root / name).is_symlink():
            (root / name).symlink_to(target)
    metadata = {"followpaths": follow, "include-patterns": include, "exclude-patterns": exclude}
    code, told = Code.OK, []
    try:
        told = copied(LocalFolder(str(root)), metadata)
    except CallError as error:
        code = Code(error.status.code)
    assert code in (Code.OK, Code.INVALID_ARGUMENT, Code.UNKNOWN)
    found = paths(told)
    assert len(set(found)) == len(found)
    for path in found:
        assert stat.S_IFMT(os.lstat(root / path).st_mode)
        above = os.path.dirname(path)
        assert not above or above in found


@pytest.mark.parametrize("kind", ["snapshot", "named"])
def test_times_can_be_made_of_the_content(tmp_path: Path, kind: str) -> None:
    """Equal content has an equal time, whatever the daemon asks for; links have a fixed one."""
    for name, text in (("a", "one"), ("b", "two"), ("d/c", "one"), ("Dockerfile", "FROM x")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    os.link(tmp_path / "b", tmp_path / "hard")
    os.symlink("a", tmp_path / "link")
    snapshot = BuildContext(str(tmp_path)).snapshot()
    folder: SyncedFolder = (
        PackedFolder(snapshot.folder, times=snapshot.content_times())
        if kind == "snapshot"
        else LocalFolder(str(tmp_path), has_content_times=True)
    )
    for metadata in (None, {"followpaths": ["a", "b", "d/c", "hard", "link"]}):
        times = {file.path: file.mtime_ns for file in copied(folder, metadata)}
        assert times["a"] == times["d/c"] != times["b"] == times["hard"]
        assert times["link"] == times["d"] == 315532800 * 10**9
