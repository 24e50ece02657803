"""The engine double's speed, beside a real engine where `--docker-host` names one.

python benchmarks/engine.py [--docker-host tcp://127.0.0.1:2375]
"""

from __future__ import annotations

import argparse
import gc
import io
import resource
import statistics
import time
from collections.abc import Callable

import docker

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack

_FIVE_STEPS = pack(
    {
        "Dockerfile": 'FROM scratch\nCOPY a /a\nENV x=1\nWORKDIR /w\nCMD ["a"]\n',
        "a": "content",
    }
)
_WITH_RUN = pack({"Dockerfile": "FROM busybox\nCOPY a /a\nRUN true\nRUN true\nRUN true", "a": "1"})
_MANY_FILES = {f"d{n // 100}/f{n}": "x" * 100 for n in range(10_000)}


def timed(action: Callable[[], object], rounds: int) -> str:
    """Median and slowest tenth of an action, in milliseconds."""
    action()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    return f"{statistics.median(times):10.2f} ms (p90 {times[int(rounds * 0.9)]:.2f})"


def builds(client: docker.DockerClient, rounds: int) -> None:
    """The builds that are compared."""
    big = pack({"Dockerfile": "FROM scratch\nCOPY . /x", **_MANY_FILES})
    for name, context, times in (
        ("five steps, no cache", _FIVE_STEPS, rounds),
        ("five steps, three RUN", _WITH_RUN, rounds),
        ("10,000 files", big, max(rounds // 20, 2)),
    ):

        def build(context: bytes = context) -> None:
            client.images.build(
                fileobj=io.BytesIO(context), custom_context=True, nocache=True, rm=True
            )

        print(f"  {name:24}{timed(build, times)}")


def memory() -> None:
    """A fresh engine for each of a thousand tests."""

    def one() -> None:
        client = FakeDockerClient(FakeDockerEngine())
        client.images.build(fileobj=io.BytesIO(_FIVE_STEPS), custom_context=True, tag="x")
        client.close()

    for _ in range(50):
        one()
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        one()
    gc.collect()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"  1,000 engines: {before // 1024} MiB at first, {after // 1024} MiB at most after")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--docker-host", help="a real engine to measure beside the double")
    given = parser.parse_args()
    print("double")
    fresh = timed(lambda: FakeDockerClient(FakeDockerEngine()).close(), 200)
    print(f"  {'fresh engine and client':24}{fresh}")
    engine = FakeDockerEngine()
    engine.seed_image("busybox:latest", cmd=["sh"])
    double = FakeDockerClient(engine)
    builds(double, 100)
    double.close()
    memory()
    if given.docker_host:
        print(f"real engine at {given.docker_host}")
        real = docker.DockerClient(base_url=given.docker_host)
        builds(real, 5)
        real.close()


if __name__ == "__main__":
    main()
