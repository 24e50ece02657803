"""The lines of pages that need a shell, such as those that serve doubles, end as the pages say.

Programs of the reader's own, and Docker's, are stand-ins that end well.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from console_lines import PAGES, SHELL, Typed, blocks
from tutorials import run, with_free_ports

_WITH_LINES = [
    page
    for page in PAGES
    if any(SHELL.search(line.text) and not line.reason for block in blocks(page) for line in block)
]
_STAND_INS = ("docker", "make")
_SERVER = re.compile(r"python -m fakes (registry|buildkit)")
_APP = """\
```dockerfile
# app/Dockerfile
FROM scratch
COPY . /app
```
```python
# app/main.py
print("hello")
```
"""
_ARCHIVE = "imagebuilders build app -t base:1 --builder daemonless -o type=docker,dest=base.tar"
_COMMIT = "git -c user.name=ann -c user.email=ann@example.com commit --quiet --message first"
_PREPARED = {
    "command-line": "$ cp app/* . && git init --quiet && git add . && " + _COMMIT,
    "fake-registry": f"$ {_ARCHIVE}",
}
"""What a page takes for granted, by its name."""


def _typed(line: Typed) -> str:
    """A line and what it prints, as a console block has them; servers stay in the background."""
    text, printed = line.text, line.printed
    if server := _SERVER.match(text):
        text = text if text.endswith("&") else f"{text} &"
        printed = ["registry: http…" if server[1] == "registry" else "BUILDKIT_HOST=…"]
    return "\n".join([f"$ {text}", *printed])


def _page(page: Path) -> str:
    """A page's blocks that have lines for a shell, behind what they take for granted."""
    prepared = _PREPARED.get(page.stem)
    texts = [prepared] if prepared else []
    for block in blocks(page):
        if any(SHELL.search(line.text) for line in block):
            texts += [_typed(line) for line in block if not line.reason]
    return _files(page) + "".join(f"```console\n{text}\n```\n" for text in texts)


def _files(page: Path) -> str:
    """The folder of the examples, or a program of the page's first blocks where it says so."""
    text = page.read_text(encoding="utf-8")
    above, says_so, _ = text.partition("put the blocks above into a file `release.py`")
    if not says_so:
        return _APP
    program = "\n".join(re.findall(r"(?ms)^```python\n(.*?)^```$", above))
    return f"```python\n# release.py\n{program}```\n"


@pytest.mark.fake_docker_engine(version="28.5")
@pytest.mark.parametrize("page", _WITH_LINES, ids=lambda page: page.stem)
def test_lines(page: Path, tmp_path: Path, environment: Mapping[str, str]) -> None:
    """Each ends well, and prints what the page says."""
    if "curl" in _page(page) and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    for program in _STAND_INS:
        stand_in = tmp_path / "commands" / program
        stand_in.write_text('#!/bin/sh\ntest -n "$DOCKER_HOST"\n')
        stand_in.chmod(0o755)
    folder = tmp_path / "empty"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    assert run(with_free_ports(_page(page)), folder, environment) == []
