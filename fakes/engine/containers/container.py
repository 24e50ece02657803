"""A container and what became of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...images.config import RunConfig
from ...images.manifests import Content
from ...shell.machines import Executed, StartRefusal
from ...shell.places import MemoryFiles
from ...shell.process import Process
from ..filesystem.overlay import Overlay
from .effects import ContainerEffect
from .health import HealthMonitor

STDOUT, STDERR = 1, 2


@dataclass
class LogEntry:
    """Something a container printed.

    Attributes:
        stream: 1 for standard output, 2 for standard error.
        time: nanoseconds since the epoch.
        data: what it printed.
    """

    stream: int
    time: int
    data: bytes


@dataclass
class Exec:
    """A command run in a container that runs already.

    The engine has lost one, though it may go on, when its client left it by keys. `executed` says
    by what it was done: `shell`, `rule`, or `None` when it was not.
    """

    id: str
    container: str
    command: list[str]
    tty: bool = False
    attach_stdin: bool = False
    attach_stdout: bool = True
    attach_stderr: bool = True
    privileged: bool = False
    user: str = ""
    env: list[str] = field(default_factory=list)
    working_dir: str = ""
    running: bool = False
    exit_code: int | None = None
    pid: int = 0
    process: Process | None = None
    detach_keys: str = ""
    lost: bool = False
    executed: Executed | None = None

    @property
    def shown(self) -> str:
        """The command as events tell it: the program, a space, and its arguments."""
        return f"{self.command[0]} {' '.join(self.command[1:])}"


class ContainerProcesses(Protocol):
    """The processes of a container whose commands are evaluated."""

    def connect(self) -> None:
        """Let its files tell of its networks, which the container is in by now."""
        ...

    def is_known(
        self, words: Sequence[str], variables: Mapping[str, str], *, is_first: bool = False
    ) -> bool:
        """Return whether a command's own program is evaluated, or found missing.

        Args:
            words: the command.
            variables: its own.
            is_first: it is the container's own command.
        """
        ...

    def refusal(self, process: Process, *, is_first: bool = False) -> StartRefusal | None:
        """Return why a command cannot be started; `None` when it can."""
        ...

    def expect_first(self) -> None:
        """Let execs wait for the container's own command, which is about to be run."""
        ...

    def freeze(self, *, is_frozen: bool) -> None:
        """Let no process make progress, or let all go on."""
        ...

    def stand_in(self) -> None:
        """Let execs see a process 1, as which a rule does the work."""
        ...

    def run(self, process: Process, *, is_first: bool = False) -> int:
        """Do a command's work; the exit code."""
        ...

    def signal(self, number: int) -> bool:
        """Send a signal to the first process; whether that does something about it."""
        ...

    def stop(self) -> None:
        """End all processes."""
        ...


@dataclass(eq=False)
class Container:
    """One container.

    Attributes:
        id: 64 hexadecimal digits.
        name: without a slash.
        image: the id of the image it was made from.
        manifest: that of the image, where its index has others, too.
        image_name: as it was asked for.
        config: what it runs.
        host_config: as it was asked for.
        networks: endpoint settings by network name.
        overlay: its files over those of the image.
        status: `created`, `running`, `paused`, `restarting` or `exited`.
        effect: what its command does, for it is not executed; `None` when no
            rule of the engine was meant for it.
        health: what its checks would have found, `None` when it has no check.
        error: why it did not start.
        joined: it once had a network, though it may never have run.
        ends: how often it ended.
        last_code: with which exit code it did so last.
        ended_by_hand: somebody stopped it, so it is not restarted.
        anonymous_volumes: the names of those that were made for it alone.
        unplaced: where those are that its configuration asked for.
        chains: the layers of its image, which it holds on to when that is removed.
        watchers: how many requests wait, or waited, for its end.
        process: its command, while a function does the work of that.
        noticed: its log says that nothing was executed.
        recorded_steps: what the image's history tells of its steps.
        links: those that its links lead to, by alias; `None` when it was made without.
        memory: what is in the places of it that are in memory, while it runs.
        machine: its processes, while it runs, if an emulated shell evaluates them.
        executed: by what its command was done: `shell`, `rule`, or `None` when it was not.
    """

    id: str
    image: str
    manifest: Content | None = None
    name: str = ""
    image_name: str = ""
    config: RunConfig = field(default_factory=RunConfig)
    host_config: dict[str, Any] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    overlay: Overlay | None = None
    created: int = 0
    status: str = "created"
    started: int | None = None
    finished: int | None = None
    exit_code: int = 0
    pid: int = 0
    restarts: int = 0
    removed: bool = False
    effect: ContainerEffect | None = None
    logs: list[LogEntry] = field(default_factory=list)
    execs: list[str] = field(default_factory=list)
    ports: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    mounts: list[dict[str, Any]] = field(default_factory=list)
    health: HealthMonitor | None = None
    error: str = ""
    is_unplugged: bool = False
    joined: bool = False
    ends: int = 0
    last_code: int = 0
    ended_by_hand: bool = False
    anonymous_volumes: list[str] = field(default_factory=list)
    unplaced: set[str] = field(default_factory=set)
    chains: list[str] = field(default_factory=list)
    watchers: int = 0
    process: Process | None = None
    noticed: bool = False
    recorded_steps: tuple[str, ...] = ()
    links: dict[str, Container] | None = None
    memory: dict[str, MemoryFiles] = field(default_factory=dict)
    machine: ContainerProcesses | None = None
    executed: Executed | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def running(self) -> bool:
        """Whether it runs, is paused or about to run again."""
        return self.status in ("running", "paused", "restarting")

    @property
    def command(self) -> list[str]:
        """Entrypoint and command together."""
        return [*(self.config.entrypoint or []), *(self.config.cmd or [])]

    @property
    def auto_remove(self) -> bool:
        """Whether it goes when it ends."""
        return bool(self.host_config.get("AutoRemove"))

    def wait_for_change(self, timeout: float | None = None) -> None:
        """Sleep until its state or log changes; the caller holds `changed`."""
        self.changed.wait(timeout)
