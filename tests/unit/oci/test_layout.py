"""Image layouts: folders of blobs with an index."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders.exceptions import ControlFileNotFoundError, ImageFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.layout import NAME_ANNOTATION, ImageLayout
from imagebuilders.oci.media_types import OCI_MANIFEST


def _descriptor(content: bytes) -> dict[str, object]:
    return Descriptor.of(content, OCI_MANIFEST).to_json()


def test_a_manifest_is_found_by_its_tag(tmp_path: Path) -> None:
    """Without a tag `latest` counts, else the only one."""
    layout = ImageLayout(tmp_path / "layout")
    layout.add(_descriptor(b"one"), ("1",))
    assert layout.find("1") == layout.find()
    assert layout.find("2") is None
    layout.add(_descriptor(b"two"), ("2", "latest"))
    found = layout.find()
    assert found is not None
    assert found.digest == Descriptor.of(b"two", OCI_MANIFEST).digest
    assert layout.find("other") is None


def test_a_tag_belongs_to_the_last_manifest(tmp_path: Path) -> None:
    """What else stands in the index stays."""
    layout = ImageLayout(tmp_path)
    (tmp_path / "index.json").write_text(
        json.dumps(
            {"schemaVersion": 2, "manifests": [_descriptor(b"zero")], "annotations": {"a": "b"}}
        )
    )
    layout.add(_descriptor(b"one"))
    layout.add(_descriptor(b"two"))
    written = json.loads((tmp_path / "index.json").read_text())
    assert [each["digest"] for each in written["manifests"]] == [
        _descriptor(b"zero")["digest"],
        _descriptor(b"two")["digest"],
    ]
    assert written["manifests"][1]["annotations"] == {NAME_ANNOTATION: "latest"}
    assert written["annotations"] == {"a": "b"}
    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_several_may_write_at_once(tmp_path: Path) -> None:
    """Nothing is lost, and nothing else is left in the folder."""

    def add(number: int) -> None:
        ImageLayout(tmp_path).add(_descriptor(b"%d" % number), (str(number),))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    layout = ImageLayout(tmp_path)
    assert all(layout.find(str(number)) for number in range(12))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["index.json", "index.json.lock", "oci-layout"]


def test_a_blob_is_in_the_layout_or_not(tmp_path: Path) -> None:
    """An index may name what was taken away."""
    descriptor = Descriptor.of(b"one", OCI_MANIFEST)
    layout = ImageLayout(tmp_path)
    assert not layout.has_blob(descriptor)
    blob = tmp_path / "blobs" / "sha256" / descriptor.digest.encoded
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"one")
    assert layout.has_blob(descriptor)


def test_what_is_no_layout_is_an_error(tmp_path: Path) -> None:
    """A folder without an index, and an index that is none."""
    with pytest.raises(ControlFileNotFoundError):
        ImageLayout(tmp_path).find()
    (tmp_path / "index.json").write_text("[]")
    with pytest.raises(ImageFormatError, match="index"):
        ImageLayout(tmp_path).find()
    with pytest.raises(ImageFormatError):
        ImageLayout(tmp_path / "other").add({"digest": "x"})


def test_folders_of_a_layout_are_made(tmp_path: Path) -> None:
    """Those above it, too."""
    layout = ImageLayout(tmp_path / "a" / "b" / "layout")
    layout.add(_descriptor(b"one"))
    assert layout.find() is not None


def test_a_failed_write_leaves_nothing(tmp_path: Path, mocker: MockerFixture) -> None:
    """The index is whole or the one before, and no other file stays."""
    layout = ImageLayout(tmp_path)
    layout.add(_descriptor(b"one"), ("1",))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    mocker.patch("imagebuilders.oci.layout.os.replace", side_effect=OSError(28, "full"))
    with pytest.raises(OSError, match="full"):
        layout.add(_descriptor(b"two"), ("2",))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
