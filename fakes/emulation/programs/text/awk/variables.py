"""The variables of a running program, and those of the functions that it is in."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ..expressions import ExpressionError, compile_expression
from .formatting import format_values, not_finite
from .values import Array, Scalar, from_outside

if TYPE_CHECKING:
    from ....process import Process

Scope = dict[str, Scalar | Array]

_DEPTH = 200
_WHOLE = 1e16
"""Below this, whole numbers are shown as such, whatever `CONVFMT` says."""


class Variables:
    """All variables but `NF`, which is that of the record.

    Args:
        process: the process of the program.
        operands: its operands.
    """

    def __init__(self, process: Process, operands: list[str]) -> None:
        self._process = process
        self._globals: Scope = {
            "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "NR": 0.0, "FNR": 0.0, "SUBSEP": "\x1c",
            "CONVFMT": "%.6g", "OFMT": "%.6g", "RSTART": 0.0, "RLENGTH": -1.0, "FILENAME": "",
            "ENVIRON": {name: from_outside(value) for name, value in process.environment.items()},
            "ARGC": float(len(operands) + 1),
            "ARGV": {
                str(place): from_outside(word) if place else word
                for place, word in enumerate([process.name, *operands])
            },
        }  # fmt: skip
        self._frames: list[Scope] = []

    def scope(self, name: str) -> Scope:
        """Return where a name is: in the function that runs, or among the global ones."""
        if self._frames and name in self._frames[-1]:
            return self._frames[-1]
        return self._globals

    def get(self, name: str) -> Scalar:
        """Return a variable's value; that of an array is empty."""
        value = self.scope(name).get(name)
        return None if isinstance(value, dict) else value

    def set(self, name: str, value: Scalar) -> None:
        """Assign a value.

        Raises:
            BoundReachedError: the text is too long.
        """
        self.scope(name)[name] = self._process.hold(value) if isinstance(value, str) else value

    def is_array(self, name: str) -> bool:
        """Tell whether a name is that of an array."""
        return isinstance(self.scope(name).get(name), dict)

    def array(self, name: str) -> Array:
        """Return an array, which is made where the name is new.

        Raises:
            ProcessExit: it is a variable.
        """
        scope = self.scope(name)
        value = scope.get(name)
        if not isinstance(value, dict):
            if value not in (None, ""):
                raise self._process.fail(f"{name} is not an array", 2)
            value = scope[name] = {}
        return value

    def enter(self, frame: Scope) -> None:
        """Begin a function, with its parameters.

        Raises:
            ProcessExit: too many functions are within each other.
        """
        if len(self._frames) > _DEPTH:
            raise self._process.fail("function call nesting too deep", 2)
        self._frames.append(frame)

    def leave(self) -> None:
        """End the function that was begun last."""
        self._frames.pop()

    # --- texts --------------------------------------------------------------------------------

    def text(self, value: Scalar, conversion: str = "CONVFMT") -> str:
        """Return a value as text; `conversion` names the variable with the format of numbers."""
        if isinstance(value, str):
            return str(value)
        if value is None:
            return ""
        if not math.isfinite(value):
            return not_finite(value)
        if value == int(value) and abs(value) < _WHOLE:
            return str(int(value))
        pattern = self.get(conversion)
        if not isinstance(pattern, str) or pattern == "%.6g":
            return f"{value:.6g}"
        return format_values(pattern, [value], lambda _value: f"{value:.6g}", fills=True)

    def text_of(self, name: str) -> str:
        """Return a variable as text."""
        return self.text(self.get(name))

    def regex(self, source: str) -> re.Pattern[str]:
        """Return a regular expression that can be searched for.

        Raises:
            ProcessExit: it is none.
        """
        try:
            return compile_expression(source, extended=True)
        except ExpressionError as error:
            raise self._process.fail(
                f"regular expression compile failed ({error})\n{source}", 2
            ) from error
