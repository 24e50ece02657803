"""Measuring two sides in turn, and keeping what came out."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
# Another program that selects the same files, given the folder: Docker's own walker, say.
WALKER_VARIABLE = "IMAGEBUILDERS_BENCH_WALKER"
SCRATCH_VARIABLE = "IMAGEBUILDERS_BENCH_DIR"


@dataclass(frozen=True)
class Time:
    """The best of some rounds, in seconds."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was done.
        side: who did it.
        wall: seconds on the clock.
        cpu: seconds of all processors.
        ratio: how many times longer this side took than ours, by the clock; 1 for us.
        cpu_ratio: the same in processor time.
    """

    what: str
    side: str
    wall: float
    cpu: float
    ratio: float
    cpu_ratio: float


def scratch() -> Path:
    """Give the folder for trees: `IMAGEBUILDERS_BENCH_DIR`, else one in the temporary folder."""
    folder = Path(os.environ.get(SCRATCH_VARIABLE, "/tmp/imagebuilders-benchmarks"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def time_in_turn(sides: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, Time]:
    """Run every side once in each round, so that all meet the same machine; give the best."""
    best: dict[str, Time] = {}
    for _ in range(rounds):
        for name, run in sides.items():
            taken = _time(run)
            known = best.get(name, taken)
            best[name] = Time(min(known.wall, taken.wall), min(known.cpu, taken.cpu))
    return best


def rows(what: str, times: Mapping[str, Time], ours: str = "imagebuilders") -> list[Row]:
    """Compare all sides with ours, and print the comparison."""
    base = times[ours]
    table = [
        Row(what, side, taken.wall, taken.cpu, taken.wall / base.wall, taken.cpu / base.cpu)
        for side, taken in times.items()
    ]
    for row in table:
        print(
            f"{row.what}: {row.side}: {row.wall:.3f} s ({row.cpu:.3f} s of processor), "
            f"{row.ratio:.2f} times ours ({row.cpu_ratio:.2f} in processor time)",
            flush=True,
        )
    return table


def save(name: str, table: Sequence[Row], **more: object) -> None:
    """Keep results for the report."""
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine(), "rows": [asdict(row) for row in table], **more}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def machine() -> str:
    """Say what the numbers were measured on."""
    return (
        f"{os.cpu_count()} processors ({platform.machine()}), {platform.system()} "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


def command(*arguments: str, cwd: Path | None = None) -> Callable[[], object]:
    """Make a side of a command, its output thrown away."""
    return lambda: subprocess.run(
        arguments, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def peak_memory(program: str, *arguments: str) -> tuple[float, float]:
    """Run a Python program in a process of its own; give its peak memory in MiB, and seconds."""
    done = subprocess.run(
        [sys.executable, "-c", program + _TELL_PEAK, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    peak, seconds = done.stdout.splitlines()[-1].split()
    return int(peak) / 1024, float(seconds)


def resident_memory(process: int) -> float:
    """Give how much memory a process holds now, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


# Not `ru_maxrss`: a child inherits that from the process that started it.
_TELL_PEAK = """
import time
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1], time.process_time())
"""


def _time(run: Callable[[], object]) -> Time:
    cpu, wall = _cpu(), time.perf_counter()
    run()
    return Time(time.perf_counter() - wall, _cpu() - cpu)


def _cpu() -> float:
    used = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        used += usage.ru_utime + usage.ru_stime
    return used
