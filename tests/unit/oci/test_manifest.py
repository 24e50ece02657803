"""Manifests, indexes and descriptors: read strictly, written again, nothing lost."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES
from imagebuilders.oci.manifest import Index, Manifest, parse_manifest
from imagebuilders.oci.media_types import (
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    essence,
    is_nondistributable,
)
from imagebuilders.oci.platform import Platform

_DIGEST = "sha256:" + "1" * 64
_CONFIG = {"mediaType": OCI_CONFIG, "digest": _DIGEST, "size": 7}
_LAYER = {"mediaType": OCI_LAYER_GZIP, "digest": _DIGEST, "size": 9}

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
# "x-" keeps them apart from the fields that are known.
_unknown = st.dictionaries(st.text(max_size=5).map("x-".__add__), _json, max_size=2)
_texts = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)
_platforms = st.builds(
    Platform,
    os=st.sampled_from(("linux", "windows", "")),
    architecture=st.sampled_from(("amd64", "arm", "")),
    variant=st.sampled_from(("v6", "v7", "")),
    os_features=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    unknown=_unknown,
)
_descriptors = st.builds(
    Descriptor,
    media_type=st.sampled_from((OCI_CONFIG, OCI_LAYER_GZIP, "x/y")),
    digest=st.binary(max_size=3).map(Digest.of),
    size=st.integers(0, 2**63 - 1),
    urls=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    annotations=_texts,
    artifact_type=st.text(max_size=5),
    platform=st.none() | _platforms,
    unknown=_unknown,
)
_manifests = st.builds(
    Manifest,
    config=_descriptors,
    layers=st.lists(_descriptors, max_size=3).map(tuple),
    media_type=st.sampled_from((OCI_MANIFEST, DOCKER_MANIFEST)),
    subject=st.none() | _descriptors,
    artifact_type=st.text(max_size=5),
    annotations=_texts,
    unknown=_unknown,
)
_indexes = st.builds(
    Index,
    manifests=st.lists(_descriptors, max_size=3).map(tuple),
    media_type=st.sampled_from((OCI_INDEX, DOCKER_MANIFEST_LIST)),
    subject=st.none() | _descriptors,
    annotations=_texts,
    unknown=_unknown,
)


@given(_manifests | _indexes)
def test_a_document_is_written_and_read(document: Manifest | Index) -> None:
    """With all that is unknown here, and the same bytes each time."""
    content = document.to_bytes()
    assert parse_manifest(content) == document
    assert parse_manifest(content, document.media_type) == document
    assert parse_manifest(content).to_bytes() == content


@given(st.binary(max_size=100) | _json.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_document_or_refused(content: bytes) -> None:
    """With an error of our own."""
    try:
        parse_manifest(content)
    except ImageFormatError:
        return


def _document(**fields: object) -> bytes:
    document = {"schemaVersion": 2, "config": _CONFIG, "layers": [_LAYER], **fields}
    return json.dumps({key: value for key, value in document.items() if value != ...}).encode()


@pytest.mark.parametrize(
    ("fields", "media_type", "expected"),
    [
        ({}, None, OCI_MANIFEST),
        ({}, DOCKER_MANIFEST, DOCKER_MANIFEST),
        ({"mediaType": OCI_MANIFEST}, f"{OCI_MANIFEST}; charset=utf-8", OCI_MANIFEST),
        ({"layers": None}, None, OCI_MANIFEST),
        ({"config": ..., "layers": ..., "manifests": []}, None, OCI_INDEX),
        ({"config": ..., "layers": ...}, OCI_INDEX, OCI_INDEX),
    ],
)
def test_a_document_is_what_it_says_or_else_what_it_looks_like(
    fields: dict[str, object], media_type: str | None, expected: str
) -> None:
    """A list may be absent or null, as Go writes it."""
    assert parse_manifest(_document(**fields), media_type).media_type == expected


@pytest.mark.parametrize(
    ("content", "media_type", "complaint"),
    [
        (b"", None, "The manifest is not JSON"),
        (b"\xff\xfe{}", None, "not JSON"),
        (b"[]", None, "not a JSON object"),
        (b"[" * 100_000, None, "not JSON"),
        (b'{"a":1,"a":2}', None, "has a key twice"),
        (b'{"a":NaN}', None, "NaN is not a JSON number"),
        (b'{"a":' + b"9" * 100_000 + b"}", None, "not JSON"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), None, "at most 4194304 are read"),
        (b"{}", None, "schemaVersion: it is missing"),
        (_document(schemaVersion=1), None, "schema version 1"),
        (_document(schemaVersion=3), None, "schemaVersion: it is 3, not 2"),
        (_document(schemaVersion=True), None, "schemaVersion is of type bool"),
        (_document(mediaType="a/b"), None, "neither an image nor an index"),
        (_document(mediaType=OCI_MANIFEST), OCI_INDEX, "and came as"),
        (_document(manifests=[]), None, "ambiguous"),
        (_document(), OCI_INDEX, "has another form"),
        (_document(config=..., layers=..., manifests=[]), OCI_MANIFEST, "has another form"),
        (_document(config=...), None, "config: it is missing"),
        (_document(config=[]), None, "config is of type list, not an object"),
        (_document(layers={}), None, "layers is of type dict, not a list"),
        (_document(layers=[7]), None, r"layers\[0\] is of type int, not an object"),
        (_document(annotations={"a": 1}), None, r"annotations\['a'\] is of type int"),
        (_document(annotations=[]), None, "annotations is of type list"),
        (_document(artifactType=1), None, "artifactType is of type int, not a string"),
    ],
    ids=lambda value: ascii(value[:40]) if isinstance(value, bytes) else None,
)
def test_a_malformed_document_is_refused(
    content: bytes, media_type: str | None, complaint: str
) -> None:
    """With the place of what is wrong."""
    with pytest.raises(ImageFormatError, match=complaint):
        parse_manifest(content, media_type)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"mediaType": ...}, r"has no layers\[0\].mediaType"),
        ({"mediaType": 1}, r"layers\[0\].mediaType is of type int"),
        ({"digest": ...}, r"has no layers\[0\].digest"),
        ({"digest": "sha256:x"}, r"layers\[0\].digest: 'sha256:x' is not a digest"),
        ({"digest": "blake3:" + "1" * 64}, r"layers\[0\].digest: .* is not a digest"),
        ({"size": ...}, r"layers\[0\].size: it is missing"),
        ({"size": -1}, r"layers\[0\].size is of type int, not a whole number, 0 or more"),
        ({"size": 2**63}, r"layers\[0\].size is"),
        ({"size": 1.5}, r"layers\[0\].size is of type float"),
        ({"size": "9"}, r"layers\[0\].size is of type str"),
        ({"urls": "http://x"}, r"layers\[0\].urls is of type str, not a list"),
        ({"urls": [1]}, r"layers\[0\].urls\[0\] is of type int"),
        ({"platform": "linux"}, r"layers\[0\].platform is of type str"),
        ({"platform": {"os": 1}}, r"layers\[0\].platform.os is of type int"),
        ({"data": "!"}, r"layers\[0\].data: it is not base64"),
        ({"data": "MTIz"}, r"layers\[0\].data: .* has 3 bytes; it should have 9"),
    ],
)
def test_a_malformed_descriptor_is_refused(change: dict[str, object], complaint: str) -> None:
    """The error names the field, for people and for programs."""
    layer = {key: value for key, value in {**_LAYER, **change}.items() if value != ...}
    with pytest.raises(ImageFormatError, match=complaint) as caught:
        parse_manifest(_document(layers=[layer]))
    assert caught.value.field is not None
    assert caught.value.field.startswith("layers[0]")


def test_embedded_data_is_checked_and_kept() -> None:
    """The data of a descriptor is what its digest says."""
    entry = Descriptor.of(b"{}", OCI_CONFIG).to_json() | {"data": base64.b64encode(b"{}").decode()}
    config = Manifest.parse(_document(config=entry)).config
    assert config.data == b"{}"
    assert config.to_json() == entry


def test_an_index_is_not_taken_for_an_image() -> None:
    """Which one of its images is for the caller to say."""
    with pytest.raises(ImageFormatError, match="choose one of its manifests"):
        Manifest.parse(Index().to_bytes())


def _entry(platform: str | None) -> Descriptor:
    text = "none" if platform is None else platform
    parsed = None if platform is None else Platform.parse(platform)
    return Descriptor(OCI_MANIFEST, Digest.of(text.encode()), 1, platform=parsed)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm/v8", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/arm/v5", None),
        ("linux/s390x", None),
    ],
)
def test_an_index_is_asked_by_platform(wanted: str, chosen: str | None) -> None:
    """The highest variant that runs; an entry that says no platform is for none."""
    names = (None, "linux/arm/v6", "linux/amd64", "linux/arm/v7", "linux/arm64")
    found = Index(tuple(_entry(name) for name in names)).choose(Platform.parse(wanted))
    assert found == (None if chosen is None else _entry(chosen))


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (essence, "Application/JSON ; charset=utf-8", "application/json"),
        (essence, "", ""),
        (is_nondistributable, "application/vnd.oci.image.layer.nondistributable.v1.tar", True),
        (is_nondistributable, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", True),
        (is_nondistributable, DOCKER_LAYER_GZIP, False),
    ],
)
def test_media_types_are_read(
    function: Callable[[str], object], text: str, expected: object
) -> None:
    """Without parameters; foreign layers are known by OCI's name and by Docker's."""
    assert function(text) == expected
