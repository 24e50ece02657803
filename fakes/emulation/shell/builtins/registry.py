"""The commands that are part of the shells, by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..dialect import Dialect
    from ..state import Shell
    from ..syntax import Assignment

Work = Callable[["Shell", "list[str]"], int]
WorkWithAssignments = Callable[["Shell", "list[str]", "Sequence[Assignment]"], int]


@dataclass(frozen=True)
class Builtin:
    """A command of the shell itself.

    Attributes:
        work: does it; gets its words, its name first.
        shells: those that know it; all when empty.
        declares: it gets assignments of arrays as they are.
    """

    work: Work | WorkWithAssignments
    shells: tuple[str, ...] = ()
    declares: bool = False

    def is_known_to(self, dialect: Dialect) -> bool:
        """Tell whether a shell knows it."""
        return not self.shells or dialect.name in self.shells

    def run(self, shell: Shell, words: list[str], extra: Sequence[Assignment]) -> int:
        """Do it; its status."""
        if self.declares:
            return self.work(shell, words, extra)  # type: ignore[call-arg]  # it takes them
        return self.work(shell, words)  # type: ignore[call-arg]  # it takes no others


BUILTINS: dict[str, Builtin] = {}
"""All of them."""

SPECIAL = frozenset(
    [
        ":",
        ".",
        "break",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "readonly",
        "return",
        "set",
        "shift",
        "times",
        "trap",
        "unset",
    ]
)
"""Those whose failure ends a script (POSIX.1-2017, 2.14)."""


def builtin(
    *names: str, shells: Sequence[str] = (), declares: bool = False
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Let a function be a command of the shells."""

    def add(work: Callable[..., int]) -> Callable[..., int]:
        for name in names:
            BUILTINS[name] = Builtin(work, tuple(shells), declares)
        return work

    return add
