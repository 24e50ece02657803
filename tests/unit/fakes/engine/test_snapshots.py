"""Layers that containerd's store cannot unpack: they are loaded, and fail where they are used."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import docker.errors
import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import Entry, Files, directory, pack, symlink
from imagebuilders.exceptions import LayerFormatError

_PLACE = re.compile(
    r"/var/lib/docker/containerd/daemon/"
    r"(?:tmpmounts/containerd-mount\d{10}|io\.containerd\.snapshotter\.v1\.overlayfs/snapshots/\d+/fs)"
)


@pytest.fixture(params=["28.5", "29.7"])
def engine(request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
    """An engine of each look that has the store."""
    engine = FakeDockerEngine(request.param, image_store="containerd")
    yield engine
    engine.close()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """Its client."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _tar(files: Files | list[tuple[str, str | bytes | Entry]]) -> bytes:
    return pack(files, add_folders=False)


def _saved(*layers: bytes, diff_ids: tuple[str, ...] = ()) -> bytes:
    """What `docker save` wrote of an image `app:1` before there were layouts in it."""
    rootfs = {"type": "layers", "diff_ids": diff_ids or tuple(map(_digest, layers))}
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["x"]}, "rootfs": rootfs}
    names = [f"{number}.tar" for number in range(len(layers))]
    manifest = [{"Config": "c.json", "RepoTags": ["app:1"], "Layers": names}]
    files = {"c.json": json.dumps(config), "manifest.json": json.dumps(manifest)}
    return pack({**files, **dict(zip(names, layers, strict=True))})


def _loaded(client: Any, archive: bytes) -> list[str]:
    """What a load says, line by line, with the changing names of places left out."""
    lines = [message.get("stream", "") for message in client.api.load_image(archive)]
    return [_PLACE.sub("<root>", line).rstrip("\n") for line in lines]


def _trouble(client: Any, *layers: bytes, diff_ids: tuple[str, ...] = ()) -> str:
    """Why the layers of an image cannot be unpacked."""
    first, second = _loaded(client, _saved(*layers, diff_ids=diff_ids))
    begin = 'Error unpacking image app:1: apply layer error for "docker.io/library/app:1": '
    assert first == "Loaded image: app:1"
    assert second.startswith(begin)
    return second.removeprefix(begin)


_BELOW = _tar({"z": "z"})
_WORDS = {
    "no archive": (b"text", "unexpected EOF"),
    "a hard link to nothing": (
        _tar({"b": Entry(hard_link="../a")}),
        "link <root>/a <root>/b: no such file or directory",
    ),
    "a file as a folder": (
        _tar([("a", "1"), ("a/b", "b")]),
        "mkparent <root>/a: not a directory",
    ),
    "a file above a folder": (
        _tar([("a", "1"), ("a/b/c", "c")]),
        "failed to get root path: lstat <root>/a/b: not a directory",
    ),
    "a whiteout below a file": (
        _tar([("a", "1"), ("a/.wh.b", "")]),
        "mkparent <root>/a: not a directory",
    ),
    "links in a circle": (
        _tar([("l", symlink("l")), ("l/a", "a")]),
        "failed to get root path: too many links",
    ),
    "a long name": (
        _tar({"n" * 256: directory()}),
        f"mkdir <root>/{'n' * 256}: file name too long",
    ),
    "a pipe with a long name": (_tar({"n" * 256: Entry(fifo=True)}), "file name too long"),
    "a long folder": (
        _tar({f"{'n' * 256}/a": "a"}),
        f"failed to get root path: lstat <root>/{'n' * 256}: file name too long",
    ),
    "an unknown type": (_tar({"v": Entry(flag=b"V")}), "unhandled tar header type 86"),
}


@pytest.mark.parametrize("case", _WORDS)
def test_the_words_for_a_layer_that_cannot_be_unpacked(client: Any, case: str) -> None:
    """The lowest layer is mounted to be unpacked; one upon it is not."""
    layer, words = _WORDS[case]
    begin = f"failed to extract layer {_digest(layer)}: "
    assert _trouble(client, layer) == f"{begin}mount callback failed on <root>: {words}"
    assert _trouble(client, _BELOW, layer) == f"{begin}{words}"


def test_a_whiteout_of_what_its_own_layer_brings(client: Any) -> None:
    """In the lowest layer it takes the file away; upon another one it is in its way."""
    layer = _tar([("a", "a"), (".wh.a", ""), ("b", "b")])
    assert _loaded(client, _saved(layer)) == ["Loaded image: app:1"]
    container = client.api.create_container("app:1")["Id"]
    with pytest.raises(docker.errors.NotFound):
        client.api.get_archive(container, "/a")
    words = 'failed to convert whiteout file ".wh.a": file exists'
    begin = f"failed to extract layer {_digest(layer)}: "
    assert _trouble(client, _BELOW, layer) == f"{begin}{words}"


def test_a_layer_that_is_another_than_its_image_says(client: Any) -> None:
    """A layer is unpacked first and compared then."""
    layer = _tar({"a": "a"})
    said = _trouble(client, layer, diff_ids=("sha256:" + "0" * 64,))
    assert said == f'wrong diff id calculated on extraction "{_digest(layer)}"'


def test_what_is_compressed(client: Any) -> None:
    """containerd knows gzip and zstd, and takes all else for an archive as it is."""
    plain = _tar({"a": "a"})
    archive = _saved(gzip.compress(plain), diff_ids=(_digest(plain),))
    assert _loaded(client, archive) == ["Loaded image: app:1"]
    client.api.remove_image("app:1")
    said = _trouble(client, bz2.compress(plain), diff_ids=(_digest(plain),))
    assert said.endswith(": mount callback failed on <root>: unexpected EOF")


def test_what_lies_unpacked_is_not_unpacked_again(client: Any) -> None:
    """A layer that cannot be read is not missed while another image has the same one unpacked."""
    plain = _tar({"a": "a"})
    client.api.load_image(_saved(plain))
    client.api.tag("app:1", "kept", "1")
    archive = _saved(bz2.compress(plain), diff_ids=(_digest(plain),))
    assert _loaded(client, archive) == ["Loaded image: app:1"]
    assert client.images.get("app:1").id != client.images.get("kept:1").id
    client.api.create_container("app:1")


def _said(client: Any, dockerfile: str) -> str:
    """The error that a classic build ends with."""
    context = io.BytesIO(pack({"Dockerfile": dockerfile, "x": "x"}))
    with pytest.raises(docker.errors.BuildError) as failure:
        client.images.build(fileobj=context, custom_context=True)
    return str(failure.value)


def test_what_needs_the_files_fails(client: Any, engine: FakeDockerEngine) -> None:
    """Containers, steps of the classic builder, and views of the double's own."""
    said = _trouble(client, _BELOW, b"text")
    with pytest.raises(docker.errors.APIError) as refused:
        client.api.create_container("app:1")
    assert refused.value.explanation == f'apply layer error for "": {said}'
    for line in ("ENV a=1", "RUN true"):
        assert _said(client, f"FROM app:1\n{line}") == f'apply layer error for "": {said}'
    diff_ids = [_digest(_BELOW), _digest(b"text")]
    top = _digest(" ".join(diff_ids).encode())
    missing = f"NotFound: parent snapshot {top} does not exist: not found"
    assert _said(client, "FROM app:1\nCOPY x /x") == missing
    assert _said(client, "FROM scratch\nCOPY --from=app:1 /z /z") == f"COPY failed: {missing}"
    with pytest.raises(LayerFormatError, match="The image has no files: failed to extract layer"):
        engine.image_tree("app:1")


def test_what_needs_no_files_works(client: Any) -> None:
    """The image is listed, shown, saved and loaded again, and takes no more than its content."""
    _trouble(client, _BELOW, b"text")
    (line,) = client.api.images("app")
    document = client.api.inspect_image("app:1")
    assert document["RootFS"]["Layers"] == [_digest(_BELOW), _digest(b"text")]
    assert document["Size"] == line["Size"]
    assert client.api.df()["Images"][0]["Size"] == line["Size"]
    assert client.api.history("app:1") is None  # for its configuration has none
    saved = b"".join(client.api.get_image("app:1"))
    client.api.remove_image("app:1")
    assert [line.partition(":")[0] for line in _loaded(client, saved)] == [
        "Loaded image",
        "Error unpacking image app",
    ]


def test_a_folder_that_is_only_implied(client: Any) -> None:
    """It has the owner and the mode of the folder below; another driver gives it its own."""
    lower = _tar({"a": directory(0o700, 3, 4), "a/b": "b"})
    client.api.load_image(_saved(lower, _tar({"a/c": "c"})))
    container = client.api.create_container("app:1")["Id"]
    _, stat = client.api.get_archive(container, "/a")
    assert stat["mode"] & 0o777 == 0o700
