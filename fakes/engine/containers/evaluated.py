"""Containers whose commands an emulated shell evaluates: their machines, and what those see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imagebuilders.oci.file_tree import clean

from ...shell.live_files import LiveFiles, Mounted
from ...shell.machines import Machines, OtherPrograms, StartRefusal
from ...shell.places import PartOfPlace, TreePlace
from ...shell.process import CommandRefusedError, Process, run
from ...shell.ruled_programs import write_contents
from ...shell.system_folders import system_folders
from ..filesystem.overlay import Overlay
from ..filesystem.overlay_place import OverlayPlace
from .confinement import confinement, control_group
from .container import STDERR, Container
from .effects import ContainerEffect, EffectRules
from .host_place import HostPlace
from .mounted_files import (
    located,
    machine_sources,
    make_places,
    memory_places,
    volume_places,
)
from .network_files import network_files
from .processes import notice, refusal
from .register import ContainerRegister

_GROUPS = "GroupAdd"
_INIT = ("/sbin/docker-init", "--")


class ContainerMachine:
    """The processes of a container, from its start to its end.

    Args:
        machines: what evaluates commands.
        register: of the containers.
        container: which.
        others: do what the emulated shell does not know, of its own command and of all others.
    """

    def __init__(
        self,
        machines: Machines,
        register: ContainerRegister,
        container: Container,
        others: tuple[OtherPrograms, OtherPrograms],
    ) -> None:
        self._register = register
        self._container = container
        self._own, self._later = others
        volumes, clock = register.volumes, register.state.clock
        make_places(container)
        self._files = LiveFiles(
            OverlayPlace(container.overlay or Overlay({}, 0, volumes.version)),
            _mounts(register, container),
            volumes.files_lock,
            read_only=bool(container.host_config.get("ReadonlyRootfs")),
        )
        self._machine = machines.machine(
            self._files,
            now=lambda: clock() / 1e9,
            hostname=container.config.hostname,
            init=(*_INIT, *container.command) if container.host_config.get("Init") else (),
            confinement=confinement(container.host_config),
        )

    def connect(self) -> None:
        """Let its files tell of its networks, which the container is in by now."""
        held = network_files(self._register.networks, self._container)
        for target, files in held.items():
            self._files.mount(Mounted(target, TreePlace(files)))

    def is_known(
        self, words: Sequence[str], variables: Mapping[str, str], *, is_first: bool = False
    ) -> bool:
        """Return whether a command's own program is evaluated, or found missing."""
        return self._machine.is_known(words, variables, self._other(is_first))

    def refusal(self, process: Process, *, is_first: bool = False) -> StartRefusal | None:
        """Return why a command cannot be started; `None` when it can."""
        return self._machine.refusal(process, self._other(is_first))

    def expect_first(self) -> None:
        """Let execs wait for the container's own command, which is about to be run."""
        self._machine.expect_first()

    def stand_in(self) -> None:
        """Let execs see a process 1, as which a rule does the work."""
        self._machine.stand_in(self._container.command)

    def run(self, process: Process, *, is_first: bool = False) -> int:
        """Do a command's work; the exit code."""
        groups = [str(name) for name in self._container.host_config.get(_GROUPS) or []]
        other = self._other(is_first)
        code = self._machine.run(process, other, groups=groups, is_first=is_first)
        if self._machine.refused:
            process.emit(f"fake engine: {self._machine.refused}\n".encode(), STDERR)
        return code

    def _other(self, is_first: bool) -> OtherPrograms:
        return self._own if is_first else self._later

    def signal(self, number: int) -> bool:
        """Send a signal to the first process; whether that does something about it."""
        return self._machine.signal(number)

    def freeze(self, *, is_frozen: bool) -> None:
        """Let no process make progress, or let all go on."""
        self._machine.freeze(is_frozen=is_frozen)

    def stop(self) -> None:
        """End all processes."""
        self._machine.stop()


class _Kind(NamedTuple):
    """What no rule is meant for, as messages call it, and the method for rules."""

    name: str
    method: str
    is_noticed: bool


ONE_CONTAINER = _Kind("a container", "on_container", is_noticed=True)
ONE_COMMAND = _Kind("a command", "on_exec", is_noticed=False)


class ContainerPrograms:
    """What an emulated shell does not know of a container's commands, by rule and policy.

    Args:
        rules: of containers, or of execs.
        container: which.
        refuses: what no rule is meant for is refused.
        of: whether rules of containers are meant, or those of execs.
    """

    def __init__(
        self, rules: EffectRules, container: Container, *, refuses: bool, of: _Kind
    ) -> None:
        self._rules = rules
        self._container = container
        self._refuses = refuses
        self._of = of

    def has(self, words: Sequence[str]) -> bool:
        """Return whether a rule is meant for a command; that is no use of it."""
        image = self._container.image_name
        return self._rules.knows(lambda effect: effect.matches(image, list(words)))

    def run(self, process: Process) -> int | None:
        """Do a command's work; the exit code, `None` where it is only recorded.

        Raises:
            CommandRefusedError: no rule is meant for it, and the policy refuses it.
        """
        image = self._container.image_name
        effect = self._rules.rule(image, process.command)
        if effect is None:
            if self._refuses:
                raise CommandRefusedError(
                    refusal(self._of.name, self._of.method, image, process.command)
                )
            if self._of.is_noticed:
                process.print_error(notice(image, process.command), end="")
            return None
        return _work(effect, process)


def _work(effect: ContainerEffect, process: Process) -> int:
    process.print(effect.stdout, end="")
    process.print_error(effect.stderr, end="")
    write_contents(process, effect.files)
    if effect.does is not None:
        return run(effect.does, process)
    if effect.service:
        process.sleep(None)
    process.sleep(effect.delay)
    return effect.exit_code


def _mounts(register: ContainerRegister, container: Container) -> list[Mounted]:
    read_only = {
        located(container, str(mount["Destination"]))
        for mount in container.mounts
        if not mount["RW"]
    }
    subpaths = {
        located(container, str(mount.get("Target"))): clean(str(options["Subpath"]))
        for mount in container.host_config.get("Mounts") or []
        if (options := mount.get("VolumeOptions") or {}).get("Subpath")
    }
    limits = control_group(container.host_config, register.volumes.version)
    found = [
        Mounted(target, TreePlace(held), read_only=target == "sys")
        for target, held in system_folders(limits).items()
    ]
    for target, volume in volume_places(register.volumes, container):
        place = TreePlace(volume)
        inside = subpaths.get(target, "")
        seen = PartOfPlace(place, inside) if inside else place
        found.append(Mounted(target, seen, read_only=target in read_only))
    for target, source, is_read_only in machine_sources(container):
        found.append(Mounted(target, HostPlace(source), read_only=is_read_only))
    found += [Mounted(target, TreePlace(held)) for target, held in memory_places(container)]
    return found
