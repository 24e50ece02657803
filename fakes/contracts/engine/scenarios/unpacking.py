"""Archives that are laid over files: links on the way, what leads nowhere, what is broken.

By ADD, by PUT into a container, as a build's context, and as the layers of a loaded image.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

from ..container_hands import archive, image
from ..context import Entry, directory, pack, symlink
from ..registry import dockerfiles, scenario
from ..session import Session

_ROOT = pack(
    {
        "usr/bin/old": "old",
        "bin": symlink("usr/bin"),
        "abs": symlink("/usr/bin"),
        "chain": symlink("bin"),
        "up": symlink("../../usr"),
        "dangling": symlink("nowhere"),
        "loop": symlink("loop"),
        "file": "file",
        "tofile": symlink("file"),
        "full/a": "a",
    }
)

_Members = dict[str, "str | bytes | Entry"]
_Pairs = list[tuple[str, "str | bytes | Entry"]]

_ARCHIVES: dict[str, _Members | _Pairs] = {
    "below_link": {"bin/tool": "t"},
    "below_absolute_link": {"abs/tool": "t"},
    "below_chained_links": {"chain/tool": "t"},
    "below_link_that_leads_up": {"up/bin/tool": "t"},
    "deep_below_link": {"bin/x/y/tool": "t"},
    "below_dangling_link": {"dangling/tool": "t"},
    "deep_below_dangling_link": {"dangling/x/tool": "t"},
    "below_loop": {"loop/tool": "t"},
    "deep_below_loop": {"loop/x/tool": "t"},
    "below_file": {"file/tool": "t"},
    "deep_below_file": {"file/x/tool": "t"},
    "below_link_to_file": {"tofile/tool": "t"},
    "folder_over_link": {"bin": directory(0o700), "bin/tool": "t"},
    "folder_over_file": {"file": directory(0o700)},
    "file_over_link": {"bin": "b"},
    "file_over_folder": {"full": "f"},
    "link_over_folder": {"full": symlink("usr")},
    "link_over_link": {"bin": symlink("usr")},
    "folder_below_link": {"bin/sub": directory(0o700), "bin/sub/tool": "t"},
    "link_below_link": {"bin/l": symlink("old")},
    "through_own_link": {"d": directory(), "l": symlink("d"), "l/a": "a"},
    "through_own_dangling_link": {"l": symlink("d"), "l/a": "a"},
    "hard_link": {"a": "a", "b": Entry(hard_link="a")},
    "hard_link_to_what_was_there": {"b": Entry(hard_link="file")},
    "hard_link_below_link": {"b": Entry(hard_link="bin/old")},
    "hard_link_placed_below_link": {"a": "a", "bin/b": Entry(hard_link="a")},
    "hard_link_before_its_target": {"b": Entry(hard_link="a"), "a": "a"},
    "hard_link_to_nothing": {"b": Entry(hard_link="nothing")},
    "hard_link_to_outside": {"b": Entry(hard_link="../../../etc/passwd")},
    "hard_link_to_folder": {"b": Entry(hard_link="usr")},
    "hard_link_to_link": {"b": Entry(hard_link="bin")},
    "hard_link_to_itself": {"file": Entry(hard_link="file")},
    "link_to_outside": {"l": symlink("../../../x")},
    "link_to_absolute": {"l": symlink("/x")},
    "name_twice": [("a", "1"), ("b", "b"), ("a", "22")],
    "file_then_folder": [("a", "1"), ("a", directory(0o700))],
    "folder_then_file": [("a", directory()), ("a/b", "b"), ("a", "1")],
    "file_then_below": [("a", "1"), ("a/b", "b")],
    "same_name_written_otherwise": [("a", "1"), ("./a", "22")],
    "names_to_be_cleaned": {"./x//y/../z": "z"},
    "names_that_lead_up": {"x/../../y": "y"},
    "root": {"./": directory(0o711, 5, 6), "a": "a"},
    "slash": {"/": directory(0o711, 5, 6), "/a": "a"},
    "pipe_and_device": {"p": Entry(fifo=True), "c": Entry(device=(1, 3))},
    "unknown_type": {"a": "a", "v": Entry(flag=b"V"), "b": "b"},
    "whiteout": {".wh.file": "", "full/.wh..wh..opq": ""},
    "set_id_and_sticky": {"s": Entry(b"s", 0o6755, 3, 4), "t": directory(0o1777)},
}


def _tar(members: _Members | _Pairs) -> bytes:
    """An archive of these entries alone."""
    pairs = list(members.items()) if isinstance(members, dict) else members
    return pack(pairs, add_folders=False)


_BROKEN = pack({"q": "12345" * 120, "r": "r"})
_FIRST = 512 + 1024
"""The bytes of its first entry."""
_BROKEN_ARCHIVES = {
    "ends_in_content": _BROKEN[:1000],
    "ends_in_header": _BROKEN[:200],
    "ends_after_header": _BROKEN[:512],
    "ends_between_entries": _BROKEN[:_FIRST],
    "ends_in_second_header": _BROKEN[: _FIRST + 100],
    "without_end": _BROKEN[: _FIRST + 1024],
    "without_last_padding": _BROKEN[: _FIRST + 513],
    "with_one_zero_block": _BROKEN[: _FIRST + 1024 + 512],
    "with_damaged_second_header": _BROKEN[:_FIRST] + b"x" * 1024,
    "followed_by_text": _BROKEN + b"more",
    "zeros": bytes(1024),
    "nothing": b"",
    "short_text": b"text",
    "long_text": b"text " * 400,
}


def _gzipped(content: bytes) -> bytes:
    """The same bytes on every Python: the header names an operating system, or none."""
    made = gzip.compress(content, mtime=0)
    return made[:9] + b"\x03" + made[10:]


_ADDED = {
    **{name: _tar(members) for name, members in _ARCHIVES.items()},
    **{f"broken_{name}": content for name, content in _BROKEN_ARCHIVES.items()},
    "broken_gzip": _gzipped(_BROKEN)[:60],
    "broken_gzip_header": _gzipped(_BROKEN)[:6],
    "broken_gzip_sum": _gzipped(_BROKEN)[:-8] + bytes(8),
    "gzip_of_broken": _gzipped(_BROKEN[:1000]),
}

for _name, _content in _ADDED.items():
    dockerfiles(
        "unpacking",
        {f"add_{_name}": "FROM scratch\nADD root.tar /\nADD in.tar /"},
        {"root.tar": _ROOT, "in.tar": _content},
    )
dockerfiles(
    "unpacking",
    {
        f"add_to_folder_{name}": f"FROM scratch\nADD root.tar /\nADD {name}.tar /full/x/"
        for name in (
            "hard_link",
            "hard_link_to_outside",
            "hard_link_to_nothing",
            "link_to_outside",
            "names_that_lead_up",
            "root",
            "slash",
            "deep_below_link",
        )
    },
    {"root.tar": _ROOT, **{f"{name}.tar": content for name, content in _ADDED.items()}},
)
dockerfiles(
    "unpacking",
    {
        "add_to_link": "FROM scratch\nADD root.tar /\nADD in.tar /bin/",
        "add_to_dangling_link": "FROM scratch\nADD root.tar /\nADD in.tar /dangling/",
        "add_absolute_link_in_folder": "FROM scratch\nADD root.tar /r/\nADD in.tar /r/",
        "copy_folder_onto_link": "FROM scratch\nADD root.tar /\nCOPY d /",
        "copy_file_below_link": "FROM scratch\nADD root.tar /\nCOPY in.tar /bin/",
        "copy_file_below_dangling_link": "FROM scratch\nADD root.tar /\nCOPY in.tar /dangling/x/",
    },
    {
        "root.tar": _ROOT,
        "in.tar": _tar({"new": "n", "abs/tool": "t"}),
        "d/bin/tool": "t",
        "d/file/x": "x",
    },
)

_IN_CONTEXT = {
    name: _ARCHIVES[name]
    for name in (
        "through_own_link",
        "through_own_dangling_link",
        "hard_link",
        "hard_link_before_its_target",
        "hard_link_to_nothing",
        "hard_link_to_outside",
        "link_to_outside",
        "name_twice",
        "file_then_folder",
        "folder_then_file",
        "file_then_below",
        "same_name_written_otherwise",
        "names_to_be_cleaned",
        "names_that_lead_up",
        "unknown_type",
        "pipe_and_device",
    )
}


@scenario
def contexts(s: Session) -> None:
    """Odd contexts, all of which are copied."""
    for name, members in _IN_CONTEXT.items():
        s.note("case", name)
        pairs = list(members.items()) if isinstance(members, dict) else members
        _build(s, [("Dockerfile", "FROM scratch\nCOPY . /x/\n"), *pairs])


@scenario
def contexts_with_long_names(s: Session) -> None:
    """Names that a file system does not take."""
    for length in (255, 256):
        _build(s, [("Dockerfile", "FROM scratch\nCOPY . /x/\n"), ("n" * length, "n")])


@scenario
def implied_folders(s: Session) -> None:
    """Folders that have no entry of their own are as old as the build."""
    files: _Pairs = [("d/e/a", "a"), ("d/t.tar", _tar({"f/g/b": "b"}))]
    _build(s, [("Dockerfile", "FROM scratch\nCOPY . /x/\n"), *files])
    _build(s, [("Dockerfile", "FROM scratch\nADD d/t.tar /x/\n"), *files])
    _build(s, [("Dockerfile", "FROM scratch\nCOPY d/e/a /x/y/\n"), *files])


def _build(s: Session, pairs: _Pairs) -> None:
    s.build(None, body=pack(pairs, add_folders=False))


def _container(s: Session) -> list[str]:
    """Make a container; its files."""
    image(s, 'FROM scratch\nADD root.tar /\nCMD ["x"]', {"root.tar": _ROOT})
    return _anew(s)


def _anew(s: Session) -> list[str]:
    """The same container without what was written to it; its files, or why there is none."""
    s.request("DELETE", "/containers/one", params={"force": "1"})
    response = s.request(
        "POST", "/containers/create", params={"name": "one"}, json={"Image": "scenario:1"}
    )
    if response.status_code != 201:
        return [f"{response.status_code} {response.json()['message']}"]
    return _files(s)


def _files(s: Session) -> list[str]:
    response = s.request("GET", "/containers/one/archive", params={"path": "/"})
    return [line for line in archive(response.content) if _path(line) not in _MADE_FOR_CONTAINERS]


def _path(line: str) -> str:
    """The path of a line that tells of an entry."""
    return line.partition(" -> ")[0].partition(" b'")[0].split(" ")[-1].rstrip("/")


_MADE_FOR_CONTAINERS = {
    f"/{name}"
    for name in (
        *("dev", "dev/pts", "dev/shm", "dev/console", "etc", "etc/mtab", "proc", "sys"),
        *(".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf"),
    )
}


def _put(s: Session, name: str, path: str, content: bytes, **query: str) -> None:
    """Put an archive into a new container; note the answer, and what is other than before."""
    before = set(_anew(s))
    response = s.request(
        "PUT",
        "/containers/one/archive",
        params={"path": path, **query},
        data=content,
        headers={"Content-Type": "application/x-tar"},
    )
    after = set(_files(s))
    seen: dict[str, Any] = {"added": sorted(after - before), "gone": sorted(before - after)}
    if response.status_code != 200:
        seen["error"] = [response.status_code, response.json()["message"]]
    s.note(name, seen)


@scenario
def put_archives(s: Session) -> None:
    """Into the root of a container."""
    _container(s)
    for name, members in _ARCHIVES.items():
        if name != "slash":  # the double keeps no owner and mode of the root itself
            _put(s, name, "/", _tar(members))


@scenario
def put_broken_archives(s: Session) -> None:
    """What came before the archive broke is there."""
    _container(s)
    for name, content in _BROKEN_ARCHIVES.items():
        _put(s, name, "/full", content)
    _put(s, "broken_gzip", "/full", _gzipped(_BROKEN)[:60])
    _put(s, "broken_gzip_sum", "/full", _gzipped(_BROKEN)[:-8] + bytes(8))


@scenario
def put_below_links(s: Session) -> None:
    """Into folders that are links, and what leads out of them."""
    _container(s)
    for folder in ("/bin", "/up", "/full"):
        for name in (
            "hard_link",
            "hard_link_to_outside",
            "hard_link_to_nothing",
            "link_to_outside",
            "link_to_absolute",
            "names_that_lead_up",
            "root",
        ):
            _put(s, f"{name} into {folder}", folder, _tar(_ARCHIVES[name]))


@scenario
def put_without_changing_kinds(s: Session) -> None:
    """A folder stays a folder, and what is none stays so; a link to a folder is no folder."""
    _container(s)
    for name in ("folder_over_link", "folder_over_file", "file_over_folder", "link_over_folder"):
        _put(s, name, "/", _tar(_ARCHIVES[name]), noOverwriteDirNonDir="1")


def _saved(*layers: bytes, diff_ids: tuple[str, ...] | None = None) -> bytes:
    """What `docker save` writes for an image of these layers."""
    found = tuple(f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["x"]},
        "history": [{"created_by": "x"}] * len(layers),
        "rootfs": {"type": "layers", "diff_ids": diff_ids or found},
    }
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "c.json", "RepoTags": ["scenario:1"], "Layers": names}]
    return pack(
        {
            "c.json": json.dumps(config),
            "manifest.json": json.dumps(manifest),
            **dict(zip(names, layers, strict=True)),
        }
    )


_LAYERS: dict[str, list[_Members | _Pairs]] = {
    **{f"alone_{name}": [members] for name, members in _ARCHIVES.items()},
    "file_below_link_below": [{"usr/bin": directory(), "bin": symlink("usr/bin")}, {"bin/t": "t"}],
    "folder_over_link_below": [
        {"usr/bin": directory(), "bin": symlink("usr/bin")},
        {"bin": directory(), "bin/t": "t"},
    ],
    "file_below_file_below": [{"a": "a"}, {"a/b": "b"}],
    "implied_folder_over_folder": [{"a": directory(0o700, 3, 4), "a/b": "b"}, {"a/c": "c"}],
    "hard_link_to_layer_below": [{"a": "a"}, {"b": Entry(hard_link="a")}],
    "whiteouts": [
        {"a": "a", "d": directory(), "d/x": "x", "e": directory(), "e/y": "y"},
        {".wh.a": "", "d/.wh..wh..opq": "", "d/z": "z", ".wh.e": ""},
    ],
    "whiteout_of_nothing": [{"a": "a"}, {".wh.b": "", "none/.wh.c": ""}],
    "whiteout_of_own": [{"a": "a"}, [("a", "new"), (".wh.a", "")]],
    "whiteout_before_own": [{"a": "a"}, [(".wh.a", ""), ("a", "new")]],
    "opaque_after_own": [{"d/x": "x"}, [("d", directory()), ("d/y", "y"), ("d/.wh..wh..opq", "")]],
    "whiteout_below_link": [{"usr/a": "a", "l": symlink("usr")}, {"l/.wh.a": ""}],
    "notes_of_a_driver": [{".wh..wh.plnk/1.2": "", ".wh..wh.aufs": "", "a": "a"}],
}


def _load(s: Session, name: str, body: bytes) -> None:
    """Load an image; note the error, or the files of a container and the size."""
    response = s.request(
        "POST",
        "/images/load",
        params={"quiet": "1"},
        data=body,
        headers={"Content-Type": "application/x-tar"},
    )
    lines = [json.loads(line) for line in response.text.splitlines()]
    seen: dict[str, Any] = {"status": response.status_code, "answer": lines}
    if "stream" in lines[-1]:
        seen["files"] = sorted(_anew(s))
        seen["size"] = s.request("GET", "/images/scenario:1/json").json()["Size"]
    s.note(name, seen)
    s.request("DELETE", "/containers/one", params={"force": "1"})
    s.request("DELETE", "/images/scenario:1", params={"force": "1"})


@scenario
def loaded_layers(s: Session) -> None:
    """What layers make of the files below them."""
    for name, layers in _LAYERS.items():
        _load(s, name, _saved(*(_tar(members) for members in layers)))


@scenario
def loaded_broken_layers(s: Session) -> None:
    """Layers that are no archive, or end too early."""
    for name, content in {
        **_BROKEN_ARCHIVES,
        "gzip": _gzipped(pack({"a": "a"})),
        "broken_gzip": _gzipped(_BROKEN)[:60],
    }.items():
        _load(s, name, _saved(content))
    tar = pack({"a": "a"})
    plain = f"sha256:{hashlib.sha256(tar).hexdigest()}"
    _load(s, "compressed", _saved(_gzipped(tar), diff_ids=(plain,)))
    _load(s, "wrong digest", _saved(tar, diff_ids=("sha256:" + "0" * 64,)))
    _load(s, "malformed digest", _saved(tar, diff_ids=("sha256:0",)))
    _load(s, "second is broken", _saved(tar, b"text"))


@scenario
def sizes(s: Session) -> None:
    """What counts for the size of an image."""
    cases: dict[str, _Members] = {
        "link": {"d": directory(), "d/l": symlink("12345678"), "d/f": "abc"},
        "hard_link": {"d": directory(), "d/a": "abcde", "d/b": Entry(hard_link="d/a")},
        "pipe": {"d": directory(), "d/p": Entry(fifo=True)},
        "folders": {"d": directory(), "d/e": directory()},
    }
    for name, members in cases.items():
        s.note("case", name)
        tar = _tar(members)
        for line in ("COPY d /d", "ADD in.tar /d/"):
            pairs: _Pairs = [("Dockerfile", f"FROM scratch\n{line}\n"), *members.items()]
            s.build(None, body=pack([*pairs, ("in.tar", tar)]), look=False)
            size = s.request("GET", "/images/scenario:1/json").json()["Size"]
            lines = s.request("GET", "/images/scenario:1/history").json()
            unpacked = [each["Size"] for each in lines]
            # A store that keeps what is compressed has another size in each run.
            s.note("size", [size if size == sum(unpacked) else "compressed", *unpacked])
        s.request("DELETE", "/images/scenario:1", params={"force": "1"})
        _load(s, f"{name} loaded", _saved(tar))
