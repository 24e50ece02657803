"""Containers that start, run and end by rule, for nothing is executed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial

from ...shell.commands import is_instant
from ...shell.machines import Machines
from ...shell.process import Process, ProcessStoppedError, Work, run
from .. import messages
from ..errors import ApiError, NotStartedError
from ..filesystem.files import write_files
from ..versions import EngineVersion
from .connections import endpoint_of
from .container import STDERR, STDOUT, Container, ContainerProcesses, LogEntry
from .effects import ContainerEffect, EffectRules
from .evaluated import ONE_CONTAINER, ContainerMachine, ContainerPrograms
from .evaluated_ends import ends_by, evaluated_in
from .execs import ExecStore
from .health import NONE, HealthMonitor
from .lifecycle_hooks import on_exit, on_start, on_start_failed
from .links import check_linked_run, link_variables
from .merge import signal_number
from .mounted_files import files_inside, make_places
from .ports import PortStore
from .processes import make_process, notice, refusal
from .register import ContainerRegister
from .start_checks import check_start
from .streams import IDLE, as_terminal
from .variables import process_variables

_HARMLESS = {
    int(number)
    for number in (signal.SIGCONT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)
}
_FIRST_PAUSE, _PAUSE_GROWTH, _LONGEST_PAUSE = 0.001, 4, 60.0
"""Seconds between the attempts of a restart policy; the first come sooner than an engine's."""

_LINGER = 0.5
"""Seconds for which a container that ended by itself is still there, if it is removed then."""

_FIRST_MOMENT = 0.05
"""Seconds that a start gives a function at most, so that what it does at once is seen after it."""

_NEVER_STARTED = _SIGNALLED = 128
"""The exit code of what did not start; added to its number, that of what a signal ended."""

Program = Callable[[Container], ContainerEffect]
"""Returns what a container does that runs a program which the engine double knows."""


class Lifecycle:
    """What becomes of the containers of a store."""

    def __init__(
        self,
        store: ContainerRegister,
        execs: ExecStore,
        policy: str,
        machines: Machines | None = None,
    ) -> None:
        self._refuses = policy == "refuse"
        self._machines = machines
        self._state = store.state
        self._store = store
        self._execs = execs
        self._lock = threading.Lock()
        self._rules = EffectRules()
        self._ports = PortStore(store.state.version)
        self._programs: dict[str, Program] = {}
        self._next_pid = 1000

    @property
    def _version(self) -> EngineVersion:
        return self._state.version

    def unused_rules(self) -> list[ContainerEffect]:
        """The rules that no container has met."""
        return self._rules.unused()

    def on_container(self, effect: ContainerEffect) -> None:
        """Give containers an effect; the newest rule wins."""
        self._rules.add(effect)

    def add_program(self, image: str, program: Program) -> None:
        """Let the containers of an image, in any tag, do something where no rule is for them.

        Args:
            image: its name without a tag.
            program: returns what a container does.
        """
        self._programs[image] = program

    def _effect(self, container: Container) -> ContainerEffect | None:
        image, command = container.image_name, container.command
        program, machine = self._program(container), container.machine
        if effect := self._rules.rule(image, command):
            container.executed = "rule"
        elif program is not None:
            effect = program(container)
        if effect is not None:
            if machine is not None:
                machine.stand_in()
            return effect
        if machine is None:
            return self._rules.find(image, command)
        if not _knows(machine, container):
            return None
        container.executed = "shell"
        machine.expect_first()
        return ContainerEffect(does=partial(machine.run, is_first=True))

    def _program(self, container: Container) -> Program | None:
        return self._programs.get(container.image_name.partition("@")[0].rpartition(":")[0])

    def close(self) -> None:
        """Give back what the containers hold of this machine, and stop functions at work."""
        for container in self._store.all():
            self._ports.release(container)
            if container.process is not None:
                container.process.stop()
            if container.machine is not None:
                container.machine.stop()
            self._execs.end_with(container)

    # --- beginning ------------------------------------------------------------

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

    def _run(self, container: Container) -> None:
        effect, process = container.effect, container.process
        if effect is None:
            if not container.noticed:
                container.noticed = True
                said = notice(container.image_name, container.command)
                self._log(container, STDERR, said)
            self.finish(container, 0)
            return
        for stream, data in ((STDOUT, effect.stdout), (STDERR, effect.stderr)):
            if data:
                self._log(container, stream, data)
        if effect.files:
            with files_inside(self._store.volumes, container, *effect.files) as files:
                write_files(files, effect.files)
        if effect.does is not None and process is not None:
            self._work(container, effect.does, process)
            return
        if effect.service:
            return
        if effect.delay:
            started = container.started
            self._later(effect.delay, lambda: self._end_by_itself(container, started, effect))
        else:
            self.finish(container, effect.exit_code)

    def _check_rule(self, container: Container) -> None:
        """Refuse to start what no rule is meant for, where that is wanted.

        Raises:
            ApiError: 500.
        """
        image, command = container.image_name, container.command
        if not self._refuses:
            return
        known = self._program(container) or self._rules.find(image, command)
        machine = container.machine
        if known is None and not (machine is not None and _knows(machine, container)):
            raise ApiError(500, refusal("a container", "on_container", image, command))

    def _process(self, container: Container, effect: ContainerEffect | None) -> Process | None:
        if effect is None or effect.does is None:
            return None
        config = container.config
        return make_process(
            container.command,
            _variables(container),
            user=config.user,
            working_dir=config.working_dir,
            open_files=partial(files_inside, self._store.volumes, container),
            writers=(
                lambda data: self._log(container, STDOUT, data),
                lambda data: self._log(container, STDERR, data),
            ),
            takes_input=config.open_stdin,
        )

    def _work(self, container: Container, does: Work, process: Process) -> None:
        def work() -> None:
            try:
                code = run(does, process)
                if container.process is process:
                    self.finish(container, code)
            except ProcessStoppedError:
                return
            finally:
                process.settled.set()

        if is_instant(container.command):
            work()
        else:
            threading.Thread(target=work, name="fake-container", daemon=True).start()
            process.settled.wait(_FIRST_MOMENT)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()

    def _end_by_itself(
        self, container: Container, started: int | None, effect: ContainerEffect
    ) -> None:
        if container.running and container.started == started:
            self.finish(container, effect.exit_code)

    def _log(self, container: Container, stream: int, data: bytes) -> None:
        """Let a container print something; a terminal has one stream."""
        if container.config.tty:
            stream, data = STDOUT, as_terminal(data)
        with container.changed:
            for line in data.splitlines(keepends=True):
                container.logs.append(LogEntry(stream, self._state.clock(), line))
            container.changed.notify_all()

    # --- ending ---------------------------------------------------------------

    def finish(self, container: Container, code: int, why: str = "") -> None:
        """End a running container."""
        with container.changed:
            if not container.running:
                return
            container.ended_by_hand = container.ended_by_hand or bool(why)
            if container.status == "restarting":
                # It has ended already, and does not run again.
                container.status = "exited"
                container.changed.notify_all()
                return
            again = self._starts_again(container, code)
            container.status = "restarting" if again else "exited"
            container.exit_code, container.pid, container.ports = code, 0, {}
            container.memory = {}
            container.ends += 1
            container.last_code = code
            container.finished = self._state.clock()
            if container.health is not None:
                container.health.stop()
            if why:
                self._store.note(container, "kill", {"signal": str(code - _SIGNALLED)})
            if container.process is not None:
                container.process.stop()
                container.process = None
            if container.machine is not None:
                container.machine.stop()
                container.machine = None
            self._ports.release(container)
            self._execs.end_with(container)
            # Whoever waits for its end finds it gone from its networks.
            on_exit(self._store, container, code)
            container.changed.notify_all()
        if why == "stop":
            self._store.note(container, "stop")
        if again:
            pause = min(_FIRST_PAUSE * _PAUSE_GROWTH**container.restarts, _LONGEST_PAUSE)
            container.restarts += 1
            started = container.started
            self._later(pause, lambda: self._start_again(container, started))
        elif container.auto_remove and (why or container.watchers):
            self._store.discard(container, with_volumes=True)
        elif container.auto_remove:
            # As on an engine, which needs a moment for it, the client's next request finds it.
            self._later(_LINGER, lambda: self._store.discard(container, with_volumes=True))

    def _starts_again(self, container: Container, code: int) -> bool:
        """Whether its policy wants a container back that ended.

        One that no rule is meant for ended because nothing is executed; that
        is no reason.
        """
        policy = container.host_config.get("RestartPolicy") or {}
        if container.ended_by_hand or container.effect is None:
            return False
        if policy.get("Name") == "on-failure":
            most = policy.get("MaximumRetryCount") or 0
            return code != 0 and (not most or container.restarts < most)
        return policy.get("Name") in ("always", "unless-stopped")

    def _start_again(self, container: Container, started: int | None) -> None:
        if (
            container.status != "restarting"
            or container.started != started
            or container.removed
            or container.ended_by_hand
        ):
            return
        try:
            self._begin(container)
        except ApiError:
            with container.changed:
                container.status = "exited"
                container.changed.notify_all()

    def stop(self, container: Container, name: str, asked: str, seconds: int | None = None) -> bool:
        """End a container with its stop signal, or another; whether it ran.

        Args:
            container: which.
            name: of the signal, empty for its own.
            asked: the name or id by which the container was asked for.
            seconds: until it is killed that does something about the signal; `None` for as long
                as it says itself, a negative number for no end.

        Raises:
            ApiError: 500 when there is no such signal.
        """
        if not container.running:
            return False
        self._end_with(container, name, f"cannot stop container: {asked}", seconds)
        return True

    def restart(
        self, container: Container, name: str, asked: str, seconds: int | None = None
    ) -> None:
        """End a container if it runs, and start it; the arguments are those of `stop`.

        Raises:
            ApiError: 500 when there is no such signal.
        """
        if container.running:
            self._end_with(container, name, f"Cannot restart container {asked}", seconds)
        self.start(container)
        self._store.note(container, "restart")

    def _end_with(self, container: Container, name: str, refusal: str, seconds: int | None) -> None:
        # Older engines know of no other signal.
        chosen = (
            (name if self._version >= "23.0" else "") or container.config.stop_signal or "SIGTERM"
        )
        number = signal_number(chosen)
        if number is None:
            raise ApiError(500, f"{refusal}: {messages.BAD_SIGNAL(self._version, chosen)}")
        machine = evaluated_in(container)
        if machine is None or container.status not in ("running", "paused"):
            self.finish(container, _SIGNALLED + number, "stop")
            return
        container.ended_by_hand = True
        self._store.note(container, "kill", {"signal": str(number)})
        self._hear_while_paused(container, number)
        if ends_by(container, machine, number, seconds):
            self._store.note(container, "stop")
        else:
            self.finish(container, _SIGNALLED + signal.SIGKILL, "stop")

    def kill(self, container: Container, name: str, asked: str) -> None:
        """Send a signal; whatever it is but a harmless one, it ends the container.

        The arguments are those of `stop`.

        Raises:
            ApiError: when it does not run or there is no such signal.
        """
        number = signal_number(name)
        if number is None and name.lstrip("-").isdigit() and int(name):
            # Older engines take it for a number without a sign.
            shown = int(name) if self._version >= "23.0" else int(name) % 2**64
            reason = messages.UNSUPPORTED_SIGNAL(self._version, shown)
            status = self._version.bad_request()
            raise ApiError(status, messages.NO_KILL(self._version, asked, reason))
        if number is None:
            reason = messages.BAD_SIGNAL(self._version, name)
            if self._version >= "23.0":
                reason = messages.NO_KILL(self._version, asked, reason)
            raise ApiError(400, reason)
        if not container.running:
            reason = messages.NOT_RUNNING(self._version, container.id)
            raise ApiError(409, messages.NO_KILL(self._version, asked, reason))
        machine = evaluated_in(container)
        if machine is not None and number != signal.SIGKILL:
            self._store.note(container, "kill", {"signal": str(number)})
            container.ended_by_hand = container.ended_by_hand or number == signal.SIGTERM
            machine.signal(number)
            self._hear_while_paused(container, number)
        elif number in _HARMLESS:
            self._store.note(container, "kill", {"signal": str(number)})
        else:
            self.finish(container, _SIGNALLED + number, "kill")

    def _hear_while_paused(self, container: Container, number: int) -> None:
        """Let a paused container go on that is to end, as far as an engine can know that."""
        own = container.config.stop_signal
        if container.status == "paused" and (not own or signal_number(own) == number):
            self.unpause(container)

    # --- pausing and waiting --------------------------------------------------

    def pause(self, container: Container) -> None:
        """Stop the clock of a container.

        Raises:
            ApiError: 409 when it is in no state for that.
        """
        with container.changed:
            if not container.running:
                raise ApiError(409, messages.NOT_RUNNING(self._version, container.id))
            if container.status == "paused":
                raise ApiError(409, messages.IS_PAUSED(self._version, container.id))
            if container.status == "restarting":
                raise ApiError(409, messages.RESTARTING.format(container.id))
            container.status = "paused"
            if container.machine is not None:
                container.machine.freeze(is_frozen=True)
            if container.health is not None:
                container.health.stop()
            container.changed.notify_all()
        self._store.note(container, "pause")

    def unpause(self, container: Container) -> None:
        """Let a paused container go on.

        Raises:
            ApiError: 500 when it is not paused.
        """
        with container.changed:
            if container.status != "paused":
                raise ApiError(500, f"Container {container.id} is not paused")
            container.status = "running"
            if container.machine is not None:
                container.machine.freeze(is_frozen=False)
            if container.health is not None:
                container.health.resume(self._state.clock())
            container.changed.notify_all()
        self._store.note(container, "unpause")

    def wait(self, container: Container, condition: str) -> Iterator[int | None]:
        """The exit code once a container has ended; `None` now and then until it has."""
        # Looked at now, not when the answer is first read: it may have ended by then.
        with container.changed:
            container.watchers += 1
        return self._wait(container, condition, container.ends)

    def _wait(self, container: Container, condition: str, before: int) -> Iterator[int | None]:
        while True:
            with container.changed:
                if condition == "removed":
                    ended = container.removed
                else:
                    # Each end counts, though a restart policy follows it.
                    ended = container.ends > before
                    ended = ended or (condition != "next-exit" and not container.running)
                if not ended:
                    container.wait_for_change(IDLE)
            if ended:
                if container.auto_remove and not container.running:
                    # Its end is told, which is what it was still there for.
                    self._store.discard(container, with_volumes=True)
                yield container.last_code
                return
            yield None


def _knows(machine: ContainerProcesses, container: Container) -> bool:
    """Whether a container's command is evaluated, or found missing."""
    return machine.is_known(container.command, _variables(container), is_first=True)


def _variables(container: Container) -> dict[str, str]:
    config = container.config
    return process_variables(config, link_variables(container), tty=config.tty)
