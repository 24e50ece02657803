"""What BuildKit of a 28.5 and a 29.7 with either store says it is, takes and refuses."""

from __future__ import annotations

import uuid

import pytest

from fakes import FakeDockerEngine, FakeRegistry
from fakes.buildkit import script
from fakes.buildkit.local_call import LocalCall
from fakes.contracts.engine.context import pack
from imagebuilders.buildkit.proto.control_pb2 import (
    CacheOptions,
    CacheOptionsEntry,
    Exporter,
    SolveRequest,
)
from imagebuilders.buildkit.transport.errors import CallError

_BOTH = [
    pytest.param(version, store, id=f"{version}-{store}")
    for version in ("28.5", "29.7")
    for store in ("overlay2", "containerd")
]
_TWO = "linux/amd64,linux/arm64"


@pytest.fixture(autouse=True)
def _nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks for the status of these builds, so that none waits for it."""
    monkeypatch.setattr(script, "_UNHEARD_SECONDS", 0.0)


def _solve(
    engine: FakeDockerEngine, kind: str, cache: str = "", platform: str = "", **attributes: str
) -> dict[str, str]:
    request = SolveRequest(
        Ref=uuid.uuid4().hex,
        Frontend="dockerfile.v0",
        FrontendAttrs={"context": "http://buildkit-session/body", "platform": platform},
        Exporters=[Exporter(Type=kind, Attrs=attributes)],
        Cache=CacheOptions(Exports=[CacheOptionsEntry(Type=cache)] if cache else []),
    )
    assert engine.buildkit is not None
    upload = pack({"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "1"})
    return engine.buildkit.build(request, LocalCall(), upload=upload)


def _refusal(engine: FakeDockerEngine, kind: str, **asked: str) -> str:
    with pytest.raises(CallError) as caught:
        _solve(engine, kind, **asked)
    return caught.value.status.message


@pytest.mark.parametrize(("version", "store"), _BOTH)
def test_exporters_and_caches_of_a_store(version: str, store: str) -> None:
    """A graph driver has those of Docker alone; nobody has the caches of clouds."""
    engine = FakeDockerEngine(version, image_store=store)
    is_content = store == "containerd"
    for kind in ("image", "oci", "docker"):
        if is_content and kind == "image":
            assert _solve(engine, kind)["containerimage.digest"].startswith("sha256:")
        elif not is_content:
            assert _refusal(engine, kind) == f'exporter "{kind}" could not be found'
    for cache in ("s3", "azblob", *(() if is_content else ("registry", "local", "gha"))):
        assert _refusal(engine, "moby", cache=cache) == f'unknown cache exporter: "{cache}"'
    assert engine.builds == [] or is_content


@pytest.mark.parametrize("version", ["28.5", "29.7"])
def test_a_graph_driver_keeps_one_image(version: str) -> None:
    """Several platforms are refused, what is attested and `push` are passed over."""
    engine = FakeDockerEngine(version, image_store="overlay2")
    words = "exporting multiple references to image store is currently unsupported"
    assert _refusal(engine, "moby", platform=_TWO) == words
    response = _solve(engine, "moby", name="app:1", push="true")
    assert response["containerimage.digest"] == engine.image("app:1").config_digest


@pytest.mark.parametrize("version", ["28.5", "29.7"])
def test_what_containerds_store_refuses(version: str) -> None:
    """Archives of Docker with several platforms, and digests in the place of tags."""
    engine = FakeDockerEngine(version, image_store="containerd")
    words = "docker exporter does not currently support exporting manifest lists"
    assert _refusal(engine, "docker", platform=_TWO) == words
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/app"
        asked = {"push": "true", "push-by-digest": "true"}
        expected = f"failed to push {name}:1: can't push tagged ref {name}:1 by digest"
        assert _refusal(engine, "image", name=f"{name}:1", **asked) == expected
        response = _solve(engine, "image", name=name, **asked)
        assert registry.tags("team/app") == []
        digest = response["containerimage.digest"]
        assert registry.manifest(f"team/app@{digest}").digest == digest


@pytest.mark.parametrize("version", ["28.5", "29.7"])
def test_an_image_that_is_not_unpacked(version: str) -> None:
    """The exporter `image` only stores, unless it shall unpack; any name is taken."""
    engine = FakeDockerEngine(version, image_store="containerd")
    _solve(engine, "image", name="docker.io/library/app:1")
    assert not engine.images.is_unpacked(engine.image("app:1").chain_ids[-1])
    _solve(engine, "image", name="docker.io/library/app:2", unpack="true")
    assert engine.images.is_unpacked(engine.image("app:1").chain_ids[-1])
    assert _solve(engine, "image", name="UPPER//x")["image.name"] == "UPPER//x"
    dangling = _solve(engine, "moby")
    assert dangling["image.name"] == f"moby-dangling@{dangling['containerimage.digest']}"


@pytest.mark.parametrize(("version", "store"), _BOTH)
def test_what_it_says_it_is(version: str, store: str) -> None:
    """A 29 tells its versions; with containerd's store the worker tells none, but its labels."""
    engine = FakeDockerEngine(version, image_store=store)
    assert engine.buildkit is not None
    (worker,) = engine.buildkit._workers
    known = "v0.32.2" if version == "29.7" else "v0.0.0+unknown"
    assert engine.buildkit._version == known
    assert engine.buildkit._frontend_version == ("1.26.0" if version == "29.7" else "")
    told = worker.BuildkitVersion.version
    assert told == ("" if store == "containerd" else f"{known}-moby")
    labels = {name.rpartition(".")[2] for name in worker.Labels}
    assert ("snapshotter" in labels) is (store == "containerd")
