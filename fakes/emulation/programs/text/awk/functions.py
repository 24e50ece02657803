"""The functions that the language has."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from ...machine.dates import format_date
from .evaluator import Builtin, Evaluator
from .formatting import MissingArgumentError, format_values
from .syntax import Constant, Expression, Field, Name, Regex
from .values import Scalar, from_outside

_Arguments = Sequence[Expression]
_RECORD = Field(Constant(0.0))
_REPLACED = re.compile(r"\\\\|\\&|&|\\")


def format_text(evaluator: Evaluator, values: Sequence[Scalar]) -> str:
    """Return what `printf` prints of a format and its values.

    Raises:
        ProcessExit: there are too few values, which busybox takes for empty ones.
    """
    variables = evaluator.variables
    pattern = variables.text(values[0])
    try:
        return format_values(pattern, values[1:], variables.text, fills=evaluator.is_busybox)
    except MissingArgumentError:
        shown = pattern.replace("\n", "\\n")
        raise evaluator.process.fail(
            f'run time error: not enough arguments passed to printf("{shown}")\n'
            f'\tFILENAME="{variables.text_of("FILENAME")}" '
            f"FNR={variables.text_of('FNR')} NR={variables.text_of('NR')}",
            2,
        ) from None


# --- texts ----------------------------------------------------------------------------------------


def _length(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    if not arguments:
        return float(len(evaluator.record.text))
    only = arguments[0]
    if isinstance(only, Name) and evaluator.variables.is_array(only.name):
        return float(len(evaluator.variables.array(only.name)))
    return float(len(evaluator.text(only)))


def _index(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    text, part = evaluator.text(arguments[0]), evaluator.text(arguments[1])
    return 0.0 if not part and evaluator.is_busybox else float(text.find(part) + 1)


def _substr(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    text = evaluator.text(arguments[0])
    start = evaluator.number(arguments[1])
    length = evaluator.number(arguments[2]) if len(arguments) > 2 else math.inf
    if math.isnan(start) or math.isnan(length):
        return ""
    # Neither counts what lies before the text off the length, as POSIX would have it.
    first = _rounded(start)
    if not evaluator.is_busybox and first < 0:
        length -= first
    first = max(first, 1)
    last = min(_rounded(first + length), len(text) + 1)
    return text[int(first) - 1 : int(last) - 1] if last > first else ""


def _rounded(value: float) -> float:
    return value if math.isinf(value) else math.floor(value + 0.5)


def _split(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    text = evaluator.text(arguments[0])
    if not isinstance(arguments[1], Name):
        raise evaluator.process.fail("type error in arg(2) in call to split", 2)
    if len(arguments) > 2:
        separator = _separator(evaluator, arguments[2])
    else:
        separator = evaluator.variables.text_of("FS")
    array = evaluator.variables.array(arguments[1].name)
    array.clear()
    for place, part in enumerate(evaluator.record.split(text, separator), 1):
        array[str(place)] = from_outside(part)
    return float(len(array))


def _separator(evaluator: Evaluator, given: Expression) -> str:
    if not isinstance(given, Regex):
        return evaluator.text(given)
    if len(given.source) == 1:  # a space, and any other letter, is meant as it is
        return r"\^" if given.source == "^" else f"[{given.source}]"
    return given.source


def _substitute(evaluator: Evaluator, arguments: _Arguments, *, everywhere: bool) -> Scalar:
    pattern = evaluator.pattern(arguments[0])
    replacement = evaluator.text(arguments[1])
    target = arguments[2] if len(arguments) > 2 else _RECORD
    text = evaluator.text(target)
    out: list[str] = []
    count = position = last = 0
    previous = -1
    while position <= len(text) and (match := pattern.search(text, position)) is not None:
        if match.start() == match.end() == previous:
            position += 1
            continue
        out += (text[last : match.start()], _replacement(replacement, match[0]))
        count += 1
        last = previous = match.end()
        position = match.end() if match.end() > match.start() else match.end() + 1
        if not everywhere:
            break
    if count:
        evaluator.assign(target, "".join([*out, text[last:]]))
    return float(count)


def _replacement(text: str, matched: str) -> str:
    meanings = {"\\\\": "\\", "\\&": "&", "&": matched}
    return _REPLACED.sub(lambda match: meanings.get(match[0], match[0]), text)


def _match(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    match = evaluator.pattern(arguments[1]).search(evaluator.text(arguments[0]))
    start = float(match.start() + 1) if match else 0.0
    evaluator.variables.set("RSTART", start)
    evaluator.variables.set("RLENGTH", float(match.end() - match.start()) if match else -1.0)
    return start


def _sprintf(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    return format_text(evaluator, [evaluator.value(one) for one in arguments])


def _in_case(change: Callable[[str], str]) -> Builtin:
    """Return a function that changes the case of ASCII letters alone, as in the POSIX locale."""
    return lambda evaluator, arguments: "".join(
        change(one) if one.isascii() else one for one in evaluator.text(arguments[0])
    )


# --- numbers --------------------------------------------------------------------------------------


def _of_number(function: Callable[[float], float]) -> Builtin:
    def calculate(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
        try:
            return function(evaluator.number(arguments[0]))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return calculate


def _logarithm(value: float) -> float:
    return math.log(value) if value else -math.inf


def _integer(value: float) -> float:
    return float(int(value)) if math.isfinite(value) else value


def _arc_tangent(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    return math.atan2(evaluator.number(arguments[0]), evaluator.number(arguments[1]))


def _rand(evaluator: Evaluator, _arguments: _Arguments) -> Scalar:
    return evaluator.process.system.random.random()


def _srand(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    system = evaluator.process.system
    system.random.seed(evaluator.number(arguments[0]) if arguments else system.now())
    return 0.0


# --- the system -----------------------------------------------------------------------------------


def _system(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    command = evaluator.text(arguments[0])
    return float(evaluator.streams.run(command))


def _close(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    return float(evaluator.streams.close(evaluator.text(arguments[0])))


def _fflush(evaluator: Evaluator, _arguments: _Arguments) -> Scalar:
    evaluator.process.flush()
    return 0.0


def _strftime(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
    pattern = evaluator.text(arguments[0]) if arguments else "%a %b %d %H:%M:%S %Z %Y"
    now = evaluator.process.system.now
    return format_date(pattern, evaluator.number(arguments[1]) if len(arguments) > 1 else now())


def _systime(evaluator: Evaluator, _arguments: _Arguments) -> Scalar:
    return float(int(evaluator.process.system.now()))


# --- all ------------------------------------------------------------------------------------------


def _with(least: int, name: str, function: Builtin) -> Builtin:
    """Return a function that refuses fewer arguments."""

    def call(evaluator: Evaluator, arguments: _Arguments) -> Scalar:
        if len(arguments) < least:
            evaluator.streams.close_all()
            raise evaluator.process.fail(
                f"wrong number of arguments in call to {name}", 1 if evaluator.is_busybox else 2
            )
        return function(evaluator, arguments)

    return call


_FUNCTIONS: Mapping[str, tuple[int, Builtin]] = {
    "length": (0, _length),
    "substr": (2, _substr),
    "index": (2, _index),
    "split": (2, _split),
    "sub": (2, lambda evaluator, given: _substitute(evaluator, given, everywhere=False)),
    "gsub": (2, lambda evaluator, given: _substitute(evaluator, given, everywhere=True)),
    "match": (2, _match),
    "sprintf": (1, _sprintf),
    "tolower": (1, _in_case(str.lower)),
    "toupper": (1, _in_case(str.upper)),
    "sin": (1, _of_number(math.sin)),
    "cos": (1, _of_number(math.cos)),
    "atan2": (2, _arc_tangent),
    "exp": (1, _of_number(math.exp)),
    "log": (1, _of_number(_logarithm)),
    "sqrt": (1, _of_number(math.sqrt)),
    "int": (1, _of_number(_integer)),
    "rand": (0, _rand),
    "srand": (0, _srand),
    "system": (1, _system),
    "close": (1, _close),
    "fflush": (0, _fflush),
    "strftime": (0, _strftime),
    "systime": (0, _systime),
}
BUILTINS: Mapping[str, Builtin] = {
    name: _with(least, name, function) for name, (least, function) in _FUNCTIONS.items()
}
"""By their names; each takes the expressions that it is given."""
