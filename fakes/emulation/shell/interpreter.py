"""Does what scripts say.

It is longer because the kinds of commands, which call each other, are done in one place.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NoReturn

from .. import signals
from ..endings import BoundReachedError, ProcessExit
from ..open_files import Bytes, OpenFile
from ..process import Process
from ..programs.lookup import Missing, find_program, run_program
from .builtins.table import BUILTINS, SPECIAL
from .conditions import Conditions
from .dialect import Dialect
from .expansion import Expander
from .parser import Parser
from .patterns import compile_pattern
from .redirections import Redirections
from .state import (
    BreakLoop,
    ContinueLoop,
    ExpansionError,
    FunctionReturn,
    Job,
    Shell,
)
from .syntax import (
    AndOr,
    ArithmeticCommand,
    ArithmeticFor,
    Assignment,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Loop,
    Pipeline,
    ProcessSubstitution,
    Redirected,
    Script,
    ScriptError,
    Simple,
    Subshell,
    Test,
    Word,
)
from .tracing import traced
from .variables import ReadOnlyError, Variable

_DEEPEST_CALL = 200
_FATAL = 127
"""The exit code of bash where a variable that is needed has no value."""


class Interpreter(Shell):
    """A shell at work in a process.

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
        positional: Sequence[str] = (),
        is_command: bool = False,
    ) -> None:
        super().__init__(process, dialect, name=name, positional=positional, is_command=is_command)
        self.expander = Expander(self)
        self._redirections = Redirections(self)
        self._conditions = Conditions(self)
        self._unchecked = 0
        self._calls = 0
        self._source = ""
        self.is_subshell = False
        self.trace_depth = 1

    # --- whole scripts ----------------------------------------------------------------

    def run_script(self, source: str) -> int:
        """Do a script to its end; the exit code of the shell.

        Traps of EXIT are done.
        """
        try:
            try:
                self.execute_source(source)
            except FunctionReturn as ended:
                self.status = ended.code
            except (BreakLoop, ContinueLoop):
                pass
            self._exit_trap()
            return self.status
        except ProcessExit as ended:
            self.status = ended.code
            try:
                self._exit_trap()
            except ProcessExit as again:
                return again.code
            return self.status

    def _exit_trap(self) -> None:
        action = self.traps.pop("EXIT", None)
        if action:
            status = self.status
            self.process.flush()
            self.execute_source(action)
            self.status = status

    def execute_source(self, source: str, *, line: int = 1, is_nested: bool = False) -> int:
        """Do a text line by line, as `eval` does; the status.

        Raises:
            ProcessExit: the shell is to end.
        """
        parser = Parser(source, self.dialect, aliases=lambda: self.active_aliases, line=line)
        before, self._source = self._source, source
        try:
            while True:
                try:
                    script = parser.next_line()
                except ScriptError as error:
                    self.complain_of_script(error, source)
                    self.status = error.code if self.dialect.is_bash else 2
                    if is_nested and self.dialect.is_bash:
                        return self.status
                    raise ProcessExit(self.status) from error
                if script is None:
                    return self.status
                self._skip_when_noexec(script)
        finally:
            self._source = before

    def _skip_when_noexec(self, script: Script) -> None:
        if not self.options.get("noexec"):
            self.execute(script)

    def execute(self, script: Script) -> int:
        """Do commands; the status of the last one."""
        for item in script.items:
            self._and_or(item)
        return self.status

    # --- lists and pipelines --------------------------------------------------------------

    def _and_or(self, item: AndOr) -> None:
        self.process.step()
        self._hear_signals()
        if item.is_background:
            self._background(item)
            return
        last = len(item.items) - 1
        for position, (operator, pipeline) in enumerate(item.items):
            if operator == "&&" and self.status:
                continue
            if operator == "||" and not self.status:
                continue
            if position < last:
                self._unchecked += 1
                try:
                    self._pipeline(pipeline)
                finally:
                    self._unchecked -= 1
            else:
                self._pipeline(pipeline)

    def _background(self, item: AndOr) -> None:
        plain = AndOr(item.items, line=item.line)
        child = self.process.fork()
        child.ignored |= {signals.INT, signals.NUMBERS["QUIT"]}
        child.set_descriptor(0, Bytes(b""))
        shell = self.fork(child)
        child.start_thread(lambda: shell.run_parsed(Script((plain,))), self.report)
        self.last_background = child.number
        self.jobs.append(Job(child, len(self.jobs) + 1))
        self.status = 0

    def run_parsed(self, script: Script) -> int:
        """Do commands in a shell of their own, to the end; its exit code."""
        try:
            try:
                if not self._in_place(script):
                    self.execute(script)
            except FunctionReturn as ended:
                self.status = ended.code
            except (BreakLoop, ContinueLoop):
                pass
            self._exit_trap()
        except ProcessExit as ended:
            self.status = ended.code
            try:
                self._exit_trap()
            except ProcessExit as again:
                self.status = again.code
        return self.status

    def _in_place(self, script: Script) -> bool:
        """Do a script that is one program in this process, as shells do; whether it was one.

        Raises:
            ProcessExit: it was, and has ended.
        """
        if self.traps or len(script.items) != 1 or len(script.items[0].items) != 1:
            return False
        pipeline = script.items[0].items[0][1]
        if pipeline.is_negated or len(pipeline.commands) != 1 or script.items[0].is_background:
            return False
        command = pipeline.commands[0]
        if not isinstance(command, Simple) or not command.words or command.assignments:
            return False
        first = command.words[0]
        name = first.literal if isinstance(first, Word) else None
        if name is None or name in BUILTINS or name in self.functions:
            return False
        if self.options.get("xtrace") or any(
            isinstance(word, Assignment) for word in command.words
        ):
            return False
        self.line = command.line
        try:
            arguments = self.expander.fields(
                [word for word in command.words if isinstance(word, Word)]
            )
            try:
                self._redirections.apply(command.redirections)
            except OSError as error:
                self._redirection_failed(error)
                raise ProcessExit(2 if self.dialect.is_dash else 1) from error
        except ExpansionError as error:
            self._end_by(error)
        self.replace_by(arguments, is_exec=False)
        return True

    def _pipeline(self, pipeline: Pipeline) -> None:
        if pipeline.is_negated:
            self._unchecked += 1
        try:
            if len(pipeline.commands) == 1:
                self._command(pipeline.commands[0])
            elif pipeline.commands:
                self._piped(pipeline)
            else:
                self.status = 0
        finally:
            if pipeline.is_negated:
                self._unchecked -= 1
        if pipeline.is_negated:
            self.status = int(not self.status)
        if pipeline.is_timed:
            self.process.flush()
            self.process.print_error("\nreal\t0m0.000s\nuser\t0m0.000s\nsys\t0m0.000s\n")

    def _piped(self, pipeline: Pipeline) -> None:
        process = self.process
        if not self.dialect.is_bash:
            self._remember(pipeline)
        children: list[Process] = []
        source: OpenFile | None = None
        last = len(pipeline.commands) - 1
        runs_last_here = self.shopt("lastpipe") and self.dialect.is_bash
        for position, command in enumerate(pipeline.commands):
            reader: OpenFile | None = None
            writer: OpenFile | None = None
            if position < last:
                reader, writer = process.pipe()
                reader.retain()
                writer.retain()
            if position == last and runs_last_here:
                statuses = self._last_here(command, source, children)
                break
            child = process.fork()
            if source is not None:
                child.set_descriptor(0, source)
                source.release()
            if writer is not None:
                child.set_descriptor(1, writer)
                if pipeline.both[position]:
                    child.set_descriptor(2, writer)
                writer.release()
            shell = self.fork(child)
            script = Script((AndOr((("", Pipeline((command,))),)),))
            children.append(child)
            if position < last:
                child.start_thread(partial(shell.run_parsed, script), self.report)
            else:
                child.run(partial(shell.run_parsed, script))
            source = reader
        else:
            statuses = [self._status_of(child) for child in children]
        self.pipe_status = statuses
        self.status = statuses[-1]
        if self.options.get("pipefail"):
            self.status = next((one for one in reversed(statuses) if one), 0)
        self._check()

    def _remember(self, pipeline: Pipeline) -> None:
        """Look for the programs of a pipeline before the forks, so that `hash` knows them."""
        for command in pipeline.commands:
            first = command.words[0] if isinstance(command, Simple) and command.words else None
            name = first.literal if isinstance(first, Word) else None
            if name and "/" not in name and name not in BUILTINS and name not in self.functions:
                found = find_program(self.process, name, self.variables.get("PATH"))
                if not isinstance(found, Missing):
                    self.hashed[name] = found.path

    def _last_here(
        self, command: Command, source: OpenFile | None, children: list[Process]
    ) -> list[int]:
        saved = self._redirections.replace(0, source)
        if source is not None:
            source.release()
        try:
            self._command(command)
        finally:
            self._redirections.restore(saved)
        return [*(self._status_of(child) for child in children), self.status]

    def _status_of(self, child: Process) -> int:
        self.process.wait_for(lambda: child.has_ended)
        self.process.system.forget(child)
        self.raise_reported()
        return child.status or 0

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

    def _hear_signals(self) -> None:
        if self.process.heard:
            heard, self.process.heard = self.process.heard, []
            for signal in heard:
                self.run_trap(signals.NAMES[signal])

    # --- commands -----------------------------------------------------------------------

    def _command(self, command: Command) -> None:
        if isinstance(command, Simple):
            self._simple(command)
            return
        if isinstance(command, Redirected):
            self._redirected(command)
            return
        try:
            self._compound(command)
        except ExpansionError as error:
            self._end_by(error)
        self.process.flush()

    def _compound(self, command: Command) -> None:
        handlers: Mapping[type, Callable[[object], None]] = self._handlers
        handlers[type(command)](command)

    @property
    def _handlers(self) -> Mapping[type, Callable[..., None]]:
        return {
            Group: lambda one: self._group(one),
            Subshell: self._subshell,
            If: self._if,
            Loop: self._loop,
            For: self._for,
            ArithmeticFor: self._arithmetic_for,
            Case: self._case,
            Function: self._define,
            Test: self._test,
            ArithmeticCommand: self._arithmetic_command,
            Simple: self._simple,
            Redirected: self._redirected,
        }

    def _redirected(self, command: Redirected) -> None:
        self.line = command.line or self.line
        try:
            saved = self._redirections.apply(command.redirections)
        except (OSError, ExpansionError) as error:
            self._redirection_failed(error)
            self.status = 2 if self.dialect.is_dash else 1
            self._check()
            return
        try:
            self._command(command.command)
        finally:
            self.process.flush()
            self._redirections.restore(saved)

    def _redirection_failed(self, error: OSError | ExpansionError) -> None:
        if isinstance(error, ExpansionError):
            if not self.dialect.is_bash:
                self._end_by(error)
            self.complain(error.message)
        else:
            self.complain(self.redirection_message(error))

    def _group(self, command: Group) -> None:
        self.execute(command.body)

    def _subshell(self, command: Subshell) -> None:
        child = self.process.fork()
        shell = self.fork(child)
        shell._unchecked = self._unchecked
        child.run(lambda: shell.run_parsed(command.body))
        self._ended(child)
        self._check()

    def _ended(self, child: Process) -> None:
        self.process.system.forget(child)
        self.raise_reported()
        self.status = child.status or 0
        if child.ended_by:
            self.tell_of_signal(child)

    def _condition(self, script: Script) -> bool:
        self._unchecked += 1
        try:
            self.execute(script)
        finally:
            self._unchecked -= 1
        return not self.status

    def _if(self, command: If) -> None:
        for condition, body in command.branches:
            if self._condition(condition):
                self.execute(body)
                return
        if command.otherwise is not None:
            self.execute(command.otherwise)
        else:
            self.status = 0

    def _loop(self, command: Loop) -> None:
        status = 0
        self.loops += 1
        try:
            while self._loop_goes_on(command):
                if self._loop_body(command.body):
                    status = self.status
                    break
                status = self.status
        finally:
            self.loops -= 1
        self.status = status

    def _loop_goes_on(self, command: Loop) -> bool:
        try:
            return self._condition(command.condition) != command.is_until
        except BreakLoop as stop:
            self._pass_on(stop)
            return False

    def _loop_body(self, body: Script) -> bool:
        """Do the body of a loop once; whether the loop ends."""
        self.process.step()
        try:
            self.execute(body)
        except BreakLoop as stop:
            self._pass_on(stop)
            self.status = 0
            return True
        except ContinueLoop as again:
            if again.levels > 1 and self.loops > 1:
                raise ContinueLoop(again.levels - 1) from None
            self.status = 0
        return False

    def _pass_on(self, stop: BreakLoop) -> None:
        if stop.levels > 1 and self.loops > 1:
            raise BreakLoop(stop.levels - 1) from None

    def _for(self, command: For) -> None:
        words = (
            list(self.positional) if command.words is None else self.expander.fields(command.words)
        )
        self.status = 0
        self.loops += 1
        try:
            for word in words:
                if self.options.get("xtrace") and self.dialect.is_bash:
                    shown = " ".join(w.source for w in command.words or ())
                    self.trace(
                        f"for {command.name} in {shown}" if command.words else f"for {command.name}"
                    )
                self.assign(command.name, word)
                if self._loop_body(command.body):
                    break
        except ReadOnlyError as error:
            raise ExpansionError(self.read_only_message(str(error))) from error
        finally:
            self.loops -= 1

    def _arithmetic_for(self, command: ArithmeticFor) -> None:
        expander = self.expander
        if command.first is not None:
            expander.arithmetic(command.first)
        self.status = 0
        self.loops += 1
        try:
            while command.condition is None or expander.arithmetic(command.condition):
                if self._loop_body(command.body):
                    break
                if command.step is not None:
                    expander.arithmetic(command.step)
        finally:
            self.loops -= 1

    def _case(self, command: Case) -> None:
        text = self.expander.text(command.word)
        if self.options.get("xtrace") and self.dialect.is_bash:
            self.trace(f"case {command.word.source} in")
        self.status = 0
        falls = False
        for patterns, body, end in command.entries:
            if not falls and not any(self._matches(pattern, text) for pattern in patterns):
                continue
            self.status = 0
            self.execute(body)
            falls = end == ";&"
            if end == ";;":
                return

    def _matches(self, pattern: Word, text: str) -> bool:
        pieces = self.expander.carets(self.expander.pattern(pattern))
        ignore_case = self.shopt("nocasematch")
        return bool(
            compile_pattern(pieces, ignore_case=ignore_case, extended=self.shopt("extglob")).match(
                text
            )
        )

    def _define(self, command: Function) -> None:
        if command.name in SPECIAL and not self.dialect.is_bash:
            raise ExpansionError(f"{command.name}: is a special builtin")
        self.functions[command.name] = command.body
        self.status = 0

    def _test(self, command: Test) -> None:
        self.status = self._conditions.status(command.expression)
        self._check()

    def _arithmetic_command(self, command: ArithmeticCommand) -> None:
        if self.options.get("xtrace"):
            self.trace(f"(( {command.word.source.strip()} ))")
        try:
            self.status = int(not self.expander.arithmetic(command.word))
        except ExpansionError as error:
            self.complain(f"((: {error.message}")
            self.status = 1
        self._check()

    # --- simple commands ------------------------------------------------------------------

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
        raise ProcessExit(1 if code == _FATAL and self.is_subshell else code)

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
            self.complain(f"{self._builtin_prefix(name)}{self.read_only_message(str(error))}")
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

    def _builtin_prefix(self, name: str) -> str:
        return f"{name}: "

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

    # --- substitutions ----------------------------------------------------------------------

    def substitute(self, body: Script) -> str:
        """Do commands, and return what they print, without line ends at the end."""
        if (text := self._only_file(body)) is not None:
            self.substituted = 0
            return text
        self.process.flush()

        def work(child: Process) -> int:
            shell = self.fork(child)
            if not self.dialect.is_dash and not self.shopt("inherit_errexit"):
                shell.options["errexit"] = False
            shell.trace_depth = self.trace_depth + int(self.dialect.is_bash)
            return shell.run_parsed(body)

        code, data = self.process.capture(work)
        self.raise_reported()
        self.substituted = code
        if self.dialect.is_bash:
            self.status = code
        text = data.replace(b"\0", b"").decode("latin-1")
        return text.rstrip("\n")

    def _only_file(self, body: Script) -> str | None:
        """The content of a file, of `$(<file)`."""
        if not self.dialect.is_bash or len(body.items) != 1 or len(body.items[0].items) != 1:
            return None
        commands = body.items[0].items[0][1].commands
        if len(commands) != 1 or not isinstance(commands[0], Simple):
            return None
        simple = commands[0]
        if simple.words or simple.assignments or len(simple.redirections) != 1:
            return None
        redirection = simple.redirections[0]
        if redirection.operator != "<" or redirection.number is not None:
            return None
        path = self.expander.text(redirection.target)
        data = self.process.system.files.read_file(self.process, path)
        return data.decode("latin-1").rstrip("\n")

    def process_substitution(self, part: ProcessSubstitution) -> str:
        """Do commands beside, and return the path by which their output is read, or input sent."""
        reader, writer = self.process.pipe()
        reader.retain()
        writer.retain()
        child = self.process.fork()
        mine, other, number = (reader, writer, 1) if part.is_read else (writer, reader, 0)
        child.set_descriptor(number, other)
        other.release()
        shell = self.fork(child)
        child.start_thread(lambda: shell.run_parsed(part.body), self.report)
        free = 63
        while free in self.process.descriptors:
            free -= 1
        self.process.set_descriptor(free, mine)
        mine.release()
        self.open_substitutions.append(free)
        return f"/dev/fd/{free}"

    # --- forks --------------------------------------------------------------------------------

    def fork(self, process: Process) -> Interpreter:
        """Return a shell that begins as this one is, in another process."""
        child = Interpreter(
            process,
            self.dialect,
            name=self.name,
            positional=self.positional,
            is_command=self.is_command,
        )
        self.copy_to(child)
        child.is_subshell = True
        child._calls = self._calls
        child._source = self._source
        return child


def _undo_nothing() -> None:
    """Leave all as it is."""
