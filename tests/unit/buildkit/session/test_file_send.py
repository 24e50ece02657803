"""Results that a daemon sends, and where they may land."""

from __future__ import annotations

import io
import os
import socket
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_mock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joined_session import joined_session
from recorded_transfers import transfers

from fakes.buildkit.file_transfer import GO_DIRECTORY, GO_SYMLINK, SentEntry
from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.proto.filesync_pb2 import Packet, Stat
from imagebuilders.buildkit.session import folder_receiver
from imagebuilders.buildkit.session.file_send import (
    FileSend,
    FileTarget,
    FolderTarget,
    StreamTarget,
    Target,
)
from imagebuilders.buildkit.transport.errors import CallCancelledError, CallError, TransportError
from imagebuilders.buildkit.transport.status import Code, Metadata

FOLDER = GO_DIRECTORY | 0o755
LINK = GO_SYMLINK | 0o777
METHOD = "/moby.filesync.v1.FileSend/DiffCopy"


def send(out: Path, *entries: SentEntry) -> None:
    """Send a folder."""
    with joined_session(FileSend([FolderTarget(str(out))])) as daemon:
        daemon.send_folder(entries)


def send_packets(out: Path, packets: Sequence[bytes], *, ends: bool = True) -> list[Packet]:
    """Send packets whatever is answered; return what is."""
    answers: list[Packet] = []
    with (
        joined_session(FileSend([FolderTarget(str(out))])) as daemon,
        daemon.open(METHOD) as call,
    ):
        try:
            for packet in packets:
                call.send(packet)
            if ends:
                call.half_close()
        except CallCancelledError:
            pass  # what follows says why
        while (message := call.receive(30)) is not None:
            answers.append(Packet.FromString(message))
    return answers


def told(path: bytes, mode: int = 0o644, linkname: bytes = b"", size: int = 0) -> bytes:
    """Return a STAT."""
    found = Stat(path=path, mode=mode, linkname=linkname, size=size)
    return Packet(type=Packet.PACKET_STAT, stat=found).SerializeToString()


def data(number: int, content: bytes = b"") -> bytes:
    """Return a piece of a file; the end without content."""
    return Packet(type=Packet.PACKET_DATA, ID=number, data=content).SerializeToString()


def everything(root: Path) -> dict[str, str]:
    """Return what is below a folder: contents, targets of links, and folders."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        else:
            found[name] = "/" if path.is_dir() else path.read_text()
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder, which is not there yet, beside a secret."""
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "work" / "out"


# --- folders -----------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(sent, id=f"{sent['daemon']}-{sent['id']}-{number}")
        for number, sent in enumerate(transfers()["sends"])
    ],
)
def test_recorded_folder(out: Path, sent: dict[str, Any]) -> None:
    """What real daemons sent, packet by packet and in their order, lands as they told it."""
    packets: list[bytes] = []
    expected: dict[str, str] = {}
    files: list[str] = []
    for item in sent["messages"]:
        message = item.get("message")
        if message is None or message.get("type") in ("PACKET_FIN", "PACKET_ERR"):
            continue
        if "stat" in message:
            entry = message["stat"]
            files.append(entry["path"])
            mode, target = entry.get("mode", 0), entry.get("linkname", "")
            time = entry.get("modTime", 0)  # one of the build's own time is a name here
            expected[entry["path"]] = (
                "/" if mode & GO_DIRECTORY else f"-> {target}" if target else ""
            )
            packets.append(
                Packet(
                    stat=Stat(
                        path=entry["path"].encode(), mode=mode, linkname=target.encode(),
                        size=entry.get("size", 0), modTime=time if isinstance(time, int) else 0,
                    )
                ).SerializeToString()
            )  # fmt: skip
        elif message.get("type") == "PACKET_DATA":
            number, text = message.get("ID", 0), message.get("data", {}).get("text", "")
            expected[files[number]] += text
            packets.append(data(number, text.encode()))
        else:
            packets.append(b"")
    fin = Packet(type=Packet.PACKET_FIN).SerializeToString()
    answers = in_turns(out, packets, fin, sent["metadata"])
    assert answers[-1].type == Packet.PACKET_FIN
    assert everything(out) == expected


def in_turns(
    out: Path, packets: list[bytes], fin: bytes, metadata: dict[str, list[str]]
) -> list[Packet]:
    """Send content only when it was asked for, as daemons do; return the answers."""
    headers = tuple((name, value) for name, values in metadata.items() for value in values)
    answers: list[Packet] = []
    target = FileSend({index: FolderTarget(str(out)) for index in range(4)})
    with joined_session(target) as daemon, daemon.open(METHOD, headers) as call:
        asked: set[int] = set()
        for packet in packets:
            told = Packet.FromString(packet)
            while told.type == Packet.PACKET_DATA and told.ID not in asked:
                answers.append(Packet.FromString(call.receive(30) or b""))
                asked.add(answers[-1].ID)
            call.send(packet)
        while (message := call.receive(30)) is not None:
            answers.append(Packet.FromString(message))
            if answers[-1].type == Packet.PACKET_FIN:
                call.send(fin, last=True)
    return answers


def test_a_folder_lands_with_modes_and_times(out: Path) -> None:
    """Permissions, special bits and nanoseconds are kept, those of folders too."""
    send(
        out,
        SentEntry("closed", mode=GO_DIRECTORY | 0o500, mtime_ns=7),
        SentEntry("closed/file", b"x" * 100_000, mode=1 << 23 | 0o555, mtime_ns=1_234_567_890_123),
        SentEntry("closed/link", mode=LINK, linkname="../../anywhere", mtime_ns=-5),
        SentEntry("empty", mode=FOLDER | 1 << 20, mtime_ns=9),
        SentEntry("none", b""),
    )
    assert (out / "closed/file").read_bytes() == b"x" * 100_000
    found = (out / "closed/file").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o4555, 1_234_567_890_123)
    assert (out / "closed").stat().st_mtime_ns == 7
    assert stat.S_IMODE((out / "closed").stat().st_mode) == 0o500
    assert stat.S_IMODE((out / "empty").stat().st_mode) == 0o1755
    assert (out / "closed/link").lstat().st_mtime_ns == -5
    assert os.readlink(out / "closed/link") == "../../anywhere"
    assert (out / "none").read_bytes() == b""


def test_names_that_are_not_utf8_land(out: Path) -> None:
    """A name is bytes."""
    name = os.fsdecode(b"\xff\xfe")
    send(out, SentEntry(name, b"x"))
    assert os.listdir(out) == [name]


def test_hard_links_of_what_came(out: Path) -> None:
    """A hard link may come before the content of its file, and shares it."""
    send(
        out,
        SentEntry("a", b"content" * 50_000),
        SentEntry("d", mode=FOLDER),
        SentEntry("d/b", linkname="a"),
    )
    assert (out / "a").samefile(out / "d/b")
    assert (out / "d/b").read_bytes() == b"content" * 50_000


def test_what_is_there_stays_or_is_replaced(out: Path) -> None:
    """Other files stay; a file, also a hard link of one elsewhere, is replaced, not written to."""
    out.mkdir(parents=True)
    (out / "other").write_text("stays")
    (out / "dir").mkdir()
    (out / "dir/old").write_text("stays")
    (out.parent / "elsewhere").write_text("elsewhere")
    (out / "file").hardlink_to(out.parent / "elsewhere")
    (out / "link").symlink_to("file")
    send(
        out,
        SentEntry("dir", mode=FOLDER),
        SentEntry("dir/new", b"new"),
        SentEntry("file", b"new"),
        SentEntry("link", mode=LINK, linkname="other"),
    )
    assert everything(out) == {
        "dir": "/",
        "dir/new": "new",
        "dir/old": "stays",
        "file": "new",
        "link": "-> other",
        "other": "stays",
    }
    assert (out.parent / "elsewhere").read_text() == "elsewhere"


def test_a_folder_does_not_give_way_to_a_file(out: Path) -> None:
    """A file in the place of a folder that is there is refused, and the error names it."""
    (out / "name").mkdir(parents=True)
    with pytest.raises(TransportError, match=r"out/name cannot be written: Is a directory"):
        send(out, SentEntry("name", b"x"))


def test_the_folder_itself_may_be_a_link(out: Path, tmp_path: Path) -> None:
    """Where the user's own link leads, the folder is."""
    (tmp_path / "real").mkdir()
    out.parent.mkdir()
    out.symlink_to(tmp_path / "real")
    send(out, SentEntry("file", b"x"))
    assert everything(tmp_path / "real") == {"file": "x"}


def test_platforms_land_beside_each_other(out: Path) -> None:
    """Several platforms come in calls of their own at the same time."""
    names = ["linux_amd64", "linux_arm64", "linux_s390x"]
    with joined_session(FileSend([FolderTarget(str(out))])) as daemon:
        threads = [
            threading.Thread(
                target=daemon.send_folder,
                args=([SentEntry(name, mode=FOLDER), SentEntry(f"{name}/f", name.encode())],),
            )
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert everything(out) == {
        name: text for each in names for name, text in ((each, "/"), (f"{each}/f", each))
    }


def test_devices_are_left_out(out: Path) -> None:
    """Devices, pipes and sockets are passed over."""
    odd = [1 << 26, 1 << 26 | 1 << 21, 1 << 25, 1 << 24, 1 << 19]
    send(out, *(SentEntry(f"odd{number}", mode=mode) for number, mode in enumerate(odd)))
    assert everything(out) == {}


# --- folders of a hostile daemon ---------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *(b"..", b"../secret", b"a/../../secret", b"/etc/passwd", b"/", b".", b"", b"./a", b"a/"),
        *(b"a//b", b"a\0b", b"x" * 5000, b"a/..", b"../" * 40 + b"tmp/x"),
    ],
)
@pytest.mark.parametrize("mode", [0o644, FOLDER, LINK], ids=["file", "folder", "link"])
def test_paths_that_lead_out_are_refused(out: Path, path: bytes, mode: int) -> None:
    """Nothing is made for a path that is absolute, climbs, or is otherwise no plain path."""
    with pytest.raises(CallError) as caught:
        send_packets(out, [told(path, mode, b"secret" if mode == LINK else b""), b"", data(0)])
    assert caught.value.status.code == Code.INVALID_ARGUMENT
    assert everything(out.parent) == {"out": "/"}


@pytest.mark.parametrize("target", ["/", "..", "../../work", "sub"])
def test_a_link_of_the_daemon_leads_nowhere(out: Path, target: str) -> None:
    """What comes below a link that the daemon made itself is not written through it."""
    packets = [told(b"link", LINK, target.encode()), told(b"link/file"), b"", data(1, b"x")]
    with pytest.raises(CallError):
        send_packets(out, packets)
    assert everything(out) == {"link": f"-> {target}"}


@pytest.mark.parametrize("kind", ["link", "folder-link"])
def test_a_link_that_was_there_leads_nowhere(out: Path, tmp_path: Path, kind: str) -> None:
    """A link in the output folder is replaced by what comes, and not written through."""
    (tmp_path / "outside").mkdir()
    out.mkdir(parents=True)
    (out / "x").symlink_to(tmp_path / ("secret" if kind == "link" else "outside"))
    if kind == "link":
        send(out, SentEntry("x", b"new"))
        assert everything(out) == {"x": "new"}
    else:
        send(out, SentEntry("x", mode=FOLDER), SentEntry("x/file", b"new"))
        assert everything(out) == {"x": "/", "x/file": "new"}
    assert (tmp_path / "secret").read_text() == "secret"
    assert everything(tmp_path / "outside") == {}


def test_a_folder_that_is_not_told_is_not_gone_through_as_a_link(out: Path, tmp_path: Path) -> None:
    """A link that stays, as no entry replaces it, is not followed on the way to another entry."""
    (tmp_path / "outside").mkdir()
    out.mkdir(parents=True)
    (out / "x").symlink_to(tmp_path / "outside")
    with pytest.raises(TransportError, match="out/x/file cannot be written"):
        send(out, SentEntry("x/file", b"new"))
    assert everything(tmp_path / "outside") == {}


@pytest.mark.parametrize("exchanged", ["folder", "file"])
def test_what_is_exchanged_meanwhile_is_not_written_through(
    out: Path, tmp_path: Path, exchanged: str
) -> None:
    """A folder or file that becomes a link between its entry and its content leads nowhere."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("outside")
    with (
        joined_session(FileSend([FolderTarget(str(out))])) as daemon,
        daemon.open(METHOD) as call,
    ):
        for packet in (told(b"dir", FOLDER), told(b"dir/file")):
            call.send(packet)
        assert Packet.FromString(call.receive(30) or b"").ID == 1
        if exchanged == "folder":
            (out / "dir").rename(out / "moved")
            (out / "dir").symlink_to(tmp_path / "outside")
        else:
            (out / "dir/file").unlink()
            (out / "dir/file").hardlink_to(tmp_path / "outside/file")
        call.send(data(1, b"evil"))
        with pytest.raises(CallError):
            call.receive(30)
    assert (tmp_path / "outside/file").read_text() == "outside"


@pytest.mark.parametrize("target", [b"there", b"../../secret", b"dir", b"link", b"later", b"/etc"])
def test_hard_links_of_what_did_not_come_are_refused(out: Path, target: bytes) -> None:
    """A hard link to a file that was there, a link, a folder or outside is made of nothing."""
    (out / "dir").mkdir(parents=True)
    (out / "there").write_text("there")
    (out / "link").symlink_to("there")
    with pytest.raises(CallError):
        send_packets(out, [told(b"hard", linkname=target), told(b"later"), b""])
    assert not (out / "hard").exists()
    assert (out / "there").stat().st_nlink == 1


@pytest.mark.parametrize(
    ("paths", "is_right"),
    [
        ([b"a", b"a"], False),
        ([b"b", b"a"], False),
        ([b"a", b"a/b"], True),
        ([b"a/b", b"a"], False),
        ([b"a", b"a/b", b"a-b"], True),
        ([b"a", b"a-b", b"a/b"], False),
    ],
)
def test_entries_come_in_order_and_once(out: Path, paths: list[bytes], is_right: bool) -> None:
    """A second entry of a path, which could make something else of the first, is refused."""
    (out / "a").mkdir(parents=True)
    packets = [*(told(path, FOLDER) for path in paths), b""]
    if is_right:
        assert send_packets(out, packets)[-1].type == Packet.PACKET_FIN
    else:
        with pytest.raises(CallError, match="out of order"):
            send_packets(out, packets)


@pytest.mark.parametrize(
    "packets",
    [
        pytest.param([told(b"a")], id="no-end"),
        pytest.param([told(b"a"), b""], id="no-content"),
        pytest.param([told(b"a"), b"", data(0, b"x")], id="half-a-file"),
        pytest.param(
            [told(b"a"), Packet(type=Packet.PACKET_FIN).SerializeToString()], id="early-fin"
        ),
        pytest.param([b"", told(b"a")], id="entry-behind-the-end"),
        pytest.param([told(b"a"), b"", data(1, b"x")], id="content-of-nothing"),
        pytest.param([told(b"a", FOLDER), data(0, b"x"), b""], id="content-of-a-folder"),
        pytest.param([told(b"a"), told(b"b"), data(0), data(0)], id="content-twice"),
        pytest.param([b"\xff\xff"], id="garbage"),
        pytest.param([told(b"l", LINK, b"")], id="link-without-target"),
        pytest.param([told(b"l", LINK, b"a\0b")], id="link-with-zero"),
    ],
)
def test_a_broken_transfer_is_an_error(out: Path, packets: list[bytes]) -> None:
    """A transfer that ends early, or that makes no sense, is not taken for a whole one."""
    if b"" in packets[:1]:
        packets = [told(b"0"), *packets]
    with pytest.raises(CallError) as caught:
        send_packets(out, packets)
    assert caught.value.status.code == Code.INVALID_ARGUMENT


def test_an_error_of_the_daemon_is_passed_on(out: Path) -> None:
    """The daemon breaks off, and says why."""
    broken_off = Packet(type=Packet.PACKET_ERR, data=b"layer is gone").SerializeToString()
    with pytest.raises(CallError, match="layer is gone"):
        send_packets(out, [told(b"a"), broken_off])


def test_entries_are_bounded(out: Path, mocker: pytest_mock.MockerFixture) -> None:
    """A daemon that tells of entries without end is stopped."""
    mocker.patch.object(folder_receiver, "MAX_ENTRIES", 100)
    with pytest.raises(CallError, match="more entries than can be"):
        send_packets(out, [told(b"%06d" % number, LINK, b"x") for number in range(1000)])


def test_files_are_asked_for_a_few_at_a_time(out: Path) -> None:
    """So that a daemon which begins them all and ends none holds no more of them open."""
    count = folder_receiver.MAX_ASKED
    packets = [*(told(b"%04d" % number) for number in range(count * 3)), b""]
    with (
        joined_session(FileSend([FolderTarget(str(out))])) as daemon,
        daemon.open(METHOD) as call,
    ):
        for packet in packets:
            call.send(packet)
        for number in range(count):
            assert number == Packet.FromString(call.receive(30) or b"").ID
        call.send(data(0))
        assert count == Packet.FromString(call.receive(30) or b"").ID
        call.send(data(count + 1, b"x"))  # was not asked for
        with pytest.raises(CallError, match="not asked for"):
            call.receive(30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.builds(
                told,
                st.sampled_from([b"a", b"b", b"b/c", b"b/d", b"../x", b"/x", b"c", b"d/e"]),
                st.sampled_from([0o644, FOLDER, LINK, 1 << 25]),
                st.sampled_from([b"", b"a", b"..", b"b/c", b"../../secret"]),
            ),
            st.builds(data, st.integers(0, 4), st.binary(max_size=8)),
            st.just(b""),
            st.just(Packet(type=Packet.PACKET_FIN).SerializeToString()),
        ),
        max_size=14,
    )
)
def test_any_packets_stay_in_the_folder(
    tmp_path_factory: pytest.TempPathFactory, packets: list[bytes]
) -> None:
    """Whatever a daemon sends, the call ends, and nothing outside the folder changes."""
    top = tmp_path_factory.mktemp("fuzzed")
    (top / "secret").write_text("secret")
    (top / "x").write_text("x")
    try:
        answers = send_packets(top / "work" / "out", packets)
        code = Code.OK
    except CallError as error:
        answers, code = [], Code(error.status.code)
    assert code in (Code.OK, Code.INVALID_ARGUMENT, Code.UNKNOWN)
    assert code != Code.OK or answers[-1].type == Packet.PACKET_FIN
    assert sorted(os.listdir(top)) == ["secret", "work", "x"]
    assert (top / "secret").stat().st_nlink == 1
    assert (top / "secret").read_text() == "secret"
    assert os.listdir(top / "work") == ["out"]


# --- streams -----------------------------------------------------------------

CONTENT = os.urandom(200_000)


def test_a_file_appears_when_the_build_has_succeeded(out: Path) -> None:
    """Until then what was there before is there; then it is replaced, with its permissions."""
    out.parent.mkdir()
    out.write_text("before")
    out.chmod(0o640)
    sent = FileSend([FileTarget(str(out))])
    with joined_session(sent) as daemon:
        daemon.send_file(CONTENT)
        assert out.read_text() == "before"
    sent.commit()
    assert out.read_bytes() == CONTENT
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert os.listdir(out.parent) == ["out"]


def test_a_file_of_a_failed_build_leaves_nothing(out: Path) -> None:
    """A build that fails behind its export changes nothing."""
    sent = FileSend([FileTarget(str(out))])
    with joined_session(sent) as daemon:
        daemon.send_file(CONTENT)
    sent.discard()
    assert os.listdir(out.parent) == []
    sent.commit()
    assert os.listdir(out.parent) == []


def break_off(call: Any) -> None:
    """Break a call off in its middle."""
    call.send(BytesMessage(data=CONTENT).SerializeToString())
    call.cancel()


def send_garbage(call: Any) -> None:
    """Send what is no message."""
    call.send(b"\xff")
    with pytest.raises(CallError):
        call.receive(30)


@pytest.mark.parametrize("end", [break_off, send_garbage])
def test_a_file_that_does_not_come_whole_leaves_nothing(
    out: Path, end: Callable[[Any], None]
) -> None:
    """A stream that is broken off, or is not one, leaves neither file nor part of one."""
    out.parent.mkdir()
    sent = FileSend([FileTarget(str(out))])
    with joined_session(sent) as daemon, daemon.open(METHOD) as call:
        end(call)
    # Where the end came first, not even the folder was made.
    assert not out.parent.exists() or os.listdir(out.parent) == []


def test_a_file_keeps_the_link_that_leads_to_it(out: Path) -> None:
    """The user's own link in the place of the file stays, and its target is replaced."""
    out.parent.mkdir()
    (out.parent / "real").write_text("before")
    out.symlink_to("real")
    sent = FileSend([FileTarget(str(out))])
    with joined_session(sent) as daemon:
        daemon.send_file(b"after")
    sent.commit()
    assert out.is_symlink()
    assert (out.parent / "real").read_text() == "after"


def test_a_pipe_is_written_to(out: Path) -> None:
    """What is no regular file takes the stream as it comes, as with /dev/stdout."""
    out.parent.mkdir()
    os.mkfifo(out)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(out.read_bytes()))
    reader.start()
    sent = FileSend([FileTarget(str(out))])
    with joined_session(sent) as daemon:
        daemon.send_file(CONTENT)
    reader.join()
    sent.commit()
    assert found == [CONTENT]
    assert stat.S_ISFIFO(out.stat().st_mode)


def test_an_open_stream_stays_open() -> None:
    """Standard output takes the stream and is not closed."""
    stream = io.BytesIO()
    with joined_session(FileSend([StreamTarget(stream)])) as daemon:
        daemon.send_file(CONTENT, exporter=None)
    assert stream.getvalue() == CONTENT


def test_a_stream_that_breaks_ends_the_call() -> None:
    """A pipe whose reader has gone is an error of the output, not of the protocol."""
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, ours.makefile("wb", buffering=0) as stream:
        target = StreamTarget(stream)  # type: ignore[arg-type]
        with (
            joined_session(FileSend([target])) as daemon,
            pytest.raises(TransportError, match="output cannot be written: Broken pipe"),
        ):
            daemon.send_file(CONTENT)


@pytest.mark.parametrize("kind", [FileTarget, FolderTarget])
def test_what_cannot_be_written_is_named(
    out: Path, kind: type[FileTarget] | type[FolderTarget]
) -> None:
    """The build's error says which output cannot be written, and why."""
    out.parent.write_text("a file")
    with (
        joined_session(FileSend([kind(str(out))])) as daemon,
        pytest.raises(TransportError, match=r"out cannot be written: (Not a dir|File exi)"),
    ):
        daemon.send_folder([]) if kind is FolderTarget else daemon.send_file(b"x")


# --- which exporter ----------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "found"),
    [("0", "first"), ("1", "second"), ("2", None), ("", None), ("-1", None), ("9" * 5000, None)],
)
def test_a_result_goes_where_its_exporter_says(root: Path, header: str, found: str | None) -> None:
    """With several exporters the number counts; a number that was not asked for is refused."""
    targets: list[Target] = [FileTarget(str(root / name)) for name in ("first", "second")]
    sent = FileSend(targets)
    metadata: Metadata = (("buildkit-attachable-exporter-id", header),) if header else ()
    code = Code.OK
    with joined_session(sent) as daemon, daemon.open(METHOD, metadata) as call:
        try:
            call.half_close()
            assert call.receive(30) is None
        except CallError as error:
            code = Code(error.status.code)
    sent.commit()
    assert os.listdir(root) == ([] if found is None else [found])
    assert code == (Code.OK if found else Code.PERMISSION_DENIED)
