"""Commands that run in containers that run already."""

from __future__ import annotations

import threading
import time

from .. import messages
from ..errors import ApiError
from ..filesystem.files import write_files
from .container import STDERR, STDOUT, Container, Exec, LogEntry
from .effects import ContainerEffect, EffectRules
from .mounted_files import mounted_files
from .register import ContainerRegister
from .streams import as_terminal


class ExecStore:
    """Execs by id.

    An exec that has ended outlives its container; one that was never started
    goes when its container ends.
    """

    def __init__(self, containers: ContainerRegister) -> None:
        self._containers = containers
        self._lock = threading.RLock()
        self._execs: dict[str, Exec] = {}
        self._rules = EffectRules()

    def on_exec(self, effect: ContainerEffect) -> None:
        """Give commands an effect; the newest rule wins."""
        self._rules.add(effect)

    def find(self, name: str) -> Exec:
        """An exec by id.

        Raises:
            ApiError: 404 when there is none, or its container is gone.
        """
        with self._lock:
            instance = self._execs.get(name)
        if instance is None or self._containers.by_id(instance.container) is None:
            raise ApiError(404, f"No such exec instance: {name}")
        return instance

    def startable(self, name: str) -> tuple[Exec, Container]:
        """An exec that can be started now, and its container.

        Raises:
            ApiError: when there is none, or its container is in no state for it.
        """
        with self._lock:
            instance = self._execs.get(name)
        if instance is None:
            raise ApiError(404, f"No such exec instance: {name}")
        container = self._containers.by_id(instance.container)
        if container is None:
            raise ApiError(404, f"No such container: {name}")
        self.check_running(container, container.id)
        return instance, container

    def check_running(self, container: Container, shown: str) -> None:
        """Refuse a container in which nothing can run.

        Raises:
            ApiError: 409.
        """
        if not container.running:
            version = self._containers.state.version
            raise ApiError(409, messages.NOT_RUNNING(version, container.id))
        if container.status == "restarting":
            raise ApiError(409, messages.RESTARTING.format(container.id))
        if container.status == "paused":
            raise ApiError(409, f"Container {shown} is paused, unpause the container before exec")

    def add(self, instance: Exec, container: Container) -> None:
        """Keep a command that is to run in a container."""
        with self._lock:
            self._execs[instance.id] = instance
            container.execs.append(instance.id)
        own = {"execID": instance.id}
        self._containers.note(container, f"exec_create: {instance.shown}", own)

    def effect(self, container: Container, command: list[str]) -> ContainerEffect | None:
        """What a command does in a container, `None` when no rule is meant for it."""
        return self._rules.find(container.image_name, command)

    def run(self, instance: Exec, container: Container) -> list[LogEntry]:
        """Run a command by its rule; what it printed."""
        effect = self.effect(container, instance.command)
        own = {"execID": instance.id}
        self._containers.note(container, f"exec_start: {instance.shown}", own)
        now = self._containers.state.clock()
        printed: list[LogEntry] = []
        instance.running, instance.pid = True, container.pid + 1
        if effect is not None:
            if effect.delay:
                time.sleep(effect.delay)
            if effect.files:
                with mounted_files(self._containers.volumes, container) as files:
                    write_files(files, effect.files)
            for stream, data in ((STDOUT, effect.stdout), (STDERR, effect.stderr)):
                if data and instance.tty:
                    printed.append(LogEntry(STDOUT, now, as_terminal(data)))
                elif data:
                    printed.append(LogEntry(stream, now, data))
        instance.running, instance.exit_code = False, effect.exit_code if effect else 0
        with self._lock:
            if instance.id in container.execs:
                container.execs.remove(instance.id)
        end = {**own, "exitCode": str(instance.exit_code)}
        self._containers.note(container, "exec_die", end)
        return printed

    def end_with(self, container: Container) -> None:
        """Forget the commands of a container that ended before they were started."""
        with self._lock:
            for name in container.execs:
                self._execs.pop(name, None)
            container.execs.clear()
