"""The Python in README.md and docs/ runs, with the doubles in the place of real services.

Blocks of one document share their names, as a reader would type them one after the other.
A block is

- skipped after a line `<!-- not run: why -->`,
- a file, when it begins with its path, as in `# my_builders/kite.py`; what its page's
  `pyproject.toml` offers as entry points is installed,
- run by pytest, when it defines tests,
- executed otherwise, with `registry_address` defined and `localhost:5000` standing for it, and with
  a double in the place of the pages' BuildKit daemon.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest
from authority import Authority

from fakes import FakeBuildKit, FakeRegistry

_ROOT = Path(__file__).resolve().parents[3]
_DOCUMENTS = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?P<skip><!-- not run: .+? -->\n+)?^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE_NAME = re.compile(r"# (?P<path>[\w/.-]+\.py)\n")
_ENTRY_POINTS = re.compile(r"^\[project\.entry-points\.\"(.+?)\"\]\n(.+?)^```$", re.M | re.DOTALL)
_DAEMON = re.compile(r"tcp://(?:buildkitd|builder)\.example:1234")
_TESTS = re.compile(r"^(?:def test_|class Test)", re.MULTILINE)
_WITH_EXAMPLES = [path for path in _DOCUMENTS if _BLOCK.search(path.read_text())]


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """An empty working directory, from which files of the examples can be imported."""
    before, environment = set(sys.modules), os.environ.copy()
    monkeypatch.syspath_prepend(str(pytester.path))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("DOCKER_CONFIG", str(pytester.path / "no-docker-config"))
    yield pytester
    os.environ.clear()
    os.environ.update(environment)
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and Path(origin).is_relative_to(pytester.path):
            del sys.modules[name]


@pytest.fixture
def daemon(folder: pytest.Pytester, fake_registry: FakeRegistry) -> Iterator[str]:
    """A BuildKit that wants a certificate, as the pages' does; the client's files lie here."""
    authority = Authority(folder.path)
    client = authority.issue("client")
    client.certificate.rename(folder.path / "cert.pem")
    client.key.rename(folder.path / "key.pem")
    buildkit = FakeBuildKit(registries={"registry.example": fake_registry})
    context = authority.server_context(authority.issue("server"))
    with buildkit.serve("tcp://127.0.0.1:0", tls=context) as address:
        yield address


@pytest.mark.usefixtures("everything_imported", "fake_docker_host")
@pytest.mark.parametrize("document", _WITH_EXAMPLES, ids=lambda path: path.name)
def test_examples_run(
    document: Path,
    folder: pytest.Pytester,
    fake_registry: FakeRegistry,
    request: pytest.FixtureRequest,
) -> None:
    """Every example does what the text says: it raises nothing and its tests pass.

    Each begins in an empty folder, as those who try the package have one. README's make what they
    need themselves; for the others, the first lines of "Getting started" were typed before.
    """
    text = document.read_text()
    assert list(folder.path.iterdir()) == []
    if document.name != "README.md" and 'Path("app").mkdir()' not in text:
        _make_app()
    _install_entry_points(folder.path, text)
    names: dict[str, object] = {
        "__name__": document.stem,
        "registry_address": fake_registry.address,
    }
    daemon = request.getfixturevalue("daemon") if _DAEMON.search(text) else ""
    for block in _BLOCK.finditer(text):
        if block["skip"]:
            continue
        code = _DAEMON.sub(daemon, block["code"].replace("localhost:5000", fake_registry.address))
        file_name = _FILE_NAME.match(code)
        if file_name is not None:
            _write(folder.path / file_name["path"], code)
        elif _TESTS.search(code):
            _run_tests(folder, code)
        else:
            # Lines count from the document's start, so that a failure names the right one.
            padding = "\n" * text.count("\n", 0, block.start("code"))
            exec(compile(padding + code, str(document), "exec"), names)


def _make_app() -> None:
    """Make the folder `app` as the first block of "Getting started" does."""
    text = (_ROOT / "docs" / "getting-started.md").read_text()
    first = _BLOCK.search(text)
    assert first is not None
    exec(first["code"], {"__name__": "getting_started"})


def _install_entry_points(folder: Path, text: str) -> None:
    """Offer what the page's project offers, as `pip install` does."""
    for group, points in _ENTRY_POINTS.findall(text):
        information = folder / "example-1.0.dist-info"
        unquoted = points.replace('"', "")
        _write(information / "METADATA", "Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
        _write(information / "entry_points.txt", f"[{group}]\n{unquoted}")
        invalidate_caches()


def _write(path: Path, code: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)


def _run_tests(pytester: pytest.Pytester, code: str) -> None:
    pytester.makepyfile(test_example=code)
    result = pytester.runpytest_inprocess(
        *("-p", "pytest_imagebuilders", "-p", "no:cacheprovider", "-q", "-Werror"),
        "-Wignore:Module already imported:pytest.PytestAssertRewriteWarning",
    )
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed")
    assert not outcomes.keys() & {"failed", "errors", "error"}
