"""Commands that run in containers that run already."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from imagebuilders.evaluation.go_values import duration

from ...shell.commands import is_instant
from ...shell.machines import StartRefusal
from ...shell.process import ProcessStoppedError, Writer, run
from .. import messages
from ..errors import ApiError
from ..filesystem.files import write_files
from ..versions import ByVersion
from .container import STDERR, STDOUT, Container, Exec, LogEntry
from .effects import ContainerEffect, EffectRules
from .evaluated import ONE_COMMAND, ContainerPrograms
from .links import link_variables
from .mounted_files import files_inside
from .processes import make_process, refusal
from .register import ContainerRegister
from .streams import as_terminal
from .variables import process_variables

_KEPT = 1000
"""So many commands that have ended can still be asked about; an engine keeps each some minutes."""
_TIMED_OUT = -1
"""The exit code of a health check that took too long."""
_NOT_STARTED: ByVersion[Callable[[StartRefusal], int]] = ByVersion(
    lambda _refused: 126,
    {
        "28.0": lambda refused: refused.code,
    },
)
"""The exit code of what could not be started."""
_KILLED = 137
"""The exit code of what ends with its container."""


class ExecStore:
    """Execs by id.

    An exec that has ended outlives its container, until many others have ended, too; one
    that was never started goes when its container ends.
    """

    def __init__(self, containers: ContainerRegister, policy: str) -> None:
        self._containers = containers
        self._refuses = policy == "refuse"
        self._running: dict[str, Exec] = {}
        self._lock = threading.RLock()
        self._execs: dict[str, Exec] = {}
        self._ended: deque[str] = deque()
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

    def _effect(
        self, container: Container, command: list[str], instance: Exec | None = None
    ) -> ContainerEffect | None:
        """What a command does in a container, `None` when nobody knows."""
        image, machine = container.image_name, container.machine
        if machine is None:
            return self._rules.find(image, command)
        rule = self._rules.rule(image, command)
        variables = self._variables(container, instance)
        if rule is None and machine.is_known(command, variables):
            if instance is not None:
                instance.executed = "shell"
            return ContainerEffect(does=machine.run)
        return rule

    @staticmethod
    def _variables(container: Container, instance: Exec | None = None) -> dict[str, str]:
        """Return the variables of a command, which may be that of a health check."""
        added, tty = ([], False) if instance is None else (instance.env, instance.tty)
        return process_variables(container.config, link_variables(container), added, tty=tty)

    def programs(self, container: Container) -> ContainerPrograms:
        """Return what does what an emulated shell does not know of commands."""
        return ContainerPrograms(self._rules, container, refuses=self._refuses, of=ONE_COMMAND)

    def probe(
        self, container: Container, command: list[str], nanoseconds: int
    ) -> tuple[int, bytes]:
        """Run the command of a health check for a time; its exit code and what it printed."""
        effect = self._effect(container, command)
        if effect is None:
            return 0, b""
        printed = bytearray(effect.stdout + effect.stderr)
        seconds = nanoseconds / 1e9
        if effect.does is None:
            late = effect.delay >= seconds
            return (_TIMED_OUT, _late(nanoseconds)) if late else (effect.exit_code, bytes(printed))
        process = make_process(
            command,
            self._variables(container),
            user=container.config.user,
            working_dir=container.config.working_dir,
            open_files=partial(files_inside, self._containers.volumes, container),
            writers=(printed.extend, printed.extend),
        )
        timer = threading.Timer(seconds, process.stop)
        timer.daemon = True
        if not is_instant(command):
            timer.start()
        try:
            return run(effect.does, process), bytes(printed)
        except ProcessStoppedError:
            return _TIMED_OUT, _late(nanoseconds)
        finally:
            timer.cancel()

    def unused_rules(self) -> list[ContainerEffect]:
        """The rules that no command has met."""
        return self._rules.unused()

    def prepare(
        self, instance: Exec, container: Container, write: Callable[[LogEntry], None]
    ) -> Callable[[], None]:
        """Return what runs a command, after which it has ended.

        Args:
            instance: the command; it has a process from now on if a function does its work.
            container: where it runs.
            write: takes what it prints.

        Raises:
            ApiError: 500 when no rule is meant for it, and that is refused.
        """
        effect = self._effect(container, instance.command, instance)
        if effect is not None and instance.executed is None:
            instance.executed = "rule"
        if effect is None and self._refuses:
            shown = container.image_name, instance.command
            raise ApiError(500, refusal("a command", "on_exec", *shown))
        printers = (
            lambda data: self._print(instance, STDOUT, data, write),
            lambda data: self._print(instance, STDERR, data, write),
        )
        if effect is not None and effect.does is not None:
            config = container.config
            instance.process = make_process(
                instance.command,
                self._variables(container, instance),
                user=instance.user or config.user,
                working_dir=instance.working_dir or config.working_dir,
                open_files=partial(files_inside, self._containers.volumes, container),
                writers=printers,
                takes_input=instance.attach_stdin,
            )
        return lambda: self._run(instance, container, effect, printers)

    def _print(
        self, instance: Exec, stream: int, data: bytes, write: Callable[[LogEntry], None]
    ) -> None:
        now = self._containers.state.clock()
        if instance.tty:
            stream, data = STDOUT, as_terminal(data)
        if data:
            write(LogEntry(stream, now, data))

    def _run(
        self,
        instance: Exec,
        container: Container,
        effect: ContainerEffect | None,
        printers: tuple[Writer, Writer],
    ) -> None:
        own = {"execID": instance.id}
        self._containers.note(container, f"exec_start: {instance.shown}", own)
        instance.running, instance.pid = True, container.pid + 1
        with self._lock:
            self._running[instance.id] = instance
        code = 0
        try:
            if effect is not None:
                code = self._work(instance, container, effect, printers)
        finally:
            if not instance.lost:
                instance.running, instance.exit_code = False, code
            with self._lock:
                self._running.pop(instance.id, None)
                self._keep_ended(instance)
                if instance.id in container.execs:
                    container.execs.remove(instance.id)
        if instance.lost:
            return
        end = {**own, "exitCode": str(instance.exit_code)}
        self._containers.note(container, "exec_die", end)

    def _keep_ended(self, instance: Exec) -> None:
        self._ended.append(instance.id)
        if len(self._ended) > _KEPT:
            self._execs.pop(self._ended.popleft(), None)

    def _work(
        self,
        instance: Exec,
        container: Container,
        effect: ContainerEffect,
        printers: tuple[Writer, Writer],
    ) -> int:
        if effect.delay and effect.does is None:
            time.sleep(effect.delay)
        if effect.files:
            with files_inside(self._containers.volumes, container, *effect.files) as files:
                write_files(files, effect.files)
        for printer, data in zip(printers, (effect.stdout, effect.stderr), strict=True):
            printer(data)
        if effect.does is None or instance.process is None:
            return effect.exit_code
        machine = container.machine if instance.executed == "shell" else None
        refused = None if machine is None else machine.refusal(instance.process)
        if refused is not None:
            return self._refuse(refused, printers[0])
        try:
            return run(effect.does, instance.process)
        except ProcessStoppedError:
            return _KILLED

    def _refuse(self, refused: StartRefusal, printer: Writer) -> int:
        """Say why a command cannot be started; its exit code."""
        version = self._containers.state.version
        text = messages.NO_EXEC(version, refused.reason)
        if refused.reason.endswith("not a directory"):
            text += messages.WRONG_KIND
        printer(f"{text}\r\n".encode())
        return _NOT_STARTED.of(version)(refused)

    def lose(self, instance: Exec, code: int) -> None:
        """Take a command for ended with an exit code, whatever becomes of it."""
        instance.lost, instance.running, instance.exit_code = True, False, code
        if instance.process is not None:
            instance.process.stop()

    def end_with(self, container: Container) -> None:
        """Forget the commands of a container that ended before they were started."""
        with self._lock:
            running = [one for one in self._running.values() if one.container == container.id]
            for name in container.execs:
                if name not in self._running:
                    self._execs.pop(name, None)
            container.execs.clear()
        for instance in running:
            if instance.process is not None:
                instance.process.stop()


def _late(nanoseconds: int) -> bytes:
    return f"Health check exceeded timeout ({duration(nanoseconds)})".encode()
