"""An image's files, all layers together."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.contracts.registry_endpoint import manifest_of
from fakes.registry import FakeRegistry, Image, NotInRegistryError, Request
from fakes.registry.names import digest_of
from imagebuilders.oci.media_types import OCI_INDEX, OCI_MANIFEST

Entry = tuple[str, bytes | str | None]
"""A path with its content, the target of a symbolic link, or `None` for a folder."""


def _tar(entries: Iterable[Entry]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in entries:
            member = tarfile.TarInfo(path)
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content if isinstance(content, bytes) else b""))
    return stream.getvalue()


def _push(registry: FakeRegistry, blob: bytes) -> str:
    digest = digest_of(blob)
    path = f"/v2/app/blobs/uploads/?digest={digest}"
    assert registry.handle(Request("POST", path, body=[blob])).status == 201
    return digest


def _image(registry: FakeRegistry, *layers: bytes, config: bytes = b"{}", tag: str = "1") -> Image:
    """Push an image of these layers and look at it."""
    content = manifest_of(_push(registry, config), [_push(registry, layer) for layer in layers])
    request = Request("PUT", f"/v2/app/manifests/{tag}", body=[content])
    request.headers.add("Content-Type", OCI_MANIFEST)
    assert registry.handle(request).status == 201
    return registry.image(f"app:{tag}")


_paths = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
_changes = st.lists(
    st.tuples(st.sampled_from(("write", "remove", "empty")), _paths, st.binary(max_size=2)),
    max_size=3,
    unique_by=lambda change: change[1],
)


@settings(max_examples=30)
@given(layers=st.lists(_changes, max_size=4))
def test_layers_are_put_one_over_the_other(layers: list[list[tuple[str, str, bytes]]]) -> None:
    """Against a dictionary that writes, removes and empties in the same order."""
    expected: dict[str, bytes] = {}
    blobs = []
    for changes in layers:
        entries: list[Entry] = []
        for kind, path, _ in changes:
            folder, _, name = path.rpartition("/")
            prefix = f"{folder}/" if folder else ""
            if kind == "remove":
                entries.append((f"{prefix}.wh.{name}", b""))
                expected = {p: c for p, c in expected.items() if not f"{p}/".startswith(f"{path}/")}
            elif kind == "empty":
                entries.append((f"{path}/.wh..wh..opq", b""))
                expected = {p: c for p, c in expected.items() if not p.startswith(f"{path}/")}
        for kind, path, content in changes:
            if kind == "write" and not any(p.startswith(f"{path}/") for _, p, _ in changes):
                parents = {path[:i] for i, letter in enumerate(path) if letter == "/"}
                expected = {
                    p: c
                    for p, c in expected.items()
                    if p not in parents and not p.startswith(f"{path}/")
                }
                entries += [(parent, None) for parent in sorted(parents)]
                entries.append((path, content))
                expected[path] = content
        blobs.append(_tar(entries))
    image = _image(FakeRegistry(), *blobs)
    files = {entry.path[1:] for entry in image.files if entry.kind == "file"}
    assert {path: image.read(path) for path in files} == expected


def test_what_a_layer_brings_survives_its_own_whiteouts(registry: FakeRegistry) -> None:
    """Wherever they stand in the archive."""
    image = _image(
        registry,
        _tar([("d", None), ("d/old", b"1")]),
        _tar([("d/new", b"2"), ("d/.wh..wh..opq", b""), ("d/.wh.new", b"")]),
    )
    assert image.paths == ["/d/new"]


def test_entries_tell_what_they_are(registry: FakeRegistry) -> None:
    """Kind, mode, size, target, and the layer they come from."""
    layer = gzip.compress(_tar([("d", None), ("./d/f", b"123"), ("d/l", "f"), ("loop", "loop")]))
    image = _image(registry, layer)
    assert [(entry.path, entry.kind, entry.size) for entry in image.files] == [
        ("/d", "directory", 0),
        ("/d/f", "file", 3),
        ("/d/l", "symbolic link", 0),
        ("/loop", "symbolic link", 0),
    ]
    assert image.file("d/l").target == "f"
    assert image.file("/d").mode == 0o755
    assert image.file("/d/f").layer == digest_of(layer) == image.layers[0]
    assert image.read("/d/l") == b"123"


@pytest.mark.parametrize("path", ["/d", "/loop", "/nowhere", "/missing"])
def test_what_is_no_file_cannot_be_read(registry: FakeRegistry, path: str) -> None:
    """A folder, a link to itself, a link to nothing, nothing at all."""
    image = _image(registry, _tar([("d", None), ("loop", "loop"), ("missing", "gone")]))
    with pytest.raises(NotInRegistryError):
        image.read(path)


def test_a_path_with_a_slip_in_it_is_told_the_near_ones(registry: FakeRegistry) -> None:
    """And one that is like no other is told none."""
    image = _image(registry, _tar([("app", None), ("app/release.yaml", b"")]))
    with pytest.raises(NotInRegistryError, match=r"no /app/relase.yaml .*; there is /app/release"):
        image.read("/app/relase.yaml")
    with pytest.raises(NotInRegistryError, match=r"no /usr/bin/env in the image [^;]*$"):
        image.file("/usr/bin/env")


@pytest.mark.parametrize(
    ("layer", "message"),
    [(b"\x28\xb5\x2f\xfd", "zstd"), (b"no tar at all" * 99, "no tar archive")],
)
def test_a_layer_that_cannot_be_read_is_named(
    registry: FakeRegistry, layer: bytes, message: str
) -> None:
    """The registry takes it all the same."""
    with pytest.raises(ValueError, match=message):
        _image(registry, layer)


@pytest.mark.parametrize("config", [b"no JSON", b"[]"])
def test_an_artifact_is_no_image(registry: FakeRegistry, config: bytes) -> None:
    """It has no configuration that can be read."""
    with pytest.raises(ValueError, match="is no image"):
        _image(registry, config=config)


def test_an_index_gives_the_platform_asked_for(
    registry: FakeRegistry, ask: Callable[..., object]
) -> None:
    """The first where none is asked for; an error where it is not there."""
    entries = []
    for name, variant in (("amd64", None), ("arm", "v7")):
        config = json.dumps({"os": "linux", "architecture": name}).encode()
        image = _image(registry, _tar([(name, b"")]), config=config, tag=name)
        platform = {"os": "linux", "architecture": name} | ({"variant": variant} if variant else {})
        entries.append(
            {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": 1, "platform": platform}
        )
    index = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    ask(registry, "PUT", "/v2/app/manifests/all", index, Content_Type=OCI_INDEX)
    assert registry.image("app:all").platform == "linux/amd64"
    assert registry.image("app:all", "linux/arm/v7").paths == ["/arm"]
    with pytest.raises(NotInRegistryError, match="no image for linux/s390x"):
        registry.image("app:all", "linux/s390x")
    del entries[0]["platform"]
    index = json.dumps({"schemaVersion": 2, "manifests": entries[:1]}).encode()
    ask(registry, "PUT", "/v2/app/manifests/bare", index, Content_Type=OCI_INDEX)
    assert registry.image("app:bare").platform == "linux/amd64"
    with pytest.raises(NotInRegistryError):
        registry.image("app:bare", "linux/amd64")
