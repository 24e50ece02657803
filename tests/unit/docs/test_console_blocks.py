"""The lines that call `imagebuilders` in console blocks end well, in a folder as the pages have it.

The engine and the registry are doubles; `localhost:5000` and `ghcr.io` lead to the registry. The
lines of a page run one after the other, as a reader would type them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

from fakes import FakeDockerEngine, FakeRegistry
from imagebuilders.cli.command import run

_ROOT = Path(__file__).resolve().parents[3]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_LINE = re.compile(r"^\$ (?:[^\n]*\$\()?(?:\S*/)?imagebuilders ([^\n]+?)(?:\)\"?)?$", re.MULTILINE)

_NOT_RUN = {
    "bake [TARGET]": "it shows how the command is called",
    "bake --set '*.platform=linux/arm64' --push": "it pushes to the hub",
    "build https://github.com": "the repository is on the network",
    "build --push -t 123456789012.dkr": "it is for AWS; tests/unit/aws has a double of it",
    "build . -t registry.internal": "it is for a daemon elsewhere",
    "diff docker://": "the registry is asked itself",
    "doctor": "it tells of this machine; tests/unit/diagnosis",
    "cache prune": "it asks whoever types it",
    "history rm 99867856584f": "the build is one of the page's own daemon",
    "split app --base ghcr.io": "the registry is asked itself",
    "build app -t ghcr.io/team/app:1 --push": "the registry is asked itself",
    "plan . --target build": "the Dockerfile has no such stage",
}
"""Beginnings of lines that are not run, each with the reason."""

_FILES = {
    "app/Dockerfile": "FROM scratch AS runtime\nARG VERSION\nLABEL version=$VERSION\nCOPY . /app\n",
    "app/main.py": "print('hello')\n",
    "app/src/main.py": "print('hello')\n",
    "app/.dockerignore": "*.md\n",
    "Dockerfile": "FROM scratch\nCOPY app /app\n",
    "notes.md": "notes\n",
    "src/main.py": "print('hello')\n",
    ".dockerignore": "*.md\n",
    "compose.yaml": "services:\n  web: {build: app, image: web:1}\n  worker: {build: app}\n",
    "docker-bake.json": '{"target": {"default": {"context": "app", "tags": ["baked:1"]}}}',
}


def _lines(page: Path) -> list[str]:
    """The calls of a page, without what stands behind them for the reader."""
    blocks = re.findall(r"(?ms)^```console\n(.*?)^```$", page.read_text(encoding="utf-8"))
    calls = [call for block in blocks for call in _LINE.findall(block)]
    return [re.split(r" {3,}#| \|", call)[0].strip() for call in calls]


def _reason(line: str) -> str:
    return next((why for begin, why in _NOT_RUN.items() if line.startswith(begin)), "")


_WITH_COMMANDS = [page for page in _PAGES if any(not _reason(line) for line in _lines(page))]


@pytest.fixture
def engine(fake_registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An engine with BuildKit and an image `app:1.4`, at which the environment points."""
    hosts = ("ghcr.io", "registry.example")
    engine = FakeDockerEngine("28.5", buildkit=True, registries=dict.fromkeys(hosts, fake_registry))
    engine.seed_image("app:1.4", files={"/app/main.py": "1"})
    with engine.serve() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        yield
    engine.close()


@pytest.mark.usefixtures("engine", "everything_imported")
@pytest.mark.parametrize("page", _WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_run(
    page: Path, fake_registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends with 0, one after the other; what goes into a file is there for the next."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_TOKEN", "s3cret")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
    for name, content in _FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    for line in _lines(page):
        if _reason(line):
            continue
        call, _, target = line.partition(" > ")
        words = shlex.split(call.replace("localhost:5000", fake_registry.address))
        said, told = TextIOWrapper(BytesIO(), "utf-8"), StringIO()
        with redirect_stdout(said), redirect_stderr(told):
            code = run(words)
        assert code == 0, f"{page.name}: {line}\n{told.getvalue()}"
        if target and not target.startswith("~"):
            said.flush()
            said.seek(0)
            (tmp_path / target.strip()).write_text(said.read())


def test_what_is_not_run_is_there() -> None:
    """Each exception is about a line of a page."""
    lines = [line for page in _PAGES for line in _lines(page)]
    assert [begin for begin in _NOT_RUN if not any(one.startswith(begin) for one in lines)] == []
