"""What pytest shows of a test that compares the files of an image and fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.pictures.terminal import Screen, terminal_svg

COLUMNS = 88
_RELEASE = '''\
from imagebuilders import BuildContext, LocalImageBuilder


def release(version: str) -> str:
    """Build the shop's image."""
    context = BuildContext()
    context.add_file("FROM scratch\\nCOPY *.* /srv/\\n", destination="Dockerfile")
    context.add_file("version: 1.3\\n", destination="release.yaml")
    context.add_file("DEBUG=1\\n", destination="debug.env")
    return LocalImageBuilder().build(f"shop:{version}", context)
'''
TEST = """\
from release import release


def test_release(fake_docker_host, image_tree):
    release("1.4")

    assert image_tree("shop:1.4", below="/srv") == {
        "release.yaml": "version: 1.4\\n",
        "start.sh": "exec shop\\n",
    }
"""


def tree_diff_svg() -> str:
    """Return the picture."""
    return terminal_svg(
        [Screen(tuple(_report()))],
        title="pytest",
        description="A failing test: of an image's folder /srv pytest lists the file that is "
        "missing, the one that is not expected, and the line that differs.",
        columns=COLUMNS,
    )


def _report() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "release.py").write_text(_RELEASE)
        Path(folder, "test_release.py").write_text(TEST)
        run = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "--color=yes", "--tb=short"),
                *("-p", "no:cacheprovider", "--show-capture=no", "--no-header", "-rN"),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = run.stdout.splitlines()
    begin = next(number for number, line in enumerate(lines) if "test_release.py" in line)
    shown = [line for line in lines[begin:] if line.strip()]
    shown = [re.sub(r" in [\d.]+s", "", line) for line in shown]
    return ["\x1b[32m$\x1b[0m pytest -q --tb=short", *shown]
