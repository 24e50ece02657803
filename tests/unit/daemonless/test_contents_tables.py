"""Bases whose layers have a table of contents: eStargz and zstd:chunked."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from fakes import FakeRegistry
from imagebuilders import BuildContext, DaemonlessImageBuilder
from imagebuilders.distribution import RegistryClient
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST

zstd = pytest.importorskip("backports.zstd")

_FILES = {
    "etc/passwd": b"app:x:7:8::/:\n",
    "opt/large": bytes(range(256)) * 4096,
    "opt/note": b"a note",
}
_CHUNK = 400_000
_CAPABILITY = base64.b64encode(b"\x01\x00\x00\x02").decode()


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Layer:
    """A layer that is written piece by piece, each compressed by itself."""

    def __init__(self, pack: Callable[[bytes], bytes]) -> None:
        self.pack = pack
        self.blob = b""
        self.archive = b""
        self.entries: list[dict[str, Any]] = []

    def add(self, content: bytes) -> tuple[int, int]:
        """Write a piece; return where it begins and ends in the blob."""
        start = len(self.blob)
        self.archive += content
        self.blob += self.pack(content)
        return start, len(self.blob)

    def fill(self) -> None:
        """Write all files, and a folder, a link and a hard link."""
        self._other("opt/", tarfile.DIRTYPE, "dir", mode=0o750)
        for name, content in _FILES.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o640
            self.add(info.tobuf())
            self._file(name, content)
            self.add(bytes(-len(content) % 512))
        self._other("opt/link", tarfile.SYMTYPE, "symlink", linkName="note")
        self._other("opt/hard", tarfile.LNKTYPE, "hardlink", linkName="opt/note")
        self.add(bytes(1024))

    def _file(self, name: str, content: bytes) -> None:
        for start in range(0, len(content), _CHUNK):
            piece = content[start : start + _CHUNK]
            offset, end = self.add(piece)
            entry = {"name": name, "type": "chunk", "offset": offset, "endOffset": end}
            if not start:
                entry |= {"type": "reg", "size": len(content), "mode": 0o640}
                entry |= {"modtime": "2021-01-02T03:04:05.5Z", "digest": _sha256(content)}
                entry |= {"xattrs": {"security.capability": _CAPABILITY}} if "note" in name else {}
            if len(content) > _CHUNK:
                entry |= {"chunkOffset": start, "chunkSize": len(piece)}
            self.entries.append(entry)

    def _other(self, name: str, flag: bytes, kind: str, mode: int = 0o777, **more: str) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.linkname = flag, mode, more.get("linkName", "")
        self.add(info.tobuf())
        self.entries.append({"name": name, "type": kind, "mode": mode, **more})


def _estargz() -> tuple[_Layer, str, Mapping[str, str]]:
    layer = _Layer(lambda content: gzip.compress(content, mtime=0))
    layer.fill()
    for entry in layer.entries:
        entry.pop("endOffset", None)
    table = json.dumps({"version": 1, "entries": layer.entries}).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("stargz.index.json")
        info.size = len(table)
        archive.addfile(info, io.BytesIO(table))
    offset, _ = layer.add(buffer.getvalue())
    payload = b"SG" + struct.pack("<H", 22) + f"{offset:016x}STARGZ".encode()
    head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(payload))
    layer.blob += head + payload + b"\x01\x00\x00\xff\xff" + bytes(8)
    return layer, OCI_LAYER_GZIP, {"containerd.io/snapshot/stargz/toc.digest": _sha256(table)}


def _chunked() -> tuple[_Layer, str, Mapping[str, str]]:
    layer = _Layer(zstd.compress)
    layer.fill()
    table = json.dumps({"version": 1, "entries": layer.entries}).encode()
    packed = zstd.compress(table)
    # A frame that readers of plain zstd skip.
    layer.blob += struct.pack("<II", 0x184D2A50, len(packed))
    position = f"{len(layer.blob)}:{len(packed)}:{len(table)}:1"
    layer.blob += packed
    key = "io.github.containers.zstd-chunked.manifest"
    return layer, OCI_LAYER_ZSTD, {f"{key}-position": position, f"{key}-checksum": _sha256(packed)}


def _seed(server: FakeRegistry, kind: str, *, is_spoilt: bool = False) -> str:
    layer, media_type, annotations = _estargz() if kind == "estargz" else _chunked()
    if is_spoilt:
        annotations = {
            key: _sha256(b"other") if value.startswith("sha256:") else value
            for key, value in annotations.items()
        }
    with RegistryClient(server.address) as client:
        repository = client.repository("lazy")
        repository.upload_blob(layer.blob)
        descriptor = replace(Descriptor.of(layer.blob, media_type), annotations=annotations)
        document = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [_sha256(layer.archive)]},
        }
        config = json.dumps(document).encode()
        repository.upload_blob(config)
        manifest = Manifest(Descriptor.of(config, OCI_CONFIG), (descriptor,)).to_bytes()
        repository.write_manifest(manifest, OCI_MANIFEST, "1")
    return str(descriptor.digest)


def _build(server: FakeRegistry, steps: str) -> list[tarfile.TarInfo]:
    context = BuildContext()
    context.add_file(f"FROM {server.address}/lazy:1\n{steps}\n", "Dockerfile")
    context.add_file("a", "a")
    options = {"push": True, "platform": "linux/amd64"}
    built = DaemonlessImageBuilder().build(f"{server.address}/team/app:1", context, options)
    layer = json.loads(server.manifest(built).content)["layers"][-1]["digest"]
    with tarfile.open(fileobj=io.BytesIO(server.blob(layer))) as archive:
        return archive.getmembers()


@pytest.mark.parametrize("kind", ["estargz", "chunked"])
def test_the_table_alone_is_read(server: FakeRegistry, kind: str) -> None:
    """And the one file that tells who an owner is; never the whole layer."""
    layer = _seed(server, kind)
    server.forget_requests()
    entries = _build(server, "COPY --chown=app a /opt")
    assert [(entry.name, entry.uid, entry.mode) for entry in entries] == [
        ("opt", 0, 0o750),
        ("opt/a", 7, 0o644),
    ]
    read = [each for each in server.requests if layer in each.path and each.method == "GET"]
    assert read
    assert [each.status for each in read] == [206] * len(read)
    assert sum(each.response_size for each in read) < 10_000


@pytest.mark.parametrize("kind", ["estargz", "chunked"])
def test_files_are_copied_out_of_it(server: FakeRegistry, kind: str) -> None:
    """In chunks, checked; from the list that is remembered, too."""
    _seed(server, kind)
    for number in range(2):
        steps = f"COPY --from={server.address}/lazy:1 /opt/large /opt/note /x{number}/"
        entries = {entry.name: entry for entry in _build(server, steps)}
        assert entries[f"x{number}/large"].size == len(_FILES["opt/large"])
        assert entries[f"x{number}/note"].mtime == 1609556645


@pytest.mark.parametrize("kind", ["estargz", "chunked"])
def test_a_table_that_is_not_the_manifests_is_not_used(server: FakeRegistry, kind: str) -> None:
    """The layer is streamed in its place, and the result is the same."""
    layer = _seed(server, kind, is_spoilt=True)
    server.forget_requests()
    entries = _build(server, "COPY --chown=app a /opt")
    assert [entry.uid for entry in entries] == [0, 7]
    whole = [each for each in server.requests if layer in each.path and each.status == 200]
    assert whole
