"""Everything the integration tests share, started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

import docker

from testbed.containers import remove_orphans
from testbed.daemon import HostEngine
from testbed.engine import Engine
from testbed.images import Images
from testbed.settings import TestbedSettings
from testbed.tools import ClientTool, Toolbox


class Testbed:
    """Engines, registries and clients, all in containers of one host engine.

    Raises:
        NoTestbedError: the images that it needs cannot be had.
    """

    __test__ = False

    def __init__(self, host: HostEngine, settings: TestbedSettings) -> None:
        self.host = host
        self.settings = settings
        self._open = ExitStack()
        self._client = docker.DockerClient(base_url=host.docker_host, timeout=600)
        self._open.callback(self._client.close)
        self._images = Images(self._client, settings)
        self._engines: dict[str, Engine] = {}
        try:
            self._images.check()
            remove_orphans(self._client)
        except BaseException:
            self.close()
            raise

    def engine(self, name: str) -> Engine:
        """The shared engine of that name (see `ALL_ENGINES`); started on the first call."""
        if name not in self._engines:
            self._engines[name] = self._started(name)
        return self._engines[name]

    @contextmanager
    def disposable_engine(self, name: str, disk: str = "") -> Iterator[Engine]:
        """An engine that the block may break; `disk` is how much it can keep, as in `48m`."""
        engine = Engine(self.host, self._images, name, disk).start()
        try:
            yield engine
        finally:
            engine.stop()

    def tool(self, name: str) -> ClientTool:
        """A client by the name of its program."""
        return self.toolbox.tool(name)

    def close(self) -> None:
        """Remove everything."""
        self._open.close()

    def older_tool(self, name: str) -> ClientTool:
        """A program of the packages beside Engine 26.1: `docker` with the buildx of its time."""
        return self._older_toolbox.tool(name)

    @cached_property
    def _older_toolbox(self) -> Toolbox:
        image = self._images.engine("26.1")
        toolbox = Toolbox(self.host, self._images, image=image).start()
        self._open.callback(toolbox.stop)
        return toolbox

    @cached_property
    def toolbox(self) -> Toolbox:
        """The container of all clients; started on the first call."""
        toolbox = Toolbox(self.host, self._images).start()
        self._open.callback(toolbox.stop)
        return toolbox

    def _started(self, name: str) -> Engine:
        engine = Engine(self.host, self._images, name).start()
        self._open.callback(engine.stop)
        return engine
