"""Containers of the host engine, started through testcontainers."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import docker
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from testbed.daemon import HostEngine
from testbed.errors import NoTestbedError
from testbed.process import is_alive

_OWNER_LABEL = "org.imagebuilders.testbed.owner"
_OWNER = f"{socket.gethostname()}:{os.getpid()}"

# Ports are published on the loopback interface only, so that is where they are found,
# whatever the host engine says of its gateway. Our fixtures remove every container, and
# the next run removes what a killed one left, so the reaper's image is not needed.
testcontainers_config.tc_host_override = "127.0.0.1"
testcontainers_config.ryuk_disabled = True


class Container(DockerContainer):
    """A container whose ports are published on 127.0.0.1 alone.

    Args:
        host: The engine it runs in.
        image: An image that is there already.
        command: argv; it replaces the image's entry point.
        ports: Container port to host port; None for a free one. The engine itself would count up
            from the same port as every other one of the machine, and give up after ten taken.
        options: Further arguments of ``docker.DockerClient().containers.create``.
    """

    def __init__(
        self,
        host: HostEngine,
        image: str,
        command: Sequence[str],
        *,
        ports: Mapping[int, int | None] | None = None,
        **options: Any,
    ) -> None:
        self._host = host
        with _docker_host(host.docker_host):
            super().__init__(image)
        # An engine without TLS on every interface would hand the machine to the network.
        self._published: dict[str, tuple[str, int]] = {
            f"{port}/tcp": ("127.0.0.1", host_port or free_port())
            for port, host_port in (ports or {}).items()
        }
        self.ports = self._published  # type: ignore[assignment]  # the SDK takes the pair
        self.with_kwargs(entrypoint=list(command), labels={_OWNER_LABEL: _OWNER}, **options)

    def start(self) -> Container:
        """Create and start the container; it is removed again if that fails."""
        try:
            with _docker_host(self._host.docker_host):
                return super().start()
        except BaseException:
            self.stop()
            raise

    @property
    def id(self) -> str:
        """The container's id."""
        return self.get_container_id()

    @property
    def gateway(self) -> str:
        """The machine's own address on the container's network."""
        wrapped = self.get_wrapped_container()
        wrapped.reload()
        networks = wrapped.attrs["NetworkSettings"]["Networks"]
        return str(next(iter(networks.values()))["Gateway"])

    def wait_for_log(self, text: bytes, timeout: float) -> None:
        """Wait until the container has written that text.

        Raises:
            NoTestbedError: it has not, within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while text not in (logs := self.get_wrapped_container().logs()):
            if time.monotonic() > deadline:
                raise NoTestbedError(f"a container did not get ready:\n{logs.decode()[-2000:]}")
            time.sleep(0.05)


def remove_orphans(client: docker.DockerClient) -> int:
    """Remove containers of test runs on this machine that were killed; returns how many."""
    removed = 0
    for container in client.containers.list(all=True, filters={"label": _OWNER_LABEL}):
        hostname, _, process = container.labels[_OWNER_LABEL].rpartition(":")
        if hostname == socket.gethostname() and not is_alive(process):
            container.remove(force=True, v=True)
            removed += 1
    return removed


def free_port() -> int:
    """A port of the loopback interface that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _docker_host(docker_host: str) -> Iterator[None]:
    """testcontainers takes the engine from the environment, and writes to it as well."""
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = docker_host
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("DOCKER_HOST", None)
        else:
            os.environ["DOCKER_HOST"] = before
