"""Steps that write into a tree, and the layers that tell what they wrote."""

from __future__ import annotations

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.evaluation.difference import difference
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.trees import Folder, empty_folder, folder_of, merged, tree_of
from imagebuilders.oci.file_tree import File, Tree
from imagebuilders.oci.layer import apply_layer

_PARTS = st.sampled_from(["a", "b", "c-d", "ä", "c", "\udcff"])
_PATHS = st.lists(_PARTS, min_size=1, max_size=4).map("/".join)
_FILES = st.tuples(
    st.sampled_from([0o644, 0o4755]),
    st.integers(0, 1),
    st.integers(0, 2),
    st.sampled_from([b"", b"x", b"y"]),
).map(lambda given: File("file", given[0], uid=given[1], mtime=given[2], data=given[3]))
_LINKS = _PATHS.map(lambda path: File("symlink", 0o777, link=path))
_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _PATHS, st.one_of(_FILES, _LINKS)),
        st.tuples(st.just("folder"), _PATHS, st.sampled_from([0o755, 0o1777])),
        st.tuples(st.just("remove"), _PATHS, st.none()),
        st.tuples(st.just("mode"), _PATHS, st.sampled_from([0o700, 0o755])),
    ),
    max_size=12,
)


def _apply(tree: Folder, actions: list[tuple[str, str, object]]) -> Folder:
    """Write into a tree, folders above made as needed; what is impossible is left out."""
    files = FileSystem(tree, count(10**18 + 1).__next__)
    for action, path, value in actions:
        place = files.root
        for name in path.split("/")[:-1]:
            place = place.child(name)
            if place.entry() is None:
                place.make_folder(0o755)
            elif place.folder() is None:
                break
        else:
            place = place.child(path.rpartition("/")[2])
            there = place.entry()
            if action == "put" and isinstance(value, File) and place.folder() is None:
                place.put(value)
            elif action == "folder" and isinstance(value, int):
                place.remove()
                place.make_folder(value)
            elif action == "remove":
                place.remove()
            elif action == "mode" and isinstance(value, int) and there is not None:
                file = there.file if isinstance(there, Folder) else there
                if file.kind != "symlink":
                    place.set_file(file._replace(mode=value))
    return files.tree


def _content(tree: Tree) -> dict[str, object]:
    """A tree without the times of folders, which a layer need not tell."""
    return {
        path: file._replace(mtime=0, nanoseconds=0) if file.kind == "dir" else file
        for path, file in tree.items()
    }


@settings(max_examples=300)
@given(_ACTIONS, _ACTIONS)
def test_a_layer_makes_the_tree_behind_a_step_of_the_one_before(
    first: list[tuple[str, str, object]], second: list[tuple[str, str, object]]
) -> None:
    """That holds for the layers of both kinds of daemons."""
    before = _apply(empty_folder(), first)
    kept = tree_of(before)
    after = _apply(before, second)
    for compares in (True, False):
        layer = difference(before, after, compares=compares)
        assert _content(apply_layer(kept, layer)) == _content(tree_of(after))
    assert tree_of(before) == kept


@given(_ACTIONS)
def test_trees_of_paths_and_of_folders_are_the_same(
    actions: list[tuple[str, str, object]],
) -> None:
    """Turning one into the other and back loses nothing."""
    tree = tree_of(_apply(empty_folder(), actions))
    assert tree_of(folder_of(tree)) == tree


@given(_ACTIONS, _ACTIONS)
def test_merging_is_laying_a_layer_over_a_tree(
    first: list[tuple[str, str, object]], second: list[tuple[str, str, object]]
) -> None:
    """A tree merged with another is the one that the other's layer makes."""
    lower = _apply(empty_folder(), first)
    upper = _apply(empty_folder(), second)
    layer = difference(None, upper)
    assert tree_of(merged(lower, upper)) == apply_layer(tree_of(lower), layer)


def _tree() -> Folder:
    return folder_of(
        {
            "a": File("dir", 0o755, mtime=1),
            "a/x": File("file", mtime=1, data=b"x"),
            "a/y": File("file", mtime=1, data=b"y"),
            "b": File("dir", 0o755, mtime=1),
            "b/z": File("file", mtime=1, data=b"z"),
            "link": File("symlink", 0o777, mtime=1, link="a"),
        }
    )


def _names(before: Folder, after: Folder, *, compares: bool = True) -> list[str]:
    return [member.name for member in difference(before, after, compares=compares)]


def test_what_is_not_touched_is_shared() -> None:
    """A step copies the folders it writes into and those above, and no others."""
    before = _tree()
    files = FileSystem(before, count(1).__next__)
    files.place("a/x").put(File("file", data=b"new"))
    assert files.tree.names["b"] is before.names["b"]
    assert files.tree.names["a"] is not before.names["a"]
    assert before.find_file("a/x") == File("file", mtime=1, data=b"x")


def test_a_layer_has_the_folders_that_lead_to_what_changed() -> None:
    """Folders come before what is in them, though they themselves did not change."""
    files = FileSystem(_tree(), count(1).__next__)
    files.place("a/x").put(File("file", data=b"new"))
    files.place("b/z").remove()
    assert _names(_tree(), files.tree) == ["a/", "a/x", "b/", "b/.wh.z"]


def test_what_is_written_again_the_same_is_left_out() -> None:
    """BuildKit compares; the graph driver writes all that was written."""
    before = _tree()
    files = FileSystem(before, count(1).__next__)
    files.place("a/x").put(File("file", mtime=1, data=b"x"))
    assert _names(before, files.tree) == []
    assert _names(before, files.tree, compares=False) == ["a/", "a/x"]


def test_contents_are_compared_only_between_whole_seconds() -> None:
    """Files with the same fraction of a second are taken for the same, with others never."""
    before = folder_of({"a": File("file", mtime=1, nanoseconds=5, data=b"x")})
    for nanoseconds, expected in ((5, []), (6, ["a"]), (0, ["a"])):
        after = folder_of({"a": File("file", mtime=1, nanoseconds=nanoseconds, data=b"y")})
        assert _names(before, after) == expected


def test_a_folder_that_is_made_anew_hides_what_was_there() -> None:
    """BuildKit names what is gone, between the rest; the graph driver marks the folder."""
    before = _tree()
    files = FileSystem(before, count(1).__next__)
    files.place("a").remove()
    files.place("a").make_folder(0o700)
    files.place("a/xx").put(File("file"))
    assert _names(before, files.tree) == ["a/", "a/.wh.x", "a/xx", "a/.wh.y"]
    assert _names(before, files.tree, compares=False) == ["a/", "a/.wh..wh..opq", "a/xx"]


def test_a_folder_in_the_place_of_a_link_is_marked() -> None:
    """The graph driver marks it, for the link was there before."""
    before = _tree()
    files = FileSystem(before, count(1).__next__)
    files.place("link").remove()
    files.place("link").make_folder(0o755)
    assert _names(before, files.tree) == ["link/"]
    assert _names(before, files.tree, compares=False) == ["link/", "link/.wh..wh..opq"]


def test_hard_links_are_written_once() -> None:
    """The second name of a file repeats the first one."""
    file = File("file", data=b"x", inode=7)
    layer = difference(None, folder_of({"b": file, "a": file, "c": File("file")}))
    assert [(m.name, m.hard_link) for m in layer] == [("a", ""), ("b", "a"), ("c", "")]


def test_a_step_tells_what_it_looked_at() -> None:
    """Paths of the tree as it was count, not those in folders that the step made."""
    files = FileSystem(_tree(), count(1).__next__)
    files.place("new").make_folder(0o755)
    files.place("new/file").entry()
    files.place("b/z").entry()
    assert files.reads == {"new", "b", "b/z"}
