"""The built site and a browser, each absent with a reason, and the shell of a reader."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import metadata
from pathlib import Path

import pytest
from site_pages import served

SITE = "IMAGEBUILDERS_TEST_SITE"
# What is installed already is not downloaded; that it is asked for by its right name is seen.
_PIP = """\
#!/bin/sh
[ "$1" = install ] && shift
for wanted in "$@"; do
  case " imagebuilders EXTRAS " in *" $wanted "*) ;; *) echo "no $wanted"; exit 1 ;; esac
done
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built documentation."""
    named = os.environ.get(SITE)
    if not named:
        pytest.skip(f"{SITE} does not name a built site")
    return Path(named)


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where it is served."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium without a window."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    playwright = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
    with playwright.sync_playwright() as driver:
        # Chromium refuses to run as root inside its sandbox; only our own pages are opened.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def environment(fake_docker_host: str, tmp_path: Path) -> Mapping[str, str]:
    """A shell of a user who has set nothing, with the engine double as the machine's engine."""
    commands = tmp_path / "commands"
    commands.mkdir()
    extras = metadata("imagebuilders").get_all("Provides-Extra") or []
    pip = commands / "pip"
    pip.write_text(_PIP.replace("EXTRAS", " ".join(f"imagebuilders[{each}]" for each in extras)))
    pip.chmod(0o755)
    kept = ("LANG", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": f"{commands}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "DOCKER_HOST": fake_docker_host,
    }
