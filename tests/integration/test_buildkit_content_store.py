"""BuildKit's images in containerd's store: a real engine and the double tell the same of them."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from testbed.engine import Engine

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.docker_engine import differences
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.exceptions import BuildError

_TWO = "linux/arm64,linux/amd64"
_ARM = json.dumps({"os": "linux", "architecture": "arm64"})
_OTHER = json.dumps({"os": "linux", "architecture": "s390x"})
_NOTES = "annotation.a=1,annotation-manifest-descriptor.b=2"
_CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "provenance": {"provenance": "mode=max"},
    "platforms": {"platform": _TWO},
    "both": {"platform": _TWO, "provenance": True},
    "another-machine": {"platform": "linux/arm64"},
    "annotations": {"outputs": f"type=image,{_NOTES}"},
    "annotated-index": {
        "outputs": f"type=image,{_NOTES},annotation-index.c=3,annotation-index-descriptor.d=4",
        "platform": _TWO,
    },
    "canonical": {"outputs": "type=image,name-canonical=true"},
    "oci": {"outputs": "type=image,oci-mediatypes=true"},
    "inline-cache": {"cache_to": "type=inline"},
}
_DIGEST = re.compile(r"(?<=sha256[:/])[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_SIZES = ("size", "Size", "VirtualSize", "Content", "Total", "Created", "Containers")


@pytest.fixture(scope="module")
def double() -> Iterator[FakeDockerClient]:
    """A double of the same version and store."""
    engine = FakeDockerEngine("28.5", image_store="containerd")
    client = FakeDockerClient(engine)
    yield client
    client.close()
    engine.close()


def _ask(client: docker.DockerClient, path: str, **query: str) -> Any:
    api = client.api
    answer = api.request("GET", f"{api.base_url}/v1.51{path}", params=query)
    return answer.json() if answer.ok else {"status": answer.status_code, **answer.json()}


def _build(client: docker.DockerClient, folder: Path, name: str, text: str, **options: Any) -> None:
    folder.mkdir(exist_ok=True)
    for path, content in {
        "Dockerfile": text,
        "f-amd64": "amd",
        "f-arm64": "arm and more",
    }.items():
        (folder / path).write_text(content)
    builder = LocalImageBuilder(docker_client=client, builder="buildkit")
    builder.build(name, BuildContext(str(folder)), options)


def _shown(client: docker.DockerClient, name: str) -> dict[str, Any]:
    """What an engine tells of an image, wherever it does."""
    lines = _ask(client, "/images/json", manifests="1")
    saved = client.api.get(f"{client.api.base_url}/v1.51/images/{name}/get").content
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]
    made = client.api.create_container(name, "x")["Id"]
    container = client.api.inspect_container(made)
    client.api.remove_container(made)
    return {
        "document": _ask(client, f"/images/{name}/json", manifests="1"),
        "of one platform": _ask(client, f"/images/{name}/json", platform=_ARM),
        "of none": _ask(client, f"/images/{name}/json", platform=_OTHER),
        "line": next(line for line in lines if name in line["RepoTags"]),
        "history": _ask(client, f"/images/{name}/history"),
        "archive": [json.loads(files[each]) for each in ("index.json", "manifest.json")],
        "documents": sorted(
            sorted(json.loads(data))
            for path, data in files.items()
            if path.startswith("blobs/") and data[:1] == b"{"
        ),
        "container": [container["Image"], container["ImageManifestDescriptor"]],
    }


def _comparable(found: object) -> object:
    """Return it with digests numbered in their order, and without times and sizes."""
    names: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return names.setdefault(match[0], str(len(names)))

    def plain(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: plain(each, name) for name, each in sorted(value.items())}
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, str):
            return _TIME.sub("<time>", _DIGEST.sub(number, value))
        return value if key not in _SIZES else "<none>" if not value else "<some>"

    return plain(found)


@pytest.mark.parametrize("case", _CASES)
def test_what_is_told_of_an_image(
    containerd_engine: Engine, double: FakeDockerClient, tmp_path: Path, case: str
) -> None:
    """Documents, lists, history, archives and containers agree but for times and sizes."""
    text = f"FROM scratch\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\nLABEL case={case}\n"
    name = f"content-store-{case}:1"
    seen = []
    for client in (containerd_engine.client, double):
        _build(client, tmp_path / "context", name, text, **_CASES[case])
        seen.append(_comparable(_shown(client, name)))
    expected, found = seen
    assert differences(expected, found) == []


def test_annotations_of_an_index_that_is_none(
    containerd_engine: Engine, double: FakeDockerClient, tmp_path: Path
) -> None:
    """A result of one platform without attestations cannot have them."""
    text = "FROM scratch\nCOPY f-amd64 /\n"
    seen = []
    for client in (containerd_engine.client, double):
        options = {"outputs": "type=image,annotation-index.a=1"}
        with pytest.raises(BuildError, match="index annotations not supported") as caught:
            _build(client, tmp_path / "context", "content-store-none:1", text, **options)
        seen.append(str(caught.value))
    assert seen[0] == seen[1]


def test_an_image_that_loses_its_name(
    containerd_engine: Engine, double: FakeDockerClient, tmp_path: Path
) -> None:
    """It is gone when its name is given to another."""
    seen = []
    for client in (containerd_engine.client, double):
        for number in (1, 2):
            text = f"FROM scratch\nCOPY f-amd64 /\nLABEL renamed={number}\n"
            _build(client, tmp_path / "context", "content-store-renamed:1", text)
        lines = _ask(client, "/images/json", all="1")
        seen.append([line["Labels"] for line in lines if "renamed" in (line["Labels"] or {})])
    assert seen == [[{"renamed": "2"}]] * 2


def test_what_a_registry_gets(
    containerd_engine: Engine, double: FakeDockerClient, tmp_path: Path
) -> None:
    """The exporter and the engine push the same index, and it is pulled as the same image."""
    seen = []
    with FakeRegistry() as registry:
        places = (
            (containerd_engine.client, containerd_engine.registry.address),
            (double, registry.address),
        )
        for client, address in places:
            name = f"{address}/content-store/app:1"
            text = "FROM scratch\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\n"
            options = {"platform": _TWO, "provenance": True, "outputs": "type=image,push=true"}
            _build(client, tmp_path / "context", name, text, **options)
            before = client.images.get(name).id
            told = [json.loads(line) for line in client.api.push(name).splitlines()]
            last = told[-1]["status"]
            client.images.remove(name)
            after = client.images.pull(name).id
            said = {each["status"] for each in told[1:-1]} - {"Waiting"}
            seen.append((after == before, before in last, sorted(said)))
    assert seen == [(True, True, ["Already exists", "Layer already exists"])] * 2
