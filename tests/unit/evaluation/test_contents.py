"""Build contexts as trees."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest

from imagebuilders import BuildContext
from imagebuilders.context.content import ContentReader
from imagebuilders.evaluation.contents import context_tree
from imagebuilders.evaluation.trees import tree_of
from imagebuilders.exceptions import ContextChangedError
from imagebuilders.oci.digest import Digest


def _context(root: Path) -> BuildContext:
    return BuildContext(root=str(root))


def test_a_context_as_a_tree(tmp_path: Path) -> None:
    """Modes and times are those on disk, owners root; contents are read when needed."""
    (tmp_path / "d").mkdir(mode=0o750)
    (tmp_path / "d" / "f").write_bytes(b"text")
    (tmp_path / "d" / "f").chmod(0o640)
    os.utime(tmp_path / "d" / "f", ns=(0, 5 * 10**9 + 7))
    (tmp_path / "link").symlink_to("d/f")
    with ContentReader() as reader:
        tree = tree_of(context_tree(_context(tmp_path).snapshot(), reader, count(1).__next__))
        file = tree["d/f"]
        assert (file.mode, file.uid, file.mtime, file.nanoseconds) == (0o640, 0, 5, 7)
        assert (file.data, file.size, b"".join(file.pieces())) == (b"", 4, b"text")
        assert file.content is not None
        assert file.content.digest() == file.content.digest() == Digest.of(b"text")
    assert (tree["link"].kind, tree["link"].link) == ("symlink", "d/f")
    assert tree["d"].mode == 0o750


def test_hard_links_stay_links(tmp_path: Path) -> None:
    """Two names of one file are one; a file with a name outside the context is by itself."""
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "a").write_bytes(b"x")
    os.link(tmp_path / "c" / "a", tmp_path / "c" / "b")
    (tmp_path / "c" / "alone").write_bytes(b"x")
    os.link(tmp_path / "c" / "alone", tmp_path / "outside")
    with ContentReader() as reader:
        snapshot = _context(tmp_path / "c").snapshot()
        tree = tree_of(context_tree(snapshot, reader, count(1).__next__))
    assert tree["a"].inode == tree["b"].inode != 0
    assert tree["alone"].inode == 0


def test_a_file_that_changes_is_told(tmp_path: Path) -> None:
    """What is read is what the snapshot saw."""
    (tmp_path / "f").write_bytes(b"text")
    with ContentReader() as reader:
        tree = context_tree(_context(tmp_path).snapshot(), reader, count(1).__next__)
        (tmp_path / "f").write_bytes(b"other text")
        file = tree.find_file("f")
        assert file is not None
        with pytest.raises(ContextChangedError):
            list(file.pieces())
