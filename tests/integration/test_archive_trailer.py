"""An uploaded archive, trailer included, is read by those who build from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.tools import ClientTool

from imagebuilders import BuildContext, LocalArtifactStore, upload_build_context


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of a small context, as an upload left it in the store."""
    monkeypatch.setenv("IMAGEBUILDERS_DIGEST_CACHE", "off")
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY data /data\nLABEL archived=yes\n", "Dockerfile")
    context.add_file(b"content\n" * 100_000, "data")
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    return Path(upload_build_context(context, store, "contexts"))


def test_engines_build_from_it(every_engine: Engine, archive: Path) -> None:
    """`POST /build` takes the uploaded archive as it is."""
    with archive.open("rb") as content:
        image, _ = every_engine.client.images.build(
            fileobj=content, custom_context=True, encoding="gzip", rm=True
        )
    assert image.labels == {"archived": "yes"}
    every_engine.client.images.remove(str(image.id))


@pytest.mark.parametrize(
    "command",
    [["tar", "-tzf"], ["bsdtar", "-tf"], ["busybox", "tar", "-tzf"]],
    ids=lambda command: command[0],
)
def test_tar_programs_list_it(
    command: list[str], archive: Path, client_tool: Callable[[str], ClientTool]
) -> None:
    """Every tar lists the two files and complains of nothing."""
    program, *arguments = command
    tool = client_tool(program)
    tool.put(archive, "/tmp/archive.tar.gz")
    listed = tool.run(*arguments, "/tmp/archive.tar.gz")
    assert sorted(listed.stdout.split()) == ["Dockerfile", "data"]
    assert listed.stderr == ""
