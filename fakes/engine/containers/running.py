"""What a container does while it runs, for nothing is executed but functions of rules."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from ...shell.commands import is_instant
from ...shell.machines import Machines
from ...shell.process import Process, ProcessStoppedError, Work, run
from ..errors import ApiError
from ..filesystem.files import write_files
from ..versions import EngineVersion
from .container import STDERR, STDOUT, Container, ContainerProcesses, LogEntry
from .effects import ContainerEffect, EffectRules
from .execs import ExecStore
from .links import link_variables
from .mounted_files import files_inside
from .ports import PortStore
from .processes import make_process, notice, refusal
from .register import ContainerRegister
from .streams import as_terminal
from .variables import process_variables

_FIRST_MOMENT = 0.05
"""Seconds that a start gives a function at most, so that what it does at once is seen after it."""
Program = Callable[[Container], ContainerEffect]
"""Returns what a container does that runs a program which the engine double knows."""


class Running(ABC):
    """Lets the containers of a store do what rules or an emulated shell say.

    Args:
        store: the containers.
        execs: their execs.
        policy: `refuse` where nothing runs that no rule is for.
        machines: makes what evaluates commands; `None` where nothing is evaluated.
    """

    @abstractmethod
    def finish(self, container: Container, code: int, why: str = "") -> None:
        """End a running container."""

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


def _knows(machine: ContainerProcesses, container: Container) -> bool:
    """Whether a container's command is evaluated, or found missing."""
    return machine.is_known(container.command, _variables(container), is_first=True)


def _variables(container: Container) -> dict[str, str]:
    config = container.config
    return process_variables(config, link_variables(container), tty=config.tty)
