"""The variables of a shell."""

from __future__ import annotations

from dataclasses import dataclass, field


class ReadOnlyError(Exception):
    """A variable that may not be changed."""


@dataclass
class Variable:
    """A variable.

    Attributes:
        value: its value; `None` for one that is declared only.
        items: an array's values by number, or by word.
        is_words: the array is by words.
    """

    value: str | None = None
    items: dict[int | str, str] | None = None
    is_words: bool = False
    is_exported: bool = False
    is_read_only: bool = False
    is_integer: bool = False
    case: str = ""
    refers: bool = False

    def copy(self) -> Variable:
        """Return one that changes by itself."""
        items = dict(self.items) if self.items is not None else None
        return Variable(
            self.value,
            items,
            self.is_words,
            self.is_exported,
            self.is_read_only,
            self.is_integer,
            self.case,
            self.refers,
        )

    @property
    def following(self) -> int:
        """The index after the last one of an array by numbers."""
        numbers = [key for key in self.items or () if isinstance(key, int)]
        return max(numbers) + 1 if numbers else 0

    @property
    def scalar(self) -> str | None:
        """The value without an index."""
        if self.items is not None:
            return self.items.get("0" if self.is_words else 0)
        return self.value


@dataclass
class Variables:
    """All variables, with those that functions have of their own."""

    table: dict[str, Variable] = field(default_factory=dict)
    scopes: list[dict[str, Variable | None]] = field(default_factory=list)
    exports_all: bool = False

    def copy(self) -> Variables:
        """Return what a subshell begins with."""
        return Variables(
            {name: variable.copy() for name, variable in self.table.items()},
            [dict(scope) for scope in self.scopes],
            self.exports_all,
        )

    def find(self, name: str) -> Variable | None:
        """Return a variable, references followed."""
        variable = self.table.get(name)
        for _ in range(8):
            if variable is None or not variable.refers or not variable.value:
                break
            variable = self.table.get(variable.value)
        return variable

    def target(self, name: str) -> str:
        """Return the name that a reference leads to."""
        for _ in range(8):
            variable = self.table.get(name)
            if variable is None or not variable.refers or not variable.value:
                break
            name = variable.value
        return name

    def get(self, name: str) -> str | None:
        """Return a value; `None` where there is none."""
        variable = self.find(name)
        return None if variable is None else variable.scalar

    def variable(self, name: str) -> Variable:
        """Return a variable, made if it is not there.

        Raises:
            ReadOnlyError: it may not be changed.
        """
        name = self.target(name)
        variable = self.table.get(name)
        if variable is None:
            variable = self.table[name] = Variable(is_exported=self.exports_all)
        if variable.is_read_only:
            raise ReadOnlyError(name)
        return variable

    def set(self, name: str, value: str) -> None:
        """Set a value.

        Raises:
            ReadOnlyError: it may not be changed.
        """
        variable = self.variable(name)
        value = cased(value, variable.case)
        if variable.items is not None:
            variable.items["0" if variable.is_words else 0] = value
        else:
            variable.value = value
        variable.is_exported = variable.is_exported or self.exports_all

    def unset(self, name: str) -> None:
        """Take a variable away.

        Raises:
            ReadOnlyError: it may not be changed.
        """
        name = self.target(name)
        variable = self.table.get(name)
        if variable is not None and variable.is_read_only:
            raise ReadOnlyError(name)
        self.table.pop(name, None)

    def make_local(self, name: str, *, keeps: bool) -> None:
        """Let a function have a variable of its own.

        Args:
            name: its name.
            keeps: whether it begins with the value of the one outside.
        """
        scope = self.scopes[-1]
        if name in scope:
            return
        old = self.table.get(name)
        scope[name] = old
        if old is None:
            self.table[name] = Variable()
        elif keeps:
            self.table[name] = old.copy()
        else:
            self.table[name] = Variable(is_exported=old.is_exported, is_read_only=old.is_read_only)

    def leave(self) -> None:
        """End a function: the variables outside are seen again."""
        for name, old in self.scopes.pop().items():
            if old is None:
                self.table.pop(name, None)
            else:
                self.table[name] = old

    def environment(self) -> dict[str, str]:
        """Return what programs get."""
        return {
            name: variable.value
            for name, variable in self.table.items()
            if variable.is_exported and variable.value is not None and variable.items is None
        }


def cased(value: str, case: str) -> str:
    """Return a value as `declare -u` and `-l` have it."""
    return value.upper() if case == "u" else value.lower() if case == "l" else value
