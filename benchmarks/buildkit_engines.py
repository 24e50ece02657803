"""What a thousand engine doubles leave behind whose BuildKit has built, and how fast they are.

    python -m benchmarks.buildkit_engines

Each engine is made, has five steps built through the library's own client, and is closed. What
threads, open files and memory there are at the end is compared with what there was after the first.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from benchmarks.measuring import machine, resident_memory, save
from fakes import FakeBuildKit, FakeDockerClient, FakeDockerEngine
from imagebuilders import BuildContext, LocalImageBuilder

_WARM_UP, _ENGINES, _FRESH = 50, 1000, 1000
_SETTLED_SECONDS = 10.0
_MOST_MIB = 5.0
"""MiB by which all engines together may grow the process."""

_DOCKERFILE = "FROM base:1\nWORKDIR /w\nCOPY a /\nRUN make\nRUN test\nRUN last\n"


def main() -> None:
    """Measure, print and save; fail when something is left behind."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(_DOCKERFILE)
        Path(folder, "a").write_text("content")
        for _ in range(_WARM_UP):
            _build(folder)
        before = _held()
        times = [_build(folder) for _ in range(_ENGINES)]
        after = _held(like=before)
    fresh = {kind.__name__: _milliseconds(kind) for kind in (FakeDockerEngine, FakeBuildKit)}
    print(f"{_ENGINES} engines with a build: threads, files, MiB {before} -> {after}")
    print(f"five steps: {statistics.median(times):.1f} ms, at best {min(times):.1f} ms")
    print(", ".join(f"a fresh {name}: {each:.2f} ms" for name, each in fresh.items()))
    save(
        "buildkit_engines",
        [],
        before=before,
        after=after,
        milliseconds=statistics.median(times),
        fresh=fresh,
    )
    print(f"on {machine()}")
    if after[:2] != before[:2] or after[2] - before[2] > _MOST_MIB:
        sys.exit("something is left behind")


def _build(folder: str) -> float:
    """Build with an engine of its own; return the milliseconds of the build."""
    engine = FakeDockerEngine("28.5")
    engine.seed_image("base:1")
    with closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="buildkit")
        begin = time.perf_counter()
        builder.build("app:1", BuildContext(folder), {})
        end = time.perf_counter()
    engine.close()
    return (end - begin) * 1000


def _held(like: tuple[int, int, float] | None = None) -> tuple[int, int, float]:
    """Threads, open files, and MiB of this process.

    Args:
        like: what there was; threads that are about to end may take a moment.
    """
    gc.collect()
    end = time.monotonic() + _SETTLED_SECONDS
    while like is not None and threading.active_count() > like[0] and time.monotonic() < end:
        time.sleep(0.05)
    files = len(os.listdir("/proc/self/fd"))
    return threading.active_count(), files, resident_memory(os.getpid())


def _milliseconds(kind: type[FakeDockerEngine | FakeBuildKit]) -> float:
    """Milliseconds of processor time to make and close a double."""
    begin = time.process_time()
    for _ in range(_FRESH):
        kind().close()
    return (time.process_time() - begin) * 1000 / _FRESH


if __name__ == "__main__":
    main()
