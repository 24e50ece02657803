"""Archivable: extra files, and archives of whatever a subclass selects."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders import Archivable, ArchiveType
from imagebuilders.context import extra_files
from imagebuilders.exceptions import BuildContextError, ContextChangedError


class Listed(Archivable):
    """An archivable of given files."""

    def __init__(self, files: dict[str, str] | None = None) -> None:
        super().__init__()
        self._files = files or {}

    def get_files(self) -> dict[str, str]:
        """Give the files."""
        return self._files


def names(archivable: Archivable) -> list[str]:
    """Give the names in the archive."""
    return [entry.path for entry in archivable.entries()]


def contents(archivable: Archivable) -> dict[str, bytes]:
    """Give the archive's files."""
    buffer = io.BytesIO()
    archivable.write_archive(buffer)
    with tarfile.open(fileobj=buffer) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None:
                found[member.name] = file.read()
        return found


def test_add_file(tmp_path: Path) -> None:
    """A source is a path when there is such a file, else the content itself."""
    (tmp_path / "f").write_text("from disk")
    (tmp_path / "b").write_bytes(b"\xff\0")
    archivable = Listed()
    archivable.add_file(str(tmp_path / "f"), "f")
    archivable.add_file(tmp_path / "b", "sub/b")
    archivable.add_file("FROM scratch\n" * 1000, "Dockerfile")
    archivable.add_file(b"\xfe", "./raw")
    archivable.add_file("", "/empty")
    assert archivable.get_extra_files() == {
        "f": "from disk",
        "sub/b": b"\xff\0",
        "Dockerfile": "FROM scratch\n" * 1000,
        "raw": b"\xfe",
        "empty": "",
    }
    assert names(archivable) == ["Dockerfile", "empty", "f", "raw", "sub", "sub/b"]


def test_added_file_is_kept_as_it_was(tmp_path: Path) -> None:
    """A small file may be gone once it is added; what is executable stays so."""
    (tmp_path / "f").write_text("was here")
    (tmp_path / "f").chmod(0o755)
    archivable = Listed()
    archivable.add_file(str(tmp_path / "f"), "f")
    (tmp_path / "f").unlink()
    assert contents(archivable) == {"f": b"was here"}
    assert [entry.normal_mode for entry in archivable.entries()] == [0o755]


def test_large_added_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is not held in memory; when it changes, that is told."""
    monkeypatch.setattr(extra_files, "HELD_SIZE", 10)
    (tmp_path / "f").write_bytes(bytes(11))
    archivable = Listed()
    archivable.add_file(str(tmp_path / "f"), "f")
    assert [type(entry.source) for entry in archivable.entries()] == [str]
    assert contents(archivable) == {"f": bytes(11)}
    (tmp_path / "f").unlink()
    with pytest.raises(ContextChangedError):
        archivable.get_extra_files()


def test_add_file_twice() -> None:
    """The last of two files of one name wins."""
    archivable = Listed()
    archivable.add_file("1", "a")
    archivable.add_file("2", "a")
    assert archivable.get_extra_files() == {"a": "2"}


def test_add_directory(tmp_path: Path) -> None:
    """Everything in it is added: binary files, empty folders, links, whatever its ignore file."""
    source = tmp_path / "source"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "sub" / "bin").write_bytes(b"\xff")
    (source / ".dockerignore").write_text("*")
    (source / "to_file").symlink_to("sub/bin")
    (source / "to_folder").symlink_to("sub")
    (source / "dangling").symlink_to("nowhere")
    archivable = Listed()
    archivable.add_directory(str(source), "dest/in")
    assert names(archivable) == [
        "dest", "dest/in", "dest/in/.dockerignore", "dest/in/dangling", "dest/in/sub",
        "dest/in/sub/bin", "dest/in/sub/empty", "dest/in/to_file", "dest/in/to_folder",
    ]  # fmt: skip
    assert archivable.get_extra_files() == {
        "dest/in/.dockerignore": "*",
        "dest/in/sub/bin": b"\xff",
    }
    links = {entry.path: entry.target for entry in archivable.entries() if entry.target}
    assert links == {
        "dest/in/dangling": "nowhere",
        "dest/in/to_file": "sub/bin",
        "dest/in/to_folder": "sub",
    }
    root = Listed()
    root.add_directory(source, ".")
    assert "sub/bin" in names(root)


def test_add_no_directory(tmp_path: Path) -> None:
    """What is no directory is a `ValueError`."""
    (tmp_path / "f").touch()
    for source in (tmp_path / "f", tmp_path / "none"):
        with pytest.raises(ValueError, match="is not a directory"):
            Listed().add_directory(str(source), "d")


def test_bad_sources(tmp_path: Path) -> None:
    """A directory, a missing path and a pipe cannot be added as a file."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BuildContextError, match=r"add it with add_directory"):
        Listed().add_file(str(tmp_path), "d")
    with pytest.raises(BuildContextError, match="does not exist"):
        Listed().add_file(tmp_path / "none", "d")
    with pytest.raises(BuildContextError, match="neither a file nor a directory"):
        Listed().add_file(str(tmp_path / "pipe"), "d")


def test_source_that_vanishes(tmp_path: Path, mocker: MockerFixture) -> None:
    """A source that is gone between two looks is an error."""
    mocker.patch("imagebuilders.context.extra_files.is_there", return_value=True)
    with pytest.raises(BuildContextError, match="cannot be read"):
        Listed().add_file(str(tmp_path / "none"), "d")


@pytest.mark.parametrize("destination", ["", ".", "/", "..", "../x", "a/../../x", "a\0b", "/../x"])
def test_bad_destinations(destination: str) -> None:
    """A destination must lie in the archive."""
    with pytest.raises(BuildContextError, match="is no place in an archive"):
        Listed().add_file("x", destination)


def test_clashes(tmp_path: Path) -> None:
    """One path cannot be both a file and a directory."""
    for first, second in (("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")):
        archivable = Listed()
        archivable.add_file("x", first)
        with pytest.raises(BuildContextError, match="both as a file and as a directory"):
            archivable.add_file("x", second)
    archivable = Listed()
    archivable.add_directory(str(tmp_path), "d")
    with pytest.raises(BuildContextError, match="d was added both"):
        archivable.add_file("x", "d")


def test_files_of_a_subclass(tmp_path: Path) -> None:
    """What a subclass selects is archived in order, with its parents; extra files win."""
    (tmp_path / "f").write_text("f")
    (tmp_path / "link").symlink_to("f")
    files = {"z/f": str(tmp_path / "f"), "a": str(tmp_path / "f"), "l": str(tmp_path / "link")}
    archivable = Listed(files)
    archivable.add_file("extra", "a")
    assert names(archivable) == ["a", "l", "z", "z/f"]
    assert contents(archivable) == {"a": b"extra", "z/f": b"f"}


def test_extra_files_win_over_folders_and_links(tmp_path: Path) -> None:
    """A file takes the place of a whole folder, and a folder that of a file or a link."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("x")
    (tmp_path / "l").symlink_to("/etc")
    files = {path: str(tmp_path / path) for path in ("d", "d/x", "l")}
    files |= {"d-": str(tmp_path / "d/x"), "e": str(tmp_path / "d"), "e/x": str(tmp_path / "d/x")}
    archivable = Listed(files)
    archivable.add_file("1", "d")
    archivable.add_file("2", "l/passwd")
    archivable.add_file("3", "e/y")
    assert names(archivable) == ["d", "d-", "e", "e/x", "e/y", "l", "l/passwd"]
    assert contents(archivable) == {
        "d": b"1", "d-": b"x", "e/x": b"x", "e/y": b"3", "l/passwd": b"2",
    }  # fmt: skip


@pytest.mark.parametrize("add", ["file", "folder"])
def test_nothing_goes_below_a_file(tmp_path: Path, add: str) -> None:
    """What is added below a file of the folder would drop that file: it is refused."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    archivable = Listed({"Dockerfile": str(tmp_path / "Dockerfile")})
    if add == "file":
        archivable.add_file("text", "Dockerfile/x")
    else:
        archivable.add_directory(str(tmp_path), "Dockerfile")
    with pytest.raises(BuildContextError, match="its folder has a file Dockerfile") as caught:
        b"".join(archivable.iter_archive())
    assert str(caught.value.path).startswith("Dockerfile/")


def test_archive_types() -> None:
    """The form is chosen by `use_gzip` or by name; the position is back at the start."""
    archivable = Listed()
    archivable.add_file("x", "f")
    for arguments, start in (
        ((), b"\x1f\x8b"),
        ((True,), b"\x1f\x8b"),
        ((False,), b"f\0"),
        ((ArchiveType.TAR,), b"f\0"),
        ((ArchiveType.ZIP,), b"PK"),
        ((True, ArchiveType.ZIP), b"PK"),
    ):
        buffer = io.BytesIO()
        archivable.write_archive(buffer, *arguments)
        assert buffer.tell() == 0
        assert buffer.read(2) == start
    buffer = io.BytesIO()
    archivable.write_archive(buffer, archive_type=ArchiveType.ZIP)
    with zipfile.ZipFile(buffer) as archive:
        assert archive.namelist() == ["f"]


def test_empty() -> None:
    """An archive of nothing is well-formed."""
    assert contents(Listed()) == {}


def test_special_file_of_a_subclass(tmp_path: Path) -> None:
    """A subclass that selects a pipe is told so."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BuildContextError, match="named pipe"):
        contents(Listed({"pipe": str(tmp_path / "pipe")}))


@pytest.mark.parametrize(
    "destination", ["a\ud800", "x" * 256, "ü" * 128, "/".join(["x" * 200] * 25), 3, None]
)
def test_destinations_that_nobody_can_unpack(destination: str) -> None:
    """A path that no file system or no archive can have is refused where it is given."""
    with pytest.raises(BuildContextError, match="is no place in an archive"):
        Listed().add_file("x", destination)


def test_the_longest_destination(tmp_path: Path) -> None:
    """Names of 255 bytes and paths of 4,095 are fine."""
    archivable = Listed()
    path = "/".join(["x" * 255] * 15 + ["y" * 254])
    archivable.add_file("x", path)
    assert len(path) == 4094
    assert contents(archivable) == {path: b"x"}


@pytest.mark.parametrize("source", ["a\0b", "x" * 5000, "\udcff"])
def test_odd_texts_are_content(source: str) -> None:
    """What can be no path is content; as a `Path` it is one that does not exist."""
    archivable = Listed()
    archivable.add_file(source, "f")
    assert contents(archivable) == {"f": source.encode("utf-8", "surrogateescape")}
    with pytest.raises(BuildContextError, match="does not exist"):
        archivable.add_file(Path(source), "f")
    with pytest.raises(BuildContextError, match="is not a directory"):
        archivable.add_directory(source, "f")


def test_sources_of_another_kind() -> None:
    """A lone surrogate cannot be written, and a number is neither a path nor content."""
    with pytest.raises(BuildContextError, match="lone surrogate at position 1"):
        Listed().add_file("a\ud800", "f")
    for source in (3, None, ["x"]):
        with pytest.raises(BuildContextError, match="neither a path nor content"):
            Listed().add_file(source, "f")  # type: ignore[arg-type]
    with pytest.raises(BuildContextError, match="is not a directory"):
        Listed().add_directory(None, "d")  # type: ignore[arg-type]


def test_an_added_folder_keeps_links_that_lead_out(tmp_path: Path) -> None:
    """Wherever they lead, nothing is read through them; a linked folder may be added itself."""
    (tmp_path / "secret").write_text("OUTSIDE")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("../secret")
    (tmp_path / "named").symlink_to("folder")
    archivable = Listed()
    archivable.add_directory(tmp_path / "named", "x")
    assert [(entry.path, entry.target) for entry in archivable.entries()] == [
        ("x", ""),
        ("x/link", "../secret"),
    ]
    assert contents(archivable) == {}


def test_a_large_added_file_that_is_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an added folder, too, nothing is read through a link that came later."""
    monkeypatch.setattr(extra_files, "HELD_SIZE", 0)
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    for path in ("folder/sub/file", "other/file"):
        (tmp_path / path).write_text(path[:5])
        os.utime(tmp_path / path, (1, 1))
    archivable = Listed()
    archivable.add_directory(tmp_path / "folder", "x")
    (tmp_path / "folder" / "sub").rename(tmp_path / "moved")
    (tmp_path / "folder" / "sub").symlink_to(tmp_path / "other")
    with pytest.raises(ContextChangedError, match="was replaced"):
        contents(archivable)


def test_sources_that_may_not_be_looked_at(tmp_path: Path) -> None:
    """They are there, so they are no content, and not of another kind either."""
    (tmp_path / "loop").symlink_to("loop")
    source = str(tmp_path / "loop")
    for add in (Listed().add_file, Listed().add_directory):
        with pytest.raises(BuildContextError, match="loop cannot be read: Too many levels"):
            add(source, "x")
