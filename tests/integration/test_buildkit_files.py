"""Folders that go to real engines and come back from them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import pytest_mock
from testbed.engine import Engine
from testbed.image_reading import read_file

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.buildkit.session import file_sync
from imagebuilders.events import BuildStarted, ContextProgress, Event, Notice, listen
from imagebuilders.exceptions import BuildContextError, BuildError, ContextChangedError

pytestmark = pytest.mark.usefixtures("docker_config")


@pytest.fixture
def buildkit(buildkit_engine: Engine) -> LocalImageBuilder:
    """Give a builder for each engine in turn."""
    return LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")


@pytest.fixture(autouse=True)
def _own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine remembers folders of this test alone."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))


def export(
    builder: LocalImageBuilder, root: Path, out: Path, options: dict[str, object] | None = None
) -> Path:
    """Build without an image, and have the result put into a folder."""
    given = {"outputs": [f"type=local,dest={out}"], **(options or {})}
    builder.build("files:1", BuildContext(str(root)), given)
    return out


# --- what goes ---------------------------------------------------------------

_ANOTHER_PROCESS = """
import sys
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.buildkit.session import file_sync
from imagebuilders.events import ContextProgress, listen
sent, told = [], []
packet = file_sync.data_packet
def note_packet(number, data):
    if data and not data.startswith(b"FROM "):  # Dockerfiles always go
        sent.append(data)
    return packet(number, data)
file_sync.data_packet = note_packet
def note(event):
    if isinstance(event, ContextProgress):
        told.append(event.bytes_sent)
with listen(note):
    LocalImageBuilder(builder="buildkit").build("files:1", BuildContext(sys.argv[1]))
print(len(sent), max(told))
"""


def build_elsewhere(engine: Engine, root: Path) -> tuple[int, int]:
    """Build in a process of its own; return how many pieces of files were sent, and all bytes."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _ANOTHER_PROCESS, str(root)],
        env={**os.environ, "DOCKER_HOST": engine.docker_host},
        capture_output=True,
        text=True,
        check=True,
    )
    pieces, size = done.stdout.split()
    return int(pieces), int(size)


def test_only_what_changed_is_sent_by_another_process(buildkit_engine: Engine, root: Path) -> None:
    """The first build sends all, the next nothing, and one after a change that one file."""
    for number in range(200):
        (root / f"file{number}").write_bytes(os.urandom(5_000))
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    pieces, size = build_elsewhere(buildkit_engine, root)
    assert pieces == 200
    assert size > 1_000_000
    pieces, size = build_elsewhere(buildkit_engine, root)
    assert pieces == 0
    assert size < 20_000
    (root / "file7").write_bytes(os.urandom(5_000))
    pieces, size = build_elsewhere(buildkit_engine, root)
    assert pieces == 1
    assert 5_000 < size < 25_000
    found = read_file(buildkit_engine, "files:1", "/file7")
    assert found.content == (root / "file7").read_bytes()


def test_a_folder_arrives_as_it_is(buildkit: LocalImageBuilder, root: Path, tmp_path: Path) -> None:
    """Bytes, modes, links, hard links, times and odd names, through the engine and back."""
    (root / "Dockerfile").write_text("FROM scratch\nCOPY tree /\n")
    tree = root / "tree"
    odd = ["é blank", "a", "a-b", "a.txt", "!x", "#y", "*", "new\nline"]
    for name in odd:
        (tree / "odd").mkdir(parents=True, exist_ok=True)
        (tree / "odd" / name).write_text(name, errors="surrogateescape")
    (tree / "large").write_bytes(os.urandom(3_000_000))
    (tree / "none").touch()
    (tree / "empty").mkdir(mode=0o750)
    (tree / "suid").write_text("x")
    (tree / "suid").chmod(0o6755)
    (tree / "sticky").mkdir()
    (tree / "sticky").chmod(0o1777)
    (tree / "hard").write_text("hard")
    (tree / "odd" / "hard").hardlink_to(tree / "hard")
    (tree / "link").symlink_to("odd/a")
    (tree / "dangling").symlink_to("../../nowhere")
    for number, path in enumerate(sorted(tree.rglob("*"), reverse=True)):
        time = 1_600_000_000_123_456_789 + number
        os.utime(path, ns=(time, time), follow_symlinks=False)
    out = export(buildkit, root, tmp_path / "out")

    def described(folder: Path) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        for path in folder.rglob("*"):
            status = path.lstat()
            content: object = None
            if path.is_symlink():
                content = os.readlink(path)
            elif path.is_file():
                content = path.read_bytes()
            mode = None if path.is_symlink() else stat.S_IMODE(status.st_mode)
            # Of folders COPY itself may change the time.
            time = None if path.is_dir() and not path.is_symlink() else status.st_mtime_ns
            name = str(path.relative_to(folder))
            found[name] = (stat.S_IFMT(status.st_mode), mode, time, content)
        return found

    assert described(out) == described(tree)
    assert (out / "hard").samefile(out / "odd" / "hard")


def test_a_name_that_is_not_utf8(buildkit: LocalImageBuilder, root: Path, tmp_path: Path) -> None:
    """Older engines take it; newer ones do not, and the error names it."""
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / os.fsdecode(b"\xff")).write_text("odd")
    try:
        out = export(buildkit, root, tmp_path / "out")
    except BuildContextError as error:
        found = str(error)
    else:
        found = (out / os.fsdecode(b"\xff")).read_text()
    assert found == "odd" or "\\xff has a name that is not UTF-8" in found


def test_the_snapshot_alone_decides(
    buildkit: LocalImageBuilder, root: Path, tmp_path: Path
) -> None:
    """What was added goes though the rules drop it, what they drop does not, the rules do."""
    (root / ".dockerignore").write_text("secret\ngenerated*\n")
    (root / "secret").write_text("secret")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /all/\nCOPY .dockerignore generated /\n")
    context = BuildContext(str(root))
    context.add_file(b"made", "generated")
    notices: list[Event] = []
    with listen(notices.append):
        buildkit.build("files:1", context, {"outputs": [f"type=local,dest={tmp_path / 'out'}"]})
    out = tmp_path / "out"
    assert sorted(path.name for path in (out / "all").iterdir()) == [
        *(".dockerignore", "Dockerfile", "generated"),
    ]
    assert (out / "generated").read_text() == "made"
    assert (out / ".dockerignore").read_text() == "secret\ngenerated*\n"
    assert [each for each in notices if isinstance(each, Notice) and "generated" in str(each)] == []


def test_a_generated_ignore_file_is_a_file_like_any_other(
    buildkit: LocalImageBuilder, root: Path, tmp_path: Path
) -> None:
    """Nobody but the snapshot reads rules out of the context."""
    (root / "kept").write_text("kept")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    context = BuildContext(str(root))
    context.add_file(b"*\n", ".dockerignore")
    buildkit.build("files:1", context, {"outputs": [f"type=local,dest={tmp_path / 'out'}"]})
    assert (tmp_path / "out" / "kept").read_text() == "kept"
    assert (tmp_path / "out" / ".dockerignore").read_text() == "*\n"


def test_links_on_the_way_are_followed(
    buildkit: LocalImageBuilder, root: Path, tmp_path: Path
) -> None:
    """A COPY through links of the context gets what they lead to, and little more is sent."""
    for name in ("real/a", "real/b", "other"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("real")
    (root / "deep").symlink_to("link/a")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY link/a link/b deep /x/\n")
    out = export(buildkit, root, tmp_path / "out")
    assert {path.name: path.read_text() for path in (out / "x").iterdir()} == {
        "a": "real/a",
        "b": "real/b",
        "deep": "real/a",
    }


def test_a_named_context_has_rules_of_its_own(
    buildkit_engine: Engine, buildkit: LocalImageBuilder, root: Path, tmp_path: Path
) -> None:
    """The daemon reads the ignore file of a named folder, and gets nothing that it drops."""
    if buildkit_engine.version.startswith("20."):
        pytest.skip("this frontend knows no named contexts")
    extra = tmp_path / "extra"
    (extra / "sub").mkdir(parents=True)
    for name in ("a", "b.log", "sub/c.log", "sub/d"):
        (extra / name).write_text(name)
    (extra / ".dockerignore").write_text("**/*.log\n")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY --from=extra . /\n")
    out = export(buildkit, root, tmp_path / "out", {"build_contexts": {"extra": str(extra)}})
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*"))
    assert names == [".dockerignore", "a", "sub", "sub/d"]


@pytest.mark.parametrize("change", ["gone", "other", "link"])
def test_a_file_that_changes_meanwhile_is_the_builds_error(
    buildkit: LocalImageBuilder, root: Path, tmp_path: Path, change: str
) -> None:
    """A build does not take what was not there when it began."""
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / "file").write_bytes(os.urandom(1000))
    (tmp_path / "secret").write_text("secret")

    def meddle(event: Event) -> None:
        if isinstance(event, BuildStarted):
            (root / "file").unlink()
            if change == "other":
                (root / "file").write_bytes(os.urandom(1000))
            elif change == "link":
                (root / "file").symlink_to(tmp_path / "secret")

    with listen(meddle), pytest.raises(ContextChangedError) as caught:
        buildkit.build("files:1", BuildContext(str(root)))
    assert str(root / "file") in str(caught.value)


def test_a_context_that_no_step_uses_is_not_sent(
    buildkit: LocalImageBuilder, root: Path, mocker: pytest_mock.MockerFixture
) -> None:
    """Without COPY the Dockerfile alone goes."""
    (root / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    (root / "file").write_bytes(os.urandom(100_000))
    sent = mocker.spy(file_sync, "data_packet")
    told: list[Event] = []
    with listen(told.append):
        buildkit.build("files:1", BuildContext(str(root)))
    assert sum(len(call.args[1]) for call in sent.call_args_list) < 1_000
    assert [event for event in told if isinstance(event, ContextProgress)] == []


# --- what comes --------------------------------------------------------------


def test_a_tar_appears_when_the_build_has_succeeded(
    buildkit: LocalImageBuilder, root: Path, tmp_path: Path
) -> None:
    """A failing build leaves what was there, and no part of a new one."""
    place = tmp_path / "results" / "out.tar"
    (root / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")
    (root / "file").write_text("content")
    options = {"outputs": [f"type=tar,dest={place}"]}
    buildkit.build("files:1", BuildContext(str(root)), options)
    with tarfile.open(place) as tar:
        member = tar.extractfile("file")
        assert member is not None
        assert member.read() == b"content"
    before = place.read_bytes()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY missing /\n")
    with pytest.raises(BuildError):
        buildkit.build("files:1", BuildContext(str(root)), options)
    assert place.read_bytes() == before
    assert os.listdir(place.parent) == ["out.tar"]


def test_a_folder_keeps_what_is_there(
    buildkit: LocalImageBuilder, root: Path, tmp_path: Path
) -> None:
    """A result is laid over a folder; links in it are replaced, not written through."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "other").write_text("stays")
    (tmp_path / "outside").write_text("outside")
    (out / "file").symlink_to(tmp_path / "outside")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")
    (root / "file").write_text("new")
    export(buildkit, root, out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "file": "new",
        "other": "stays",
    }
    assert (tmp_path / "outside").read_text() == "outside"


def test_a_reproducible_build_sees_every_change_and_can_be_repeated(
    buildkit_engine: Engine, root: Path
) -> None:
    """A change of equal size and time is in the image; equal files make an equal image."""
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY data /data\nLABEL a=b\n")

    def build(content: str, time: int) -> str:
        (root / "data").write_text(content)
        os.utime(root / "data", (time, time))
        options = {"reproducible": True, "nocache": content == "two"}
        builder.build("reproducible:1", BuildContext(str(root)), options)
        return str(buildkit_engine.client.images.get("reproducible:1").id)

    first = build("one", 1000)
    second = build("two", 1000)
    assert read_file(buildkit_engine, "reproducible:1", "/data").content == b"two"
    assert first != second
    if not buildkit_engine.version.startswith("20.10"):  # its images have their time of building
        assert build("two", 2000) == second
