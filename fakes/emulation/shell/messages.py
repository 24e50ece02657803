"""What the shells say of what goes wrong, each in its own words."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from .. import signals

if TYPE_CHECKING:
    from ..open_files import OpenFile
    from ..process import Process
    from ..programs.lookup import Missing
    from .dialect import Dialect
    from .syntax import ScriptError
    from .variables import Variables

_SIGNAL_WORDS = {
    1: "Hangup",
    3: "Quit",
    4: "Illegal instruction",
    6: "Aborted",
    8: "Floating point exception",
    9: "Killed",
    10: "User defined signal 1",
    11: "Segmentation error",
    12: "User defined signal 2",
    14: "Alarm clock",
    15: "Terminated",
}


class Messages:
    """The messages of one shell."""

    process: Process
    dialect: Dialect
    name: str
    line: int
    is_command: bool
    function_names: list[str]
    trace_depth: int
    variables: Variables

    def complain(self, message: str, *, to: OpenFile | None = None) -> None:
        """Say what is wrong on standard error."""
        text = f"{self.prefix}{message}\n"
        self.process.flush()
        if to is not None:
            with contextlib.suppress(OSError):
                to.write(self.process, text.encode("latin-1", "replace"))
            return
        self.process.print_error(text)

    @property
    def prefix(self) -> str:
        """What each message begins with."""
        if self.dialect.is_bash:
            return f"{self.name}: line {self.line}: "
        if self.dialect.is_dash:
            return f"{self.name}: {self.line}: "
        return f"{self.name}: "

    def trace(self, text: str) -> None:
        """Show a command before it is done (`set -x`)."""
        self.process.flush()
        self.process.print_error(f"{'+' * self.trace_depth} {text}\n")

    def complain_of_script(self, error: ScriptError, source: str) -> None:
        """Say that a script is none."""
        self.process.flush()
        if self.dialect.is_bash:
            self._bash_script(error, source)
            return
        message, _, _quote = error.message.partition("|")
        if self.dialect.is_busybox:
            if message == "Unterminated quoted string":
                message = "unterminated quoted string"
            text = message[:1].lower() + message[1:] if message else self._unexpected(error)
            self.process.print_error(f"{self.name}: syntax error: {text}\n")
            return
        text = message[:1].upper() + message[1:] if message else self._unexpected(error)
        self.process.print_error(f"{self.name}: {error.line}: Syntax error: {text}\n")

    def _unexpected(self, error: ScriptError) -> str:
        token = {"": "end of file", "newline": "newline"}.get(error.token)
        shown = token if token is not None else f'"{error.token}"'
        expecting = f' (expecting "{error.expected}")' if error.expected else ""
        if self.dialect.is_busybox:
            return f"unexpected {shown}{expecting}"
        return f"{shown[:1].upper() + shown[1:] if token else shown} unexpected{expecting}"

    def _bash_script(self, error: ScriptError, source: str) -> None:
        where = f"{self.name}: -c: line" if self.is_command else f"{self.name}: line"
        quote = error.message.partition("|")[2]
        if quote:
            text = f"unexpected EOF while looking for matching `{quote}'"
        elif not error.token:
            text = "syntax error: unexpected end of file"
            self.process.print_error(f"{where} {error.line}: {text}\n")
            return
        else:
            text = f"syntax error near unexpected token `{error.token}'"
        self.process.print_error(f"{where} {error.line}: {text}\n")
        lines = source.split("\n")
        if not quote and error.line - 1 < len(lines):
            self.process.print_error(f"{where} {error.line}: `{lines[error.line - 1]}'\n")

    # --- variables ------------------------------------------------------------------------

    def read_only_message(self, name: str) -> str:
        """Say that a variable may not be changed."""
        return f"{name}: readonly variable" if self.dialect.is_bash else f"{name}: is read only"

    def unset_message(self, name: str) -> str:
        """Say that a variable has no value (`set -u`)."""
        if self.dialect.is_bash:
            return f"{'$' if name.isdigit() else ''}{name}: unbound variable"
        return f"{name}: parameter not set"

    def missing_message(self, name: str, message: str, null: bool) -> str:
        """Say what `${x?message}` says."""
        if message:
            return f"{name}: {message}"
        if self.dialect.is_bash:
            return f"{name}: parameter null or not set" if null else f"{name}: parameter not set"
        return f"{name}: parameter not set" + (" or null" if null else "")

    def bad_assignment_message(self, name: str) -> str:
        """Say that what is no variable cannot be set."""
        if self.dialect.is_bash:
            return f"${name}: cannot assign in this way"
        return f"{name}: bad variable name"

    # --- files and programs -----------------------------------------------------------------

    def redirection_message(self, error: OSError) -> str:
        """Say that a redirection failed."""
        path = error.filename
        if error.errno == errno.EBADF:
            return f"{path}: Bad file descriptor"
        if self.dialect.is_bash:
            if error.errno == errno.EEXIST:
                return f"{path}: cannot overwrite existing file"
            return f"{path}: {error.strerror}"
        creates = getattr(error, "creates", False)
        words = error.strerror or ""
        if error.errno == errno.ENOENT:
            words = (
                ("Directory nonexistent" if creates else "No such file")
                if self.dialect.is_dash
                else ("nonexistent directory" if creates else "no such file")
            )
        verb = "create" if creates else "open"
        no = "cannot" if self.dialect.is_dash else "can't"
        return f"{no} {verb} {path}: {words}"

    def missing_program_message(self, name: str, missing: Missing, *, is_exec: bool = False) -> str:
        """Say why a program was not run."""
        words = os.strerror(missing.error)
        if self.dialect.is_bash:
            if missing.interpreter:
                return f"{name}: cannot execute: required file not found"
            if missing.error == errno.ENOENT and "/" not in name and self.variables.get("PATH"):
                return f"{name}: not found" if is_exec else f"{name}: command not found"
            if missing.is_folder:
                words = "Is a directory"
            if missing.error == errno.ENOEXEC:
                return f"{name}: cannot execute binary file: Exec format error"
            return f"{name}: {words}" if not is_exec else f"{name}: cannot execute: {words}"
        if missing.error == errno.ENOENT:
            words = "not found"
        if missing.error == errno.ENOEXEC:
            words = "Exec format error"
        return f"{name}: {words}"

    def tell_of_signal(self, child: Process) -> None:
        """Say that a program was ended by a signal, as shells do of most."""
        signal = child.ended_by
        if signal in (signals.INT, signals.PIPE):
            return
        words = _SIGNAL_WORDS.get(signal, f"Signal {signal}")
        self.process.flush()
        if self.dialect.is_bash and signal != signals.TERM:
            shown = " ".join(child.arguments)
            self.process.print_error(
                f"{self.name}: line {self.line}: {child.number:5d} {words:<23} {shown}\n"
            )
        else:
            self.process.print_error(f"{words}\n")
