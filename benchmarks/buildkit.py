"""Builds with BuildKit beside buildx and the Docker SDK's classic build, on one engine.

Needs a Docker daemon for the test bed, as the integration tests do. Whole processes
(`python -m imagebuilders build`) are compared with the process of `docker buildx build`, calls
of the library with calls of the SDK. All sides take turns; each first build finds an engine
whose build cache was pruned, and each changed file has new content.
"""

from __future__ import annotations

import logging
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker

from benchmarks.buildx import buildx_version, docker_config, docker_program
from benchmarks.measuring import machine, peak_memory, save, scratch
from benchmarks.wire import counted

if TYPE_CHECKING:
    from testbed.engine import Engine

OURS, BUILDX, SDK = "imagebuilders", "buildx", "Docker SDK, classic"
ROUNDS = 5
IMAGE = "imagebuilders-benchmark"
FIRST, UNCHANGED, CHANGED = "first build", "nothing changed", "one file changed"


@dataclass(frozen=True)
class Measured:
    """One side's median, in seconds, and how many times as long ours took."""

    what: str
    side: str
    seconds: float
    ours_to_it: float


Build = Callable[[str, Path], None]
"""Builds a folder with the engine at an address."""


def main() -> None:
    """Measure, print and save."""
    logging.disable()
    with _engine() as (engine, program):
        print(f"Docker {engine.version}, buildx {buildx_version(program)}, {machine()}", flush=True)
        processes = {OURS: _ours, BUILDX: _buildx(program)}
        table = _three_builds("5,000 files, 50 MB, processes", _small_files(), engine, processes)
        calls = {OURS: _call, SDK: _sdk}
        table += _three_builds("5,000 files, 50 MB, library calls", _small_files(), engine, calls)
        many = _tree(scratch() / "buildkit-100000", files=100_000, size=500)
        table += _unchanged("100,000 files unchanged", many, engine, processes)
        wire = {
            "100,000 files unchanged": _bytes(many, engine, processes),
            "5,000 files, one file of 10 kB changed": _bytes(
                _small_files(), engine, processes, change=True
            ),
        }
        table += _large_file(engine, processes)
        save(
            "buildkit",
            [],
            engine=engine.version,
            buildx=buildx_version(program),
            medians=[asdict(row) for row in table],
            wire=wire,
            memory=_memory(engine),
        )


@contextmanager
def _engine() -> Iterator[tuple[Engine, str]]:
    """Start an engine of the newest series that nothing else uses, and find buildx."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    from testbed.bed import Testbed
    from testbed.daemon import host_engine
    from testbed.images import ENGINE_VERSIONS
    from testbed.settings import TestbedSettings

    settings = TestbedSettings()
    with host_engine(settings) as host:
        testbed = Testbed(host, settings)
        try:
            program = docker_program(testbed.toolbox)
            with testbed.disposable_engine(ENGINE_VERSIONS[-1]) as engine:
                yield engine, program
        finally:
            testbed.close()


# --- the sides ---------------------------------------------------------------


def _ours(docker_host: str, folder: Path) -> None:
    command = [sys.executable, "-m", "imagebuilders", "build", "--tag", IMAGE, str(folder)]
    _run(command, docker_host)


def _buildx(program: str) -> Build:
    # Ours makes no attestations unless it is asked to.
    command = [program, "buildx", "build", "--provenance=false", "--tag", IMAGE]
    return lambda docker_host, folder: _run([*command, str(folder)], docker_host)


def _run(command: list[str], docker_host: str) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, "DOCKER_HOST": docker_host, "DOCKER_CONFIG": str(docker_config())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stderr}")


def _call(docker_host: str, folder: Path) -> None:
    from imagebuilders import BuildContext, LocalImageBuilder

    client = docker.DockerClient(base_url=docker_host, timeout=600)
    LocalImageBuilder(docker_client=client).build(IMAGE, BuildContext(root=str(folder)))
    client.close()


def _sdk(docker_host: str, folder: Path) -> None:
    client = docker.DockerClient(base_url=docker_host, timeout=600)
    client.images.build(path=str(folder), tag=IMAGE, rm=True)
    client.close()


# --- what is measured --------------------------------------------------------


def _three_builds(
    what: str, folder: Path, engine: Engine, sides: Mapping[str, Build]
) -> list[Measured]:
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for side, build in sides.items():
            _prune(engine)
            for step in (FIRST, UNCHANGED, CHANGED):
                if step == CHANGED:
                    _change(folder)
                seconds = _seconds(build, engine.docker_host, folder)
                taken.setdefault((step, side), []).append(seconds)
    return [
        row
        for step in (FIRST, UNCHANGED, CHANGED)
        for row in _compare(f"{what}: {step}", {side: taken[step, side] for side in sides})
    ]


def _unchanged(
    what: str, folder: Path, engine: Engine, sides: Mapping[str, Build]
) -> list[Measured]:
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for build in sides.values():
        build(engine.docker_host, folder)
    for _ in range(ROUNDS):
        for side, build in sides.items():
            taken[side].append(_seconds(build, engine.docker_host, folder))
    return _compare(what, taken)


def _large_file(engine: Engine, sides: Mapping[str, Build]) -> list[Measured]:
    folder = _one_file(scratch() / "buildkit-2GB", 2_000_000_000)
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(ROUNDS):
        for side, build in sides.items():
            _prune(engine)
            taken[side].append(_seconds(build, engine.docker_host, folder))
    _prune(engine)
    return _compare("one file of 2 GB: first build", taken)


def _bytes(
    folder: Path, engine: Engine, sides: Mapping[str, Build], *, change: bool = False
) -> dict[str, int]:
    """Count what each side sends for a build after another one."""
    sent = {}
    for side, build in sides.items():
        build(engine.docker_host, folder)
        if change:
            _change(folder)
        with counted(engine.docker_host) as wire:
            build(wire.address, folder)
        sent[side] = wire.sent
    print(f"bytes sent: {sent}, ours {sent[OURS] / sent[BUILDX]:.2f} of buildx's", flush=True)
    return sent


def _memory(engine: Engine) -> dict[str, float]:
    """Measure the peak memory of a process that builds, with a small file and with 2 GB."""
    program = (
        "import sys, docker, logging; logging.disable()\n"
        "from imagebuilders import BuildContext, LocalImageBuilder\n"
        "client = docker.DockerClient(base_url=sys.argv[1], timeout=600)\n"
        "LocalImageBuilder(docker_client=client).build('memory', BuildContext(root=sys.argv[2]))\n"
        "client.close()\n"
    )
    peaks = {}
    for what, size in (("a file of 1 MB", 1_000_000), ("a file of 2 GB", 2_000_000_000)):
        folder = _one_file(scratch() / f"buildkit-{what[10:].replace(' ', '')}", size)
        _prune(engine)
        peaks[what], _ = peak_memory(program, engine.docker_host, str(folder))
    _prune(engine)
    print(", ".join(f"{what}: {peak:.0f} MiB at most" for what, peak in peaks.items()), flush=True)
    return peaks


def _compare(what: str, taken: Mapping[str, list[float]]) -> list[Measured]:
    medians = {side: statistics.median(seconds) for side, seconds in taken.items()}
    table = [
        Measured(what, side, median, medians[OURS] / median) for side, median in medians.items()
    ]
    for row in table:
        print(
            f"{what}: {row.side}: {row.seconds:.3f} s; ours took {row.ours_to_it:.2f} times that",
            flush=True,
        )
    return table


def _seconds(build: Build, docker_host: str, folder: Path) -> float:
    began = time.perf_counter()
    build(docker_host, folder)
    return time.perf_counter() - began


def _prune(engine: Engine) -> None:
    """Leave the engine neither the image nor a cached step or context."""
    for image in engine.client.images.list(name=IMAGE):
        engine.client.images.remove(image.id, force=True)
    engine.client.images.prune()
    # The SDK asks without `all`, which leaves what it takes for still useful.
    answer = engine.client.api._post(engine.client.api._url("/build/prune"), params={"all": "1"})
    answer.raise_for_status()


# --- the folders -------------------------------------------------------------


def _small_files() -> Path:
    return _tree(scratch() / "buildkit-5000", files=5_000, size=10_000)


def _tree(folder: Path, *, files: int, size: int) -> Path:
    """Make a folder of files of that size, a hundred in each subfolder."""
    if not folder.exists():
        chance = random.Random(files)
        for number in range(files):
            path = folder / f"part{number // 100:04}" / f"file{number:06}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(size))
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /ctx\n")
    return folder


def _one_file(folder: Path, size: int) -> Path:
    """Make a folder with one file."""
    if not folder.exists():
        folder.mkdir()
        chance = random.Random(size)
        with (folder / "large.bin").open("wb") as output:
            for _ in range(size // 1_000_000):
                output.write(chance.randbytes(1_000_000))
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /ctx\n")
    return folder


def _change(folder: Path) -> None:
    """Give one file new content of the same size."""
    path = sorted(folder.glob("part*/*"))[-7]
    path.write_bytes(os.urandom(path.stat().st_size))


if __name__ == "__main__":
    main()
