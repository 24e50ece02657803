"""Builds that are skipped, and copies that link, on real engines."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex

import pytest
from testbed.engine import Engine

from imagebuilders import BuildContext, DefaultContainerRegistry, LocalImageBuilder
from imagebuilders.distribution import RegistryClient
from imagebuilders.events import BuildSkipped, BuildStarted, Event, listen

pytestmark = pytest.mark.usefixtures("docker_config")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of one's own for what is remembered."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))


def test_unchanged_image_is_not_built(buildkit_engine: Engine, root: Path) -> None:
    """The digest is the registry's; another file or base is built, and then not again."""
    engine, address = buildkit_engine, buildkit_engine.registry.address
    name, base = f"{address}/skipped/app:{token_hex(4)}", f"{address}/skipped/base:{token_hex(4)}"
    engine.client.images.get(engine.busybox).tag(base)
    engine.client.images.push(base)
    registry = DefaultContainerRegistry(uri=address, docker_client=engine.client)
    (root / "Dockerfile").write_text(f"FROM {base}\nCOPY a /a\n")

    def build() -> tuple[str, bool]:
        told: list[Event] = []
        with listen(told.append):
            digest = LocalImageBuilder().build(
                name, BuildContext(str(root)), None, registry, skip_unchanged=True
            )
        skipped = any(isinstance(event, BuildSkipped) for event in told)
        assert skipped != any(isinstance(event, BuildStarted) for event in told)
        return digest, skipped

    (root / "a").write_text("1")
    first = build()
    assert not first[1]
    assert build() == (first[0], True)
    (root / "a").write_text("2")
    second = build()
    assert not second[1]
    assert second[0] != first[0]
    assert build() == (second[0], True)
    engine.client.images.get(name).tag(base)
    engine.client.images.push(base)
    third = build()
    assert not third[1]
    assert build() == (third[0], True)
    with RegistryClient(address) as client:
        repository, _, tag = name.removeprefix(f"{address}/").partition(":")
        digest = client.repository(repository).resolve(tag).digest
    assert third[0] == f"{address}/{repository}@{digest}"
