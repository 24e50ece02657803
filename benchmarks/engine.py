"""The engine double's speed, beside real engines in Docker-in-Docker in the same run.

Real engines need a Docker daemon, as the integration tests do; without one only the double is
measured.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

from benchmarks.measuring import resident_memory, rows, save, time_in_turn
from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack

DOUBLE = "engine double"
ENGINES = 1000

_BUILDS = {
    "five-step build, three of them RUN": (
        pack(
            {
                "Dockerfile": "FROM busybox\nCOPY a /a\nRUN true\nRUN cat /a\nRUN ls /",
                "a": "content",
            }
        ),
        10,
    ),
    "five-step build without RUN": (
        pack(
            {
                "Dockerfile": 'FROM scratch\nCOPY a /a\nENV x=1\nWORKDIR /w\nCMD ["a"]\n',
                "a": "content",
            }
        ),
        20,
    ),
    "build with a context of 10,000 files": (
        pack(
            {
                "Dockerfile": "FROM scratch\nCOPY . /x",
                **{f"d{n // 100}/f{n}": "x" * 100 for n in range(10_000)},
            }
        ),
        5,
    ),
}


def main() -> None:
    """Measure, print and save."""
    with _clients() as clients:
        table = []
        for what, (context, rounds) in _BUILDS.items():
            sides = {name: _build(client, context) for name, client in clients.items()}
            table += rows(what, time_in_turn(sides, rounds), DOUBLE)
    fresh = {DOUBLE: lambda: FakeDockerClient(FakeDockerEngine()).close()}
    table += rows("fresh engine and client", time_in_turn(fresh, 50), DOUBLE)
    save("engine", table, memory=_memory())


@contextmanager
def _clients() -> Iterator[dict[str, docker.DockerClient]]:
    """The double's client, and those of real engines where there are any."""
    engine = FakeDockerEngine()
    engine.seed_image("busybox:latest", cmd=["sh"])
    double = FakeDockerClient(engine)
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    from testbed.bed import Testbed
    from testbed.daemon import host_engine
    from testbed.errors import NoTestbedError
    from testbed.images import ENGINE_VERSIONS
    from testbed.settings import TestbedSettings

    settings = TestbedSettings()
    try:
        with host_engine(settings) as host:
            testbed = Testbed(host, settings)
            try:
                real = {
                    f"Docker {version} in Docker": testbed.engine(version).client
                    for version in ENGINE_VERSIONS
                }
                yield {DOUBLE: double, **real}
            finally:
                testbed.close()
    except NoTestbedError as reason:
        print(f"the double alone: {reason}")
        yield {DOUBLE: double}
    finally:
        double.close()


def _build(client: docker.DockerClient, context: bytes) -> Callable[[], object]:
    return lambda: client.images.build(
        fileobj=io.BytesIO(context), custom_context=True, nocache=True, rm=True
    )


def _memory() -> dict[str, float]:
    """Megabytes of this process after some fresh engines, and after a thousand more."""
    context, _ = _BUILDS["five-step build without RUN"]

    def engines(number: int) -> float:
        for _ in range(number):
            client = FakeDockerClient(FakeDockerEngine())
            client.images.build(fileobj=io.BytesIO(context), custom_context=True, tag="x")
            client.close()
        gc.collect()
        return resident_memory(os.getpid())

    memory = {"after 100 engines": engines(100), f"after {ENGINES} more": engines(ENGINES)}
    print("memory:", ", ".join(f"{what} {size:.1f} MiB" for what, size in memory.items()))
    return memory


if __name__ == "__main__":
    main()
