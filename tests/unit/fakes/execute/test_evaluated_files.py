"""What emulated processes see of files: indexed trees, places, and folders of this machine."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.engine.containers.host_place import HostPlace
from fakes.engine.errors import StepError
from fakes.engine.filesystem.overlay import Overlay
from fakes.engine.filesystem.overlay_place import OverlayPlace
from fakes.engine.versions import VERSIONS
from fakes.shell.indexed_tree import IndexedTree
from fakes.shell.live_files import LiveFiles, Mounted
from fakes.shell.places import MemoryFiles, PartOfPlace, TreePlace
from imagebuilders.oci.file_tree import File

_FILE, _FOLDER = File("file", data=b"x"), File("dir", 0o755)
_PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)


def _listed(tree: IndexedTree, folder: str) -> set[str]:
    """What a look at each path would find in a folder."""
    prefix = f"{folder}/" if folder else ""
    return {path[len(prefix) :].partition("/")[0] for path in tree if path.startswith(prefix)}


@given(st.lists(st.tuples(st.booleans(), _PATHS), max_size=30))
def test_the_index_knows_what_the_tree_holds(changes: list[tuple[bool, str]]) -> None:
    """Whatever is put in and taken away, each folder lists what is below it."""
    tree = IndexedTree({"a/b": _FILE})
    for is_put, path in changes:
        if is_put:
            tree[path] = _FILE
        else:
            tree.pop(path, None)
    for folder in ("", "a", "b", "a/a", "a/b", "b/a"):
        assert set(tree.names(folder)) == _listed(tree, folder)
        assert tree.is_folder(folder) == bool(_listed(tree, folder))


def test_every_way_to_change_a_tree_changes_the_index() -> None:
    """As a dict, by any of its methods."""
    tree = IndexedTree({})
    tree.update({"a": _FILE}, b=_FILE)
    tree |= {"c/d": _FILE}
    assert tree.setdefault("e", _FOLDER) is tree.setdefault("e", _FILE) is _FOLDER
    assert tree.pop("a") is _FILE
    assert tree.pop("a", None) is None
    with pytest.raises(KeyError):
        tree.pop("a")
    assert list(tree.names("")) == ["b", "c", "e"]
    del tree["c/d"]
    assert list(tree.names("")) == ["b", "e"]
    tree.clear()
    assert list(tree.names("")) == []


def test_places_lie_over_the_root() -> None:
    """The nearest place above a path counts; folders on the way to one are there."""
    root, memory, inner = (MemoryFiles(_FOLDER, {}) for _ in range(3))
    root.tree = {"a": _FOLDER, "a/hidden": _FILE}
    files = LiveFiles(
        TreePlace(root),
        [Mounted("a", TreePlace(memory)), Mounted("x/y/z", TreePlace(inner), read_only=True)],
        nullcontext(),
    )
    files.put("a/b", _FILE)
    assert files.get("a/hidden") is None
    assert memory.tree == {"b": _FILE}
    assert files.get("x/y") == _FOLDER
    assert (list(files.names("x")), set(files.names(""))) == (["y"], {"a", "x"})
    files.put("x/new", _FILE)
    assert sorted(root.tree) == ["a", "a/hidden", "x", "x/new"]
    files.put("x/y/z", File("dir", 0o700))
    assert inner.folder.mode == 0o700
    files.remove("a/b")
    assert memory.tree == {}
    assert (files.is_mount("a"), files.is_mount("x")) == (True, False)
    assert (files.is_read_only("x/y/z/f"), files.is_read_only("x/f")) == (True, False)


def test_a_part_of_a_place() -> None:
    """It is a root of its own."""
    memory = MemoryFiles(_FOLDER, {"a": _FOLDER, "a/b": _FILE})
    part = PartOfPlace(TreePlace(memory), "a")
    part.put("c", _FILE)
    part.remove("b")
    assert (part.get("c"), list(part.names("")), part.get("")) == (_FILE, ["c"], _FOLDER)
    assert sorted(memory.tree) == ["a", "a/c"]


def _overlay() -> Overlay:
    return Overlay({"d": _FOLDER, "d/f": _FILE}, 0, VERSIONS["28.5"])


def test_an_overlay_remembers_what_was_touched() -> None:
    """As a layer needs it; that something in the root changed is nothing."""
    overlay = _overlay()
    place = OverlayPlace(overlay)
    place.put("", _FOLDER._replace(mtime=9))
    place.remove("d/f")
    place.remove("d")
    place.put("d", _FOLDER)
    place.put("e/f", _FILE)
    assert overlay.touched == {"d", "e/f"}
    assert overlay.opaque == {"d"}
    assert place.get("e") == _FOLDER
    place.put("", File("dir", 0o700))
    assert "" in overlay.touched


def test_a_full_disk() -> None:
    """There is no room for content."""
    overlay = _overlay()
    overlay.full = True
    place = OverlayPlace(overlay)
    place.put("empty", File("file"))
    with pytest.raises(OSError, match="No space left") as caught:
        place.put("f", _FILE)
    assert isinstance(caught.value.__cause__, StepError)


def test_a_folder_of_this_machine(tmp_path: Path) -> None:
    """It is looked at anew each time, and written at once; links are not followed."""
    (tmp_path / "f").write_bytes(b"abc")
    (tmp_path / "l").symlink_to("/etc/passwd")
    place = HostPlace(str(tmp_path))
    found = place.get("f")
    assert found is not None
    assert found.content is not None
    assert (found.kind, found.size, b"".join(found.pieces())) == ("file", 3, b"abc")
    assert str(found.content.digest()).startswith("sha256:ba7816bf")
    link = place.get("l")
    assert link is not None
    assert (link.kind, link.link) == ("symlink", "/etc/passwd")
    owner = os.geteuid(), os.getegid()
    place.put("d", File("dir", 0o700, *owner))
    place.put("d/g", File("file", 0o640, *owner, data=b"new"))
    place.put("f", found._replace(mode=0o600))
    assert sorted(place.names("")) == ["d", "f", "l"]
    assert (tmp_path / "d/g").read_bytes() == b"new"
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "d/g", tmp_path / "f")] == [
        0o640,
        0o600,
    ]
    place.remove("f")
    assert place.get("f") is None
    assert place.get("a\0b") is None
    assert list(place.names("nowhere")) == []


def test_a_file_of_this_machine_that_is_gone(tmp_path: Path) -> None:
    """Its content is empty then."""
    (tmp_path / "f").write_bytes(b"abc")
    found = HostPlace(str(tmp_path / "f")).get("")
    (tmp_path / "f").unlink()
    assert found is not None
    assert b"".join(found.pieces()) == b""
