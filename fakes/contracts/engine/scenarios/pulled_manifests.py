"""Pulling by platform, indexes, and manifests and blobs that are not what they should be."""

from __future__ import annotations

from typing import Any

from imagebuilders.oci.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
)

from ..registry import scenario
from ..session import Session
from ..transfers import Transfers, described


def _config(t: Transfers, name: str) -> dict[str, Any]:
    config: Any = t.registry.manifest(name).document["config"]
    return dict(config)


def _without_layers(s: Session) -> Transfers:
    """A registry with an image of which nothing but the configuration is to be had."""
    t = Transfers(s)
    t.build("app:1")
    t.push("app:1")
    s.request("DELETE", f"/images/{t.address}/app:1")
    return t


@scenario
def platform(s: Session) -> None:
    """A single image is for one platform."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.pull("app:1", platform="linux/amd64")
    t.pull("app:1", platform="linux/arm64")
    t.pull("app:1", platform="nope")
    t.pull("app:1", platform="a/b/c/d")
    t.listed()


@scenario
def other_architecture(s: Session) -> None:
    """An image of another architecture, without and with a platform."""
    t = Transfers(s)
    t.seed("app:1", "a", architecture="arm64")
    t.pull("app:1")
    t.named("app:1")
    t.seed("app:2", "b", architecture="arm64")
    t.pull("app:2", platform="linux/arm64")
    t.pull("app:2", platform="linux/amd64")


@scenario
def index(s: Session) -> None:
    """The image of this platform is taken, the digest is the index's."""
    t = Transfers(s)
    one = t.seed("app:amd64", "a", env="amd64")
    two = t.seed("app:arm64", "b", env="arm64", architecture="arm64")
    t.index("app:1", {"linux/arm64/v8": two, "linux/amd64": one})
    t.pull("app:1")
    t.requests()
    t.named("app:1")
    t.pull("app:1")


@scenario
def docker_index(s: Session) -> None:
    """An index of the other kind, with a platform that is asked for."""
    t = Transfers(s)
    one = t.seed("app:amd64", "a", env="amd64", media_type=DOCKER_MANIFEST)
    two = t.seed("app:arm64", "b", env="arm64", architecture="arm64", media_type=DOCKER_MANIFEST)
    t.index("app:1", {"linux/amd64": one, "linux/arm64": two}, DOCKER_MANIFEST_LIST)
    t.pull("app:1", platform="linux/arm64")
    s.note(
        "architecture",
        s.request("GET", f"/images/{t.address}/app:1/json").json().get("Architecture"),
    )
    t.pull("app:1", platform="linux/amd64")
    t.named("app:1")


@scenario
def index_without_this_platform(s: Session) -> None:
    """Nothing that fits."""
    t = Transfers(s)
    one = t.seed("app:arm64", "a", architecture="arm64")
    t.index("app:1", {"linux/arm64": one})
    t.pull("app:1")
    t.pull("app:1", platform="linux/s390x")
    t.pull("app:1", platform="windows/amd64")
    t.listed()


@scenario
def index_by_digest(s: Session) -> None:
    """An index under its digest, and one of its images under its own."""
    t = Transfers(s)
    one = t.seed("app:amd64", "a")
    t.index("app:1", {"linux/amd64": one})
    digest = t.registry.manifest("app:1").digest
    t.pull(f"app@{digest}")
    t.listed()
    t.pull(f"app@{one.digest}")
    t.listed()


@scenario
def other_schemas(s: Session) -> None:
    """Manifests that are no image's."""
    t = Transfers(s)
    t.seed("app:1", "a")
    config = _config(t, "app:1")
    t.put(
        "app:artifact",
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {**config, "mediaType": "application/vnd.example.config.v1+json"},
            "layers": [],
        },
    )
    t.put("app:empty", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    for tag in ("artifact", "empty"):
        t.pull(f"app:{tag}")


@scenario
def index_of_indexes(s: Session) -> None:
    """An entry that is an index again."""
    t = Transfers(s)
    one = t.seed("app:amd64", "a")
    t.index("app:inner", {"linux/amd64": one})
    inner = t.registry.manifest("app:inner")
    entry = {**described(inner), "platform": {"os": "linux", "architecture": "amd64"}}
    t.put("app:1", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    t.pull("app:1")


@scenario
def corrupted_layer(s: Session) -> None:
    """A layer whose bytes are others."""
    t = Transfers(s)
    layers: Any = t.seed("app:1", "a").document["layers"]
    t.registry.faults.corrupt(layers[0]["digest"], times=None)
    t.pull("app:1")
    t.listed()


@scenario
def corrupted_configuration(s: Session) -> None:
    """A configuration whose bytes are others."""
    t = _without_layers(s)
    t.registry.faults.corrupt(_config(t, "app:1")["digest"], times=None)
    t.pull("app:1")


@scenario
def corrupted_manifest(s: Session) -> None:
    """A manifest whose bytes are others."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.registry.faults.corrupt("1", times=None)
    t.pull("app:1")
    digest = t.registry.manifest("app:1").digest
    t.registry.faults.corrupt(digest, times=None)
    t.pull(f"app@{digest}")


@scenario
def missing_layer(s: Session) -> None:
    """The registry has the manifest and not its layer."""
    t = Transfers(s)
    layers: Any = t.seed("app:1", "a").document["layers"]
    address = f"{t.registry.url}/v2/app/blobs/{layers[0]['digest']}"
    t.registry.session().delete(address, timeout=10)
    t.pull("app:1")


@scenario
def missing_configuration(s: Session) -> None:
    """The registry has the manifest and not its configuration."""
    t = _without_layers(s)
    address = f"{t.registry.url}/v2/app/blobs/{_config(t, 'app:1')['digest']}"
    t.registry.session().delete(address, timeout=10)
    t.pull("app:1")


@scenario
def wrong_layers(s: Session) -> None:
    """A manifest whose layers are not those of its configuration."""
    t = Transfers(s)
    one = t.seed("app:1", "a").document
    two = t.seed("app:2", "b").document
    t.put("app:3", {**one, "layers": two["layers"]})
    t.pull("app:3")
    t.listed()
