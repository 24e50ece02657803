"""The containers of an engine and what can be done to them."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fakes.engine.builder.copy import Overlay, prepare_root
from fakes.engine.containers.container import STDERR, STDOUT, Container, Exec, LogEntry
from fakes.engine.containers.files import write_files
from fakes.engine.containers.merge import merged, signal_number
from fakes.engine.containers.names import made_up_name
from fakes.engine.containers.policy import ContainerEffect
from fakes.engine.containers.streams import IDLE
from fakes.engine.containers.surroundings import enter, leave
from fakes.engine.endpoints import rename
from fakes.engine.errors import ApiError, StepError
from fakes.engine.images.config import RunConfig
from fakes.engine.images.store import chain_ids
from fakes.engine.volume_mounts import remove_anonymous

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_NAME = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_FIRST_PORT = 32768


class ContainerStore:
    """Containers by id and name."""

    def __init__(self, engine: FakeDockerEngine) -> None:
        self._engine = engine
        self._lock = threading.RLock()
        self._containers: dict[str, Container] = {}
        self._execs: dict[str, Exec] = {}
        self._effects: list[ContainerEffect] = []
        self._exec_effects: list[ContainerEffect] = []
        self._next_port = _FIRST_PORT
        self._next_pid = 1000

    # --- policy ---------------------------------------------------------------

    def on_container(self, effect: ContainerEffect) -> None:
        """Give containers an effect; the newest rule wins."""
        with self._lock:
            self._effects.append(effect)

    def on_exec(self, effect: ContainerEffect) -> None:
        """Give commands in running containers an effect; the newest rule wins."""
        with self._lock:
            self._exec_effects.append(effect)

    def _effect(
        self, rules: list[ContainerEffect], image: str, command: list[str]
    ) -> ContainerEffect | None:
        with self._lock:
            return next((e for e in reversed(rules) if e.matches(image, command)), None)

    # --- finding --------------------------------------------------------------

    def all(self) -> list[Container]:
        """Every container, newest first; those of builds too."""
        with self._lock:
            return sorted(self._containers.values(), key=lambda c: c.created, reverse=True)

    def find(self, name: str) -> Container:
        """A container by id, name or the beginning of its id.

        Raises:
            ApiError: 404 when there is none.
        """
        wanted = name.removeprefix("/")
        with self._lock:
            if wanted in self._containers:
                return self._containers[wanted]
            for container in self._containers.values():
                if container.name == wanted:
                    return container
            starting = [key for key in self._containers if wanted and key.startswith(wanted)]
            if len(starting) == 1:
                return self._containers[starting[0]]
        if len(starting) > 1:
            raise ApiError(400, f"Multiple IDs found with provided prefix: {wanted}")
        raise ApiError(404, f"No such container: {name}")

    def of_image(self, image_id: str, *, running: bool = False) -> str:
        """The id of a container made from an image, empty without one."""
        with self._lock:
            for container in self._containers.values():
                if container.image == image_id and (container.running or not running):
                    return container.id
        return ""

    def count_of(self, image_id: str) -> int:
        """How many containers were made from an image."""
        with self._lock:
            return sum(container.image == image_id for container in self._containers.values())

    def find_exec(self, name: str) -> Exec:
        """An exec by id.

        Raises:
            ApiError: 404 when there is none.
        """
        with self._lock:
            if name not in self._execs:
                raise ApiError(404, f"No such exec instance: {name}")
            return self._execs[name]

    # --- making and removing --------------------------------------------------

    def create(
        self,
        config: RunConfig,
        host_config: dict[str, Any],
        networks: dict[str, dict[str, Any]],
        name: str,
        *,
        prepare: Callable[[Container], None] = lambda _container: None,
    ) -> Container:
        """Make a container.

        Args:
            config: what it runs.
            host_config: as it was asked for.
            networks: endpoint settings by network name.
            name: its name; made up when empty.
            prepare: called with it before anybody is told of it.

        Raises:
            ApiError: when the name is taken, or there is no such image.
        """
        image = self._engine.images.find(config.image)
        if name and not _NAME.fullmatch(name):
            raise ApiError(
                400,
                f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
            )
        name = name.removeprefix("/")
        with self._lock:
            taken = {c.name: c.id for c in self._containers.values()}
            if name in taken:
                raise ApiError(
                    409,
                    f'Conflict. The container name "/{name}" is already in use by container '
                    f'"{taken[name]}". You have to remove (or rename) that container to be able '
                    "to reuse that name.",
                )
            container = Container(
                id=self._engine.new_id(),
                image=image.id,
                name=name or made_up_name(set(taken)),
                image_name=config.image,
                config=merged(config, image),
                host_config=host_config,
                networks=networks,
                created=self._engine.clock(),
            )
            if not container.command:
                raise ApiError(400, "No command specified")
            container.config.hostname = container.config.hostname or container.id[:12]
            container.chains = chain_ids(image)
            container.overlay = Overlay(
                image.tree, container.created // 1_000_000_000, container.id
            )
            try:
                prepare_root(container.overlay, container.config)
            except StepError as error:
                raise ApiError(500, error.message) from error
            self._containers[container.id] = container
        prepare(container)
        self.note(container, "create")
        return container

    def create_for_build(self, container_id: str, image_id: str, config: RunConfig) -> None:
        """The intermediate container of a build step."""
        with self._lock:
            container = self._containers[container_id] = Container(
                container_id,
                image_id,
                name=made_up_name({c.name for c in self._containers.values()}),
                image_name=image_id,
                config=config.copy(),
                created=self._engine.clock(),
                for_build=True,
                networks={"bridge": {}},
            )
        self.note(container, "create")

    def remove(
        self, container: Container, *, force: bool = False, with_volumes: bool = False
    ) -> None:
        """Take a container away.

        Args:
            container: which.
            force: even when it runs.
            with_volumes: and the volumes that nobody named and only it had.

        Raises:
            ApiError: 409 when it runs and force is not given.
        """
        if container.running:
            if not force:
                raise ApiError(
                    409,
                    f"You cannot remove a {'paused' if container.status == 'paused' else 'running'}"
                    f" container {container.id}. Stop the container before attempting removal or "
                    "force remove",
                )
            self.finish(container, 137, "kill")
        with self._lock:
            self._containers.pop(container.id, None)
            for key in container.execs:
                self._execs.pop(key, None)
        with container.changed:
            container.removed = True
            container.changed.notify_all()
        if with_volumes:
            remove_anonymous(self._engine, container)
        self.note(container, "destroy")

    def rename(self, container: Container, name: str) -> None:
        """Give a container another name.

        Raises:
            ApiError: when it is taken or no name.
        """
        if not name:
            raise ApiError(500, "Neither old nor new names may be empty")
        if not _NAME.fullmatch(name):
            raise ApiError(
                400,
                f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
            )
        with self._lock:
            for other in self._containers.values():
                if other.name == name and other is not container:
                    raise ApiError(
                        409,
                        f'Conflict. The container name "/{name}" is already in use by container '
                        f'"{other.id}". You have to remove (or rename) that container to be able '
                        "to reuse that name.",
                    )
            old, container.name = container.name, name
        rename(self._engine, container, old)
        self.note(container, "rename", {"oldName": f"/{old}"})

    # --- running --------------------------------------------------------------

    def start(self, container: Container) -> bool:
        """Let a container run; whether it did not run before."""
        with container.changed:
            if container.running:
                return False
            enter(self._engine, container)
            container.status = "running"
            container.started, container.finished = self._engine.clock(), None
            container.exit_code = 0
            with self._lock:
                self._next_pid += 1
                container.pid = self._next_pid
                self._publish(container)
            container.effect = self._effect(self._effects, container.image_name, container.command)
            container.changed.notify_all()
        self.note(container, "start")
        self._run(container)
        return True

    def _run(self, container: Container) -> None:
        effect = container.effect
        if effect is not None:
            if effect.stdout:
                self.log(container, STDOUT, effect.stdout)
            if effect.stderr:
                self.log(container, STDERR, effect.stderr)
            if container.overlay is not None:
                write_files(container.overlay, effect.files)
            if effect.service:
                return
            if effect.delay:
                timer = threading.Timer(
                    effect.delay, self._end_by_itself, (container, container.started, effect)
                )
                timer.daemon = True
                timer.start()
                return
        self.finish(container, effect.exit_code if effect else 0)

    def _end_by_itself(
        self, container: Container, started: int | None, effect: ContainerEffect
    ) -> None:
        if container.running and container.started == started:
            self.finish(container, effect.exit_code)

    def log(self, container: Container, stream: int, data: bytes) -> None:
        """Let a container print something."""
        with container.changed:
            for line in data.splitlines(keepends=True):
                container.logs.append(LogEntry(stream, self._engine.clock(), line))
            container.changed.notify_all()

    def finish(self, container: Container, code: int, why: str = "") -> None:
        """End a running container."""
        with container.changed:
            if not container.running:
                return
            container.status, container.exit_code, container.pid = "exited", code, 0
            container.finished = self._engine.clock()
            container.ports = {}
            if why:
                self.note(container, "kill", {"signal": str(code - 128)})
            leave(self._engine, container, code)
            container.changed.notify_all()
        if why == "stop":
            self.note(container, "stop")
        if container.auto_remove:
            self.remove(container, with_volumes=True)

    def kill(self, container: Container, name: str) -> None:
        """Send a signal; whatever it is but a harmless one, it ends the container.

        Raises:
            ApiError: when it does not run or there is no such signal.
        """
        number = signal_number(name)
        if number is None:
            raise ApiError(400, f"Invalid signal: {name}")
        if not container.running:
            raise ApiError(
                409,
                f"Cannot kill container: {container.name}: Container {container.id} is not running",
            )
        if number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
            self.note(container, "kill", {"signal": str(number)})
            return
        self.finish(container, 128 + number, "kill")

    def pause(self, container: Container, *, pause: bool) -> None:
        """Stop or continue the clock of a container.

        Raises:
            ApiError: when it is in no state for that.
        """
        with container.changed:
            if not container.running:
                raise ApiError(409 if pause else 500, f"Container {container.id} is not running")
            if pause == (container.status == "paused"):
                state = "already paused" if pause else "not paused"
                raise ApiError(409 if pause else 500, f"Container {container.id} is {state}")
            container.status = "paused" if pause else "running"
            container.changed.notify_all()
        self.note(container, "pause" if pause else "unpause")

    def wait(self, container: Container, condition: str) -> Iterator[int | None]:
        """The exit code once a container has ended; `None` now and then until it has."""
        # Looked at now, not when the answer is first read: it may have ended by then.
        return self._wait(container, condition, container.finished)

    def _wait(
        self, container: Container, condition: str, before: int | None
    ) -> Iterator[int | None]:
        while True:
            with container.changed:
                if condition == "next-exit":
                    ended = container.finished not in (before, None)
                elif condition == "removed":
                    ended = container.removed
                else:
                    ended = not container.running
                if not ended:
                    container.wait_for_change(IDLE)
            if ended:
                yield container.exit_code
                return
            yield None

    def _publish(self, container: Container) -> None:
        bindings: dict[str, Any] = dict(container.host_config.get("PortBindings") or {})
        if container.host_config.get("PublishAllPorts"):
            for port in container.config.exposed_ports or {}:
                bindings.setdefault(port, [{"HostPort": ""}])
        for port, wanted in bindings.items():
            given = []
            for binding in wanted or [{}]:
                number = binding.get("HostPort") or ""
                if not number or number == "0":
                    number = str(self._next_port)
                    self._next_port += 1
                given.append({"HostIp": binding.get("HostIp") or "0.0.0.0", "HostPort": number})  # noqa: S104
            container.ports[port] = given

    # --- exec -----------------------------------------------------------------

    def add_exec(self, instance: Exec) -> None:
        """Keep a command that is to run in a container."""
        with self._lock:
            self._execs[instance.id] = instance
            self._containers[instance.container].execs.append(instance.id)
        command = " ".join(instance.command)
        attributes = {"execID": instance.id}
        self.note(self._containers[instance.container], f"exec_create: {command}", attributes)

    def run_exec(self, instance: Exec) -> list[LogEntry]:
        """Run such a command by policy; what it printed."""
        container = self.find(instance.container)
        effect = self._effect(self._exec_effects, container.image_name, instance.command)
        attributes = {"execID": instance.id}
        self.note(container, f"exec_start: {' '.join(instance.command)}", attributes)
        now = self._engine.clock()
        printed: list[LogEntry] = []
        instance.running, instance.pid = True, container.pid + 1
        if effect is not None:
            if effect.delay:
                time.sleep(effect.delay)
            if container.overlay is not None:
                write_files(container.overlay, effect.files)
            for stream, data in ((STDOUT, effect.stdout), (STDERR, effect.stderr)):
                if data:
                    printed.append(LogEntry(stream, now, data))
        instance.running, instance.exit_code = False, effect.exit_code if effect else 0
        self.note(container, "exec_die", {**attributes, "exitCode": str(instance.exit_code)})
        return printed

    def note(
        self, container: Container, action: str, more: Mapping[str, str] | None = None
    ) -> None:
        """Say in the events that something happened to a container."""
        image = {"image": container.image_name} if container.image_name else {}
        attributes = {
            **(container.config.labels or {}),
            **image,
            "name": container.name,
            **(more or {}),
        }
        self._engine.event_log.add("container", action, container.id, attributes)
