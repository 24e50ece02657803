"""By what a RUN of the classic builder is done: a rule, the emulated shell, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from imagebuilders.oci.file_tree import File, children

from ...images.config import RunConfig
from ...shell.live_files import LiveFiles, Mounted
from ...shell.machines import StartRefusal
from ...shell.places import MemoryFiles, TreePlace
from ...shell.process import CommandRefusedError
from ...shell.run_rules import RunEffect
from ...shell.step_machine import StepMachine, StepOutcome
from ...shell.system_folders import system_folders
from .. import messages
from ..containers.network_files import added_host, engine_hosts, mounted_network_files
from ..errors import StepError
from ..filesystem.overlay import Overlay
from ..filesystem.overlay_place import OverlayPlace
from .host import BuildHost

if TYPE_CHECKING:
    from ...shell.process import Process


@dataclass(frozen=True)
class StepRun:
    """What does the work of a RUN.

    Attributes:
        effect: what it does; `None` when it is only recorded.
        known: what it comes to, if that is known before.
        machine: its processes, if they are evaluated.
    """

    effect: RunEffect | None
    known: StepOutcome = field(default_factory=StepOutcome)
    machine: StepMachine | None = None

    def outcome(self) -> StepOutcome:
        """Return what the command came to."""
        return self.known if self.machine is None else self.machine.outcome()

    def check(self, host: BuildHost, process: Process) -> None:
        """Refuse a command that cannot be started.

        Raises:
            StepError: in the words of the engine.
        """
        refused = None if self.machine is None else self.machine.refusal(process)
        if refused is not None:
            raise _not_started(host, refused.reason)


def _not_started(host: BuildHost, reason: str) -> StepError:
    version = host.state.version
    return StepError(messages.NO_TASK(version, f"{messages.STARTING(version)}{reason}"))


def find_run(
    host: BuildHost, config: RunConfig, overlay: Overlay, command: str, added_hosts: Sequence[str]
) -> StepRun:
    """Return what does the work of a RUN.

    Args:
        host: the engine.
        config: of the step's container.
        overlay: the step's files.
        command: as it is written.
        added_hosts: pairs as in `db:10.0.0.5`.

    Raises:
        StepError: the policy refuses it, or no file is there that could be run.
    """
    effect = host.rules.rule(command)
    if effect is not None:
        return StepRun(effect, StepOutcome("rule"))
    if all(file.kind == "dir" for file in overlay.tree.values()):
        program = (config.cmd or [""])[0]
        raise _not_started(host, StartRefusal.of_missing(program).reason)
    if host.machines is not None:
        clock = host.state.clock
        machine = StepMachine(
            host.machines,
            host.rules,
            _files(host, config, overlay, added_hosts),
            hostname=config.hostname,
            now=lambda: clock() / 1e9,
        )
        if machine.is_known(config.cmd or [], _variables(config.env or [])):
            return StepRun(RunEffect(command, does=machine.run), machine=machine)
    try:
        host.rules.effect_of(command)
    except CommandRefusedError as error:
        raise StepError(str(error)) from error
    return StepRun(None, StepOutcome(recorded=(command,)))


def _variables(pairs: Sequence[str]) -> dict[str, str]:
    parts = (pair.partition("=") for pair in pairs)
    return {name: value for name, _, value in parts}


def _files(
    host: BuildHost, config: RunConfig, overlay: Overlay, added_hosts: Sequence[str]
) -> LiveFiles:
    """Return what the processes of a step see; what they write into volumes is lost."""
    now = host.state.clock() // 10**9
    hosts = [*engine_hosts(host.state.version), *map(added_host, added_hosts)]
    held = {
        **system_folders(),
        **mounted_network_files(hosts, config.hostname, now),
        **{overlay.locate(path): _volume(overlay, path) for path in config.volumes or {}},
    }
    mounts = [Mounted(target, TreePlace(files)) for target, files in held.items()]
    return LiveFiles(OverlayPlace(overlay), mounts, RLock())


def _volume(overlay: Overlay, path: str) -> MemoryFiles:
    place = overlay.locate(path)
    overlay.make_directories(place)
    inside = {
        below[len(place) + 1 :]: overlay.tree[below] for below in children(overlay.tree, place)
    }
    return MemoryFiles(overlay.tree.get(place, File("dir", 0o755)), inside)
