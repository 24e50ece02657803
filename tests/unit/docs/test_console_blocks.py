"""The lines that call `imagebuilders` in console blocks end well, in a folder as pages have it.

Engine, BuildKit and registry are doubles; the hosts of the pages lead to the registry. The lines of
a page run one after the other, as a reader would type them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import metadata
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from console_lines import CALL, NOT_RUN, PAGES, SHELL, Typed, blocks

from fakes import FakeBuildKit, FakeDockerEngine, FakeRegistry
from imagebuilders.cli import cache_commands
from imagebuilders.cli.command import run

_HOSTS = ("ghcr.io", "registry.example", "registry.internal")
_BUILDKIT = "tcp://buildkit.internal:1234"
_PIP = re.compile(r"(?:\S*/)?pip install (?:-q )?(?P<wanted>.+)")
_EXPORT = re.compile(r"export (?P<settings>.+)")

_FILES = {
    "app/Dockerfile": "FROM scratch AS runtime\nARG VERSION\nLABEL version=$VERSION\nCOPY . /app\n",
    "app/main.py": "print('hello')\n",
    "app/src/main.py": "print('hello')\n",
    "app/.dockerignore": "*.md\n",
    "Dockerfile": "FROM scratch\nCOPY app /app\n",
    "notes.md": "notes\n",
    "src/main.py": "print('hello')\n",
    ".dockerignore": "# notes\n# of mine\nnotes.md\n",
    "compose.yaml": "services:\n  web: {build: app, image: registry.example/web:1}\n"
    "  worker: {build: app, image: registry.example/worker:1}\n",
    "docker-bake.json": '{"target": {"default": {"context": "app", "tags": ["baked:1"]}}}',
}
_PAGE_FILES: dict[str, dict[str, str]] = {
    "build-plan.md": {
        "Dockerfile": "FROM scratch AS build\nARG OPTIONS=--no-cache-dir\nWORKDIR /app\n"
        "COPY requirements.txt ./\n"
        "RUN --mount=type=cache,target=/root/.cache pip install $OPTIONS -r requirements.txt\n",
        "requirements.txt": "flask\n",
        ".dockerignore": "",
    },
}


def _is_run(line: Typed) -> bool:
    """Whether a line is one of this file's tests."""
    return not line.reason and (CALL.search(line.text) or _EXPORT.match(line.text)) is not None


_WITH_COMMANDS = [
    page
    for page in PAGES
    if any(_is_run(line) and CALL.search(line.text) for block in blocks(page) for line in block)
]


@pytest.fixture
def hosts(fake_registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An engine and a daemon as the environment names them; what stands for the pages' hosts."""
    registries = dict.fromkeys(_HOSTS, fake_registry)
    engine = FakeDockerEngine("28.5", buildkit=True, registries=registries)
    engine.seed_image("app:1.4", files={"/app/main.py": "1"})
    engine.seed_image("app:dev", files={"/app/main.py": "2"})
    fake_registry.seed("team/app:1.4", files={"/app/main.py": "1"})
    fake_registry.seed("team/base:deps", files={"/base": ""})
    with engine.serve() as address, FakeBuildKit(registries=registries).serve() as buildkit:
        monkeypatch.setenv("DOCKER_HOST", address)
        yield {
            **dict.fromkeys(("localhost:5000", "ghcr.io"), fake_registry.address),
            _BUILDKIT: buildkit,
        }
    engine.close()


def _with(hosts: Mapping[str, str], text: str) -> str:
    for name, stands_for_it in hosts.items():
        text = text.replace(name, stands_for_it)
    return text


def _last_build(words: list[str]) -> list[str]:
    """Put the newest build in the place of the one that a page names."""
    if words[:2] == ["history", "rm"]:
        return [*words[:2], "^0"]
    return words


@pytest.mark.usefixtures("everything_imported")
@pytest.mark.parametrize("page", _WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_run(
    page: Path, hosts: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends with 0, one after the other; what goes into a file is there for the next."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_TOKEN", "s3cret")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
    monkeypatch.setattr(cache_commands, "is_terminal", lambda: True)
    for name, content in {**_FILES, **_PAGE_FILES.get(page.name, {})}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    for line in (line for block in blocks(page) for line in block if _is_run(line)):
        if exported := _EXPORT.match(line.text):
            for setting in shlex.split(_with(hosts, exported["settings"])):
                name, _, value = setting.partition("=")
                monkeypatch.setenv(name, value)
            continue
        found = CALL.search(line.text)
        assert found is not None
        call, _, target = found["words"].partition(" > ")
        said, told = TextIOWrapper(BytesIO(), "utf-8"), StringIO()
        monkeypatch.setattr("sys.stdin", StringIO("y\n"))
        with redirect_stdout(said), redirect_stderr(told):
            code = run(_last_build(shlex.split(_with(hosts, call).strip('" '))))
        assert code == 0, f"{page.name}: {line.text}\n{told.getvalue()}"
        if target and not target.startswith("~"):
            said.flush()
            said.seek(0)
            (tmp_path / target.strip()).write_text(said.read())


_ALL = [(page.name, line) for page in PAGES for block in blocks(page) for line in block]


def test_what_is_not_run_is_there() -> None:
    """Each exception is about a line of a page."""
    reasons = {line.reason for _, line in _ALL}
    assert [begin for begin, why in NOT_RUN.items() if why not in reasons] == []


def test_each_line_is_run_or_has_a_reason() -> None:
    """A line that a page tells to type runs here or in a shell, or it is said why not."""
    assert len(_ALL) > 80
    left = [
        f"{page}: {line.text}"
        for page, line in _ALL
        if not (
            _is_run(line) or line.reason or SHELL.search(line.text) or _PIP.fullmatch(line.text)
        )
    ]
    assert left == []


def test_what_is_installed_is_there() -> None:
    """`pip install` asks for this package alone, with extras that it has."""
    extras = metadata("imagebuilders").get_all("Provides-Extra") or []
    known = {"imagebuilders", "-e .", "nox[uv]", *(f"imagebuilders[{each}]" for each in extras)}
    wanted = [found["wanted"] for _, line in _ALL if (found := _PIP.fullmatch(line.text))]
    assert len(wanted) > 5
    assert {one.replace("'", "") for one in wanted} <= known
