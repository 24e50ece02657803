"""Does compound commands: groups, conditions, loops, functions, tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .builtins.table import SPECIAL
from .jumps import BreakLoop, ContinueLoop, ExpansionError
from .patterns import compile_pattern
from .simple_commands import SimpleCommands
from .syntax import (
    ArithmeticCommand,
    ArithmeticFor,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Loop,
    Redirected,
    Script,
    Simple,
    Subshell,
    Test,
    Word,
)
from .variables import ReadOnlyError


class CompoundCommands(SimpleCommands):
    """Does commands that hold others (POSIX.1-2017, 2.9.4 and 2.9.5)."""

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

    def _group(self, command: Group) -> None:
        self.execute(command.body)

    def _subshell(self, command: Subshell) -> None:
        child = self.process.fork()
        shell = self.fork(child)
        shell._unchecked = self._unchecked
        child.run(lambda: shell.run_parsed(command.body))
        self._ended(child)
        self._check()

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
        if command.is_select:
            self._select(command, words)
            return
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

    def _select(self, command: For, words: list[str]) -> None:
        """Ask which word is meant, and do the body with it, until the answers end."""
        width = len(str(len(words)))
        menu = "".join(f"{number:{width}}) {word}\n" for number, word in enumerate(words, 1))
        shows_menu = True
        self.loops += 1
        try:
            while words:
                self.process.flush()
                prompt = self.variables.get("PS3")
                self.process.print_error(menu * shows_menu + ("#? " if prompt is None else prompt))
                answer = self._answer()
                if answer is None:
                    self.process.print("\n")
                    self.status = 1
                    return
                self.assign("REPLY", answer)
                shows_menu = not answer
                if shows_menu:
                    continue
                is_one = answer.isdecimal() and 0 < int(answer) <= len(words)
                self.assign(command.name, words[int(answer) - 1] if is_one else "")
                if self._loop_body(command.body):
                    return
        finally:
            self.loops -= 1

    def _answer(self) -> str | None:
        """Read a line; `None` at the end of the input."""
        line = b""
        while piece := self.process.read():
            found, end, rest = piece.partition(b"\n")
            line += found
            if end:
                self.process.descriptor(0).push_back(rest)
                break
        else:
            if not line:
                return None
        return line.decode("latin-1").strip()

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
