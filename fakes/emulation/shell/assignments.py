"""Assignments to variables and arrays (POSIX.1-2017, 2.9.1)."""

from __future__ import annotations

from .parameters import Parameters
from .syntax import Assignment, Word
from .variables import cased


class Assignments(Parameters):
    """Assigns values."""

    def assign(
        self, name: str, value: str, *, index: Word | None = None, adds: bool = False
    ) -> None:
        """Set a variable, or one value of an array.

        Raises:
            ReadOnlyError: it may not be changed.
        """
        variable = self.variables.variable(name)
        if variable.is_integer:
            number = self.expander.evaluate(value)
            if adds:
                old = self.array_item(name, self.expander.text(index)) if index else variable.scalar
                number += self.expander.evaluate(old or "0")
            value, adds = str(number), False
        self.process.hold(value)
        if index is None:
            if adds:
                value = self.process.hold((variable.scalar or "") + value)
            self.variables.set(name, value)
            return
        key = self.expander.text(index)
        if variable.items is None:
            variable.items = {} if variable.value is None else {0: variable.value}
            variable.value = None
        place: int | str = key if variable.is_words else self.expander.evaluate(key)
        if isinstance(place, int) and place < 0 and variable.items:
            place += variable.following
        if adds:
            value = self.process.hold((variable.items.get(place) or "") + value)
        variable.items[place] = cased(value, variable.case)

    def do_assignment(self, assignment: Assignment) -> None:
        """Do `x=…` in any of its forms.

        Raises:
            ReadOnlyError: the variable may not be changed.
        """
        if isinstance(assignment.value, Word):
            value = self.expander.text(assignment.value, is_value=True)
            self.assign(assignment.name, value, index=assignment.index, adds=assignment.adds)
            return
        variable = self.variables.variable(assignment.name)
        if not assignment.adds or variable.items is None:
            old = variable.scalar if assignment.adds else None
            fresh: dict[int | str, str] = {} if old is None else {0: old}
            items: dict[int | str, str] = {} if variable.is_words else fresh
        else:
            items = variable.items
        pairs = assignment.value
        numbers = [key for key in items if isinstance(key, int)]
        following = max(numbers) + 1 if numbers else 0
        for index, word in pairs:
            if index is None:
                for value in self.expander.fields([word]):
                    if variable.is_integer:
                        value = str(self.expander.evaluate(value))
                    items[following] = cased(value, variable.case)
                    following += 1
                continue
            key = self.expander.text(index)
            value = cased(self.expander.text(word), variable.case)
            if variable.is_words:
                items[key] = value
            else:
                following = self.expander.evaluate(key)
                items[following] = value
                following += 1
        variable.items = items
        variable.value = None

    def attributes(self, name: str) -> str:
        """Return the letters of `declare` that a variable has."""
        variable = self.variables.find(name)
        if variable is None:
            return ""
        letters = ""
        if variable.items is not None or variable.is_words:
            letters += "A" if variable.is_words else "a"
        letters += "i" if variable.is_integer else ""
        letters += variable.case
        letters += "r" if variable.is_read_only else ""
        letters += "x" if variable.is_exported else ""
        return letters
