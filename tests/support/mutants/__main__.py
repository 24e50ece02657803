"""Try mutants of both packages or of one; fail when too many of them live.

python -m mutants [PACKAGE …] [--seed N] [--count N] [--jobs N]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutants.changes import PACKAGES, ROOT, Mutant, drawn
from mutants.equivalents import equivalents, stale, why_equivalent
from mutants.laboratory import Laboratory

LEAST = 0.9
"""The part of the mutants that the unit tests are to kill."""


def _worth_trying(package: str, seed: int, count: int) -> list[Mutant]:
    known = equivalents()
    tried = []
    for mutant in drawn(package, seed, count):
        reason = why_equivalent(mutant.named((ROOT / mutant.file).read_bytes()), known)
        if reason is None:
            tried.append(mutant)
        else:
            print(f"changes nothing: {mutant}: {reason}")
    return tried


def _try_all(laboratory: Laboratory, threads: ThreadPoolExecutor, tried: list[Mutant]) -> int:
    killed = 0
    for mutant, killer in zip(tried, threads.map(laboratory.killer, tried), strict=True):
        killed += killer is not None
        # Those that live are what somebody looks for here.
        print(f"killed: {mutant}: {killer}" if killer else f"LIVES: {mutant}", flush=True)
    return killed


def main() -> None:
    """Try mutants; tell of each whether it was killed."""
    parser = argparse.ArgumentParser(prog="mutants", description=main.__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    packages = asked.packages or PACKAGES
    if unknown := set(packages) - set(PACKAGES):
        parser.error(f"there is no package {', '.join(sorted(unknown))} here")
    for name in stale(equivalents()):
        print(f"listed as equivalent, but there is none such any more: {name}")
    failed = False
    with (
        tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder,
        ThreadPoolExecutor(asked.jobs) as threads,
        Laboratory(Path(folder), asked.jobs) as laboratory,
    ):
        laboratory.measure()
        for package in packages:
            tried = _worth_trying(package, asked.seed, asked.count)
            killed = _try_all(laboratory, threads, tried)
            print(f"{killed} of {len(tried)} mutants of {package} were killed", flush=True)
            failed |= killed < LEAST * len(tried)
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
