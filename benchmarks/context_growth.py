"""Time and memory against the number of files, and memory for one file of 10 GB."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

from benchmarks import docker_sdk
from benchmarks.measuring import (
    WALKER_VARIABLE,
    Row,
    command,
    peak_memory,
    save,
    scratch,
    time_in_turn,
)
from benchmarks.trees import make_tree
from imagebuilders import BuildContext

COUNTS = (1_000, 10_000, 100_000, 1_000_000)
GIGABYTE = 10**9

SELECT = """
import sys
from imagebuilders import BuildContext
print(sum(1 for _ in BuildContext(sys.argv[1], sys.argv[2]).entries()))
"""
DIGEST = """
import sys
from imagebuilders import BuildContext
BuildContext(sys.argv[1], sys.argv[2]).digest()
"""
ARCHIVE = """
import sys
from imagebuilders import ArchiveType, BuildContext
for _ in BuildContext(sys.argv[1], sys.argv[2]).iter_archive(ArchiveType[sys.argv[3]]): pass
"""


def main() -> None:
    """Measure."""
    table: list[Row] = []
    points: list[dict[str, float]] = []
    for count in COUNTS:
        root = scratch() / str(count)
        if not root.exists():
            make_tree(root, count)
            time.sleep(3)
        points.append({"files": count, **times(root, count)})
        print(points[-1], flush=True)
    nothing = scratch() / "no-rules"
    nothing.touch()
    largest = str(scratch() / str(COUNTS[-1]))
    memory = [
        ("1,000,000 files, all kept: walk", peak_memory(SELECT, largest, str(nothing))),
        ("1,000,000 files, all kept: digest", peak_memory(DIGEST, largest, str(nothing))),
        ("1,000,000 files, all kept: digest again", peak_memory(DIGEST, largest, str(nothing))),
        (
            "1,000,000 files, all kept: tar.gz",
            peak_memory(ARCHIVE, largest, str(nothing), "TAR_GZ"),
        ),
        ("1,000,000 files, all kept: zip", peak_memory(ARCHIVE, largest, str(nothing), "ZIP")),
    ]
    flat = scratch() / "flat"
    if not flat.exists():
        flat.mkdir()
        for number in range(1_000_000):
            (flat / f"file-{number:07}").touch()
    memory.append(
        ("1,000,000 files in one folder: tar", peak_memory(ARCHIVE, str(flat), str(nothing), "TAR"))
    )
    huge = scratch() / "10GB"
    if not huge.exists():
        huge.mkdir()
        with (huge / "sparse").open("wb") as file:
            file.truncate(10 * GIGABYTE)
    memory.append(("one file of 10 GB: tar", peak_memory(ARCHIVE, str(huge), str(nothing), "TAR")))
    memory.append(
        ("one file of 10 GB: tar.gz", peak_memory(ARCHIVE, str(huge), str(nothing), "TAR_GZ"))
    )
    for what, (peak, seconds) in memory:
        print(f"{what}: {peak:.0f} MiB at most, {seconds:.1f} s of processor")
    save("context_growth", table, points=points, memory=memory)


def times(root: Path, count: int) -> dict[str, float]:
    """Give the processor seconds of each side; the SDK is left out where it takes minutes."""
    context = BuildContext(str(root))
    context.digest()
    sides = {
        "imagebuilders, select": lambda: context.get_files(),
        "imagebuilders, digest, nothing changed": lambda: context.digest(),
    }
    walker = os.environ.get(WALKER_VARIABLE)
    if walker:
        sides["Go walker, select"] = command(*shlex.split(walker), str(root))  # type: ignore[assignment]
    if count <= 100_000:
        sides["Docker SDK, select"] = lambda: docker_sdk.select(root)
    rounds = 3 if count > 100_000 else 5
    return {name: taken.cpu for name, taken in time_in_turn(sides, rounds).items()}


if __name__ == "__main__":
    main()
