"""The lines that pages tell their readers to type, and what becomes of each in the tests.

`tests/unit/docs/test_console_blocks.py` runs those that call `imagebuilders`, and
`tests/docs/test_shell_lines.py` those that need a shell; the others are named here, with the
reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    _ROOT / "README.md",
    _ROOT / "CONTRIBUTING.md",
    _ROOT / "SECURITY.md",
    *sorted((_ROOT / "docs").glob("*.md")),
]
"""All but the tutorials, which run whole."""

NOT_RUN = {
    "imagebuilders bake [TARGET]": "it shows how the command is called",
    "imagebuilders build https://github.com": "the repository is on the network",
    "imagebuilders build --push -t 123456789012.dkr": "AWS; tests/unit/aws has a double of it",
    "docker buildx bake": "Docker's own command makes the file that the next line reads",
    "docker buildx create": "Docker's own command; test_buildx_on_the_doubles.py has it",
    "docker buildx build": "Docker's own command; test_buildx_on_the_doubles.py has it",
    "docker version": "it asks Docker's own command for the reader's engine",
    "docker info": "it asks Docker's own command for the reader's engine",
    "go test": "a program of the reader's",
    "python3 -c 'import sys;": "tests/unit/docs/test_first_minute.py has its parts",
    "python3 -m venv .venv": "Python's own",
    ".venv/bin/nox -l": "nox runs these tests",
    "nox ": "nox runs these tests",
    "python -m fakes engine --engine-version 28.5": "for other projects' suites, which take long",
    "DOCKER_TEST_API_VERSION=1.45": "another project's suite",
    "TESTCONTAINERS_CONNECTION_MODE=": "another project's suite",
}
"""Beginnings of lines that no test runs, each with the reason."""

SHELL = re.compile(r"python -m fakes |curl |git archive ")
"""What a line has that `tests/docs/test_shell_lines.py` runs."""

CALL = re.compile(r"(?:^|\$\()(?:\S*/)?imagebuilders (?P<words>[^|)]+)")
"""A call that `tests/unit/docs/test_console_blocks.py` runs, alone or within another command."""

_BLOCK = re.compile(r"^```console\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_REMARK = re.compile(r" {2,}# .*$")


@dataclass
class Typed:
    """A line that is typed, without what stands behind it for the reader, and what it prints."""

    text: str
    printed: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why it is not run; empty if it is."""
        text = self.text.replace(".venv/bin/imagebuilders", "imagebuilders")
        return next((why for begin, why in NOT_RUN.items() if text.startswith(begin)), "")


def blocks(page: Path) -> list[list[Typed]]:
    """Return the lines of each console block of a page."""
    found = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        lines: list[Typed] = []
        for line in block["text"].splitlines():
            if line.startswith("$ "):
                lines.append(Typed(_REMARK.sub("", line.removeprefix("$ ")).strip()))
            elif lines and lines[-1].text.endswith("\\") and not lines[-1].printed:
                lines[-1].text = f"{lines[-1].text[:-1]}{line.strip()}"
            elif lines:
                lines[-1].printed.append(line)
        found.append(lines)
    return found
