"""Bases that lie, or that nobody could read: a typed error, within bounds."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from fakes import FakeRegistry
from imagebuilders import BuildContext, DaemonlessImageBuilder
from imagebuilders.daemonless import file_lists
from imagebuilders.daemonless.base_images import BaseImages
from imagebuilders.distribution import RegistryClient
from imagebuilders.distribution.registries import Registries
from imagebuilders.exceptions import BuildError, ImageBuilderError, LayerFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from imagebuilders.oci.platform import Platform


def _layer(*entries: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return buffer.getvalue()


def _entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, link, size
    return entry


def _same(layer: Descriptor) -> Descriptor:
    return layer


def _shorter(layer: Descriptor) -> Descriptor:
    return replace(layer, size=layer.size - 1)


def _seed(
    server: FakeRegistry,
    layers: Sequence[bytes],
    *,
    change: Callable[[Descriptor], Descriptor] = _same,
    diff_ids: int | None = None,
    padding: int = 0,
) -> None:
    """Put a base into the registry as it may be, whatever a registry would say to it."""
    with RegistryClient(server.address) as client:
        repository = client.repository("evil")
        stored = []
        for layer in layers:
            blob = gzip.compress(layer, mtime=0)
            repository.upload_blob(blob)
            stored.append(change(Descriptor.of(blob, OCI_LAYER_GZIP)))
        digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"x": "x" * padding}},
            "rootfs": {"type": "layers", "diff_ids": digests[:diff_ids]},
        }
        config = json.dumps(document).encode()
        repository.upload_blob(config)
        manifest = Manifest(Descriptor.of(config, OCI_CONFIG), tuple(stored)).to_bytes()
        repository.write_manifest(manifest, OCI_MANIFEST, "1")


def _build(server: FakeRegistry, step: str = "COPY a /a/") -> str:
    context = BuildContext()
    context.add_file(f"FROM {server.address}/evil:1\n{step}\n", "Dockerfile")
    context.add_file("a", "a")
    options = {"push": True, "platform": "linux/amd64"}
    return DaemonlessImageBuilder().build(f"{server.address}/team/app:1", context, options)


def _nothing_pushed(server: FakeRegistry) -> bool:
    return "team/app" not in server.repositories or not server.tags("team/app")


def test_a_layer_that_does_not_end(server: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes unpack to more than is taken."""
    monkeypatch.setattr(
        file_lists.FileLists.__init__,
        "__kwdefaults__",
        {
            "tell": lambda _: None,
            "max_archive_bytes": 1024 * 1024,
        },
    )
    _seed(server, [_layer(_entry("zeros", size=4 * 1024 * 1024))])
    with pytest.raises(BuildError, match="unpacks to more than 1048576 bytes"):
        _build(server)
    assert _nothing_pushed(server)


def test_a_layer_longer_than_its_manifest_says(server: FakeRegistry) -> None:
    """What follows is not waited for."""
    server.close()
    with FakeRegistry(verify_references=False) as lenient:
        _seed(lenient, [_layer(_entry("x", size=100))], change=_shorter)
        with pytest.raises(BuildError):
            _build(lenient)


def test_a_layer_with_too_many_entries(
    server: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would fill the memory."""
    monkeypatch.setattr(file_lists, "MAX_FILES", 10)
    _seed(server, [_layer(*(_entry(f"f{number}") for number in range(20)))])
    with pytest.raises(BuildError, match="more than 10 entries"):
        _build(server)


def test_a_layer_of_other_content(server: FakeRegistry) -> None:
    """The digest is checked to the layer's end, also where only its list is read."""
    _seed(server, [_layer(_entry("x", size=100))])
    blob = json.loads(server.manifest("evil:1").content)["layers"][0]["digest"]
    server.faults.corrupt(blob, times=None)
    with pytest.raises(BuildError):
        _build(server)
    assert _nothing_pushed(server)


def test_a_configuration_without_end(server: FakeRegistry) -> None:
    """It is not read beyond what any real one has."""
    _seed(server, [_layer()], padding=9 * 1024 * 1024)
    with pytest.raises(BuildError, match=r"has over \d+ bytes"):
        _build(server)


def test_a_configuration_of_other_layers(server: FakeRegistry) -> None:
    """Their numbers differ."""
    _seed(server, [_layer(), _layer(_entry("x"))], diff_ids=1)
    with pytest.raises(BuildError, match="2 layers and its configuration 1"):
        _build(server)


def test_an_index_inside_of_an_index(server: FakeRegistry) -> None:
    """Nobody goes down without an end."""
    with RegistryClient(server.address) as client:
        repository = client.repository("evil")
        inner = Index(()).to_bytes()
        repository.write_manifest(inner, OCI_INDEX)
        descriptor = Descriptor.of(inner, OCI_INDEX)
        entry = Descriptor(
            descriptor.media_type,
            descriptor.digest,
            descriptor.size,
            platform=Platform("linux", "amd64"),
        )
        repository.write_manifest(Index((entry,)).to_bytes(), OCI_INDEX, "1")
        with (
            Registries(_nobody) as registries,
            pytest.raises(ImageBuilderError, match="index inside of an index"),
        ):
            BaseImages(registries).image(f"{server.address}/evil:1", Platform("linux", "amd64"))


class _Nobody:
    """Has no credentials."""

    def credentials_for(self, registry: str) -> None:
        """Return nothing."""
        del registry


_nobody = _Nobody()


@pytest.mark.parametrize(
    "entries",
    [
        [_entry("a", tarfile.SYMTYPE, "../../../../etc")],
        [_entry("a", tarfile.SYMTYPE, "/proc/self/root")],
        [_entry("a", tarfile.SYMTYPE, "b"), _entry("b", tarfile.SYMTYPE, "a")],
        [_entry("a", tarfile.CHRTYPE)],
        [_entry("../../a", tarfile.DIRTYPE)],
        [_entry("a", tarfile.FIFOTYPE)],
    ],
    ids=["out", "absolute", "circle", "device", "above", "fifo"],
)
def test_links_and_devices_lead_nowhere_else(
    server: FakeRegistry, entries: Sequence[tarfile.TarInfo]
) -> None:
    """What the base has stays in the base: the build ends as BuildKit's would, or fails."""
    _seed(server, [_layer(*entries)])
    try:
        built = _build(server)
    except BuildError:
        assert _nothing_pushed(server)
        return
    layer = json.loads(server.manifest(built).content)["layers"][-1]["digest"]
    with tarfile.open(fileobj=io.BytesIO(server.blob(layer))) as archive:
        assert not any(name.startswith(("/", "..")) for name in archive.getnames())


def test_a_hard_link_to_nothing(server: FakeRegistry) -> None:
    """It is malformed."""
    _seed(server, [_layer(_entry("a", tarfile.LNKTYPE, "no/such/file"))])
    with pytest.raises((BuildError, LayerFormatError)):
        _build(server)
