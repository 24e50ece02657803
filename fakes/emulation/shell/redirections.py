"""Redirections: where descriptors lead for one command."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..open_files import Bytes, OpenFile, failure
from .jumps import ExpansionError
from .syntax import AnyRedirection

if TYPE_CHECKING:
    from ..process import Process
    from .state import Shell

Saved = list[tuple[int, OpenFile | None]]
"""Where descriptors led before, in the order in which they were changed."""


class Redirections:
    """Does the redirections of a shell.

    Args:
        shell: expands the words.
        process: whose descriptors they are; the shell's own when left out.
    """

    def __init__(self, shell: Shell, process: Process | None = None) -> None:
        self._shell = shell
        self._process = process or shell.process

    def apply(self, redirections: Sequence[AnyRedirection]) -> Saved:
        """Do them, in order; what `restore` undoes.

        Raises:
            OSError: a file cannot be opened; what was done before is undone.
            ExpansionError: a word cannot be expanded; the same.
        """
        saved: Saved = []
        try:
            for redirection in redirections:
                self._apply(redirection, saved)
        except BaseException:
            self.restore(saved)
            raise
        return saved

    def replace(self, number: int, opened: OpenFile | None) -> Saved:
        """Let one descriptor lead elsewhere."""
        saved: Saved = []
        self._set(number, opened, saved)
        return saved

    def restore(self, saved: Saved) -> None:
        """Undo what was done."""
        for number, old in reversed(saved):
            self._process.set_descriptor(number, old)
            if old is not None:
                old.release()

    def keep(self, saved: Saved) -> None:
        """Let what was done last."""
        for _, old in saved:
            if old is not None:
                old.release()

    def _set(self, number: int, opened: OpenFile | None, saved: Saved) -> None:
        old = self._process.descriptors.get(number)
        saved.append((number, old.retain() if old is not None else None))
        self._process.set_descriptor(number, opened)

    def _apply(self, redirection: AnyRedirection, saved: Saved) -> None:
        operator = redirection.operator
        self._process.flush()
        if operator in ("<<", "<<-"):
            text = self._shell.expander.text(redirection.target)
            self._set(redirection.number or 0, Bytes(text.encode("latin-1")), saved)
            return
        if operator == "<<<":
            text = self._shell.expander.text(redirection.target) + "\n"
            self._set(redirection.number or 0, Bytes(text.encode("latin-1")), saved)
            return
        target = self._target(redirection)
        if operator in ("&>", "&>>"):
            opened = self._open(target, ">>" if operator == "&>>" else ">")
            self._set(1, opened, saved)
            self._set(2, opened, saved)
            return
        if operator in (">&", "<&"):
            self._duplicate(redirection, target, saved)
            return
        opened = self._open(target, operator)
        number = redirection.number
        if redirection.variable:
            number = self._free()
            self._shell.assign(redirection.variable, str(number))
        elif number is None:
            number = 0 if operator.startswith("<") else 1
        self._set(number, opened, saved)

    def _target(self, redirection: AnyRedirection) -> str:
        if self._shell.dialect.is_bash:
            fields = self._shell.expander.fields([redirection.target])
            if len(fields) != 1:
                raise ExpansionError(f"{redirection.target.source}: ambiguous redirect", 1)
            return fields[0]
        return self._shell.expander.text(redirection.target)

    def _free(self) -> int:
        number = 10
        while number in self._process.descriptors:
            number += 1
        return number

    def _duplicate(self, redirection: AnyRedirection, target: str, saved: Saved) -> None:
        number = redirection.number
        default = 0 if redirection.operator == "<&" else 1
        if redirection.variable and target == "-":
            number = int(self._shell.variables.get(redirection.variable) or -1)
        if target == "-":
            self._set(default if number is None else number, None, saved)
            return
        moves = target.endswith("-") and target[:-1].isdigit()
        digits = target[:-1] if moves else target
        if digits.isdigit():
            if int(digits) not in self._process.descriptors:
                raise failure(errno.EBADF, digits)
            opened = self._process.descriptors[int(digits)]
            if redirection.variable:
                number = self._free()
                self._shell.assign(redirection.variable, str(number))
            self._set(default if number is None else number, opened, saved)
            if moves:
                self._set(int(digits), None, saved)
            return
        if redirection.operator == ">&" and number is None and not self._shell.dialect.is_dash:
            opened = self._open(target, ">")
            self._set(1, opened, saved)
            self._set(2, opened, saved)
            return
        if self._shell.dialect.is_dash:
            raise ExpansionError("Syntax error: Bad fd number", 2)
        raise ExpansionError(f"{target}: ambiguous redirect", 1)

    def _opener(self, path: str) -> Process:
        """Return who has a path open: of a process substitution the shell, not the program."""
        number = path.removeprefix("/dev/fd/")
        if number.isdigit() and int(number) in self._shell.open_substitutions:
            return self._shell.process
        return self._process

    def _open(self, path: str, operator: str) -> OpenFile:
        files, opener = self._process.system.files, self._opener(path)
        creates = operator not in ("<",)
        try:
            if operator == "<":
                return files.open(opener, path)
            if operator == "<>":
                return files.open(opener, path, writes=True, creates=True)
            if operator == ">>":
                return files.open(
                    opener, path, reads=False, writes=True, creates=True, appends=True
                )
            protects = operator == ">" and self._shell.options.get("noclobber", False)
            if protects and files.kind(opener, path) == "file":
                raise failure(errno.EEXIST, path)
            return files.open(opener, path, reads=False, writes=True, creates=True, truncates=True)
        except OSError as error:
            error.filename = path
            error.creates = creates  # type: ignore[attr-defined]  # for the messages
            raise
