"""The folders of a build, and what a daemon remembers them by."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imagebuilders import BuildContext
from imagebuilders.buildkit.build_folders import (
    DOCKERFILE,
    IGNORE_FILE,
    build_folders,
    daemon_rules,
    shared_key,
)
from imagebuilders.buildkit.session.synced_folders import Request
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.tree import find
from imagebuilders.exceptions import BuildOptionsError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A context with a Dockerfile."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\n")
    return root


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's cache folder out of the tests."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(cache))
    return cache


# --- the Dockerfile and the rules --------------------------------------------


def test_the_dockerfile_goes_with_rules_beside_it(root: Path) -> None:
    """The daemon finds the rules before it would look for them in the context."""
    (root / ".dockerignore").write_text("# comment\nsecret \n!kept\n")
    snapshot = BuildContext(str(root)).build_snapshot()
    assert snapshot.dockerfile is not None
    folders = build_folders(snapshot, snapshot.dockerfile, {})
    content = folders["dockerfile"].content(Request())
    files = {entry.path: entry.source for entry in content.entries()}
    assert files == {DOCKERFILE: b"FROM scratch\n", IGNORE_FILE: b"secret\n!kept\n"}
    assert folders["context"].content(Request(exclude=("*",))) is snapshot.folder


def test_without_rules_an_empty_file_goes(root: Path) -> None:
    """An empty file keeps the daemon from looking for another one, such as a generated one."""
    context = BuildContext(str(root))
    context.add_file(b"*", ".dockerignore")
    assert daemon_rules(context.build_snapshot()) == b""


def test_rules_that_the_daemon_is_told_keep_what_was_added(root: Path) -> None:
    """What was put in by hand is not called ignored; what the rules dropped still is."""
    (root / ".dockerignore").write_text("*\n")
    context = BuildContext(str(root))
    context.add_file(b"x", "new/gen[1].txt")
    rules = IgnoreRules.compile(daemon_rules(context.build_snapshot()).decode().splitlines())
    assert not rules.excludes("new/gen[1].txt")
    assert not rules.excludes("new")
    assert rules.excludes("new1")
    assert rules.excludes("secret")


def test_a_change_of_the_dockerfile_is_seen(root: Path) -> None:
    """Its time in the daemon's folder is that of its content, not that on disk."""
    snapshot = BuildContext(str(root)).build_snapshot()
    assert snapshot.dockerfile is not None
    folder = build_folders(snapshot, snapshot.dockerfile, {})["dockerfile"].content(Request())
    entry = find(folder, DOCKERFILE)
    assert entry is not None
    assert entry.mtime_ns is None


def test_a_named_context_is_a_folder(root: Path, tmp_path: Path) -> None:
    """A folder of a named context is served under its name; what is none is refused."""
    snapshot = BuildContext(str(root)).build_snapshot()
    assert snapshot.dockerfile is not None
    folders = build_folders(snapshot, snapshot.dockerfile, {"extra": str(root)})
    assert find(folders["extra"].content(Request()), "Dockerfile") is not None
    for path in (tmp_path / "gone", root / "Dockerfile"):
        with pytest.raises(BuildOptionsError, match="build_contexts"):
            build_folders(snapshot, snapshot.dockerfile, {"extra": str(path)})


# --- the shared key ----------------------------------------------------------


def test_the_key_is_the_same_in_every_process(root: Path) -> None:
    """Another process finds the same key for the same folder, by whatever way it is named."""
    code = (
        "import sys; from imagebuilders.buildkit.build_folders import shared_key;"
        "print(shared_key(sys.argv[1], {}))"
    )
    (root.parent / "link").symlink_to(root)
    keys = {shared_key(str(root), {}), shared_key(str(root.parent / "link"), {})}
    for path in (str(root), f"{root}/."):
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
        keys.add(done.stdout.decode().strip())
    assert len(keys) == 1


def test_the_key_tells_folders_and_users_apart(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another folder, another named context or another machine is another key."""
    keys = [
        shared_key(str(root), {}),
        shared_key(str(root.parent), {}),
        shared_key(None, {}),
        shared_key(str(root), {"a": str(root)}),
        shared_key(str(root), {"b": str(root)}),
        shared_key(str(root), {"a": str(root.parent)}),
    ]
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(cache / "other"))
    keys.append(shared_key(str(root), {}))
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("content", ["", "zz", "00" * 8, "é"])
def test_a_damaged_memory_is_made_anew(root: Path, cache: Path, content: str) -> None:
    """What is wrong with the drawn number is no error; a new one is kept."""
    cache.mkdir()
    (cache / "node").write_text(content)
    key = shared_key(str(root), {})
    assert shared_key(str(root), {}) == key
    assert len((cache / "node").read_text()) == 32
    assert [path.name for path in cache.iterdir()] == ["node"]


def test_without_a_cache_folder_the_key_lasts_as_long_as_the_process(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be kept the key is drawn, so that it is nobody else's."""
    cache.write_text("a file")
    key = shared_key(str(root), {})
    assert key == shared_key(str(root), {})
    monkeypatch.delenv("IMAGEBUILDERS_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(cache))
    assert shared_key(str(root), {}) == key
