"""What a shell knows: variables, functions, options, traps, jobs."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .. import signals
from ..accounts import Accounts
from ..endings import BoundReachedError
from .messages import Messages
from .patterns import Piece
from .syntax import Assignment, Command, ProcessSubstitution, Script, Simple, Word
from .variables import Variable, Variables, cased

if TYPE_CHECKING:
    from ..process import Process
    from .dialect import Dialect

OPTIONS = {
    "a": "allexport",
    "b": "notify",
    "C": "noclobber",
    "e": "errexit",
    "f": "noglob",
    "h": "hashall",
    "i": "interactive",
    "m": "monitor",
    "n": "noexec",
    "u": "nounset",
    "v": "verbose",
    "x": "xtrace",
}
"""Options by their letters."""
LONG_OPTIONS = frozenset(
    (*OPTIONS.values(), "pipefail", "posix", "ignoreeof", "vi", "emacs", "nolog")
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BreakLoop(BaseException):
    """Leaves so many loops."""

    def __init__(self, levels: int) -> None:
        super().__init__(levels)
        self.levels = levels


class ContinueLoop(BaseException):
    """Goes on with the next round of the loop that is so many levels above."""

    def __init__(self, levels: int) -> None:
        super().__init__(levels)
        self.levels = levels


class FunctionReturn(BaseException):
    """Leaves a function, or a script that was read by `.`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ExpansionError(Exception):
    """A word that cannot be expanded: the command, and a script, end by it."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass
class Job:
    """Something that was started beside."""

    process: Process
    number: int
    is_waited: bool = False


class WordExpander(Protocol):
    """What a shell's state asks of the expansion of words."""

    def fields(self, words: Iterable[Word]) -> list[str]:
        """Expand words to the arguments of a command."""
        ...

    def text(self, word: Word, *, is_value: bool = False) -> str:
        """Expand a word to one text, without splitting or paths."""
        ...

    def pattern(self, word: Word) -> list[Piece]:
        """Expand a word to a pattern, whose quoted letters stand for themselves."""
        ...

    def carets(self, pieces: list[Piece]) -> list[Piece]:
        """Quote carets that stand for themselves: in dash, `[^a]` is no complement."""
        ...

    def regular_expression(self, word: Word) -> str:
        """Expand the right side of `=~`."""
        ...

    def arithmetic(self, word: Word) -> int:
        """Expand a word, and return its value as an arithmetic expression."""
        ...

    def evaluate(self, source: str) -> int:
        """Return the value of an arithmetic expression."""
        ...


class Shell(Messages, ABC):
    """The state of a shell, and what its parts ask it to do.

    Args:
        process: its process.
        dialect: its ways.
        name: `$0`.
        positional: `$1` and on.
        is_command: whether its script was an argument (`-c`).
    """

    expander: WordExpander

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

    # --- how it begins ----------------------------------------------------------------

    def import_environment(self) -> None:
        """Take over the variables that the process was given."""
        for name, value in self.process.environment.items():
            if _NAME.fullmatch(name):
                self.variables.table[name] = Variable(value, is_exported=True)
        table = self.variables.table
        table["IFS"] = Variable(" \t\n")
        table["PPID"] = Variable(str(self.process.parent.number if self.process.parent else 0))
        table.setdefault("PS4", Variable("+ "))
        table["OPTIND"] = Variable("1")
        working_dir = table.get("PWD")
        if working_dir is None or working_dir.value != self.process.working_dir:
            table["PWD"] = Variable(
                self.process.working_dir,
                is_exported=self.dialect.is_bash
                or "PWD" in table
                or self.dialect.is_busybox
                or self.dialect.is_dash,
            )
        if "PATH" not in table:
            default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            if self.dialect.is_busybox:
                default = "/sbin:/usr/sbin:/bin:/usr/bin"
            table["PATH"] = Variable(default, is_exported=False)
        if self.dialect.is_busybox or self.dialect.is_bash:
            shlvl = table.get("SHLVL")
            level = int(shlvl.value or 0) if shlvl and (shlvl.value or "").isdigit() else 0
            table["SHLVL"] = Variable(str(level + 1), is_exported=True)
        if self.dialect.is_bash:
            self._bash_variables()

    def _bash_variables(self) -> None:
        table = self.variables.table
        uid = str(self.process.credentials.uid)
        table["BASH"] = Variable("/bin/bash")
        table["BASH_VERSION"] = Variable("5.2.15(1)-release")
        table["BASH_VERSINFO"] = Variable(
            items=dict(enumerate(("5", "2", "15", "1", "release", "x86_64-pc-linux-gnu")))
        )
        table["UID"] = Variable(uid, is_read_only=True)
        table["EUID"] = Variable(uid, is_read_only=True)
        table["OSTYPE"] = Variable("linux-gnu")
        table["HOSTTYPE"] = Variable("x86_64")
        table["MACHTYPE"] = Variable("x86_64-pc-linux-gnu")
        table["HOSTNAME"] = table.get("HOSTNAME") or Variable(self.process.system.hostname)
        if "TERM" not in table:
            table["TERM"] = Variable("dumb")

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

    @property
    def flags(self) -> str:
        """What `$-` gives."""
        on = {letter for letter, name in OPTIONS.items() if self.options.get(name)}
        if self.dialect.is_bash:
            return "".join(sorted(on | {"h", "B"}, key=lambda one: (one.isupper(), one))) + (
                "c" if self.is_command else ""
            )
        return "".join(one for one in "efInuvxabC" if one in on) + (
            "c" if self.is_command and self.dialect.is_busybox else ""
        )

    # --- parameters -------------------------------------------------------------------

    @property
    def separators(self) -> str:
        """What fields are split at; the first letter is what `$*` is joined by."""
        value = self.variables.get("IFS")
        return " \t\n" if value is None else value

    def parameter(self, name: str) -> str | None:
        """Return the value of a variable or special parameter; `None` where there is none."""
        if name.isdigit():
            number = int(name)
            if number == 0:
                return self.name
            return self.positional[number - 1] if number <= len(self.positional) else None
        special = self._special(name)
        if special is not None:
            return special
        if name in ("@", "*"):
            joiner = " " if name == "@" else self.separators[:1]
            return joiner.join(self.positional)
        if name == "!":
            return None if self.last_background is None else str(self.last_background)
        return self.variables.get(name)

    def _special(self, name: str) -> str | None:
        if name == "#":
            return str(len(self.positional))
        if name == "?":
            return str(self.status)
        if name == "$":
            return str(self.shell_number)
        if name == "-":
            return self.flags
        if name == "LINENO" and name not in self.variables.table:
            return (
                str(self.line) if self.dialect.is_bash else "0" if self.dialect.is_busybox else ""
            )
        if self.dialect.is_bash or self.dialect.is_busybox:
            if name == "RANDOM":
                return str(self.process.system.random.randrange(32768))
            if name == "SECONDS" and self.dialect.is_bash:
                return "0"
            if name == "EPOCHSECONDS":
                return str(int(self.process.system.now()))
        if self.dialect.is_bash:
            if name == "BASHPID":
                return str(self.process.number)
            if name == "FUNCNAME":
                return self.function_names[0] if self.function_names else None
        return None

    # --- arrays -------------------------------------------------------------------------

    def array_values(self, name: str) -> list[str]:
        """Return all values of an array, or the one of another variable."""
        if name in self._own_arrays:
            return list(self._own_arrays[name])
        variable = self.variables.find(name)
        if variable is None:
            return []
        if variable.items is None:
            return [] if variable.value is None else [variable.value]
        return [value for _, value in self._sorted(variable)]

    def array_keys(self, name: str) -> list[str]:
        """Return all indexes of an array."""
        if name in self._own_arrays:
            return [str(number) for number in range(len(self._own_arrays[name]))]
        variable = self.variables.find(name)
        if variable is None or (variable.items is None and variable.value is None):
            return []
        if variable.items is None:
            return ["0"]
        return [str(key) for key, _ in self._sorted(variable)]

    @property
    def _own_arrays(self) -> Mapping[str, Sequence[str]]:
        names = list(self.function_names)
        if names and not self.is_command:
            names.append("main")
        return {
            "PIPESTATUS": [str(one) for one in self.pipe_status],
            "FUNCNAME": names,
            "BASH_SOURCE": ["environment"] * len(self.function_names),
        }

    @staticmethod
    def _sorted(variable: Variable) -> list[tuple[int | str, str]]:
        assert variable.items is not None
        pairs = list(variable.items.items())
        return pairs if variable.is_words else sorted(pairs)

    def array_item(self, name: str, index: str) -> str | None:
        """Return one value of an array."""
        if name in self._own_arrays:
            values = self._own_arrays[name]
            number = self.expander.evaluate(index)
            return values[number] if -len(values) <= number < len(values) else None
        variable = self.variables.find(name)
        if variable is None:
            return None
        if variable.items is None:
            if variable.is_words:
                return None
            return variable.value if self.expander.evaluate(index) in (0, -1) else None
        if variable.is_words:
            return variable.items.get(index)
        number = self.expander.evaluate(index)
        if number < 0 and variable.items:
            number += variable.following
        return variable.items.get(number)

    # --- assignments ----------------------------------------------------------------------

    def assign(
        self, name: str, value: str, *, index: Word | None = None, adds: bool = False
    ) -> None:
        """Set a variable, or one value of an array.

        Raises:
            ReadOnlyError: it may not be changed.
        """
        variable = self.variables.variable(name)
        if variable.is_integer:
            number = self.expander.evaluate(value)
            if adds:
                old = self.array_item(name, self.expander.text(index)) if index else variable.scalar
                number += self.expander.evaluate(old or "0")
            value, adds = str(number), False
        self.process.hold(value)
        if index is None:
            if adds:
                value = self.process.hold((variable.scalar or "") + value)
            self.variables.set(name, value)
            return
        key = self.expander.text(index)
        if variable.items is None:
            variable.items = {} if variable.value is None else {0: variable.value}
            variable.value = None
        place: int | str = key if variable.is_words else self.expander.evaluate(key)
        if isinstance(place, int) and place < 0 and variable.items:
            place += variable.following
        if adds:
            value = self.process.hold((variable.items.get(place) or "") + value)
        variable.items[place] = cased(value, variable.case)

    def do_assignment(self, assignment: Assignment) -> None:
        """Do `x=…` in any of its forms.

        Raises:
            ReadOnlyError: the variable may not be changed.
        """
        if isinstance(assignment.value, Word):
            value = self.expander.text(assignment.value, is_value=True)
            self.assign(assignment.name, value, index=assignment.index, adds=assignment.adds)
            return
        variable = self.variables.variable(assignment.name)
        if not assignment.adds or variable.items is None:
            old = variable.scalar if assignment.adds else None
            fresh: dict[int | str, str] = {} if old is None else {0: old}
            items: dict[int | str, str] = {} if variable.is_words else fresh
        else:
            items = variable.items
        pairs = assignment.value
        numbers = [key for key in items if isinstance(key, int)]
        following = max(numbers) + 1 if numbers else 0
        for index, word in pairs:
            if index is None:
                for value in self.expander.fields([word]):
                    if variable.is_integer:
                        value = str(self.expander.evaluate(value))
                    items[following] = cased(value, variable.case)
                    following += 1
                continue
            key = self.expander.text(index)
            value = cased(self.expander.text(word), variable.case)
            if variable.is_words:
                items[key] = value
            else:
                following = self.expander.evaluate(key)
                items[following] = value
                following += 1
        variable.items = items
        variable.value = None

    def attributes(self, name: str) -> str:
        """Return the letters of `declare` that a variable has."""
        variable = self.variables.find(name)
        if variable is None:
            return ""
        letters = ""
        if variable.items is not None or variable.is_words:
            letters += "A" if variable.is_words else "a"
        letters += "i" if variable.is_integer else ""
        letters += variable.case
        letters += "r" if variable.is_read_only else ""
        letters += "x" if variable.is_exported else ""
        return letters

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
        if number:
            if action:
                self.process.hears.add(number)
                self.process.ignored.discard(number)
            else:
                self.process.ignored.add(number)
                self.process.hears.discard(number)
