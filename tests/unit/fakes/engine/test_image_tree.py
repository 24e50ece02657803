"""The files of an image, made for assertions."""

from __future__ import annotations

import pytest

from fakes import FakeDockerEngine
from fakes.contracts.engine.context import Entry, directory, pack, symlink
from fakes.engine.builder.imports import import_tar
from fakes.engine.image_tree import ImageTree
from fakes.images.explanations import explain


@pytest.fixture
def engine() -> FakeDockerEngine:
    """An engine with one image that has every kind of file."""
    engine = FakeDockerEngine()
    content = pack(
        {
            "app/run.sh": Entry(b"#!/bin/sh\n", mode=0o755, uid=7, gid=8),
            "app/lib/a.py": "a = 1\n",
            "app/lib/b.bin": b"\xff\x00",
            "app/empty": directory(0o700),
            "app/current": symlink("lib/a.py"),
            "app/away": symlink("/etc/app.conf"),
            "app/loop": symlink("loop"),
            "etc/app.conf": "x\n",
            "etc/pipe": Entry(fifo=True),
            "opt": symlink("app/lib"),
        }
    )
    image = import_tar(engine.images, content, changes=[], message="")
    engine.images.retag(engine.parse_name("app:1").tagged(), image)
    return engine


@pytest.fixture
def tree(engine: FakeDockerEngine) -> ImageTree:
    """All of the image."""
    return ImageTree(engine, "app:1")


def test_paths_with_and_without_a_slash(tree: ImageTree) -> None:
    """They are the same; folders are in the tree, but not among its files."""
    for path in ("app/run.sh", "/app/run.sh", "app", "/app/lib/"):
        assert path in tree
    assert "app/nope" not in tree
    assert 7 not in tree  # type: ignore[comparison-overlap]
    assert list(tree) == [
        *("app/away", "app/current", "app/lib/a.py", "app/lib/b.bin", "app/loop", "app/run.sh"),
        *("etc/app.conf", "etc/pipe", "opt"),
    ]
    assert len(tree) == 9


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("app/lib/**", ["app/lib/a.py", "app/lib/b.bin"]),
        ("/app/*.sh", ["app/run.sh"]),
        ("**/*.py", ["app/lib/a.py"]),
        ("app/**/a.py", ["app/lib/a.py"]),
        ("app/**/run.sh", ["app/run.sh"]),
        ("o?t", ["opt"]),
        ("app/lib/[!a]*", ["app/lib/b.bin"]),
        ("*", ["opt"]),
        ("app.lib", []),
    ],
)
def test_patterns(tree: ImageTree, pattern: str, found: list[str]) -> None:
    """`*` stays within a folder, `**` does not."""
    assert tree.paths(pattern) == found


def test_one_file(tree: ImageTree) -> None:
    """Content, kind, mode, owner and target; only reading follows links."""
    assert tree.read("app/lib/b.bin") == b"\xff\x00"
    assert tree.read_text("/app/current") == "a = 1\n"
    assert tree.read_text("app/away") == "x\n"
    assert tree.read_text("opt/a.py") == "a = 1\n"
    assert tree.mode("app/run.sh") == 0o755
    assert tree.owner("app/run.sh") == (7, 8)
    assert tree.link("app/current") == "lib/a.py"
    assert tree.link("app/run.sh") == ""
    kinds = [tree.kind(path) for path in ("app", "app/current", "app/run.sh", "etc/pipe")]
    assert kinds == ["directory", "symbolic link", "file", "fifo"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("app/run.hs", "no /app/run.hs in the image app:1; there is /app/run.sh"),
        ("x" * 30, "in the image app:1$"),
        ("app/lib", "/app/lib in the image app:1 is a directory"),
        ("app/loop", "/app/loop in the image app:1 leads to no file"),
    ],
)
def test_what_cannot_be_read(tree: ImageTree, path: str, words: str) -> None:
    """The error names the image and what is there."""
    with pytest.raises(LookupError, match=words):
        tree.read(path)


def test_a_folder_alone(engine: FakeDockerEngine) -> None:
    """`below` makes a folder the root, through a link if it is one; its links lead out of it."""
    lib = ImageTree(engine, "app:1", below="/opt")
    assert lib == {"a.py": "a = 1\n", "/b.bin": b"\xff\x00"}
    assert ImageTree(engine, "app:1", below="app/lib") == lib
    app = ImageTree(engine, "app:1", below="app")
    assert app.read_text("away") == "x\n"
    assert "lib" in app
    assert "etc" not in app


def test_what_is_no_folder_or_no_image(engine: FakeDockerEngine) -> None:
    """Both are named, with what is there instead."""
    with pytest.raises(LookupError, match="no folder /app/lbi in the image app:1; there is /app/l"):
        ImageTree(engine, "app:1", below="app/lbi")
    with pytest.raises(LookupError, match="No such image: app:2; names in the engine: app:1"):
        ImageTree(engine, "app:2")
    with pytest.raises(LookupError, match="names in the engine: none"):
        ImageTree(FakeDockerEngine(), "app:2")


def test_equality(engine: FakeDockerEngine, tree: ImageTree) -> None:
    """With a mapping of contents or another tree; a link's content is its target."""
    etc = ImageTree(engine, "app:1", below="etc")
    assert etc == {"app.conf": b"x\n", "pipe": ""}
    assert etc != {"app.conf": "x\n"}
    assert etc != tree
    assert etc != 5
    assert tree.contents()["opt"] == "-> app/lib"


def test_a_difference_is_told(engine: FakeDockerEngine) -> None:
    """Line by line for text, from both ends for bytes."""
    lib = ImageTree(engine, "app:1", below="app/lib")
    assert lib.diff({"/a.py": "a = 2\n", "b.bin": b"\xfe", "c": ""}) == [
        "missing: c",
        "different: a.py",
        "  -a = 2",
        "  +a = 1",
        "different: b.bin",
        "  expected b'\\xfe'",
        "  found    b'\\xff\\x00'",
    ]
    assert lib.diff({"a.py": "a = 1", "b.bin": b"\xff\x00"}) == [
        "different: a.py",
        "  expected 'a = 1', found 'a = 1\\n'",
    ]
    assert lib.diff(lib) == []


def test_only_comparisons_with_a_tree_are_explained(tree: ImageTree) -> None:
    """On either side; pytest explains all else itself."""
    assert explain("==", {}, tree) == explain("==", tree, {})
    assert explain("==", {}, {}) is None
    assert explain("in", 5, tree) is None
    assert explain("!=", tree, tree) is None


def test_it_shows_itself(engine: FakeDockerEngine, tree: ImageTree) -> None:
    """With its first files, so that a failed assertion shows what is there."""
    assert repr(tree).startswith("<ImageTree of app:1: app/away, app/current, ")
    engine.seed_image("many:1", files={f"/{number:02}": "" for number in range(30)})
    assert repr(ImageTree(engine, "many:1")).endswith("19, … 10 more>")
