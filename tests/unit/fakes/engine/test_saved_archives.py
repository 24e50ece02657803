"""What `docker save` wrote, as programs read it that look into layers: of either store."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
from fakes.engine.versions import LOOKS

_DOCKERFILE = """\
FROM base:1
COPY a /app/a
COPY --from=base:1 /old /app/moved
RUN tidy
LABEL l=x
"""


@pytest.fixture(params=LOOKS)
def saved(request: pytest.FixtureRequest) -> Mapping[str, bytes]:
    """The files of an archive of one image with two names, by their paths."""
    look = LOOKS[request.param]
    engine = FakeDockerEngine(look.name, image_store=look.image_store)
    engine.seed_image("base:1", files={"/bin/sh": "", "/old": "old", "/big": "b" * 5000})
    engine.on_run("tidy", files={"/old": None, "/tidied": "1"})
    client: Any = FakeDockerClient(engine)
    context = io.BytesIO(pack({"Dockerfile": _DOCKERFILE, "a": "content of a"}))
    client.images.build(fileobj=context, custom_context=True, tag="app:1")
    client.api.tag("app:1", "app", "2")
    names = {"names": ["app:1", "app:2"]}
    archive = client.api.get(client.api._url("/images/get"), params=names).content
    client.close()
    engine.close()
    return _files(archive)


def _files(archive: bytes) -> dict[str, bytes]:
    """The files of a tar; symbolic links of it lead to what they lead to."""
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.isfile() or member.issym():
                found = tar.extractfile(member)
                assert found is not None
                files[member.name] = found.read()
    return files


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _plain(blob: bytes) -> bytes:
    """A layer, not compressed."""
    return gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob


def _tree(layers: list[bytes]) -> dict[str, int]:
    """The sizes of the files that layers make together, by path, as `dive` counts them."""
    sizes: dict[str, int] = {}
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(_plain(layer))) as tar:
            for member in tar:
                folder, _, name = member.name.rstrip("/").rpartition("/")
                if name.startswith(".wh."):
                    gone = f"{folder}/{name.removeprefix('.wh.')}".lstrip("/")
                    sizes = {path: size for path, size in sizes.items() if path != gone}
                elif member.isfile():
                    sizes[member.name] = member.size
    return sizes


def test_a_reader_of_dockers_list(saved: Mapping[str, bytes]) -> None:
    """`manifest.json` leads to the configuration and to layers that are what that says."""
    (entry,) = json.loads(saved["manifest.json"])
    assert sorted(entry["RepoTags"]) == ["app:1", "app:2"]
    data = saved[entry["Config"]]
    config = json.loads(data)
    assert _digest(data).removeprefix("sha256:") in entry["Config"]
    layers = [saved[path] for path in entry["Layers"]]
    assert [_digest(_plain(layer)) for layer in layers] == config["rootfs"]["diff_ids"]
    made = [line for line in config["history"] if not line.get("empty_layer")]
    assert len(made) == len(layers) == 4
    assert _tree(layers) == {
        "bin/sh": 0,
        "big": 5000,
        "app/a": 12,
        "app/moved": 3,
        "tidied": 1,
    }


def test_a_reader_of_layouts(saved: Mapping[str, bytes], request: pytest.FixtureRequest) -> None:
    """Engines from 25.0 on write a layout, too, whose blobs are what their names say."""
    if "oci-layout" not in saved:
        assert request.node.callspec.params["saved"] == "20.10"
        assert json.loads(saved["repositories"])["app"].keys() == {"1", "2"}
        return
    assert json.loads(saved["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    blobs = {path: data for path, data in saved.items() if path.startswith("blobs/sha256/")}
    named = {path: f"blobs/sha256/{_digest(data)[7:]}" for path, data in blobs.items()}
    assert all(path == name for path, name in named.items())
    index = json.loads(saved["index.json"])
    (docker_entry,) = json.loads(saved["manifest.json"])
    names = set()
    for entry in index["manifests"]:
        manifest = json.loads(_blob(saved, entry))
        assert f"blobs/sha256/{manifest['config']['digest'][7:]}" == docker_entry["Config"]
        layers = [_blob(saved, each) for each in manifest["layers"]]
        assert [saved[path] for path in docker_entry["Layers"]] == layers
        names.add(entry["annotations"]["io.containerd.image.name"])
    assert names == {"docker.io/library/app:1", "docker.io/library/app:2"}


def _blob(saved: Mapping[str, bytes], descriptor: Mapping[str, Any]) -> bytes:
    """What a descriptor leads to, which is as long as it says."""
    data = saved[f"blobs/sha256/{descriptor['digest'][7:]}"]
    assert len(data) == descriptor["size"]
    return data
