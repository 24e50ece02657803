"""What differs between two images."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.inspection import Change, ImageDifference, compare_images, open_image
from imagebuilders.inspection.difference import MAX_TEXT_LINES
from imagebuilders.oci.image_config import ContainerConfig
from imagebuilders.oci.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from image_layouts import Files, LayoutWriter


def _entry(name: str, **values: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in values.items():
        setattr(made, key, value)
    return made


def _compare(first: str, second: str, *, with_text: bool = False) -> ImageDifference:
    with open_image(first) as one, open_image(second) as two:
        return compare_images(one, two, with_text=with_text)


def _files(layout: LayoutWriter, other: LayoutWriter, one: Files, two: Files) -> ImageDifference:
    return _compare(layout.tag(layout.image(one)), other.tag(other.image(two)), with_text=True)


def test_images_that_are_alike(layout: LayoutWriter, other_layout: LayoutWriter) -> None:
    """The same files in other layers, with other times, are no difference."""
    late = _entry("b", mtime=5)
    found = _compare(
        layout.tag(layout.image({"a": "1", "b": _entry("b")})),
        other_layout.tag(other_layout.image({"a": "1"}, {"b": late})),
    )
    assert not found
    assert found.same_layers == 0


def test_layers_that_both_begin_with(layout: LayoutWriter, other_layout: LayoutWriter) -> None:
    """They are counted, and what is above them is compared."""
    found = _compare(
        layout.tag(layout.image({"a": "1"}, {"b": "1"})),
        other_layout.tag(other_layout.image({"a": "1"}, {"b": "2"}, {"a": "3"})),
    )
    assert found.same_layers == 1
    assert [(one.path, one.aspects) for one in found.files] == [
        ("/a", ("content",)),
        ("/b", ("content",)),
    ]


def test_added_removed_and_changed(layout: LayoutWriter, other_layout: LayoutWriter) -> None:
    """Each file says what happened to it, with its sizes, in the order of a walk."""
    found = _files(
        layout,
        other_layout,
        {"x/gone": "123", "same": "s", "text": "a\nb\n"},
        {"same": "s", "new": "12345", "text": "a\nc\n"},
    )
    told = [(one.path, one.change, one.size) for one in found.files if one.path != "/x"]
    assert told == [
        ("/new", Change.ADDED, (None, 5)),
        ("/text", Change.CHANGED, (4, 4)),
        ("/x/gone", Change.REMOVED, (3, None)),
    ]


def test_lines_of_text_files(layout: LayoutWriter, other_layout: LayoutWriter) -> None:
    """A unified diff of what is text; of new and lost files all lines."""
    found = _files(
        layout,
        other_layout,
        {"text": "a\nb\n", "lost": "l\n", "data": b"\xff\x00"},
        {"text": "a\nc\n", "new": "n\n", "data": b"\xff\x01"},
    )
    texts = {one.path: one.text[1:] for one in found.files}
    assert texts == {
        "/data": (),
        "/lost": ("-l",),
        "/new": ("+n",),
        "/text": (" a", "-b", "+c"),
    }


def test_long_texts_are_cut(layout: LayoutWriter, other_layout: LayoutWriter) -> None:
    """Of many changed lines the first are told, and how many more there are."""
    (found,) = _files(layout, other_layout, {"t": ""}, {"t": "x\n" * 1000}).files
    assert len(found.text) == MAX_TEXT_LINES + 1
    assert found.text[-1] == f"… {1001 - MAX_TEXT_LINES} more lines"


def test_large_texts_are_not_compared(layout: LayoutWriter, other_layout: LayoutWriter) -> None:
    """Beyond a size a file is only told as changed."""
    (found,) = _files(layout, other_layout, {"t": "x" * 300_000}, {"t": "y" * 300_000}).files
    assert (found.aspects, found.text) == (("content",), ())


@pytest.mark.parametrize(
    ("one", "two", "aspects"),
    [
        ({"mode": 0o644}, {"mode": 0o755}, ("mode",)),
        ({"uid": 1}, {"uid": 2}, ("owner",)),
        ({"gid": 1}, {"gid": 2}, ("owner",)),
        (
            {"type": tarfile.SYMTYPE, "linkname": "a"},
            {"type": tarfile.SYMTYPE, "linkname": "b"},
            ("target",),
        ),
        ({"type": tarfile.DIRTYPE}, {"type": tarfile.SYMTYPE, "linkname": "b"}, ("type",)),
        (
            {"pax_headers": {"SCHILY.xattr.user.a": "1"}},
            {"pax_headers": {"SCHILY.xattr.user.a": "2"}},
            ("attributes",),
        ),
        (
            {"type": tarfile.CHRTYPE, "devmajor": 1},
            {"type": tarfile.CHRTYPE, "devmajor": 2},
            ("target",),
        ),
    ],
    ids=["mode", "user", "group", "link", "kind", "xattrs", "device"],
)
def test_what_of_a_file_changed(
    one: Mapping[str, object],
    two: Mapping[str, object],
    aspects: tuple[str, ...],
    layout: LayoutWriter,
    other_layout: LayoutWriter,
) -> None:
    """Mode, owner, where a link leads, kind, attributes: each is told by name."""
    (found,) = _files(
        layout, other_layout, {"f": _entry("f", **one)}, {"f": _entry("f", **two)}
    ).files
    assert found.aspects == aspects
    assert found.text == ()


def test_what_containers_run_with(layout: LayoutWriter, other_layout: LayoutWriter) -> None:
    """Fields of the configuration that differ, and the platform."""
    one = ContainerConfig(user="app", env=("A=1", "B=2"))
    two = ContainerConfig(env=("A=1", "B=3"), cmd=("run",))
    found = _compare(
        layout.tag(layout.image(config=one)),
        other_layout.tag(other_layout.image(config=two, platform="linux/arm64")),
    )
    assert [(field.key, field.first, field.second) for field in found.config] == [
        ("Platform", "linux/amd64", "linux/arm64"),
        ("User", "app", None),
        ("Env", ["A=1", "B=2"], ["A=1", "B=3"]),
        ("Cmd", None, ["run"]),
    ]


def test_an_image_for_another_platform_than_the_one_named(
    layout: LayoutWriter, other_layout: LayoutWriter
) -> None:
    """It is not compared: the answer would be of what nobody asked for."""
    arm = layout.tag(layout.image({"a": "1"}, platform="linux/arm64"))
    amd = other_layout.tag(other_layout.image({"a": "1"}))
    wanted = Platform.parse("linux/arm64")
    with open_image(arm) as one, open_image(amd) as two:
        assert not compare_images(one, one, wanted)
        with pytest.raises(ImageFormatError, match="is for linux/amd64, not for linux/arm64"):
            compare_images(one, two, wanted)
