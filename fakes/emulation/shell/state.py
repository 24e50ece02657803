"""What a shell knows: variables, functions, options, traps, jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import signals
from ..accounts import Accounts
from ..endings import BoundReachedError
from .assignments import Assignments
from .syntax import Command, ProcessSubstitution, Script, Simple
from .variables import Variables

if TYPE_CHECKING:
    from ..process import Process
    from .dialect import Dialect


@dataclass
class Job:
    """Something that was started beside."""

    process: Process
    number: int
    is_waited: bool = False


class Shell(Assignments, ABC):
    """The state of a shell, and what its parts ask it to do.

    Args:
        process: its process.
        dialect: its ways.
        name: `$0`.
        positional: `$1` and on.
        is_command: whether its script was an argument (`-c`).
    """

    def __init__(
        self,
        process: Process,
        dialect: Dialect,
        *,
        name: str,
        positional: Sequence[str],
        is_command: bool,
    ) -> None:
        self.process = process
        self.dialect = dialect
        self.name = name
        self.positional = list(positional)
        self.is_command = is_command
        self.variables = Variables()
        self.functions: dict[str, Command] = {}
        self.function_names: list[str] = []
        self.aliases: dict[str, str] = {}
        self.options: dict[str, bool] = {}
        self.shopts: dict[str, bool] = {}
        self.traps: dict[str, str] = {}
        self.jobs: list[Job] = []
        self.folders: list[str] = []
        self.status = 0
        self.pipe_status: list[int] = [0]
        self.line = 1
        self.loops = 0
        self.getopts_position = 0
        self.getopts_last = 1
        self.last_background: int | None = None
        self.substituted: int | None = None
        self.shell_number = process.number
        self.hashed: dict[str, str] = {}
        self.open_substitutions: list[int] = []
        self.subshell_level = 0
        self._reported: list[BaseException] = []

    # --- what an interpreter does ---------------------------------------------------

    @abstractmethod
    def execute_source(self, source: str, *, line: int = 1, is_nested: bool = False) -> int:
        """Do a text line by line, as `eval` does; the status."""

    @abstractmethod
    def run_external(self, command: Simple, arguments: list[str]) -> None:
        """Do a program in a process of its own, and wait for its end."""

    @abstractmethod
    def replace_by(
        self,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
        *,
        is_exec: bool = True,
    ) -> int:
        """Do a program in place of the shell (`exec`)."""

    @abstractmethod
    def substitute(self, body: Script) -> str:
        """Do commands, and return what they print, without line ends at the end."""

    @abstractmethod
    def process_substitution(self, part: ProcessSubstitution) -> str:
        """Do commands beside, and return the path by which their output is read, or input sent."""

    def copy_to(self, child: Shell) -> None:
        """Let another shell begin as this one is."""
        child.variables = self.variables.copy()
        child.functions = dict(self.functions)
        child.function_names = list(self.function_names)
        child.aliases = dict(self.aliases)
        child.options = dict(self.options)
        child.shopts = dict(self.shopts)
        child.traps = {name: action for name, action in self.traps.items() if not action}
        child.folders = list(self.folders)
        child.status = self.status
        child.line = self.line
        child.loops = self.loops
        child.shell_number = self.shell_number
        child.last_background = self.last_background
        child.hashed = dict(self.hashed)
        child._reported = self._reported

    # --- what other threads hit upon --------------------------------------------------

    def report(self, error: BaseException) -> None:
        """Keep what ended a process in another thread."""
        self._reported.append(error)
        if isinstance(error, BoundReachedError):
            self.process.system.end_at(error)

    def raise_reported(self) -> None:
        """Raise what ended a process in another thread.

        Raises:
            BoundReachedError: it did more than it may.
        """
        if self._reported:
            raise self._reported.pop(0)

    # --- options ----------------------------------------------------------------------

    def shopt(self, name: str) -> bool:
        """Tell whether one of bash's own options is set."""
        return self.shopts.get(name, False)

    @property
    def active_aliases(self) -> Mapping[str, str]:
        """The aliases that are expanded."""
        if self.dialect.is_bash and not self.shopt("expand_aliases"):
            return {}
        return self.aliases

    # --- accounts -------------------------------------------------------------------------

    def home_of(self, who: int | str) -> str | None:
        """Return the home of an account; `None` without one."""
        accounts = Accounts.read(self.process)
        account = accounts.user(who)
        return account.home if account is not None else None

    def set_trap(self, name: str, action: str | None) -> None:
        """Let a signal do something; `None` for what it does by itself, empty for nothing."""
        number = signals.NUMBERS.get(name)
        if action is None:
            self.traps.pop(name, None)
            if number:
                self.process.ignored.discard(number)
                self.process.hears.discard(number)
            return
        self.traps[name] = action
        if name == "EXIT" and self.dialect.is_bash:
            self.process.ends_by_signals = True
        if number:
            if action:
                self.process.hears.add(number)
                self.process.ignored.discard(number)
            else:
                self.process.ignored.add(number)
                self.process.hears.discard(number)
