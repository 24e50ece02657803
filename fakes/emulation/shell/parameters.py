"""The values of parameters, variables and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .messages import Messages
from .options import OPTIONS
from .variables import Variable, Variables
from .word_expander import WordExpander


class Parameters(Messages):
    """Reads parameters.

    Attributes:
        expander: expands words.
        variables: the variables, arrays among them.
        positional: `$1` and on.
        options: those that are set or unset, by their names.
        is_command: whether the script was an argument (`-c`).
        status: `$?`.
        pipe_status: the statuses of the last pipeline.
        line: the line that is done.
        shell_number: `$$`.
        last_background: `$!`.
        function_names: the functions that it is in, the innermost first.
    """

    expander: WordExpander
    variables: Variables
    positional: list[str]
    options: dict[str, bool]
    is_command: bool
    status: int
    pipe_status: list[int]
    line: int
    shell_number: int
    last_background: int | None
    function_names: list[str]
    subshell_level: int

    @property
    def flags(self) -> str:
        """What `$-` gives."""
        on = {letter for letter, name in OPTIONS.items() if self.options.get(name)}
        if self.dialect.is_bash:
            return "".join(sorted(on | {"h", "B"}, key=lambda one: (one.isupper(), one))) + (
                "c" if self.is_command else ""
            )
        return "".join(one for one in "efInuvxabC" if one in on) + (
            "c" if self.is_command and self.dialect.is_busybox else ""
        )

    @property
    def separators(self) -> str:
        """What fields are split at; the first letter is what `$*` is joined by."""
        value = self.variables.get("IFS")
        return " \t\n" if value is None else value

    def parameter(self, name: str) -> str | None:
        """Return the value of a variable or special parameter; `None` where there is none."""
        if name.isdigit():
            number = int(name)
            if number == 0:
                return self.name
            return self.positional[number - 1] if number <= len(self.positional) else None
        special = self._special(name)
        if special is not None:
            return special
        if name in ("@", "*"):
            joiner = " " if name == "@" else self.separators[:1]
            return joiner.join(self.positional)
        if name == "!":
            return None if self.last_background is None else str(self.last_background)
        return self.variables.get(name)

    def _special(self, name: str) -> str | None:
        if name == "#":
            return str(len(self.positional))
        if name == "?":
            return str(self.status)
        if name == "$":
            return str(self.shell_number)
        if name == "-":
            return self.flags
        if name == "LINENO" and name not in self.variables.table:
            return (
                str(self.line) if self.dialect.is_bash else "0" if self.dialect.is_busybox else ""
            )
        if self.dialect.is_bash or self.dialect.is_busybox:
            if name == "RANDOM":
                return str(self.process.system.random.randrange(32768))
            if name == "SECONDS" and self.dialect.is_bash:
                return "0"
            if name == "EPOCHSECONDS":
                return str(int(self.process.system.now()))
        if self.dialect.is_bash:
            if name == "BASH_SUBSHELL":
                return str(self.subshell_level)
            if name == "BASHPID":
                return str(self.process.number)
            if name == "FUNCNAME":
                return self.function_names[0] if self.function_names else None
        return None

    # --- arrays -------------------------------------------------------------------------

    def array_values(self, name: str) -> list[str]:
        """Return all values of an array, or the one of another variable."""
        if name in self._own_arrays:
            return list(self._own_arrays[name])
        variable = self.variables.find(name)
        if variable is None:
            return []
        if variable.items is None:
            return [] if variable.value is None else [variable.value]
        return [value for _, value in self._sorted(variable)]

    def array_keys(self, name: str) -> list[str]:
        """Return all indexes of an array."""
        if name in self._own_arrays:
            return [str(number) for number in range(len(self._own_arrays[name]))]
        variable = self.variables.find(name)
        if variable is None or (variable.items is None and variable.value is None):
            return []
        if variable.items is None:
            return ["0"]
        return [str(key) for key, _ in self._sorted(variable)]

    @property
    def _own_arrays(self) -> Mapping[str, Sequence[str]]:
        names = list(self.function_names)
        if names and not self.is_command:
            names.append("main")
        return {
            "PIPESTATUS": [str(one) for one in self.pipe_status],
            "FUNCNAME": names,
            "BASH_SOURCE": ["environment"] * len(self.function_names),
        }

    @staticmethod
    def _sorted(variable: Variable) -> list[tuple[int | str, str]]:
        assert variable.items is not None
        pairs = list(variable.items.items())
        return pairs if variable.is_words else sorted(pairs)

    def array_item(self, name: str, index: str) -> str | None:
        """Return one value of an array."""
        if name in self._own_arrays:
            values = self._own_arrays[name]
            number = self.expander.evaluate(index)
            return values[number] if -len(values) <= number < len(values) else None
        variable = self.variables.find(name)
        if variable is None:
            return None
        if variable.items is None:
            if variable.is_words:
                return None
            return variable.value if self.expander.evaluate(index) in (0, -1) else None
        if variable.is_words:
            return variable.items.get(index)
        number = self.expander.evaluate(index)
        if number < 0 and variable.items:
            number += variable.following
        return variable.items.get(number)
