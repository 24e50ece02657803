"""Does what scripts say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from .. import signals
from ..endings import ProcessExit, SignalledError
from ..process import Process
from .conditions import Conditions
from .dialect import Dialect
from .expansion.expander import Expander
from .input_script import commands_of_input
from .jumps import BreakLoop, ContinueLoop, FunctionReturn
from .parsing.parser import Parser
from .pipelines import Pipelines
from .redirections import Redirections
from .syntax import (
    ProcessSubstitution,
    Script,
    ScriptError,
    Simple,
)


class Interpreter(Pipelines):
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

    def run_script(self, source: str) -> int:
        """Do a script to its end; the exit code of the shell.

        Traps of EXIT are done.
        """
        return self._to_the_end(lambda: self.execute_source(source))

    def run_input(self) -> int:
        """Do the script that standard input brings; the exit code of the shell."""

        def work() -> None:
            for line, source in commands_of_input(self):
                self.execute_source(source, line=line)

        return self._to_the_end(work)

    def _to_the_end(self, work: Callable[[], object]) -> int:
        try:
            try:
                work()
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
        except SignalledError as ended:
            is_own = ended.process is self.process and ended.signal != signals.KILL
            if is_own and self.process.ends_by_signals:
                with suppress(ProcessExit):
                    self._exit_trap()
                self.process.flush()
            raise

    def execute_source(self, source: str, *, line: int = 1, is_nested: bool = False) -> int:
        """Do a text line by line, as `eval` does; the status.

        Raises:
            ProcessExit: the shell is to end.
        """
        parser = Parser(
            source,
            self.dialect,
            aliases=lambda: self.active_aliases,
            extended=lambda: self.shopt("extglob"),
            line=line,
        )
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
        child.subshell_level = self.subshell_level + 1
        child._calls = self._calls
        child._source = self._source
        return child
