"""`imagebuilders context`."""

from __future__ import annotations

import logging
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imagebuilders import BuildContext, Stack

if TYPE_CHECKING:
    from command_line import RecordingBuilder, Run
    from pytest_mock import MockerFixture


@pytest.fixture
def app(folder: Path, stack: Stack) -> Path:
    """An application with something large, something secret and an ignore file."""
    app = folder / "app"
    (app / "data").mkdir()
    with (app / "data" / "big.bin").open("wb") as file:
        file.truncate(2_000_000)
    (app / ".env").write_text("TOKEN=1\n")
    (app / "notes.md").write_text("x\n")
    (app / "src").mkdir()
    (app / "src" / "main.py").write_text("print()\n")
    (app / "src" / "main.pyc").write_text("")
    (app / ".dockerignore").write_text("# rules\n**/*.pyc\nnotes.md\n")
    return app


def test_list(run: Run, app: Path) -> None:
    """What goes in is a tree, the largest first, without what is left out; then comes advice."""
    result = run("context", "ls", "app")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["2.0", "MB", "app", "(5", "files)"]
    assert lines[1].endswith("├── data/ (1 file)")
    assert lines[2].endswith("│   └── big.bin")
    assert not any("notes.md" in line or "pyc" in line for line in lines)
    advice = lines.index("Large folders, and the line in the ignore file that leaves each out:")
    assert lines[advice + 1].split() == ["2.0", "MB", "data/", "data"]
    assert lines[-1].strip() == ".env"


def test_list_where_unicode_is_not_known(
    run: Run, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree is drawn with what the output can spell."""
    monkeypatch.setattr("imagebuilders.cli.output.can_encode", lambda characters: False)
    assert run("context", "ls", "app").out.splitlines()[2].endswith("|   `-- big.bin")


def test_list_of_a_small_context_gives_no_advice(run: Run, stack: Stack) -> None:
    """Where nothing is large or secret, nothing is said."""
    result = run("context", "ls", "app")
    assert len(result.out.splitlines()) == 2


def test_list_is_short_unless_asked(run: Run, stack: Stack, folder: Path) -> None:
    """Many small files are one line, all of them with --all."""
    for number in range(30):
        (folder / "app" / f"file{number}").touch()
    short = run("context", "ls", "app").out.splitlines()
    assert len(short) == 1 + 10 + 1
    assert short[-1].endswith("└── 21 more")
    assert len(run("context", "ls", "app", "--all").out.splitlines()) == 1 + 31


def test_list_as_json(run: Run, app: Path) -> None:
    """Every entry is an object, then the advice, then the sum."""
    records = run("context", "ls", "app", "--json").records
    entries = {record["path"]: record for record in records if record["event"] == "entry"}
    assert entries["src/main.py"] == {
        "event": "entry",
        "path": "src/main.py",
        "type": "file",
        "size": 8,
        "mode": "0644",
        "target": None,
    }
    assert entries["src"]["type"] == "directory"
    assert [record for record in records if record["event"] in ("large_folder", "secret")] == [
        {"event": "large_folder", "path": "data", "size": 2_000_000, "files": 1, "rule": "data"},
        {"event": "secret", "path": ".env"},
    ]
    assert records[-1]["event"] == "context"
    assert records[-1]["entries"] == len(entries)
    assert records[-1]["ignore_file"] == "app/.dockerignore"


def test_working_directory_is_the_default(
    run: Run, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a PATH the context is where one stands."""
    elsewhere = run("context", "digest", "app").out
    monkeypatch.chdir(app)
    assert run("context", "digest").out == elsewhere
    assert run("context", "ls").code == 0


def test_hash(run: Run, app: Path) -> None:
    """The digest is the library's, and that of the files alone."""
    result = run("context", "digest", "app")
    assert result.out == BuildContext(root=str(app)).digest() + "\n"
    records = run("context", "digest", "app", "--json").records
    assert records[-1] == {"event": "digest", "root": "app", "digest": result.out.strip()}
    (app / "notes.md").write_text("ignored, so nothing changes\n")
    assert run("context", "digest", "app").out == result.out
    (app / "src" / "main.py").write_text("print(1)\n")
    assert run("context", "digest", "app").out != result.out


def test_explain(run: Run, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file has a line that says which line of which file decides."""
    monkeypatch.chdir(app)
    result = run("context", "explain", "src/main.pyc", "./src/main.py", "notes.md", "no.pyc")
    assert result.code == 0
    dropped, kept, notes, missing = result.out.splitlines()
    assert "There is no such file" in missing
    assert "There is no such file" not in dropped + kept + notes
    assert dropped.startswith("src/main.pyc is left out by line 2 of ./.dockerignore: **/*.pyc")
    assert kept.startswith("src/main.py is kept")
    assert "line 3" in notes


def test_explain_from_elsewhere(run: Run, app: Path) -> None:
    """FILE is relative to the working directory, or else to the context; both name the same."""
    for file in ("app/notes.md", "notes.md", str(app / "notes.md")):
        (record,) = run("context", "explain", file, "-C", "app", "--json").records
        assert record["event"] == "explanation"
        assert (record["path"], record["kept"]) == ("notes.md", False)
        assert (record["line"], record["pattern"]) == (3, "notes.md")
        assert record["exists"] is True


def test_explain_without_a_working_directory(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, as for every command."""
    (tmp_path / "app").mkdir()
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = run("context", "explain", "x", "-C", str(tmp_path / "app"))
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: the working directory does not exist any more\n"


def test_explain_the_context_itself(run: Run, app: Path) -> None:
    """Of the context's own folder, each entry is explained."""
    records = run("context", "explain", "app", "-C", "app", "--json").records
    assert [record["path"] for record in records] == sorted(os.listdir(app))


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("app", "app"),
        ("app/core.py", "app/core.py"),
        ("app/app/core.py", "app/core.py"),
        ("app/notes.md", "notes.md"),
        ("app/both.py", "both.py"),
        ("app/nowhere.py", "nowhere.py"),
    ],
)
def test_explain_a_package_that_is_named_like_its_folder(
    run: Run, app: Path, file: str, path: str
) -> None:
    """What is there is meant, be it seen from the working directory or from the context."""
    (app / "app").mkdir()
    for name in ("app/core.py", "app/both.py", "both.py"):
        (app / name).write_text("")
    (record,) = run("context", "explain", file, "-C", "app", "--json").records
    assert record["path"] == path


def test_explain_what_is_not_in_the_context(run: Run, app: Path) -> None:
    """A file outside of the context is wrong usage, and the message says how to name it."""
    result = run("context", "explain", "../elsewhere", "-C", "app")
    assert result.code == 2
    assert "'../elsewhere' does not lie in the context 'app'.\n" in result.err
    result = run("context", "explain", "../elsewhere")
    assert "in the working directory; name the context's folder with -C." in result.err


def test_dockerfile_with_its_own_ignore_file(run: Run, app: Path) -> None:
    """`-f` makes the ignore file beside that Dockerfile count, wherever it lies."""
    for place in (app, app.parent):
        (place / "other.Dockerfile").write_text("FROM scratch\n")
        (place / "other.Dockerfile.dockerignore").write_text("src\n")
        dockerfile = str((place / "other.Dockerfile").relative_to(app.parent))
        records = run("context", "ls", "app", "-f", dockerfile, "--json").records
        paths = {record.get("path") for record in records}
        assert "notes.md" in paths
        assert "src/main.py" not in paths
        (record,) = run(
            "context", "explain", "src/main.py", "-C", "app", "-f", dockerfile, "--json"
        ).records
        assert (record["kept"], record["line"]) == (False, 1)


def test_context_class_of_the_builder(
    run: Run, app: Path, builder: RecordingBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A builder with a context class of its own is asked; its warnings are shown."""

    class Loud(BuildContext):
        def digest(self, *, use_cache: bool = True) -> str:
            logging.getLogger("imagebuilders.loud").warning("loud")
            return "sha256:0"

    monkeypatch.setattr(type(builder), "build_context_class", Loud)
    result = run("context", "digest", "app")
    assert (result.out, result.err) == ("sha256:0\n", "warning: loud\n")
    notice = run("context", "digest", "app", "--json").records[0]
    assert (notice["event"], notice["message"]) == ("notice", "loud")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("ls", "nowhere"), 2),
        (("digest", "app/Dockerfile"), 2),
        (("ls", "app", "-f", "nowhere"), 2),
        (("explain",), 2),
        (("explain", "x", "-C", "nowhere"), 2),
    ],
)
def test_wrong_usage(run: Run, app: Path, arguments: tuple[str, ...], code: int) -> None:
    """Paths that are not there are wrong usage."""
    result = run("context", *arguments)
    assert (result.code, result.out) == (code, "")
    assert "error: " in result.err


@pytest.mark.parametrize("command", ["ls", "digest"])
def test_bad_ignore_file(run: Run, app: Path, command: str) -> None:
    """A malformed pattern is one message with the line's number."""
    (app / ".dockerignore").write_text("ok\n[a\n")
    result = run("context", command, "app")
    assert (result.code, result.out) == (1, "")
    assert "line 2" in result.err
    (record,) = run("context", command, "app", "--json").records
    assert record["error"] == "IgnoreFileError"
    details = record["details"]
    assert isinstance(details, dict)
    assert details["line"] == 2


def test_names_that_are_not_utf_8(run: Run, app: Path) -> None:
    """A name is spelled alike wherever it is shown."""
    name = os.fsdecode(b"f\xff\n.txt")
    (app / name).touch()
    assert "f\\xff\\n.txt" in run("context", "ls", "app").out
    assert run("context", "explain", name, "-C", "app").out.startswith("f\\xff\\n.txt is kept")


def test_tar(run: Run, stack: Stack, folder: Path) -> None:
    """The archive is that of the library, in a file or on standard output."""
    (folder / "app" / ".dockerignore").write_text("left\n")
    (folder / "app" / "left").write_text("out")
    result = run("context", "tar", "app", "-o", "plain.tar")
    assert (result.code, result.out) == (0, "")
    with tarfile.open("plain.tar") as archive:
        assert sorted(archive.getnames()) == [".dockerignore", "Dockerfile"]
        assert {member.mtime for member in archive} != {os.stat("app/Dockerfile").st_mtime}
    assert run("context", "tar", "app", "-z", "-o", "small.tar.gz", "--keep-times").code == 0
    with tarfile.open("small.tar.gz", "r:gz") as archive:
        assert archive.getmember("Dockerfile").mtime == int(os.stat("app/Dockerfile").st_mtime)
    assert run("context", "tar", "app").out.encode() == Path("plain.tar").read_bytes()


def test_tar_as_json(run: Run, stack: Stack, folder: Path) -> None:
    """What was written is told; standard output cannot have both."""
    result = run("context", "tar", "app", "-o", "a.tar", "--json")
    size = os.stat("a.tar").st_size
    assert result.records == [{"event": "archive", "root": "app", "file": "a.tar", "size": size}]
    assert run("context", "tar", "app", "--json").code == 2


def test_tar_that_cannot_be_written(run: Run, stack: Stack, folder: Path) -> None:
    """The error names the file."""
    result = run("context", "tar", "app", "-o", "app/Dockerfile/x")
    assert result.code == 1
    assert "app/Dockerfile/x" in result.err


def test_tar_is_not_for_terminals(
    run: Run, stack: Stack, folder: Path, mocker: MockerFixture
) -> None:
    """It is refused, as other programs do."""
    mocker.patch("imagebuilders.cli.context_commands.sys.stdout.isatty", return_value=True)
    result = run("context", "tar", "app")
    assert result.code == 2
    assert "-o FILE" in result.err


def test_the_first_name_of_digest(run: Run, stack: Stack, folder: Path) -> None:
    """It works, and no help names it."""
    assert run("context", "hash", "app").out == run("context", "digest", "app").out
    assert "hash" not in run("context", "--help").out
