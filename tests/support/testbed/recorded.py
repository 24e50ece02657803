"""Real engines for the engine contract, and the program that records what they show.

python -m testbed.recorded [GROUP…]
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import docker
from docker.api.client import APIClient

from fakes.contracts.docker_engine import differences, observe
from fakes.contracts.engine.registry import scenarios
from fakes.contracts.engine.transcripts import write
from testbed.bed import Testbed
from testbed.containers import free_port
from testbed.daemon import host_engine
from testbed.images import ENGINE_VERSIONS
from testbed.settings import TestbedSettings


@dataclass(frozen=True)
class ContractEngine:
    """A real engine that the contract may fill and empty.

    Attributes:
        api: its client.
        version: its full version, without what Debian adds to it.
        registry_port: a port of 127.0.0.1 that leads to this process from both sides.
    """

    api: APIClient
    version: str
    registry_port: int


@contextmanager
def contract_engine(testbed: Testbed, series: str) -> Iterator[ContractEngine]:
    """An engine of its own, which nothing else fills."""
    port = free_port()
    with testbed.disposable_engine(series) as engine, engine.forwarded(port):
        client = docker.APIClient(base_url=engine.docker_host, version="auto", timeout=120)
        try:
            yield ContractEngine(client, engine.version.partition("+")[0], port)
        finally:
            client.close()


def record(testbed: Testbed, series: str, groups: set[str]) -> list[str]:
    """Record the scenarios of some groups on one engine; what was not the same twice."""
    unstable = []
    with contract_engine(testbed, series) as engine:
        for group in sorted(groups):
            notes = {}
            for name in scenarios():
                if name.partition(".")[0] != group:
                    continue
                notes[name], again = (
                    observe(engine.api, name, registry_port=engine.registry_port) for _ in range(2)
                )
                if found := differences(notes[name], again):
                    unstable.append("\n  ".join([f"{series} {name}", *found]))
            today = datetime.date.today().isoformat()
            path = write(series, group, engine.version, today, notes)
            print(f"{series}: {len(notes)} scenarios of {group} in {path.name}", flush=True)
    return unstable


def main() -> None:
    """Record the groups that are named, or all."""
    known = {name.partition(".")[0] for name in scenarios()}
    groups = set(sys.argv[1:]) or known
    if groups - known:
        sys.exit(f"no such group: {', '.join(groups - known)}; known: {', '.join(sorted(known))}")
    settings = TestbedSettings()
    unstable = []
    with host_engine(settings) as host:
        testbed = Testbed(host, settings)
        try:
            for series in ENGINE_VERSIONS:
                unstable += record(testbed, series, groups)
        finally:
            testbed.close()
    if unstable:
        sys.exit("not the same twice:\n" + "\n".join(unstable))


if __name__ == "__main__":
    main()
