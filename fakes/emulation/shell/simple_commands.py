"""Does simple commands: assignments, functions, the shell's own commands, programs."""

from __future__ import annotations

import errno
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from ..endings import BoundReachedError, ProcessExit
from ..process import Process
from ..programs.lookup import Missing, find_program, run_program
from .builtins.table import BUILTINS, SPECIAL
from .conditions import Conditions
from .jumps import ExpansionError, FunctionReturn
from .redirections import Redirections
from .state import Shell
from .syntax import (
    Assignment,
    Command,
    Script,
    Simple,
    Word,
)
from .tracing import traced
from .variables import ReadOnlyError, Variable

_DEEPEST_CALL = 200
_FATAL = 127
"""The exit code of bash where a variable that is needed has no value."""


class Executing(Shell):
    """A shell that does commands: what its kinds of commands ask of each other."""

    _redirections: Redirections
    _conditions: Conditions
    _unchecked: int
    _calls: int
    is_subshell: bool

    @abstractmethod
    def execute(self, script: Script) -> int:
        """Do commands; the status of the last one."""

    @abstractmethod
    def run_parsed(self, script: Script) -> int:
        """Do commands in a shell of their own, to the end; its exit code."""

    @abstractmethod
    def fork(self, process: Process) -> Executing:
        """Return a shell that begins as this one is, in another process."""

    @abstractmethod
    def _command(self, command: Command) -> None:
        """Do a command of any kind."""


class SimpleCommands(Executing):
    """Does commands of words (POSIX.1-2017, 2.9.1)."""

    def _check(self) -> None:
        """End the shell where `set -e` says so."""
        if self.status and self.options.get("errexit") and not self._unchecked:
            if self.dialect.is_bash and self.traps.get("ERR"):
                self.run_trap("ERR")
            raise ProcessExit(self.status)
        if self.status and not self._unchecked and self.traps.get("ERR") and self.dialect.is_bash:
            self.run_trap("ERR")

    def run_trap(self, name: str) -> None:
        """Do the action of a trap; the status stays."""
        action = self.traps.get(name)
        if action:
            status = self.status
            self.execute_source(action)
            self.status = status

    def _ended(self, child: Process) -> None:
        self.process.system.forget(child)
        self.raise_reported()
        self.status = child.exit_code
        if child.ended_by:
            self.tell_of_signal(child)

    def _redirection_failed(self, error: OSError | ExpansionError) -> None:
        if isinstance(error, ExpansionError):
            if not self.dialect.is_bash:
                self._end_by(error)
            self.complain(error.message)
        else:
            self.complain(self.redirection_message(error))

    def _simple(self, command: Simple) -> None:
        self.line = command.line
        try:
            self._expand_and_run(command)
        except ExpansionError as error:
            self._end_by(error)
        self._check()

    def _end_by(self, error: ExpansionError) -> NoReturn:
        """End the shell by a word that cannot be expanded, as no script goes on after it."""
        self.process.flush()
        self.complain(error.message)
        if not self.dialect.is_bash:
            raise ProcessExit(2)
        code = 1 if error.code is None else error.code
        is_plain = self.is_subshell or self.options.get("errexit")
        raise ProcessExit(1 if code == _FATAL and is_plain else code)

    def _expand_and_run(self, command: Simple) -> None:
        self.substituted = None
        words = [word for word in command.words if isinstance(word, Word)]
        arguments = self.expander.fields(words) if words else []
        extra = [word for word in command.words if isinstance(word, Assignment)]
        if not arguments and not extra:
            self._assign_only(command)
            return
        name = arguments[0] if arguments else ""
        function = self.functions.get(name)
        builtin = BUILTINS.get(name) if function is None or name in SPECIAL else None
        if builtin is not None and not builtin.is_known_to(self.dialect):
            builtin = None
        if function is not None and (name not in SPECIAL or self.dialect.is_bash):
            self._with_assignments(command, arguments, lambda: self._call(function, arguments))
        elif builtin is not None:
            self._builtin(command, arguments, extra)
        else:
            self.run_external(command, arguments)

    def _assign_only(self, command: Simple) -> None:
        try:
            saved = self._redirections.apply(command.redirections)
        except (OSError, ExpansionError) as error:
            self._redirection_failed(error)
            self.status = 2 if self.dialect.is_dash else 1
            return
        self.substituted = None
        try:
            shown = []
            for assignment in command.assignments:
                self.do_assignment(assignment)
                shown.append(assignment)
                if self.options.get("xtrace") and self.dialect.is_bash:
                    self.trace(self._shown(assignment))
            if self.options.get("xtrace") and not self.dialect.is_bash and shown:
                self.trace(" ".join(self._shown(one) for one in shown))
        except ReadOnlyError as error:
            raise ExpansionError(self.read_only_message(str(error))) from error
        finally:
            self._redirections.restore(saved)
        self.status = self.substituted if self.substituted is not None else 0

    def _shown(self, assignment: Assignment) -> str:
        value = self.variables.get(assignment.name) or ""
        return f"{assignment.name}={traced(value, self.dialect, is_value=True)}"

    def _trace_command(self, command: Simple, arguments: Sequence[str]) -> None:
        if not self.options.get("xtrace"):
            return
        shown = [traced(word, self.dialect) for word in arguments]
        if self.dialect.is_bash:
            for assignment in command.assignments:
                value = assignment.value
                if isinstance(value, Word):
                    text = self.expander.text(value, is_value=True)
                    self.trace(f"{assignment.name}={traced(text, self.dialect, is_value=True)}")
        else:
            before = []
            for assignment in command.assignments:
                if isinstance(assignment.value, Word):
                    text = self.expander.text(assignment.value, is_value=True)
                    before.append(f"{assignment.name}={traced(text, self.dialect, is_value=True)}")
            shown = before + shown
        self.trace(" ".join(shown))

    def _builtin(self, command: Simple, arguments: list[str], extra: Sequence[Assignment]) -> None:
        name = arguments[0]
        builtin = BUILTINS[name]
        self.process.system.evaluated += 1
        is_special = name in SPECIAL
        self._trace_command(command, arguments)
        keeps = name == "exec" and len(arguments) == 1
        try:
            saved = self._redirections.apply(command.redirections)
        except (OSError, ExpansionError) as error:
            self._redirection_failed(error)
            self.status = 2 if self.dialect.is_dash else 1
            if is_special and not self.dialect.is_bash:
                raise ProcessExit(self.status) from error
            return
        undo = _undo_nothing
        try:
            if command.assignments:
                undo = self._temporary(
                    command.assignments, lasts=is_special and not self.dialect.is_bash
                )
            self.status = builtin.run(self, arguments, extra)
            self.process.flush()
        except ReadOnlyError as error:
            self.complain(f"{name}: {self.read_only_message(str(error))}")
            self.status = 2 if self.dialect.is_dash else 1
            if is_special and not self.dialect.is_bash:
                raise ProcessExit(self.status) from error
        except OSError as error:
            self.status = self._builtin_failed(name, error)
        finally:
            undo()
            if keeps:
                self._redirections.keep(saved)
            else:
                try:
                    self.process.flush()
                except OSError:
                    self.process.drop_output()
                self._redirections.restore(saved)

    def _builtin_failed(self, name: str, error: OSError) -> int:
        self.process.drop_output()
        if error.errno == errno.EPIPE and not self.dialect.is_bash:
            return 1
        text = (
            "write error: " + (error.strerror or "")
            if error.filename is None
            else (f"{error.filename}: {error.strerror}")
        )
        if self.dialect.is_dash and error.filename is None:
            text = f"{name}: I/O error"
        self.complain(f"{name}: {text}")
        return 1

    def _temporary(
        self, assignments: Sequence[Assignment], *, lasts: bool = False
    ) -> Callable[[], None]:
        """Set variables for one command; returns what undoes it."""
        table = self.variables.table
        before: dict[str, Variable | None] = {}
        for assignment in assignments:
            name = assignment.name
            if name not in before:
                old = table.get(name)
                before[name] = old.copy() if old is not None else None
            self.do_assignment(assignment)
            if not lasts:
                self.variables.variable(name).is_exported = True

        def undo() -> None:
            for name, old in before.items():
                if old is None:
                    table.pop(name, None)
                else:
                    table[name] = old

        return _undo_nothing if lasts else undo

    def _with_assignments(
        self, command: Simple, arguments: list[str], run: Callable[[], None]
    ) -> None:
        self._trace_command(command, arguments)
        try:
            saved = self._redirections.apply(command.redirections)
        except (OSError, ExpansionError) as error:
            self._redirection_failed(error)
            self.status = 2 if self.dialect.is_dash else 1
            return
        undo = self._temporary(command.assignments)
        try:
            run()
        finally:
            self.process.flush()
            undo()
            self._redirections.restore(saved)

    def _call(self, body: Command, arguments: list[str]) -> None:
        if self._calls >= _DEEPEST_CALL:
            raise BoundReachedError(f"{_DEEPEST_CALL} functions within each other")
        positional, self.positional = self.positional, list(arguments[1:])
        getopts, self.getopts_position = self.getopts_position, 0
        loops, self.loops = self.loops, 0
        self.variables.scopes.append({})
        self.function_names.insert(0, arguments[0])
        self._calls += 1
        try:
            self._command(body)
        except FunctionReturn as ended:
            self.status = ended.code
        finally:
            self._calls -= 1
            self.function_names.pop(0)
            self.variables.leave()
            self.positional = positional
            self.getopts_position = getopts
            self.loops = loops

    def run_external(self, command: Simple, arguments: list[str]) -> None:
        """Do a program in a process of its own, and wait for its end."""
        self._trace_command(command, arguments)
        self.process.flush()
        child = self.process.fork(arguments)
        try:
            code = self._run_child(child, command, arguments)
        except BaseException:
            if not child.has_ended:
                child.end(1)
            self.process.system.forget(child)
            raise
        if code is not None:
            child.end(code)
        self._ended(child)

    def _run_child(self, child: Process, command: Simple, arguments: list[str]) -> int | None:
        environment = self.variables.environment()
        path = self.variables.get("PATH")
        try:
            for assignment in command.assignments:
                value = assignment.value
                if isinstance(value, Word):
                    text = self.expander.text(value, is_value=True)
                    if assignment.name in self.variables.table and (
                        self.variables.table[assignment.name].is_read_only
                    ):
                        raise ReadOnlyError(assignment.name)
                    environment[assignment.name] = text
                    path = text if assignment.name == "PATH" else path
        except ReadOnlyError as error:
            raise ExpansionError(self.read_only_message(str(error))) from error
        child.environment = environment
        child.working_dir = self.process.working_dir
        try:
            Redirections(self, child).apply(command.redirections)
        except (OSError, ExpansionError) as error:
            self._redirection_failed(error)
            return 2 if self.dialect.is_dash else 1
        name = arguments[0]
        found = find_program(child, name, path)
        if not isinstance(found, Missing) and "/" not in name:
            self.hashed[name] = found.path
        if isinstance(found, Missing):
            in_child = child.descriptors.get(2)
            self.complain(self.missing_program_message(name, found), to=in_child)
            return found.code
        child.environment["_"] = (
            found.path if self.dialect.is_bash else child.environment.get("_", "")
        )
        if not self.dialect.is_bash and not child.environment["_"]:
            del child.environment["_"]
        refused = run_program(child, found, on_script=self.dialect.program)
        if refused is not None:
            self.complain(self.missing_program_message(name, refused))
            return refused.code
        return None

    def replace_by(
        self,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
        *,
        is_exec: bool = True,
    ) -> int:
        """Do a program in place of the shell (`exec`).

        Raises:
            ProcessExit: it is done, or was not found.
        """
        process = self.process
        found = find_program(process, arguments[0], self.variables.get("PATH"), arguments)
        if isinstance(found, Missing):
            message = self.missing_program_message(arguments[0], found, is_exec=is_exec)
            self.complain(f"exec: {message}" if is_exec else message)
            raise ProcessExit(found.code)
        process.flush()
        self.traps.clear()
        process.hears.clear()
        process.ends_by_signals = False
        process.arguments = arguments
        process.environment = dict(
            environment if environment is not None else self.variables.environment()
        )
        if self.dialect.is_bash and environment is None:
            process.environment["_"] = found.path
        refused = run_program(process, found, on_script=self.dialect.program, in_place=True)
        if refused is not None:
            message = self.missing_program_message(arguments[0], refused)
            self.complain(f"exec: {message}" if is_exec else message)
            raise ProcessExit(refused.code)
        raise AssertionError("a program that was run in place has not ended")


def _undo_nothing() -> None:
    """Leave all as it is."""
