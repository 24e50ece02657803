"""100,000 small files, 28,000 of them kept by 25 patterns: select, archive, digest."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections import deque
from pathlib import Path

from benchmarks import docker_sdk
from benchmarks.measuring import WALKER_VARIABLE, command, rows, save, scratch, time_in_turn
from benchmarks.trees import IGNORE_LINES, make_tree
from imagebuilders import ArchiveType, BuildContext


def main() -> None:
    """Measure."""
    root = scratch() / "100000"
    if not root.exists():
        make_tree(root)
        time.sleep(3)
    context = BuildContext(str(root))
    table = []

    sides = {"imagebuilders": context.get_files, "Docker SDK": lambda: docker_sdk.select(root)}
    walker = os.environ.get(WALKER_VARIABLE)
    if walker:
        sides["Go walker"] = command(*shlex.split(walker), str(root))  # type: ignore[assignment]
    table += rows("select 28,000 of 100,000 files", time_in_turn(sides))

    rules = root.parent / "500-patterns"
    rules.write_text("\n".join([*IGNORE_LINES, *more_patterns(500 - 25)]) + "\n")
    many = BuildContext(str(root), str(rules))
    assert list(many.get_files()) == list(context.get_files())
    table += rows(
        "select with 500 patterns",
        time_in_turn({"imagebuilders": many.get_files, "with 25 patterns": context.get_files}),
    )

    table += rows(
        "select and tar.gz",
        time_in_turn(
            {
                "imagebuilders": lambda: drain(context),
                "Docker SDK": lambda: docker_sdk.archive(root),
            },
            rounds=3,
        ),
    )

    context.digest()
    repository = make_repository(root)
    table += rows(
        "digest, nothing changed",
        time_in_turn(
            {
                "imagebuilders": context.digest,
                "imagebuilders, no cache": lambda: context.digest(use_cache=False),
                "Docker SDK, select and tar.gz": lambda: docker_sdk.archive(root),
                "git status": command("git", "status", "--porcelain", cwd=repository),
            },
            rounds=4,
        ),
    )
    save("context_small_files", table)


def drain(context: BuildContext) -> None:
    """Make the archive and throw it away."""
    deque(context.iter_archive(ArchiveType.TAR_GZ), maxlen=0)


def more_patterns(count: int) -> list[str]:
    """Give patterns of every kind that hit nothing in the tree."""
    kinds = ("**/gone{}", "**/*.gone{}", "gone{}/**", "/src/gone{}", "gone{}*", "src/*/gone{}.?")
    return [kinds[number % len(kinds)].format(number) for number in range(count)]


def make_repository(root: Path) -> Path:
    """Give a git work tree of the same files, all of them added."""
    repository = root.parent / f"{root.name}-git"
    if not repository.exists():
        subprocess.run(["cp", "-r", root, repository], check=True)
        subprocess.run(["rm", "-rf", repository / ".git"], check=True)
        subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
        subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
        subprocess.run(["git", "status"], cwd=repository, check=True, stdout=subprocess.DEVNULL)
    return repository


if __name__ == "__main__":
    main()
