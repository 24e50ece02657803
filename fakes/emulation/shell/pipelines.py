"""Does lists and pipelines, each in the processes that it needs."""

from __future__ import annotations

from functools import partial

from .. import signals
from ..endings import ProcessExit
from ..open_files import Bytes, OpenFile
from ..process import Process
from ..programs.lookup import Missing, find_program
from .builtins.table import BUILTINS
from .compound_commands import CompoundCommands
from .jumps import BreakLoop, ContinueLoop, ExpansionError, FunctionReturn
from .state import Job
from .syntax import (
    AndOr,
    Assignment,
    Command,
    Pipeline,
    Script,
    Simple,
    Word,
)


class Pipelines(CompoundCommands):
    """Does lists and pipelines (POSIX.1-2017, 2.9.2 and 2.9.3)."""

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
        return child.exit_code

    def _exit_trap(self) -> None:
        action = self.traps.pop("EXIT", None)
        if action:
            status = self.status
            self.process.flush()
            self.execute_source(action)
            self.status = status

    def _hear_signals(self) -> None:
        if self.process.heard:
            heard, self.process.heard = self.process.heard, []
            for signal in heard:
                self.run_trap(signals.NAMES[signal])
