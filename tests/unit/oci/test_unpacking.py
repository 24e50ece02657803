"""Entries of archives are unpacked as a program does whose root is a folder of the files."""

from __future__ import annotations

import pickle
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.exceptions import LayerFormatError, UnpackError
from imagebuilders.oci.file_tree import File, Tree, ancestors, clean
from imagebuilders.oci.layer import unpack_layer
from imagebuilders.oci.members import Member
from imagebuilders.oci.rooted_files import TreeFiles
from imagebuilders.oci.unpacking import Unpacker, UnpackRules

_NOW = 5
_FOLLOWING = UnpackRules()
_STAYING = UnpackRules(follows_dangling=False, keeps_inside=True)
_SAFE = UnpackRules(refuses_escapes=True)


def test_a_failure_shows_the_beginnings_of_paths() -> None:
    """An archive may have any."""
    error = UnpackError("open", ("a" * 200, "b" * 201), "it is full")
    shown = f"open '{'a' * 200}' '{'b' * 200}': it is full."
    assert str(error) == f"The archive cannot be unpacked: {shown}"
    assert error.paths == ("a" * 200, "b" * 201)


def _file(name: str, data: bytes = b"new") -> Member:
    return Member(name, File("file", mtime=1, data=data), size=len(data))


def _folder(name: str, mode: int = 0o755, mtime: int = 1) -> Member:
    return Member(f"{name}/", File("dir", mode, mtime=mtime), type_flag="5")


def _link(name: str, target: str) -> Member:
    return Member(name, File("symlink", 0o777, link=target), type_flag="2")


def _hard(name: str, target: str) -> Member:
    return Member(name, File("file"), hard_link=target, type_flag="1")


def _tree() -> Tree:
    return {
        "usr": File("dir"),
        "usr/bin": File("dir", mtime=1),
        "usr/bin/old": File("file", data=b"old"),
        "bin": File("symlink", link="usr/bin"),
        "abs": File("symlink", link="/usr/bin"),
        "up": File("symlink", link="../../usr"),
        "dangling": File("symlink", link="no/where"),
        "loop": File("symlink", link="loop"),
        "file": File("file", data=b"file"),
    }


def _unpacked(
    *entries: Member, rules: UnpackRules = _FOLLOWING, root: str = "", folder: str = ""
) -> Tree:
    tree = _tree()
    unpacker = Unpacker(TreeFiles(tree), root=root, folder=folder, now=_NOW, rules=rules)
    for member in entries:
        unpacker.add(member)
    unpacker.finish()
    return tree


# --- where an entry goes -----------------------------------------------------------------------


@pytest.mark.parametrize("rules", [_FOLLOWING, _STAYING])
@pytest.mark.parametrize("way", ["bin", "abs", "up/bin", "./usr//bin"])
def test_links_on_the_way_are_followed(way: str, rules: UnpackRules) -> None:
    """And stay links; what is above the root is the root."""
    tree = _unpacked(_file(f"{way}/tool"), _file(f"{way}/x/y"), rules=rules)
    assert tree["usr/bin/tool"].data == b"new"
    assert tree["usr/bin/x"] == File("dir", 0o755, mtime=_NOW)
    assert tree["bin"].kind == "symlink"


def test_absolute_links_lead_to_the_root() -> None:
    """Which is a folder of the files."""
    tree = _unpacked(_link("l", "/old"), _folder("old"), _file("l/a"), root="usr/bin")
    assert tree["usr/bin/old/a"].data == b"new"


def test_a_link_that_is_the_entry_itself_is_replaced() -> None:
    """Whatever takes its place."""
    tree = _unpacked(_folder("bin", 0o700), _file("abs"), _link("up", "x"))
    assert (tree["bin"].mode, tree["abs"].data, tree["up"].link) == (0o700, b"new", "x")
    assert tree["usr/bin/old"].data == b"old"


def test_where_a_link_leads_to_nothing_folders_are_made_or_not() -> None:
    """Programs differ in that."""
    assert _unpacked(_file("dangling/a"))["no/where/a"].data == b"new"
    with pytest.raises(UnpackError) as caught:
        _unpacked(_file("dangling/a"), rules=_STAYING)
    assert caught.value.paths == ("dangling/a",)
    with pytest.raises(UnpackError, match="mkdir 'dangling': file exists"):
        _unpacked(_file("dangling/x/a"), rules=_STAYING)


@pytest.mark.parametrize(
    ("name", "rules", "words"),
    [
        ("file/a", _STAYING, "open 'file/a': not a directory"),
        ("file/x/a", _STAYING, "open 'file/x/a': not a directory"),
        ("loop/a", _STAYING, "open 'loop/a': too many levels of symbolic links"),
        ("file/a", _SAFE, "open 'file/a': not a directory"),
        ("file/x/a", _SAFE, "stat 'file/x': not a directory"),
        ("loop/a", _SAFE, "stat 'loop': too many levels of symbolic links"),
        ("up/bin/a", _SAFE, "stat 'up/bin': path escapes from parent"),
        ("x/../../a", _SAFE, "name 'x/../../a': it leads out"),
        ("n" * 256, _STAYING, "file name too long"),
    ],
)
def test_what_has_no_place_is_told(name: str, rules: UnpackRules, words: str) -> None:
    """With what was tried; such an error survives being pickled."""
    with pytest.raises(UnpackError, match=words) as caught:
        _unpacked(_file(name), rules=rules)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.operation, again.paths, again.reason) == (
        caught.value.operation,
        caught.value.paths,
        caught.value.reason,
    )


def test_names_lead_out_of_a_folder_or_not() -> None:
    """Its own entry is not one."""
    tree = _unpacked(_folder(".", 0o700), _folder("..", 0o700), folder="usr/bin", rules=_STAYING)
    assert tree == _tree()
    with pytest.raises(UnpackError, match=r"name '\.\./a'"):
        _unpacked(_file("../a"), folder="usr/bin", rules=_STAYING)
    assert _unpacked(_folder("/", 0o700), folder="usr/bin")["usr/bin"].mode == 0o700


# --- links -------------------------------------------------------------------------------------


def test_a_hard_link_is_another_name_also_below_links() -> None:
    """Its target keeps its place and gets the same number."""
    tree = _unpacked(_hard("b", "bin/old"), _hard("bin/c", "b"))
    assert {tree[path].data for path in ("b", "usr/bin/old", "usr/bin/c")} == {b"old"}
    assert len({tree[path].inode for path in ("b", "usr/bin/old", "usr/bin/c")} - {0}) == 1


@pytest.mark.parametrize(
    ("target", "rules", "words"),
    [
        ("nothing", _STAYING, "link 'nothing' 'b': no such file"),
        ("no/thing", _STAYING, "link 'no/thing' 'b': no such file"),
        ("usr", _STAYING, "operation not permitted"),
        ("b", _STAYING, "no such file"),
        ("../../a", _SAFE, "hard link target '../../a' 'b': it leads out"),
    ],
)
def test_a_hard_link_needs_a_target(target: str, rules: UnpackRules, words: str) -> None:
    """That is a file, and not the entry itself."""
    with pytest.raises(UnpackError, match=words):
        _unpacked(_hard("b", target), rules=rules)


def test_links_out_of_the_folder_are_refused_where_that_is_wanted() -> None:
    """Absolute ones are taken for links below it."""
    with pytest.raises(UnpackError, match="link target"):
        _unpacked(_link("l", "../../x"), folder="usr", rules=_STAYING)
    with pytest.raises(UnpackError, match="hard link target"):
        _unpacked(_hard("l", "../file"), folder="usr", rules=_STAYING)
    assert _unpacked(_link("l", "/x"), folder="usr", rules=_STAYING)["usr/l"].link == "/x"
    assert _unpacked(_link("l", "../../x"), folder="usr", rules=_SAFE)["usr/l"].kind == "symlink"


def test_kinds_are_kept_where_that_is_wanted() -> None:
    """A link to a folder is no folder."""
    rules = UnpackRules(keeps_kinds=True)
    for entry, was in (
        (_folder("bin"), "not a folder"),
        (_folder("file"), "not a folder"),
        (_file("usr"), "a folder"),
    ):
        with pytest.raises(UnpackError, match=f"overwrite .*: {was}"):
            _unpacked(entry, rules=rules)
    assert _unpacked(_folder("usr", 0o700), rules=rules)["usr"].mode == 0o700


# --- times and halves --------------------------------------------------------------------------


@pytest.mark.parametrize("number", [-1, 0xFFFF_FFFF, (1 << 33) - 1])
def test_an_owner_of_minus_one_is_the_one_that_is_there(number: int) -> None:
    """Which is root; chown(2) takes 32 bits of the number, and -1 for no change."""
    member = Member("a", File("file", uid=number, gid=7))
    assert (_unpacked(member)["a"].uid, _unpacked(member)["a"].gid) == (0, 7)


def test_of_an_owner_32_bits_are_set() -> None:
    """As chown(2) takes them."""
    member = Member("a", File("file", uid=(1 << 32) + 5, gid=1 << 32))
    assert (_unpacked(member)["a"].uid, _unpacked(member)["a"].gid) == (5, 0)


def test_links_have_all_permissions() -> None:
    """Whatever the archive says."""
    assert _unpacked(Member("l", File("symlink", 0o640, link="a")))["l"].mode == 0o777


@pytest.mark.parametrize(
    ("target", "words"),
    [("", "no such file or directory"), ("t" * 4096, "file name too long")],
)
def test_a_symbolic_link_needs_a_target_that_can_be(target: str, words: str) -> None:
    """As symlink(2) has it."""
    with pytest.raises(UnpackError) as caught:
        _unpacked(_link("l", target))
    assert (caught.value.operation, caught.value.reason) == ("symlink", words)
    assert caught.value.paths == (target, "l")


@pytest.mark.parametrize(("rules", "operation"), [(_STAYING, "link"), (_SAFE, "hard link target")])
def test_a_hard_link_without_a_target_leads_to_the_folder(
    rules: UnpackRules, operation: str
) -> None:
    """And a folder has one name only."""
    with pytest.raises(UnpackError) as caught:
        _unpacked(_hard("h", ""), rules=rules)
    assert caught.value.operation == operation


def test_folders_get_their_times_at_the_end() -> None:
    """When nothing is written to them any more; implied ones have the present."""
    tree = _unpacked(_folder("d", mtime=7), _file("d/a"), _file("e/a"), _folder("d", mtime=8))
    assert (tree["d"].mtime, tree["e"].mtime) == (8, _NOW)
    gone = _unpacked(_folder("d", mtime=7), _link("d", "nowhere"))
    assert gone["d"].link == "nowhere"


def test_the_entry_in_which_an_archive_ends_is_there_in_part() -> None:
    """Nothing but its mode was set yet."""
    tree = _unpacked(Member("a", File("file", 0o600, 3, 4, 1, b"ab"), size=9))
    assert tree["a"] == File("file", 0o600, 0, 0, _NOW, b"ab")


# --- layers ------------------------------------------------------------------------------------


def test_a_layer_by_itself() -> None:
    """What it brings, hides and empties."""
    layer = unpack_layer(
        [_file(".wh.a"), _file("a"), _file("d/.wh.b"), _file("e/.wh..wh..opq"), _file("f/g")],
        now=_NOW,
    )
    assert set(layer.files) == {"a", "d", "e", "f", "f/g"}
    marks = (set(layer.hidden), set(layer.opaque), set(layer.implied))
    assert marks == ({"d/b"}, {"e"}, {"d", "e", "f"})
    lower = {"d": File("dir", 0o700), "d/b": File("file"), "e": File("dir"), "e/x": File("file")}
    assert layer.over(lower)["d"].mode == 0o700
    assert layer.over(lower, keep_folders=False)["d"] == File("dir", 0o755, mtime=_NOW)
    assert set(layer.over(lower)) == {"a", "d", "e", "f", "f/g"}


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ([_file("a"), _file("./a")], "two entries 'a'"),
        ([_hard("b", "a")], "link 'a' 'b'"),
        ([_file("a"), _file(".wh.a")], "mknod 'a': file exists"),
        ([Member("v", File("other"), type_flag="V")], "type 'v': 86"),
    ],
)
def test_a_layer_that_cannot_stand_alone_is_refused(layer: list[Member], words: str) -> None:
    """Whatever is below it."""
    with pytest.raises(LayerFormatError, match=words):
        unpack_layer(layer)


_names = st.lists(st.sampled_from(["a", "b", "..", "."]), min_size=1, max_size=4).map("/".join)
_members = st.one_of(
    _names.map(_file),
    _names.map(_folder),
    st.builds(_link, _names, _names),
    st.builds(_hard, _names, _names),
)


@given(st.lists(_members, max_size=8), st.sampled_from([_FOLLOWING, _STAYING, _SAFE]))
def test_no_tree_comes_to_be_that_cannot_exist(members: list[Member], rules: UnpackRules) -> None:
    """Everything lies in a folder of its own root, or is refused."""
    tree: Tree = {}
    unpacker = Unpacker(TreeFiles(tree), rules=rules)
    with suppress(UnpackError):
        for member in members:
            unpacker.add(member)
    for path in tree:
        assert path
        assert clean(path) == path
        assert {tree[above].kind for above in ancestors(path)} <= {"dir"}


def test_a_hard_link_s_entry_changes_the_file_where_that_is_wanted() -> None:
    """Both names have its mode, owner and time then; a link keeps its own."""
    entry = Member("b", File("file", 0o600, 1, 2, mtime=3), hard_link="a", type_flag="1")
    modes = {}
    for rules in (UnpackRules(), UnpackRules(links_take_entries=True)):
        tree: Tree = {"a": File("file", 0o644, mtime=9)}
        Unpacker(TreeFiles(tree), rules=rules).add(entry)
        modes[rules.links_take_entries] = [
            (tree[name].mode, tree[name].uid, tree[name].mtime) for name in "ab"
        ]
    assert modes == {False: [(0o644, 0, 9)] * 2, True: [(0o600, 1, 3)] * 2}


@pytest.mark.parametrize("keeps_folder", [True, False])
def test_an_entry_of_the_folder_itself(*, keeps_folder: bool) -> None:
    """It changes the folder, or means nothing."""
    tree: Tree = {"d": File("dir", 0o755)}
    rules = UnpackRules(keeps_folder=keeps_folder)
    Unpacker(TreeFiles(tree), folder="d", rules=rules).add(_folder("/", 0o700))
    assert tree["d"].mode == (0o755 if keeps_folder else 0o700)


@pytest.mark.parametrize(
    ("last", "words"),
    [(_link("d", "none"), "chtimes 'd': no such file"), (_file("d"), "chtimes 'd/e': not a")],
)
def test_folders_that_are_none_any_more(last: Member, words: str) -> None:
    """They are left as they are, or an error."""
    for rules in (UnpackRules(), UnpackRules(tells_lost_folders=True)):
        unpacker = Unpacker(TreeFiles({}), rules=rules)
        for member in (_folder("d"), _folder("d/e"), last):
            unpacker.add(member)
        if not rules.tells_lost_folders:
            unpacker.finish()
            continue
        with pytest.raises(UnpackError, match=words):
            unpacker.finish()
