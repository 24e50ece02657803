"""Image layouts of this machine as bases."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuilders import BuildContext, DaemonlessImageBuilder
from imagebuilders.daemonless.layout_images import LayoutImage
from imagebuilders.exceptions import BuildError, ImageBuilderError, ImageFormatError


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own configuration and caches out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout with one image."""
    folder = tmp_path / "layout"
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY a /a\n", "Dockerfile")
    context.add_file("a", "a")
    outputs = f"type=oci,tar=false,dest={folder}"
    DaemonlessImageBuilder().build("app:1", context, {"outputs": outputs})
    return folder


def _use(address: str, tmp_path: Path) -> None:
    context = BuildContext()
    context.add_file("FROM below\nCOPY a /b\n", "Dockerfile")
    context.add_file("a", "a")
    options = {
        "build_contexts": {"below": f"oci-layout://{address}"},
        "outputs": f"type=oci,dest={tmp_path / 'out.tar'}",
    }
    DaemonlessImageBuilder().build("above:1", context, options)


def test_addresses(layout: Path, tmp_path: Path) -> None:
    """A folder, with its tag, or with a digest."""
    digest = LayoutImage.parse(str(layout)).named_manifest().descriptor.digest
    for address in (f"{layout}", f"{layout}:1", f"{layout}@{digest}"):
        _use(address, tmp_path)


@pytest.mark.parametrize("address", ["{}:none", "{}-none", "{}@sha256:" + "0" * 64])
def test_what_is_not_there(layout: Path, tmp_path: Path, address: str) -> None:
    """A tag, a folder, a digest."""
    with pytest.raises(BuildError):
        _use(address.format(layout), tmp_path)


def test_no_link_is_followed(layout: Path, tmp_path: Path) -> None:
    """A stranger's layout does not lead to other files."""
    manifest = LayoutImage.parse(str(layout)).named_manifest()
    blob = layout / "blobs" / "sha256" / manifest.descriptor.digest.encoded
    blob.rename(tmp_path / "elsewhere")
    blob.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImageBuilderError, match="cannot be read"):
        LayoutImage.parse(str(layout)).named_manifest()


def test_other_content_is_refused(layout: Path) -> None:
    """The digest is checked."""
    manifest = LayoutImage.parse(str(layout)).named_manifest()
    blob = layout / "blobs" / "sha256" / manifest.descriptor.digest.encoded
    blob.write_bytes(manifest.content.replace(b"schemaVersion", b"schemaVersiom"))
    with pytest.raises(ImageFormatError):
        LayoutImage.parse(str(layout)).named_manifest()
