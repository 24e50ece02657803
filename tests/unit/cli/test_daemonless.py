"""`imagebuilders build --builder daemonless`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeRegistry
from imagebuilders import DaemonlessImageBuilder, Stack
from imagebuilders.cli.named_builder import daemonless_builder

if TYPE_CHECKING:
    from command_line import Run


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """A registry with a base, and nothing of the user's own."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    with FakeRegistry() as registry:
        registry.seed("base:1", files={"etc/passwd": "app:x:7:8::/:\n"})
        (tmp_path / "app").mkdir(exist_ok=True)
        text = f"FROM {registry.address}/base:1\nCOPY --chown=app x /x\n"
        (tmp_path / "app" / "Dockerfile").write_text(text)
        (tmp_path / "app" / "x").write_text("x")
        yield registry


@pytest.mark.usefixtures("stack")
def test_it_builds_and_pushes(run: Run, server: FakeRegistry, tmp_path: Path) -> None:
    """The digest is on standard output; the folder of file lists is filled."""
    name = f"{server.address}/team/app:1"
    lists = tmp_path / "lists"
    words = ("--builder", "daemonless", "--push", "--file-list-cache", str(lists))
    result = run("build", str(tmp_path / "app"), "-t", name, *words)
    assert result.code == 0, result.err
    assert result.out == f"{server.address}/team/app@{server.manifest(name).digest}\n"
    assert len(list(lists.iterdir())) == 1


@pytest.mark.usefixtures("stack")
def test_other_builders_read_no_file_lists(run: Run, server: FakeRegistry, tmp_path: Path) -> None:
    """The flag is refused where it would have no meaning."""
    words = ("--file-list-cache", str(tmp_path / "lists"))
    result = run("build", str(tmp_path / "app"), "-t", f"{server.address}/app:1", *words)
    assert result.code == 2
    assert "--builder daemonless" in result.err


def test_settings_of_the_stack_count(stack: Stack, tmp_path: Path) -> None:
    """If its builder is daemonless already, it is that one with its settings."""
    stack.image_builder = DaemonlessImageBuilder(compression="zstd")
    built = daemonless_builder(stack, str(tmp_path))
    assert isinstance(built, DaemonlessImageBuilder)
    assert (built.config.compression, built.config.file_list_cache) == ("zstd", tmp_path)


_LOADED = """
import sys
from imagebuilders.cli.main import main
assert main(sys.argv[1:]) == 0
print(*sys.modules)
"""


def test_it_begins_at_once(tmp_path: Path) -> None:
    """No other builder, engine, service or terminal is imported, and no flavor looked for."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    environment = {
        **{name: value for name, value in os.environ.items() if "IMAGEBUILDERS" not in name},
        "DOCKER_CONFIG": str(tmp_path / "no-docker-config"),
        "IMAGEBUILDERS_CACHE_DIR": str(tmp_path / "cache"),
    }
    words = ("build", "--builder", "daemonless", "-t", "app:1", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    parts = {".".join(name.split(".")[:2]) for name in loaded}
    others = {"aws", "buildkit", "docker", "cache_misses", "local_image_builder", "inspection"}
    assert parts & {f"imagebuilders.{name}" for name in others} == set()
    foreign = {"asyncio", "boto3", "docker", "fsspec", "google", "h2", "requests", "rich"}
    # Old installations load some of them when Python starts, or for pydantic.
    bare = [sys.executable, "-c", "import pydantic.main, sys; print(*sys.modules)"]
    unavoidable = set(subprocess.run(bare, capture_output=True, text=True).stdout.split())
    assert {name.partition(".")[0] for name in loaded - unavoidable} & foreign == set()
    assert "imagebuilders.container_registries.ecr" not in loaded
    assert "imagebuilders.evaluation.plan_json" not in loaded
