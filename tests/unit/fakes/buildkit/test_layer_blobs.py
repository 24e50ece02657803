"""The forms of layers that exporters write, as a real BuildKit of 28.5 chose them."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeRegistry
from fakes.buildkit.solver.layer_blobs import LayerBlobs, media_type
from fakes.buildkit.solver.zstd_frames import zstd_frame
from fakes.images.layers import Layer
from imagebuilders import BuildContext, BuildKitImageBuilder
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.oci.compression import decompressed
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.media_types import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
)

_CONTENT = b"content" + bytes(2000)


def _unpacked(blob: bytes) -> bytes:
    return b"".join(decompressed([blob], max_bytes=1 << 24))


@given(st.lists(st.binary(max_size=50) | st.integers(0, 200).map(bytes), max_size=8).map(b"".join))
def test_a_frame_of_zstd_is_what_it_was_made_from(content: bytes) -> None:
    """Another decoder reads it."""
    assert _unpacked(zstd_frame(content)) == content


@pytest.mark.parametrize("content", [b"ab" * 100_000, bytes(300_000), b"a" + bytes(140_000) + b"b"])
def test_long_content_is_of_several_blocks(content: bytes) -> None:
    """A block has 128 KiB at the most; zeros take no room."""
    assert _unpacked(zstd_frame(content)) == content
    assert len(zstd_frame(content)) < len(content.replace(b"\0", b"")) + 60


@pytest.mark.parametrize(
    ("wanted", "oci", "docker"),
    [
        ("gzip", OCI_LAYER_GZIP, DOCKER_LAYER_GZIP),
        ("zstd", OCI_LAYER_ZSTD, DOCKER_LAYER_ZSTD),
        ("uncompressed", OCI_LAYER, DOCKER_LAYER),
    ],
)
def test_what_is_asked_for(wanted: str, oci: str, docker: str) -> None:
    """A layer without a form gets the one that is asked for, with its media type."""
    blob = LayerBlobs({"compression": wanted}).of(Layer(_CONTENT))
    assert _unpacked(blob) == _CONTENT
    assert media_type(blob, is_docker=False) == oci
    assert media_type(blob, is_docker=True) == docker


def test_the_first_form_stays_unless_another_one_is_forced() -> None:
    """That of a registry, and the one that was made first."""
    came = gzip.compress(_CONTENT, compresslevel=9, mtime=0)
    layer, new = Layer.of_blob(came), Layer(_CONTENT)
    zstd, plain = ({"compression": kind} for kind in ("zstd", "uncompressed"))
    assert LayerBlobs(zstd).of(layer) == came
    first = LayerBlobs(zstd).of(new)
    for later in (plain, {}, {"compression": "gzip", "force-compression": "false"}):
        assert LayerBlobs(later).of(new) == first
    forced = {**plain, "force-compression": "1"}
    assert LayerBlobs(forced).of(layer) == LayerBlobs(forced).of(new) == _CONTENT
    assert LayerBlobs({"force-compression": ""}).of(layer) == came
    assert _unpacked(LayerBlobs({"force-compression": "true"}).of(new)) == _CONTENT
    assert LayerBlobs({}).of(new) == first


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("compression", "lz4", "unsupported compression type lz4"),
        (
            "compression-level",
            "x",
            'non-integer value x specified for compression-level: strconv.ParseInt: parsing "x": '
            "invalid syntax",
        ),
        (
            "force-compression",
            "x",
            'non-bool value x specified for force-compression: strconv.ParseBool: parsing "x": '
            "invalid syntax",
        ),
    ],
)
def test_what_there_is_not(name: str, value: str, words: str) -> None:
    """It is refused in BuildKit's words."""
    with pytest.raises(CallError) as refused:
        LayerBlobs({name: value})
    assert refused.value.status.message == words


def test_a_pushed_image_has_layers_of_both_kinds(fake_buildkit_host: str) -> None:
    """That of the base is as it was, byte for byte; the new one is compressed as wanted."""
    with FakeRegistry() as registry:
        registry.seed("base:1", files={"/bin/sh": "x"})
        name = f"{registry.address}/app:1"
        context = BuildContext()
        context.add_file(f"FROM {registry.address}/base:1\nCOPY a /a\n", "Dockerfile")
        context.add_file("a", "a")
        outputs = f"type=image,name={name},push=true,compression=zstd,oci-mediatypes=true"
        builder = BuildKitImageBuilder(addresses=fake_buildkit_host)
        builder.build(name, context, {"outputs": outputs})
        base, pushed = (_manifest(registry, name) for name in ("base:1", "app:1"))
        lower, upper = pushed.layers
        assert (lower,) == base.layers
        assert upper.media_type == OCI_LAYER_ZSTD
        assert registry.image("app:1").read("/a") == b"a"


def _manifest(registry: FakeRegistry, name: str) -> Manifest:
    return Manifest.parse(registry.manifest(name).content)
