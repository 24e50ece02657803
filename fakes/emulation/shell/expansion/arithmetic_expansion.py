"""The values of arithmetic expressions (POSIX.1-2017, 2.6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arithmetic import Evaluator, ExpressionError
from ..jumps import ExpansionError
from ..syntax import Text, Word
from ..variables import ReadOnlyError

if TYPE_CHECKING:
    from ..dialect import Dialect
    from ..state import Shell


def evaluate(shell: Shell, source: str) -> int:
    """Return the value of an arithmetic expression.

    Raises:
        ExpansionError: it has none.
    """
    dialect = shell.dialect
    names = _ShellNames(shell)
    try:
        return Evaluator(source, names, is_bash=dialect.is_bash, is_dash=dialect.is_dash).value()
    except ExpressionError as error:
        raise ExpansionError(_message(dialect, source, str(error))) from error
    except ReadOnlyError as error:
        raise ExpansionError(shell.read_only_message(str(error))) from error


def _message(dialect: Dialect, source: str, message: str) -> str:
    if dialect.is_busybox:
        return "divide by zero" if "zero" in message else "arithmetic syntax error"
    if dialect.is_dash:
        if message.startswith("Illegal number"):
            return message
        return f'arithmetic expression: {message}: "{source}"'
    shown = source.strip()
    return f"{shown}: {message}" if shown != message.split(":")[0] else message


class _ShellNames:
    """A shell's variables, as arithmetic sees them."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get(self, name: str, index: str | None) -> str:
        shell = self._shell
        value = shell.array_item(name, index) if index is not None else shell.parameter(name)
        if value is None and shell.options.get("nounset"):
            raise ExpansionError(shell.unset_message(name), 127)
        return value or ""

    def set(self, name: str, index: str | None, value: int) -> None:
        word = Word((Text(index, is_quoted=True),)) if index is not None else None
        self._shell.assign(name, str(value), index=word)
