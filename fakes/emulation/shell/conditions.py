"""`[[ … ]]`, and the tests of files and numbers that it has in common with `test`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..bounded_expressions import compile_bounded
from ..file_system import EXECUTE, READ, WRITE
from ..programs.text.expressions import ExpressionError, to_python
from .jumps import ExpansionError
from .patterns import compile_pattern
from .syntax import TestNode, Word
from .variables import Variable

if TYPE_CHECKING:
    from ..file_system import Status
    from ..process import Process
    from .state import Shell


class Conditions:
    """The conditions of one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def status(self, node: TestNode) -> int:
        """Return 0 where it holds, 1 where not, 2 for what is no condition."""
        try:
            return int(not self._holds(node))
        except (ValueError, re.error, ExpressionError):
            return 2

    def _holds(self, node: TestNode) -> bool:
        operator = node.operator
        if operator == "!":
            return not self._holds(self._node(node, 0))
        if operator == "&&":
            return self._holds(self._node(node, 0)) and self._holds(self._node(node, 1))
        if operator == "||":
            return self._holds(self._node(node, 0)) or self._holds(self._node(node, 1))
        expander = self._shell.expander
        left = self._word(node, 0)
        if len(node.operands) == 1:
            return self._one(operator, left)
        right = self._word(node, 1)
        text = expander.text(left)
        if operator in ("=", "==", "!="):
            pieces = expander.pattern(right)
            matches = compile_pattern(
                pieces, ignore_case=self._shell.shopt("nocasematch"), extended=True
            ).match(text)
            return bool(matches) != (operator == "!=")
        if operator == "=~":
            return self._matches(text, expander.regular_expression(right))
        if operator in ("<", ">"):
            other = expander.text(right)
            return text < other if operator == "<" else text > other
        if operator in ("-nt", "-ot", "-ef"):
            return compare_files(self._shell.process, text, operator, expander.text(right))
        if self._shell.dialect.is_bash:
            try:
                first, second = expander.evaluate(text), expander.evaluate(expander.text(right))
            except ExpansionError as error:
                self._shell.complain(f"[[: {error.message}")
                return False
        else:
            first, second = int(text), int(expander.text(right))
        return compare_numbers(first, operator, second)

    def _one(self, operator: str, word: Word) -> bool:
        text = self._shell.expander.text(word)
        if operator == "-v":
            return has_variable(self._shell, text)
        if operator == "-o":
            return bool(self._shell.options.get(text))
        if operator == "-R":
            variable = self._shell.variables.table.get(text)
            return variable is not None and variable.refers
        return test_one(self._shell.process, operator, text)

    def _matches(self, text: str, expression: str) -> bool:
        match = compile_bounded(posix_expression(expression)).search(text)
        groups: dict[int | str, str] = {}
        if match is not None:
            groups = {number: match[number] or "" for number in range((match.re.groups) + 1)}
        self._shell.variables.table["BASH_REMATCH"] = Variable(items=groups)
        return match is not None

    @staticmethod
    def _node(node: TestNode, position: int) -> TestNode:
        operand = node.operands[position]
        assert isinstance(operand, TestNode)
        return operand

    @staticmethod
    def _word(node: TestNode, position: int) -> Word:
        operand = node.operands[position]
        assert isinstance(operand, Word)
        return operand


def posix_expression(expression: str) -> str:
    """Return an extended regular expression in Python's words."""
    return to_python(expression, extended=True)


def has_variable(shell: Shell, text: str) -> bool:
    """Tell whether a variable, or a value of an array, is set (`-v`)."""
    match = re.fullmatch(r"([A-Za-z_]\w*)\[(.*)\]", text)
    if match is not None:
        if match[2] in ("@", "*"):
            return bool(shell.array_values(match[1]))
        return shell.array_item(match[1], match[2]) is not None
    return shell.parameter(text) is not None


def compare_numbers(left: int, operator: str, right: int) -> bool:
    """Compare as `-eq` and its kind do."""
    return {
        "-eq": left == right,
        "-ne": left != right,
        "-lt": left < right,
        "-le": left <= right,
        "-gt": left > right,
        "-ge": left >= right,
    }[operator]


def compare_files(
    process: Process, left: str, operator: str, right: str, *, needs_both: bool = False
) -> bool:
    """Compare two files by time, or whether they are one.

    Args:
        process: who looks.
        left, operator, right: the comparison.
        needs_both: whether one that is missing is not older than the other.
    """
    files = process.system.files

    def status(path: str) -> Status | None:
        try:
            return files.status(process, path)
        except OSError:
            return None

    first, second = status(left), status(right)
    if operator == "-ef":
        return first is not None and second is not None and first.inode == second.inode
    if needs_both and (first is None or second is None):
        return False
    if operator == "-ot":
        first, second = second, first
    if first is None:
        return False
    if second is None:
        return True
    return (first.mtime, first.nanoseconds) > (second.mtime, second.nanoseconds)


def test_one(process: Process, operator: str, text: str) -> bool:
    """Tell what `-f` and its kind tell of a path or text."""
    if operator == "-n":
        return bool(text)
    if operator == "-z":
        return not text
    if operator == "-t":
        opened = process.descriptors.get(int(text))
        return opened is not None and opened.is_terminal
    files = process.system.files
    if operator in ("-h", "-L"):
        return files.kind(process, text, follow=False) == "symlink"
    if operator in ("-r", "-w", "-x"):
        return files.may(process, text, {"-r": READ, "-w": WRITE, "-x": EXECUTE}[operator])
    try:
        status = files.status(process, text)
    except OSError:
        return False
    kinds = {"-f": "file", "-d": "dir", "-p": "fifo", "-c": "char", "-b": "block"}
    if operator in kinds:
        return status.kind == kinds[operator]
    if operator in ("-e", "-a"):
        return True
    if operator == "-s":
        return status.size > 0
    if operator in ("-u", "-g", "-k"):
        return bool(status.mode & {"-u": 0o4000, "-g": 0o2000, "-k": 0o1000}[operator])
    if operator == "-O":
        return status.uid == process.credentials.uid
    if operator == "-G":
        return status.gid == process.credentials.gid
    return False
