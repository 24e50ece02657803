"""Trees to measure on, the same on every machine."""

from __future__ import annotations

import random
from pathlib import Path

# Twenty-five patterns, three of them negated, as grown projects have them.
IGNORE_LINES = (
    "# version control and tools",
    ".git",
    ".github",
    ".venv",
    ".mypy_cache",
    ".pytest_cache",
    "**/__pycache__",
    "**/*.pyc",
    "**/*.pyo",
    "**/.DS_Store",
    "# dependencies and products",
    "**/node_modules",
    "build",
    "dist",
    "*.egg-info",
    "**/*.log",
    "**/*.tmp",
    "coverage/**",
    "# data",
    "data/**",
    "!data/keep/**",
    "models/*/checkpoints",
    "!models/final/checkpoints",
    "notebooks/**/*.ipynb",
    "docs/**/*.png",
    "tests/**/fixtures/*.bin",
    "secrets.y?ml",
    "*.[oa]",
    "!build/wheel.cfg",
)


def make_tree(root: Path, files: int = 100_000, size: int = 700) -> None:
    """Make a tree of `files` small files, 28 of 100 of which `IGNORE_LINES` keep.

    Args:
        root: the folder; made, and expected to be empty.
        files: how many files, the ignore file not counted.
        size: their mean size in bytes.
    """
    chance = random.Random(20240611)
    plan = (
        (26, "src/pkg{a}/mod{b}/file{c}.py"),
        (1, "docs/part{a}/page{c}.md"),
        (1, "data/keep/set{b}/part{c}.csv"),
        (34, "web/node_modules/lib{a}/dist{b}/index{c}.js"),
        (14, ".git/objects/{h}/obj{c}"),
        (10, "data/raw{a}/day{b}/part{c}.csv"),
        (8, "src/pkg{a}/mod{b}/__pycache__/file{c}.cpython-312.pyc"),
        (3, "build/lib{a}/out{c}.o"),
        (2, "src/pkg{a}/mod{b}/run{c}.log"),
        (1, "notebooks/topic{b}/study{c}.ipynb"),
    )
    groups = max(1, files // 5000)
    text = bytes(chance.randrange(32, 127) for _ in range(4 * size))
    made: set[Path] = set()
    number = 0
    for share, pattern in plan:
        for _ in range(files * share // 100):
            place = pattern.format(
                a=number % groups, b=number // groups % 25, c=number, h=f"{number % 256:02x}"
            )
            path = root / place
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            at = chance.randrange(len(text) - 2 * size)
            path.write_bytes(b"%d\n" % number + text[at : at + chance.randrange(2 * size)])
            number += 1
    (root / ".dockerignore").write_text("\n".join(IGNORE_LINES) + "\n")
