"""How containers start."""

from __future__ import annotations

from functools import partial

from ...shell.process import Process
from .. import messages
from ..errors import ApiError, NotStartedError
from .connections import endpoint_of
from .container import Container
from .effects import ContainerEffect
from .evaluated import ONE_CONTAINER, ContainerMachine, ContainerPrograms
from .health import NONE, HealthMonitor
from .lifecycle_hooks import on_start, on_start_failed
from .links import check_linked_run
from .mounted_files import make_places
from .running import Running
from .start_checks import check_start

_NEVER_STARTED = 128
"""The exit code of what did not start."""


class Starting(Running):
    """Starts containers, with their networks, ports and health checks."""

    def start(self, container: Container) -> bool:
        """Let a container run; whether it did not run before.

        Raises:
            ApiError: when it is in no state for that.
        """
        if container.status == "paused":
            raise ApiError(409, "cannot start a paused container, try unpause instead")
        if container.running:
            return False
        container.restarts = 0
        self._begin(container)
        return True

    def _begin(self, container: Container) -> None:
        try:
            check_linked_run(container)
            check_start(container, self._version)
            self._prepare(container)
            self._check_rule(container)
            self._connect(container)
            effect, process = self._command(container)
        except ApiError as error:
            container.error = error.message
            container.exit_code = getattr(error, "exit_code", _NEVER_STARTED)
            container.machine = None
            raise
        with container.changed:
            container.status, container.ended_by_hand = "running", False
            container.started = self._state.clock()
            container.exit_code, container.error = 0, ""
            container.host_config.setdefault("Runtime", "runc")
            container.health = self._monitor(container)
            with self._lock:
                self._next_pid += 1
                container.pid = self._next_pid
            container.effect, container.process = effect, process
            container.changed.notify_all()
        make_places(container)
        if container.effect is not None and container.effect.answers is not None:
            self._ports.serve(container, container.effect.answers)
        self._store.note(container, "start")
        self._run(container)

    def _prepare(self, container: Container) -> None:
        """Make the machine of a container, where commands are evaluated."""
        container.executed = None
        if self._machines is None:
            return
        own = ContainerPrograms(self._rules, container, refuses=self._refuses, of=ONE_CONTAINER)
        others = own, self._execs.programs(container)
        container.machine = ContainerMachine(self._machines, self._store, container, others)

    def _command(self, container: Container) -> tuple[ContainerEffect | None, Process | None]:
        """What a container's command does, and the command if a function does that.

        Raises:
            NotStartedError: its program is not there.
        """
        machine = container.machine
        if machine is not None:
            machine.connect()
        effect = self._effect(container)
        process = self._process(container, effect)
        if machine is not None and process is not None and container.executed == "shell":
            refused = machine.refusal(process, is_first=True)
            if refused is not None:
                on_start_failed(self._store, container)
                self._ports.release(container)
                reason = f"{messages.STARTING(self._version)}{refused.reason}"
                raise NotStartedError(400, messages.NO_TASK(self._version, reason), refused.code)
        return effect, process

    def _monitor(self, container: Container) -> HealthMonitor | None:
        check = container.config.healthcheck or {}
        if (check.get("Test") or ["NONE"])[0] == "NONE":
            return None
        shell = container.config.shell or ["/bin/sh", "-c"]
        now = container.started or 0
        return HealthMonitor(check, shell, now, start_interval=self._version >= "23.0")

    def health(self, container: Container) -> str:
        """What the checks of a container found by now."""
        monitor = container.health
        if monitor is None:
            return NONE
        if monitor.look(self._state.clock(), partial(self._execs.probe, container)):
            self._store.note(container, f"health_status: {monitor.status}")
        return monitor.status

    def _connect(self, container: Container) -> None:
        """Give a container its networks and ports.

        Raises:
            ApiError: when one is not to be had.
        """
        mode = str(container.host_config.get("NetworkMode") or "")
        if mode.startswith("container:"):
            other = self._other(mode.partition(":")[2])
            if not other.running:
                raise ApiError(
                    409,
                    messages.NO_CONTAINER_NETWORK(
                        self._version, other.id, other.name, other.status
                    ),
                )
        on_start(self._store, container)
        container.joined, container.is_unplugged = True, False
        try:
            name = f"{container.name} ({endpoint_of(self._store.networks, container)})"
            self._ports.publish(container, self._store.all(), name)
        except ApiError:
            on_start_failed(self._store, container)
            # Newer engines show no network of it then.
            container.is_unplugged = self._version >= "29.0"
            raise

    def _other(self, name: str) -> Container:
        """The container whose network is to be joined."""
        try:
            return self._store.find(name)
        except ApiError as error:
            if self._version < "28.0":
                raise
            raise ApiError(
                500, f"joining network namespace of container: {error.message}"
            ) from error
