"""Caches that one engine exports, and a second, empty one builds from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.bed import Testbed
from testbed.engine import Engine
from testbed.image_reading import read_file
from testbed.images import CONTAINERD

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.events import Event, StepAdded, StepCached, listen
from imagebuilders.exceptions import BuildOptionsError

pytestmark = pytest.mark.usefixtures("docker_config")

STEPS = """\
FROM {base} AS made
COPY a /a
RUN head -c 16 /dev/urandom | od -An -tx1 > /random
FROM {base}
COPY --from=made /random /random
"""


@pytest.fixture(scope="module")
def empty_engine(testbed: Testbed, containerd_engine: Engine) -> Iterator[Engine]:
    """A second engine with the store of containerd, which reaches the first one's registry."""
    port = int(containerd_engine.registry.address.rpartition(":")[2])
    with testbed.disposable_engine(CONTAINERD) as engine, engine.forwarded(port):
        yield engine


@pytest.fixture
def context(containerd_engine: Engine, root: Path) -> BuildContext:
    """A context whose image has bytes that no second build makes."""
    registry = containerd_engine.registry.address
    base = f"{registry}/cache/base:1"
    containerd_engine.client.images.get(containerd_engine.busybox).tag(base)
    containerd_engine.client.images.push(base)
    (root / "a").write_text("content")
    (root / "Dockerfile").write_text(STEPS.format(base=base))
    return BuildContext(str(root))


def test_registry_cache(
    containerd_engine: Engine, empty_engine: Engine, context: BuildContext
) -> None:
    """Every step of all stages comes from the registry, the random bytes with them."""
    reference = f"{containerd_engine.registry.address}/cache/steps:registry"
    _exchange(
        containerd_engine,
        empty_engine,
        context,
        f"type=registry,ref={reference},mode=max",
        f"type=registry,ref={reference}",
    )


def test_local_cache(
    containerd_engine: Engine, empty_engine: Engine, context: BuildContext, tmp_path: Path
) -> None:
    """Every step comes from a folder of this machine."""
    folder = tmp_path / "cache"
    _exchange(
        containerd_engine,
        empty_engine,
        context,
        f"type=local,dest={folder},mode=max",
        f"type=local,src={folder}",
    )
    assert (folder / "index.json").is_file()


def test_inline_cache(
    containerd_engine: Engine, empty_engine: Engine, context: BuildContext
) -> None:
    """The pushed image itself is the cache of its last stage."""
    image = f"{containerd_engine.registry.address}/cache/app:inline"
    first = LocalImageBuilder(docker_client=containerd_engine.client, builder="buildkit")
    options = {"cache_to": ["type=inline"], "nocache": True, "outputs": ["type=image,push=true"]}
    first.build(image, context, options)
    second = LocalImageBuilder(docker_client=empty_engine.client, builder="buildkit")
    seen: list[Event] = []
    with listen(seen.append):
        second.build("cache:inline", context, {"cache_from": [image]})
    assert [event for event in seen if isinstance(event, StepCached)]
    assert _random(empty_engine, "cache:inline") == _random(containerd_engine, image)


def test_absent_cache_is_no_failure(
    containerd_engine: Engine, context: BuildContext, tmp_path: Path
) -> None:
    """A registry or a folder that has no cache yet, as before the first build, is passed over."""
    registry = containerd_engine.registry.address
    builder = LocalImageBuilder(docker_client=containerd_engine.client, builder="buildkit")
    builder.build(
        "cache:absent", context, {"cache_from": [f"type=registry,ref={registry}/cache/none:1"]}
    )


@pytest.mark.parametrize("cache", ["type=registry,ref=127.0.0.1:1/x", "type=local,dest=/tmp/x"])
def test_store_that_exports_no_cache(every_engine: Engine, root: Path, cache: str) -> None:
    """A graph driver's store refuses before the build, and says what would do."""
    (root / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    builder = LocalImageBuilder(docker_client=every_engine.client, builder="buildkit")
    with pytest.raises(BuildOptionsError, match="containerd image store") as caught:
        builder.build("cache:1", BuildContext(str(root)), {"cache_to": [cache]})
    assert caught.value.option == "cache_to"


def _exchange(
    engine: Engine, empty: Engine, context: BuildContext, cache_to: str, cache_from: str
) -> None:
    """Build on one engine, then from its cache on the other, which has nothing."""
    empty.client.api.prune_builds()
    LocalImageBuilder(docker_client=engine.client, builder="buildkit").build(
        "cache:first", context, {"cache_to": [cache_to], "nocache": True}
    )
    seen: list[Event] = []
    with listen(seen.append):
        LocalImageBuilder(docker_client=empty.client, builder="buildkit").build(
            "cache:second", context, {"cache_from": [cache_from]}
        )
    steps = {
        event.step_id
        for event in seen
        if isinstance(event, StepAdded) and event.number and event.instruction[:4] != "FROM"
    }
    cached = {event.step_id for event in seen if isinstance(event, StepCached)}
    assert len(steps) == 3
    assert steps <= cached, seen
    assert _random(empty, "cache:second") == _random(engine, "cache:first")


def _random(engine: Engine, image: str) -> bytes:
    content = read_file(engine, image, "/random").content
    assert len(content.split()) == 16
    return content
