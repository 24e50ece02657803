"""What layers make, one over the other."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    children,
    clean,
    implied_directories,
    is_directory,
    resolve,
)
from imagebuilders.oci.layer import apply_layer, flatten
from imagebuilders.oci.members import Member, members, read_layer


def _file(name: str, data: bytes = b"", mode: int = 0o644) -> Member:
    return Member(name, File("file", mode, data=data))


def _folder(name: str, mode: int = 0o755) -> Member:
    return Member(name, File("dir", mode))


def _link(name: str, target: str) -> Member:
    return Member(name, File("symlink", 0o777, link=target))


def _hard(name: str, target: str) -> Member:
    return Member(name, File("file"), hard_link=target)


def _contents(tree: Tree) -> dict[str, bytes | str]:
    return {
        path: file.link if file.kind == "symlink" else file.data
        for path, file in tree.items()
        if file.kind != "dir"
    }


# --- whiteouts -----------------------------------------------------------------------------


def test_a_whiteout_takes_away_what_is_below() -> None:
    """A file, or a folder with all that is in it; no namesake, nothing of its own layer."""
    lower = flatten([[_file("a"), _file("d/b"), _file("d/c/e"), _file("dd"), _file("x/d")]])
    tree = apply_layer(lower, [_file(".wh.a"), _file("d/new"), _file(".wh.d"), _file("d/.wh.new")])
    assert set(_contents(tree)) == {"d/new", "dd", "x/d"}
    assert "d/c" not in tree
    assert set(_contents(lower)) == {"a", "d/b", "d/c/e", "dd", "x/d"}


def test_an_opaque_folder_hides_all_that_is_below() -> None:
    """Wherever its mark stands among the entries; the folder itself stays as it is."""
    lower = flatten([[_folder("d", 0o700), _file("d/a"), _file("d/s/b"), _file("c")]])
    tree = apply_layer(lower, [_file("d/n"), _file("d/.wh..wh..opq")])
    assert set(_contents(tree)) == {"c", "d/n"}
    assert tree["d"].mode == 0o700
    assert set(_contents(apply_layer(lower, [_file(".wh..wh..opq"), _file("n")]))) == {"n"}


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh...", ".wh..wh.plnk"])
def test_an_odd_whiteout_takes_nothing_away(name: str) -> None:
    """It must not lead up, and is no file either."""
    lower = flatten([[_file("a"), _file("d/b")]])
    assert apply_layer(lower, [_file(name)]) == lower


# --- kinds -----------------------------------------------------------------------------------


def test_a_file_takes_a_folders_place() -> None:
    """With all that was in it."""
    assert _contents(flatten([[_file("a/b"), _file("ab")], [_file("a", b"1")]])) == {
        "a": b"1",
        "ab": b"",
    }


def test_a_folder_takes_a_files_place() -> None:
    """Also one that is only implied."""
    tree = flatten([[_file("a", b"1")], [_file("a/b", b"2")]])
    assert tree["a"].kind == "dir"
    assert _contents(tree) == {"a/b": b"2"}


def test_an_implied_folder_keeps_its_mode() -> None:
    """And one that stands in the layer gets a new one."""
    lower = flatten([[_folder("a", 0o700), _file("a/b")]])
    assert apply_layer(lower, [_file("a/c")])["a"].mode == 0o700
    assert apply_layer(lower, [_folder("a", 0o711)])["a"].mode == 0o711
    assert set(_contents(apply_layer(lower, [_folder("a", 0o711)]))) == {"a/b"}


def test_a_link_below_is_replaced_and_one_in_the_layer_is_followed() -> None:
    """Each layer is unpacked by itself."""
    linked = [_folder("usr/bin"), _link("bin", "usr/bin")]
    two = flatten([linked, [_file("bin/tool", b"1")]])
    assert (two["bin"].kind, two["bin/tool"].data) == ("dir", b"1")
    one = flatten([[*linked, _file("bin/tool", b"1")]])
    assert (one["bin"].kind, one["usr/bin/tool"].data) == ("symlink", b"1")


@pytest.mark.parametrize("target", ["../../../etc", "/../etc", "/etc"])
def test_a_link_does_not_lead_out(target: str) -> None:
    """Nor does a name."""
    tree = flatten([[_link("out", target), _file("out/passwd", b"1"), _file("../../up", b"2")]])
    assert tree["etc/passwd"].data == b"1"
    assert tree["up"].data == b"2"
    assert all(clean(path) == path for path in tree)


def test_links_in_a_circle_are_told() -> None:
    """They lead to no place."""
    with pytest.raises(LayerFormatError, match="too many levels of symbolic links"):
        flatten([[_link("a", "b"), _link("b", "a"), _file("a/c")]])


def test_nothing_lies_below_a_file() -> None:
    """Of the same layer."""
    with pytest.raises(LayerFormatError, match="open 'a/b': not a directory"):
        flatten([[_file("a"), _file("a/b")]])


def test_the_last_of_two_entries_counts() -> None:
    """As when they are unpacked one after the other."""
    assert flatten([[_file("a", b"1"), _file("./a", b"2")]])["a"].data == b"2"


def test_the_root_has_no_entry() -> None:
    """However it is written."""
    assert flatten([[_folder("./"), _folder("/"), _folder("..")]]) == {}


# --- hard links --------------------------------------------------------------------------------


def test_a_hard_link_is_another_name() -> None:
    """Of a file of its layer, or of one below."""
    tree = flatten([[_file("a", b"1", mode=0o600), _hard("b", "a")], [_hard("c/d", "/a")]])
    assert {tree[path].data for path in ("a", "b", "c/d")} == {b"1"}
    assert len({tree[path].inode for path in ("a", "b", "c/d")}) == 1
    assert tree["a"].inode
    assert tree["c/d"].mode == 0o600


def test_different_files_have_different_numbers() -> None:
    """Also when one of them is gone meanwhile."""
    tree = flatten([[_file("a"), _hard("b", "a"), _file("c"), _hard("d", "c")]])
    assert tree["a"].inode != tree["c"].inode


@pytest.mark.parametrize("target", ["missing", "../../etc/passwd", ""])
def test_a_hard_link_to_nothing_is_told(target: str) -> None:
    """By both names."""
    if not target:
        target = "b"
    with pytest.raises(LayerFormatError, match=r"link '[a-z/]+' 'b': no such file"):
        flatten([[_file("a")], [_hard("b", target)]])


def test_a_hard_link_to_what_is_hidden_is_told() -> None:
    """The whiteout counts first."""
    with pytest.raises(LayerFormatError, match="link 'a' 'b': no such file"):
        flatten([[_file("a")], [_file(".wh.a"), _hard("b", "a")]])


# --- against a dictionary ------------------------------------------------------------------------

_paths = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)


@settings(max_examples=200)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(("write", "remove", "empty")), _paths, st.binary(max_size=1)),
            max_size=3,
            unique_by=lambda change: change[1],
        ),
        max_size=4,
    )
)
def test_layers_do_what_their_changes_say(layers: list[list[tuple[str, str, bytes]]]) -> None:
    """In any order of the entries."""
    expected: dict[str, bytes] = {}
    archives: list[list[Member]] = []
    for changes in layers:
        archive: list[Member] = []
        for kind, path, _ in changes:
            folder, _, name = path.rpartition("/")
            if kind == "remove":
                archive.append(_file(f"{folder}/.wh.{name}"))
                gone = path
                expected = {p: c for p, c in expected.items() if not f"{p}/".startswith(f"{gone}/")}
            elif kind == "empty":
                archive.append(_file(f"{path}/.wh..wh..opq"))
                expected = {p: c for p, c in expected.items() if not p.startswith(f"{path}/")}
        written = {path for kind, path, _ in changes if kind == "write"}
        for kind, path, data in changes:
            if kind == "write" and not any(other.startswith(f"{path}/") for other in written):
                above = {path[:at] for at, char in enumerate(path) if char == "/"}
                expected = {
                    p: c
                    for p, c in expected.items()
                    if p not in above and not p.startswith(f"{path}/")
                }
                archive.insert(0, _file(path, data))
                expected[path] = data
        archives.append(archive)
    assert _contents(flatten(archives)) == expected


# --- archives ------------------------------------------------------------------------------------


def _tar(*entries: tuple[str, bytes, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            info.linkname = "" if kind == tarfile.REGTYPE else content.decode()
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


_ARCHIVE = _tar(
    ("d", tarfile.DIRTYPE, b""),
    ("d/f", tarfile.REGTYPE, b"123"),
    ("l", tarfile.SYMTYPE, b"d/f"),
    ("h", tarfile.LNKTYPE, b"d/f"),
    ("p", tarfile.FIFOTYPE, b""),
)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_layer_is_read_as_it_comes(pack: type[bytes]) -> None:
    """Compressed or not, in pieces of any size."""
    content = pack(_ARCHIVE)
    layer = read_layer(content[at : at + 100] for at in range(0, len(content), 100))
    assert [(m.name, m.file.kind, m.hard_link, m.size) for m in layer] == [
        ("d/", "dir", "", 0),
        ("d/f", "file", "", 3),
        ("l", "symlink", "", 0),
        ("h", "file", "d/f", 0),
        ("p", "fifo", "", 0),
    ]
    tree = apply_layer({}, layer)
    assert (tree["d/f"].data, tree["h"].data, tree["l"].link) == (b"123", b"123", "d/f")


def test_a_layer_is_read_within_bounds() -> None:
    """Of its files, and of all that it unpacks to; holes count."""
    with pytest.raises(LayerFormatError, match="more than 2 bytes"):
        read_layer([_ARCHIVE], max_bytes=2)
    with pytest.raises(LayerFormatError, match="unpacks to more than 2000 bytes"):
        read_layer([gzip.compress(_ARCHIVE)], max_archive_bytes=2000)


def test_an_entry_of_an_unknown_type_is_told_or_left_out() -> None:
    """As the caller wants."""
    archive = bytearray(_tar(("v", tarfile.REGTYPE, b""), ("f", tarfile.REGTYPE, b"1")))
    archive[156:157] = b"V"
    archive[148:156] = b" " * 8
    archive[148:156] = b"%06o\0 " % sum(archive[:512])
    with pytest.raises(LayerFormatError, match="unknown type 'V': 'v'"):
        read_layer([bytes(archive)])
    assert [m.name for m in members([bytes(archive)], keep_odd=True)] == ["v", "f"]


# --- trees ---------------------------------------------------------------------------------------


def test_links_are_followed_within_the_root() -> None:
    """Whatever they say; the last one only if asked for."""
    tree = flatten([[_file("a/b"), _link("l", "a"), _link("up", "../../a"), _link("abs", "/l/b")]])
    assert resolve(tree, "l/b") == "a/b"
    assert resolve(tree, "up/./b") == "a/b"
    assert resolve(tree, "abs") == "a/b"
    assert resolve(tree, "abs", follow_last=False) == "abs"
    assert resolve(tree, "/../x/..") == ""
    with pytest.raises(UnresolvedPathError):
        resolve({"a": File("symlink", link="a")}, "a")


def test_folders_are_known() -> None:
    """The root is one."""
    tree = {"a/b/c": File("file"), "l": File("symlink", link="a")}
    implied_directories(tree)
    assert sorted(tree) == ["a", "a/b", "a/b/c", "l"]
    assert [is_directory(tree, path) for path in ("", "a", "l", "a/b/c", "x")] == [
        *(True, True, True, False, False)
    ]
    assert children(tree, "a") == ["a/b", "a/b/c"]
    assert children(tree, "") == ["a", "a/b", "a/b/c", "l"]
