"""505 MB in 7 files, mostly incompressible: archive and digest, and a plain tar."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from benchmarks import docker_sdk
from benchmarks.measuring import command, rows, save, scratch, time_in_turn
from imagebuilders import ArchiveType, BuildContext

MEGABYTE = 1_000_000
SIZES = (200, 120, 80, 50, 30, 20, 5)


def main() -> None:
    """Measure."""
    root = scratch() / "505MB"
    if not root.exists():
        make_files(root)
    context = BuildContext(str(root))

    def ours() -> None:
        context.digest(use_cache=False)
        drain(context, ArchiveType.TAR_GZ)

    table = rows(
        "505 MB: digest and tar.gz",
        time_in_turn({"imagebuilders": ours, "Docker SDK": lambda: docker_sdk.archive(root)}, 2),
    )
    table += rows(
        "505 MB: plain tar, written to a file",
        time_in_turn(
            {
                "imagebuilders": lambda: write_tar(context, root.parent / "ours.tar"),
                "GNU tar": command(
                    "tar", "-cf", str(root.parent / "gnu.tar"), "-C", str(root), "."
                ),
            }
        ),
    )
    save("context_large_files", table)


def make_files(root: Path) -> None:
    """Write the files: random bytes, and the last two of them text."""
    root.mkdir(parents=True)
    for number, size in enumerate(SIZES):
        with (root / f"blob{number}").open("wb") as file:
            for _ in range(size):
                text = b"".join(b"line %d of a log\n" % line for line in range(60_000))
                file.write(os.urandom(MEGABYTE) if number < 5 else text[:MEGABYTE])


def drain(context: BuildContext, archive_type: ArchiveType) -> None:
    """Make the archive and throw it away."""
    deque(context.iter_archive(archive_type), maxlen=0)


def write_tar(context: BuildContext, path: Path) -> None:
    """Write a plain tar to a file."""
    with path.open("wb", buffering=0) as file:
        for chunk in context.iter_archive():
            file.write(chunk)


if __name__ == "__main__":
    main()
