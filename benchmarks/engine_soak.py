"""Memory of an engine and a registry double that live long, and how fast they are loaded.

    python -m benchmarks.engine_soak

Rounds of build, push, run, logs and remove, with `keep_records=100`: what a round leaves behind is
what the memory of the process grows by. Images differ from round to round, and so does what is
pushed.
"""

from __future__ import annotations

import gc
import io
import os
import statistics
import subprocess
import sys

from benchmarks.measuring import machine, resident_memory, save
from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.context import pack

_WARM_UP, _ROUNDS, _STEPS = 300, 2000, 10
_GOAL = 5.0
"""MiB by which all rounds together may grow."""

_IMPORTS = {
    "python alone": "pass",
    "fakes": "import fakes",
    "fakes.FakeDockerEngine": "from fakes import FakeDockerEngine",
    "fakes.FakeRegistry": "from fakes import FakeRegistry",
    "docker": "import docker",
}
_STARTS = 15


def main() -> None:
    """Measure, print and save."""
    memory = _soak()
    growth = memory[-1] - memory[0]
    print(f"{_ROUNDS} rounds: {growth:.2f} MiB more (goal: {_GOAL:.0f} at most)")
    save("engine_soak", [], rounds=_ROUNDS, memory=memory, growth=growth, imports=_imports())
    print(f"on {machine()}")


def _soak() -> list[float]:
    """MiB of this process before the rounds and ten times on the way."""
    engine = FakeDockerEngine(keep_records=100)
    engine.seed_image("busybox:latest", cmd=["sh"])
    client = FakeDockerClient(engine)
    memory = []
    with FakeRegistry(keep_records=100) as registry:
        name = f"{registry.address}/team/app:1"
        for number in range(-_WARM_UP, _ROUNDS + 1):
            if number >= 0 and number % (_ROUNDS // _STEPS) == 0:
                gc.collect()
                memory.append(resident_memory(os.getpid()))
                print(f"after {number} rounds: {memory[-1]:.1f} MiB", flush=True)
            _round(client, name, number)
    client.close()
    return memory


def _round(client: FakeDockerClient, name: str, number: int) -> None:
    dockerfile = f'FROM busybox\nCOPY a /a\nLABEL round={number}\nRUN make\nCMD ["echo", "x"]\n'
    context = io.BytesIO(pack({"Dockerfile": dockerfile, "a": f"content {number}"}))
    client.images.build(fileobj=context, custom_context=True, tag=name, rm=True)
    client.images.push(name)
    container = client.containers.run(name, detach=True)
    container.wait()
    if container.logs() != b"x\n":
        raise RuntimeError("the container has said something else")
    container.remove()
    client.images.remove(name, force=True)


def _imports() -> dict[str, float]:
    """Median milliseconds of a process that imports something and ends."""
    times: dict[str, list[float]] = {what: [] for what in _IMPORTS}
    for _ in range(_STARTS):
        for what, program in _IMPORTS.items():
            times[what].append(_elapsed(program))
    medians = {what: 1000 * statistics.median(taken) for what, taken in times.items()}
    for what, taken in medians.items():
        print(f"{what}: {taken:.0f} ms")
    return medians


def _elapsed(program: str) -> float:
    """Seconds of processor that a fresh process needs."""
    timed = f"{program}\nimport time; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
