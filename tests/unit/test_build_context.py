"""BuildContext: the documented class, on real folders."""

from __future__ import annotations

import io
import logging
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from imagebuilders import ArchiveType, BuildContext
from imagebuilders.context import digest_cache
from imagebuilders.context.ignore_file import compile_rules, parse_lines
from imagebuilders.context.manifest import ContentHasher
from imagebuilders.exceptions import (
    BuildContextError,
    ContextChangedError,
    IgnoreFileError,
    ImageBuilderError,
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the hashes that tests make out of the user's cache folder."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two files."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "1").write_text("one")
    (root / "2").write_text("two")
    return root


def archived(context: BuildContext) -> dict[str, bytes]:
    """Give the files in the context's archive."""
    stream = io.BytesIO(b"".join(context.iter_archive()))
    with tarfile.open(fileobj=stream) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            if file is not None:
                found[member.name] = file.read()
        return found


def test_without_a_root() -> None:
    """Without a root there are only the extra files."""
    context = BuildContext()
    assert (context.root, context.dockerignore_file, context.get_files()) == (None, None, {})
    assert context._get_exclude_patterns() == []
    context.add_file("x", "f")
    assert archived(context) == {"f": b"x"}


def test_ignore_files(root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The ignore file is the one given, else the root's own, else none."""
    context = BuildContext(str(root))
    assert context.dockerignore_file is None
    with caplog.at_level(logging.INFO):
        assert context._get_exclude_patterns() == []
    assert "has no ignore file" in caplog.text
    assert context.get_files() == {"1": str(root / "1"), "2": str(root / "2")}

    (tmp_path / "custom").write_text("/1")
    context = BuildContext(root=str(root), dockerignore_file=str(tmp_path / "custom"))
    assert context.dockerignore_file == str(tmp_path / "custom")
    assert context._get_exclude_patterns() == ["/1", "!/.zen"]
    assert context.get_files() == {"2": str(root / "2")}

    (root / ".dockerignore").write_text("*")
    (root / ".zen").mkdir()
    (root / ".zen" / "config.yaml").touch()
    context = BuildContext(str(root))
    assert context.dockerignore_file == str(root / ".dockerignore")
    assert context._get_exclude_patterns() == ["*", "!/.zen"]
    assert list(context.get_files()) == [".zen", ".zen/config.yaml"]


@pytest.mark.parametrize(
    "rules", ["*", ".zen", ".zen/**", "**/config", "!x\n.zen/sub/config", "**"]
)
def test_repository_folder_is_always_in(root: Path, rules: str) -> None:
    """No rule drops anything of the `.zen` folder."""
    (root / ".zen" / "sub").mkdir(parents=True)
    (root / ".zen" / "sub" / "config").touch()
    (root / ".dockerignore").write_text(rules)
    assert ".zen/sub/config" in BuildContext(str(root)).get_files()


def test_parse_dockerignore(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Stripped lines, no blanks, no comments; a missing file is a warning."""
    path = tmp_path / "ignore"
    path.write_text("# c\n\n  a/ \n#b\n !c\n #d\n")
    assert BuildContext._parse_dockerignore(str(path)) == ["a/", "!c", "#d"]
    assert caplog.text == ""
    assert BuildContext._parse_dockerignore(str(tmp_path / "none")) == []
    assert f"{tmp_path / 'none'} does not exist" in caplog.text


def test_malformed_pattern(root: Path) -> None:
    """A malformed pattern is an error with its line, at once or when it is first tried."""
    for text, line in (("a\n[", 2), ("a\n\n[z-a]", 3)):
        (root / ".dockerignore").write_text(text)
        with pytest.raises(IgnoreFileError, match=f"line {line}") as caught:
            BuildContext(str(root)).get_files()
        assert caught.value.line == line
        assert caught.value.path == str(root / ".dockerignore")
    with pytest.raises(IgnoreFileError, match="line 3"):
        BuildContext(str(root)).explain("1")


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_unreadable_ignore_file(root: Path, tmp_path: Path, kind: str) -> None:
    """An ignore file that cannot be read is an error: everything would be sent without it."""
    path = tmp_path / "ignore"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(IgnoreFileError, match="cannot be read"):
        BuildContext(str(root), str(path)).get_files()


@pytest.mark.parametrize("use", ["get_files", "digest", "iter_archive"])
def test_bad_roots(tmp_path: Path, use: str) -> None:
    """A missing root, and a root that is a file, are errors whatever is asked for."""
    (tmp_path / "file").touch()
    for root, words in ((tmp_path / "none", "does not exist"), (tmp_path / "file", "no directory")):
        with pytest.raises(BuildContextError, match=words):
            list(getattr(BuildContext(str(root)), use)())


def test_empty_root() -> None:
    """The empty path names no folder, not even the working directory."""
    with pytest.raises(BuildContextError, match=r"context, '', is an empty path; give '\.'"):
        BuildContext(root="").get_files()


def test_path_likes(root: Path) -> None:
    """Paths may be `Path` objects."""
    assert BuildContext(root).get_files() == BuildContext(str(root)).get_files()  # type: ignore[arg-type]


def test_digest(root: Path) -> None:
    """The digest follows content and mode, not times, and the cache makes no difference."""
    context = BuildContext(str(root))
    first = context.digest()
    assert first == context.digest() == context.digest(use_cache=False)
    assert first == BuildContext(f"{root}/").digest()
    os.utime(root / "1", (0, 0))
    assert context.digest() == first
    (root / "1").write_text("eno")
    second = context.digest()
    (root / "1").chmod(0o755)
    third = context.digest()
    context.add_file("x", "extra")
    assert len({first, second, third, context.digest()}) == 4


def test_second_digest_reads_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """An unchanged folder is digested without reading a file, except when the cache is off."""
    read = mocker.spy(ContentHasher, "content_hash")
    monkeypatch.setattr(digest_cache, "FINE_GRAIN_NS", -(10**12))
    monkeypatch.setattr(digest_cache, "COARSE_GRAIN_NS", -(10**12))
    context = BuildContext(str(root))
    first = context.digest()
    assert read.call_count == 2
    assert context.digest() == first
    assert read.call_count == 2
    monkeypatch.setenv("IMAGEBUILDERS_DIGEST_CACHE", "off")
    assert context.digest() == first


def test_for_dockerfile(root: Path) -> None:
    """The Dockerfile's own ignore file wins over the root's, but not over the one given."""
    (root / ".dockerignore").write_text("1")
    (root / "docker").mkdir()
    (root / "docker" / "app.Dockerfile.dockerignore").write_text("2")
    context = BuildContext(str(root))
    context.add_file("x", "extra")
    own = context.for_dockerfile("docker/app.Dockerfile")
    assert own.dockerignore_file == str(root / "docker/app.Dockerfile.dockerignore")
    assert "1" in own.get_files()
    assert "2" not in own.get_files()
    assert own.get_extra_files() == {"extra": "x"}
    own.add_file("y", "other")
    assert context.get_extra_files() == {"extra": "x"}
    assert context.for_dockerfile("Dockerfile").dockerignore_file == str(root / ".dockerignore")
    given = BuildContext(str(root), str(root / ".dockerignore"))
    assert given.for_dockerfile("docker/app.Dockerfile").dockerignore_file == (
        given.dockerignore_file
    )
    assert BuildContext().for_dockerfile("Dockerfile").get_files() == {}


def read_again(context: BuildContext, name: str = ".dockerignore") -> set[str]:
    """Give the files that are left when the ignore file in the archive is applied once more."""
    files = archived(context)
    rules = compile_rules(parse_lines(files.get(name, b"")))
    return {path for path in files if not rules.excludes(path)}


def test_rules_are_applied_once(root: Path) -> None:
    """Applying the archived ignore file once more drops nothing, not even extra files."""
    (root / ".dockerignore").write_text("*\n!2\n!.dockerignore\n")
    (root / ".zen").mkdir()
    (root / ".zen" / "c").touch()
    context = BuildContext(str(root))
    before = archived(context)
    assert before[".dockerignore"].startswith(b"*\n!2\n!.dockerignore\n")
    context.add_file("FROM x", "Dockerfile")
    context.add_file("x", "gen/[a] b.txt")
    assert read_again(context) == set(archived(context)) == {
        ".dockerignore", ".zen/c", "2", "Dockerfile", "gen/[a] b.txt",
    }  # fmt: skip


def test_ignore_file_stays_as_it_is(root: Path) -> None:
    """As long as applying it once more drops nothing, the ignore file keeps its bytes."""
    text = b"1\r\n# comment\n"
    (root / ".dockerignore").write_bytes(text)
    context = BuildContext(str(root))
    context.add_file("x", "extra")
    assert archived(context)[".dockerignore"] == text


def test_other_ignore_file_in_the_archive(root: Path, tmp_path: Path) -> None:
    """An ignore file that the selection was not made by cannot drop anything of it."""
    (root / ".dockerignore").write_text("2")
    (root / "app.Dockerfile.dockerignore").write_text("1")
    (root / "Dockerfile.dockerignore").write_text("[")
    (tmp_path / "ignore").write_text("nothing")
    context = BuildContext(str(root), str(tmp_path / "ignore")).for_dockerfile("app.Dockerfile")
    for name in (".dockerignore", "Dockerfile.dockerignore", "app.Dockerfile.dockerignore"):
        assert read_again(context, name) == set(archived(context))
        assert {"1", "2"} < read_again(context, name)


def test_explain(root: Path) -> None:
    """A path is explained by the deciding line, an extra file by itself."""
    (root / ".dockerignore").write_text("# c\n1\n")
    context = BuildContext(str(root))
    context.add_file("x", "1/extra")
    explained = context.explain("./1")
    assert (explained.kept, explained.line, explained.file) == (
        False, 2, str(root / ".dockerignore"),
    )  # fmt: skip
    assert context.explain("2").kept
    assert context.explain("1/extra").reason == "1/extra is kept: it was added to the context."
    assert context.explain(".").kept
    (root / ".dockerignore").write_text("*")
    assert "always in" in context.explain(".zen/x").reason


def test_large_context_warning(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A large archive of a folder without an ignore file warns, with size, root and advice."""
    monkeypatch.setattr("imagebuilders.context.advice.LARGE_CONTEXT", 1024)
    buffer = io.BytesIO()
    BuildContext(str(root)).write_archive(buffer, False)
    assert buffer.tell() == 0
    (record,) = caplog.records
    assert str(root) in record.getMessage()
    assert "0.0 MiB" in record.getMessage()
    assert ".dockerignore" in record.getMessage()
    caplog.clear()
    (root / ".dockerignore").touch()
    BuildContext(str(root)).write_archive(io.BytesIO(), False)
    BuildContext().write_archive(io.BytesIO(), False)
    assert caplog.text == ""


def test_secrets_warn_once(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What looks like a secret is named, once for a context and its copies."""
    (root / ".env").touch()
    context = BuildContext(str(root))
    list(context.iter_archive())
    assert ".env" in caplog.text
    context.write_archive(io.BytesIO())
    list(context.for_dockerfile("Dockerfile").iter_archive(ArchiveType.TAR_GZ))
    assert len(caplog.records) == 1
    (root / "id_rsa").touch()
    list(context.iter_archive())
    assert "id_rsa" in caplog.records[1].getMessage()
    assert ".env" not in caplog.records[1].getMessage()


def test_changes_while_archived(root: Path) -> None:
    """A file that shrinks or vanishes while the archive is made is an error with its path."""
    changes: tuple[tuple[str, Callable[[], None]], ...]
    changes = (("1", lambda: os.truncate(root / "1", 1)), ("2", lambda: (root / "2").unlink()))
    for name, change in changes:
        (root / "1").write_bytes(bytes(10**6))
        stream = BuildContext(str(root)).iter_archive()
        next(stream)
        change()
        with pytest.raises(ContextChangedError) as caught:
            list(stream)
        assert caught.value.path == str(root / name)
        assert isinstance(caught.value, ImageBuilderError)


def test_subclass_that_selects_itself(root: Path) -> None:
    """A subclass's own `get_files` is what is archived and digested."""

    class Own(BuildContext):
        def get_files(self) -> dict[str, str]:
            return {"only": str(root / "1")}

    context = Own(str(root))
    assert archived(context) == {"only": b"one"}
    assert context.digest() != BuildContext(str(root)).digest()


def test_empty_context(tmp_path: Path) -> None:
    """An empty folder is a context of nothing."""
    context = BuildContext(str(tmp_path))
    assert context.get_files() == {}
    assert archived(context) == {}
    assert context.digest() == BuildContext().digest()


def test_own_patterns_count(root: Path) -> None:
    """A subclass's own `_get_exclude_patterns`, or reading of the file, decides what is kept."""

    class Patterns(BuildContext):
        def _get_exclude_patterns(self) -> list[str]:
            return [*super()._get_exclude_patterns(), "1"]

    class Reading(BuildContext):
        @staticmethod
        def _parse_dockerignore(dockerignore_path: str) -> list[str]:
            return ["2"]

    (root / ".dockerignore").write_text("nothing\n")
    assert list(Patterns(str(root)).get_files()) == [".dockerignore", "2"]
    assert list(archived(Patterns(str(root)))) == [".dockerignore", "2"]
    assert list(Reading(str(root)).get_files()) == [".dockerignore", "1"]
    assert Patterns(str(root)).digest() != Reading(str(root)).digest()


@pytest.mark.parametrize("path", ["../x", "a\0b", "\ud800", ""])
def test_a_subclass_that_selects_impossible_paths(root: Path, path: str) -> None:
    """What cannot be a path in an archive is this package's error."""

    class Own(BuildContext):
        def get_files(self) -> dict[str, str]:
            return {path: str(root / "1")}

    with pytest.raises(BuildContextError, match="is no place in an archive"):
        Own(str(root)).digest()


@pytest.mark.parametrize("use", ["iter_archive", "snapshot", "upload_snapshot", "build_snapshot"])
def test_notices_come_in_every_path_and_once(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, use: str
) -> None:
    """Archive, build and upload name secrets and a large context, whatever is tried again."""
    monkeypatch.setattr("imagebuilders.context.advice.LARGE_CONTEXT", 1024)
    (root / ".env").touch()
    (root / "Dockerfile").write_text("FROM scratch\n")
    context = BuildContext(str(root))
    context.digest()
    for _ in range(2):
        made = getattr(context, use)()
        list(made if use == "iter_archive" else made.iter_archive())
    secrets, large = (record.getMessage() for record in caplog.records)
    assert ".env" in secrets
    assert "MiB" in large
    context.write_archive(io.BytesIO())
    assert len(caplog.records) == 2


def test_secrets_are_named_before_they_are_sent(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While there is time to stop."""
    (root / "z.key").touch()
    stream = BuildContext(str(root)).iter_archive()
    next(iter(stream))
    assert "z.key" in caplog.text


def test_a_dockerfile_of_another_case(root: Path) -> None:
    """A folder's `dockerfile` is its Dockerfile, unless it has one of the usual name."""
    (root / "dockerfile").write_text("FROM lower\n")
    (root / "dockerfile.dockerignore").write_text("1\n")
    context = BuildContext(str(root))
    found = context.build_snapshot().dockerfile
    assert found is not None
    assert (found.name, found.path, found.content) == ("dockerfile", "dockerfile", b"FROM lower\n")
    assert "1" not in context.for_dockerfile("Dockerfile").get_files()
    (root / "Dockerfile").write_text("FROM upper\n")
    found = context.build_snapshot().dockerfile
    assert found is not None
    assert found.content == b"FROM upper\n"
    given = context.for_dockerfile("dockerfile").build_snapshot().dockerfile
    assert given is not None
    assert given.content == b"FROM lower\n"


@pytest.mark.parametrize("name", ["Dockerfile", "dockerfile"])
def test_an_added_dockerfile_of_another_case(name: str) -> None:
    """Added files count, too."""
    context = BuildContext()
    context.add_file("FROM scratch\n", name)
    found = context.build_snapshot().dockerfile
    assert found is not None
    assert found.path == name


def test_an_upload_has_the_dockerfile_that_the_rules_drop(root: Path) -> None:
    """As Docker sends it; the rules still hold for files, digest and archive of the context."""
    (root / ".dockerignore").write_text("*\n!1\n!.dockerignore\n")
    (root / "Dockerfile").write_text("FROM scratch\n")
    context = BuildContext(str(root))
    assert list(context.get_files()) == [".dockerignore", "1"]
    assert "Dockerfile" not in archived(context)
    snapshot = context.upload_snapshot()
    stream = io.BytesIO(b"".join(snapshot.iter_archive()))
    with tarfile.open(fileobj=stream) as tar:
        assert tar.getnames() == [".dockerignore", "1", "Dockerfile"]
        rules = tar.extractfile(".dockerignore")
        assert rules is not None
        assert not compile_rules(parse_lines(rules.read())).excludes("Dockerfile")
    assert snapshot.digest() != context.digest()
    (root / "Dockerfile").write_text("FROM another\n")
    assert context.upload_snapshot().digest() != snapshot.digest()


@pytest.mark.parametrize("name", ["docker/app.Dockerfile", "dockerfile", "../outside", "missing"])
def test_the_dockerfile_of_an_upload(root: Path, name: str) -> None:
    """That of `for_dockerfile`, if it is there and inside; else the one of the usual name."""
    (root / ".dockerignore").write_text("*\n")
    (root / "docker").mkdir()
    (root / "docker" / "app.Dockerfile").write_text("FROM scratch\n")
    (root / "dockerfile").write_text("FROM scratch\n")
    (root.parent / "outside").write_text("FROM scratch\n")
    names = [entry.path for entry in BuildContext(str(root)).for_dockerfile(name).upload_snapshot()]
    expected = {"docker/app.Dockerfile": ["docker", "docker/app.Dockerfile"], "dockerfile": [name]}
    assert names == expected.get(name, [])
    usual = [entry.path for entry in BuildContext(str(root)).upload_snapshot()]
    assert usual == ["dockerfile"]


def test_an_upload_needs_no_dockerfile(root: Path) -> None:
    """What stands there instead, or is kept as a link, is as the rules have it."""
    assert [entry.path for entry in BuildContext(str(root)).upload_snapshot()] == ["1", "2"]
    (root / "Dockerfile").mkdir()
    (root / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    assert [entry.path for entry in BuildContext(str(root)).upload_snapshot()] == ["1", "2"]
    (root / "Dockerfile").rmdir()
    (root / "Dockerfile").symlink_to("1")
    (root / ".dockerignore").write_text(".dockerignore\n")
    (found,) = (e for e in BuildContext(str(root)).upload_snapshot() if e.path == "Dockerfile")
    assert found.target == "1"
    (root / ".dockerignore").write_text("*\n")
    (followed,) = BuildContext(str(root)).upload_snapshot()
    assert (followed.path, followed.source) == ("Dockerfile", b"one")


def test_an_ignore_file_that_is_exchanged(root: Path, mocker: MockerFixture) -> None:
    """What was read as rules is never archived as another file of that name."""
    (root / ".dockerignore").write_text("1\n")
    real = os.scandir

    def exchange(path: str) -> object:
        (root / "new").write_text("2\n")
        (root / "new").replace(root / ".dockerignore")
        return real(path)

    mocker.patch("os.scandir", exchange)
    with pytest.raises(ContextChangedError, match="dockerignore was replaced"):
        BuildContext(str(root)).digest()


@pytest.mark.parametrize("name", ["a\0b", "a\ud800", "x" * 5000])
def test_impossible_names_of_control_files(root: Path, name: str) -> None:
    """Of an ignore file and of a Dockerfile."""
    with pytest.raises(IgnoreFileError, match="cannot be read"):
        BuildContext(str(root), name).get_files()
    with pytest.raises(BuildContextError, match=r"cannot be read|There is no Dockerfile"):
        BuildContext(str(root)).build_snapshot(name)
    assert "1" in BuildContext(str(root)).for_dockerfile(name).get_files()


@pytest.mark.parametrize("kind", ["pipe", "device", "large", "folder"])
def test_control_files_of_another_kind(
    root: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A pipe is not waited for, a device not read without end, and both are told."""
    path = root.parent / "given"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(17 * 1024 * 1024)
    with pytest.raises(IgnoreFileError, match="cannot be read: it "):
        BuildContext(str(root), str(path)).digest()
    with pytest.raises(BuildContextError, match=r"The Dockerfile .* cannot be read: it "):
        BuildContext(str(root)).build_snapshot(str(path))
    if kind == "large":
        path.rename(root / "Dockerfile")
        with pytest.raises(BuildContextError, match="Dockerfile cannot be read: it has more than"):
            BuildContext(str(root)).build_snapshot()


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
def test_an_ignore_file_that_may_not_be_looked_at(root: Path, name: str) -> None:
    """It is there: a context without its rules would hold what they leave out."""
    (root / name).symlink_to(name)
    with pytest.raises(IgnoreFileError, match="cannot be read: Too many levels"):
        BuildContext(str(root)).for_dockerfile("Dockerfile").digest()


@pytest.mark.parametrize("argument", ["root", "dockerignore_file"])
def test_what_is_no_path(argument: str) -> None:
    """It is refused at once, for what it is."""
    given: dict[str, Any] = {argument: 1}
    with pytest.raises(BuildContextError, match=f"The {argument} of .* is a path, .*, not int"):
        BuildContext(**given)
