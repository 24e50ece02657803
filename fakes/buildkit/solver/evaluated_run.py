"""A RUN that an emulated shell evaluates: what its processes see, and how it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import RLock
from typing import TYPE_CHECKING

from ...shell.live_files import LiveFiles, Mounted
from ...shell.places import TreePlace
from ...shell.step_machine import StepMachine, StepOutcome
from ...shell.system_folders import hosts_file, memory_file, system_folders
from .folder_place import FolderPlace

if TYPE_CHECKING:
    from imagebuilders.evaluation.file_system import FileSystem
    from imagebuilders.evaluation.steps import Run

    from ...shell.machines import Machines
    from ...shell.process import Process
    from ...shell.run_rules import RunRules
    from .step_files import MountedFiles

_HOSTNAME = "buildkitsandbox"
_HOSTS = (
    ("127.0.0.1", f"localhost {_HOSTNAME}"),
    ("::1", "localhost ip6-localhost ip6-loopback"),
)
_SERVERS = "nameserver 127.0.0.11\n"


class EvaluatedRun:
    """The processes of one RUN.

    Args:
        machines: what evaluates commands.
        rules: what does the work of programs that an emulated shell does not know.
        step: the RUN.
        files: what it begins with.
        mounts: what is mounted over them.
        clock: nanoseconds since the epoch.
    """

    def __init__(
        self,
        machines: Machines,
        rules: RunRules,
        step: Run,
        files: FileSystem,
        mounts: Sequence[MountedFiles],
        clock: Callable[[], int],
    ) -> None:
        now = clock() // 10**9
        held = {
            **system_folders(),
            "etc/hosts": hosts_file(_HOSTS, now),
            "etc/resolv.conf": memory_file(_SERVERS, now),
        }
        mounted = [Mounted(target, TreePlace(each)) for target, each in held.items()]
        mounted += [
            Mounted(each.target, FolderPlace(each.files, each.source), read_only=each.read_only)
            for each in mounts
        ]
        self._machine = StepMachine(
            machines,
            rules,
            LiveFiles(FolderPlace(files), mounted, RLock()),
            hostname=step.hostname or _HOSTNAME,
            now=lambda: clock() / 1e9,
        )

    def is_known(self, process: Process) -> bool:
        """Return whether a command's own program is evaluated, or found missing."""
        return self._machine.is_known(process.command, process.environment)

    def run(self, process: Process) -> int:
        """Do the command's work; the exit code.

        Raises:
            CommandRefusedError: the policy refuses a program that no rule is meant for.
        """
        refused = self._machine.refusal(process)
        if refused is not None:
            words = f"runc run failed: unable to start container process: {refused.reason}\n"
            process.emit(words.encode(), 2)
            return refused.code
        return self._machine.run(process)

    def outcome(self) -> StepOutcome:
        """Return what the command came to."""
        return self._machine.outcome()
