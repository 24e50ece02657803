"""`export`, `readonly`, `unset`, `local`, `declare`, `let` and `getopts`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..jumps import ExpansionError
from ..quoting import quoted
from ..syntax import Assignment, Text, Word
from ..variables import Variable
from .registry import builtin

if TYPE_CHECKING:
    from ..state import Shell

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ITEM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[(.*)\])?(\+?)=(.*)", re.S)


def shown_value(shell: Shell, value: str, *, always: bool = False) -> str:
    """Return a value as `set` and `export -p` show it."""
    if shell.dialect.is_bash:
        if not always:
            return (
                quoted(value)
                if re.search(r"[^A-Za-z0-9_%+,./:=@^-]", value) or not value
                else value
            )
        escaped = re.sub(r'([\\"$`])', r"\\\1", value)
        return f'"{escaped}"'
    return "'" + value.replace("'", "'\"'\"'" if shell.dialect.is_dash else "'\\''") + "'"


def _bad_name(shell: Shell, command: str, word: str) -> int:
    if shell.dialect.is_bash:
        shell.complain(f"{command}: `{word}': not a valid identifier")
        return 1
    name = word.partition("=")[0]
    shell.complain(f"{command}: {name}: bad variable name")
    raise ProcessExit(2)


@builtin("export", "readonly", declares=True)
def _export(shell: Shell, words: list[str], extra: Sequence[Assignment]) -> int:
    command, rest = words[0], words[1:]
    shows = removes = False
    kind = ""
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            break
        if shell.dialect.is_dash and set(word[1:]) - {"p"}:
            shell.complain(f"{command}: Illegal option {word}")
            raise ProcessExit(2)
        shows = shows or "p" in word
        removes = removes or "n" in word
        kind += word[1:]
    if not rest and not extra:
        _show_marked(shell, command)
        return 0
    status = 0
    for assignment in extra:
        shell.do_assignment(assignment)
        _mark(shell, command, assignment.name, removes)
    for word in rest:
        name, equals, value = word.partition("=")
        adds = name.endswith("+") and shell.dialect.is_bash
        name = name[:-1] if adds else name
        if not _NAME.fullmatch(name):
            status = _bad_name(shell, command, word)
            continue
        if equals:
            shell.assign(name, value, adds=adds)
            if shell.options.get("xtrace") and shell.dialect.is_bash:
                from ..tracing import traced

                shell.trace(f"{name}={traced(value, shell.dialect, is_value=True)}")
        _mark(shell, command, name, removes)
    return status


def _mark(shell: Shell, command: str, name: str, removes: bool) -> None:
    table = shell.variables.table
    name = shell.variables.target(name)
    variable = table.get(name)
    if variable is None:
        variable = table[name] = Variable()
    if command == "readonly":
        variable.is_read_only = True
    else:
        variable.is_exported = not removes


def _show_marked(shell: Shell, command: str) -> None:
    for name, variable in sorted(shell.variables.table.items()):
        marked = variable.is_exported if command == "export" else variable.is_read_only
        if not marked:
            continue
        value = variable.scalar
        if shell.dialect.is_bash:
            flags = (
                "-" + ("r" if variable.is_read_only else "") + ("x" if variable.is_exported else "")
            )
            text = f"declare {flags} {name}"
            text += f"={shown_value(shell, value, always=True)}" if value is not None else ""
        else:
            text = f"{command} {name}" + (
                f"={shown_value(shell, value)}" if value is not None else ""
            )
        shell.process.print(text + "\n")


@builtin("unset")
def _unset(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    kind = ""
    while rest and rest[0] in ("-v", "-f", "-n", "--"):
        kind = rest.pop(0)[1:]
    status = 0
    for word in rest:
        match = re.fullmatch(r"([A-Za-z_]\w*)\[(.*)\]", word)
        if match is not None and shell.dialect.has_arrays:
            _unset_item(shell, match[1], match[2])
            continue
        if kind == "f":
            shell.functions.pop(word, None)
            continue
        if not _NAME.fullmatch(word):
            if shell.dialect.is_bash:
                shell.complain(f"unset: `{word}': not a valid identifier")
                status = 1
                continue
            shell.complain(f"unset: {word}: bad variable name")
            raise ProcessExit(2)
        if kind == "n":
            shell.variables.table.pop(word, None)
        elif word in shell.variables.table or kind == "v" or not shell.dialect.is_bash:
            from ..variables import ReadOnlyError

            try:
                shell.variables.unset(word)
            except ReadOnlyError:
                if not shell.dialect.is_bash:
                    raise
                shell.complain(f"unset: {word}: cannot unset: readonly variable")
                status = 1
        else:
            shell.functions.pop(word, None)
    return status


def _unset_item(shell: Shell, name: str, index: str) -> None:
    variable = shell.variables.find(name)
    if variable is None or variable.items is None:
        return
    if index in ("@", "*") and not variable.is_words:
        shell.variables.unset(name)
        return
    key: int | str = index if variable.is_words else shell.expander.evaluate(index)
    if isinstance(key, int) and key < 0 and variable.items:
        key += variable.following
    variable.items.pop(key, None)


@builtin("local")
def _local_plain(shell: Shell, words: list[str]) -> int:
    return _local(shell, words, ())


@builtin("local", declares=True)
def _local(shell: Shell, words: list[str], extra: Sequence[Assignment]) -> int:
    if not shell.variables.scopes:
        if shell.dialect.is_bash:
            shell.complain("local: can only be used in a function")
            return 1
        shell.complain("local: not in a function")
        raise ProcessExit(2)
    if shell.dialect.is_bash:
        return _declare(shell, words, extra)
    rest = words[1:]
    if rest[:1] == ["-"]:
        rest = rest[1:]
    for word in rest:
        name, equals, value = word.partition("=")
        if not _NAME.fullmatch(name):
            return _bad_name(shell, "local", word)
        shell.variables.make_local(name, keeps=not shell.dialect.is_bash)
        if equals:
            shell.assign(name, value)
    return 0


@builtin("declare", "typeset", shells=("bash",), declares=True)
def _declare(shell: Shell, words: list[str], extra: Sequence[Assignment]) -> int:
    command, rest = words[0], words[1:]
    on, off = "", ""
    while rest and len(rest[0]) > 1 and rest[0][0] in "-+":
        word = rest.pop(0)
        if word == "--":
            break
        if word[0] == "-":
            on += word[1:]
        else:
            off += word[1:]
    if "f" in on or "F" in on:
        return _declare_functions(shell, rest, names_only="F" in on)
    if "p" in on or (not rest and not extra):
        return _declare_show(shell, rest, on)
    is_local = bool(shell.variables.scopes) and "g" not in on
    status = 0
    items: list[tuple[str, Assignment | None]] = [(one.name, one) for one in extra]
    for word in rest:
        match = _ITEM.fullmatch(word)
        if match is not None:
            index = Word((Text(match[2], is_quoted=True),)) if match[2] is not None else None
            value = Word((Text(match[4], is_quoted=True),)) if match[4] else Word(())
            items.append((match[1], Assignment(match[1], value, index, bool(match[3]))))
        elif _NAME.fullmatch(word):
            items.append((word, None))
        else:
            shell.complain(f"{command}: `{word}': not a valid identifier")
            status = 1
    for name, assignment in items:
        if is_local:
            shell.variables.make_local(name, keeps=False)
        variable = shell.variables.table.get(name)
        if variable is None:
            variable = shell.variables.table[name] = Variable()
        _set_attributes(variable, on, off)
        if assignment is not None:
            if "n" in on and isinstance(assignment.value, Word):
                variable.value = shell.expander.text(assignment.value)
                variable.refers = True
            else:
                was, variable.is_read_only = variable.is_read_only, False
                if was and "r" not in on:
                    variable.is_read_only = True
                shell.do_assignment(assignment)
        if "r" in on:
            variable.is_read_only = True
    return status


def _set_attributes(variable: Variable, on: str, off: str) -> None:
    if "A" in on and variable.items is None:
        variable.is_words, variable.items = True, {}
    if "a" in on and variable.items is None:
        variable.items = {} if variable.value is None else {0: variable.value}
        variable.value = None
    if "x" in on + off:
        variable.is_exported = "x" in on
    if "i" in on + off:
        variable.is_integer = "i" in on
    for letter in "ul":
        if letter in on:
            variable.case = letter
        elif letter in off and variable.case == letter:
            variable.case = ""


def _declare_show(shell: Shell, names: Sequence[str], on: str) -> int:
    status = 0
    for name in names or sorted(shell.variables.table):
        variable = shell.variables.table.get(name)
        if variable is None:
            shell.complain(f"declare: {name}: not found")
            status = 1
            continue
        flags = shell.attributes(name)
        if variable.refers:
            flags += "n"
        if not names and any(one in on and one not in flags for one in "aAirx"):
            continue
        text = f"declare -{flags or '-'} {name}"
        if variable.items is not None:
            pairs = " ".join(
                f"[{_shown_key(shell, key)}]={shown_value(shell, value, always=True)}"
                for key, value in shell._sorted(variable)
            )
            text += f"=({pairs}{' ' if variable.is_words and pairs else ''})"
        elif variable.value is not None:
            text += f"={shown_value(shell, variable.value, always=True)}"
        shell.process.print(text + "\n")
    return status


def _shown_key(shell: Shell, key: int | str) -> str:
    text = str(key)
    is_plain = isinstance(key, int) or re.fullmatch(r"[A-Za-z0-9_]+", text)
    return text if is_plain else shown_value(shell, text, always=True)


def _declare_functions(shell: Shell, names: Sequence[str], *, names_only: bool) -> int:
    status = 0
    for name in names or sorted(shell.functions):
        if name not in shell.functions:
            status = 1
        elif names_only:
            shell.process.print(f"{name}\n" if names else f"declare -f {name}\n")
    return status


@builtin("let", shells=("bash", "busybox"))
def _let(shell: Shell, words: list[str]) -> int:
    value = 0
    for word in words[1:]:
        try:
            value = shell.expander.evaluate(word)
        except ExpansionError as error:  # noqa: PERF203  (each one is told of)
            shell.complain(f"let: {error.message}")
            return 1
    return int(not value)


@builtin("getopts")
def _getopts(shell: Shell, words: list[str]) -> int:
    if len(words) < 3:
        shell.complain(
            "getopts: usage: getopts optstring name [arg ...]"
            if shell.dialect.is_bash
            else "getopts: usage: getopts optstring var [arg]"
        )
        return 2
    letters, name = words[1], words[2]
    arguments = words[3:] or shell.positional
    index_text = shell.variables.get("OPTIND") or "1"
    index = int(index_text) if index_text.isdigit() else 1
    if index == 1 and shell.getopts_position > 0 and shell.getopts_last != 1:
        shell.getopts_position = 0
    quiet = letters.startswith(":")

    def finish(letter: str, argument: str | None, status: int) -> int:
        shell.assign(name, letter)
        if argument is None:
            shell.variables.unset("OPTARG")
        else:
            shell.assign("OPTARG", argument)
        shell.assign("OPTIND", str(index))
        shell.getopts_last = index
        return status

    word = arguments[index - 1] if index <= len(arguments) else None
    position = shell.getopts_position
    if position == 0:
        if word is None or len(word) < 2 or word[0] != "-":
            return finish("?", None, 1)
        if word == "--":
            index += 1
            return finish("?", None, 1)
        position = 1
    assert word is not None
    letter = word[position : position + 1]
    position += 1
    place = letters.find(letter) if letter and letter != ":" else -1
    takes = place >= 0 and letters[place + 1 : place + 2] == ":"
    argument: str | None = None
    if takes:
        if position < len(word):
            argument = word[position:]
        elif index < len(arguments):
            index += 1
            argument = arguments[index - 1]
        else:
            index += 1
            shell.getopts_position = 0
            if quiet:
                return finish(":", letter, 0)
            _getopts_complain(
                shell, f"option requires an argument -- {letter}", f"No arg for -{letter} option"
            )
            return finish("?", None, 0)
        position = len(word)
    if position >= len(word) or takes:
        index += 1
        position = 0
    shell.getopts_position = position
    if place < 0:
        if quiet:
            return finish("?", letter, 0)
        _getopts_complain(shell, f"illegal option -- {letter}", f"Illegal option -{letter}")
        return finish("?", None, 0)
    return finish(letter, argument, 0)


def _getopts_complain(shell: Shell, bash: str, other: str) -> None:
    shell.process.flush()
    if shell.dialect.is_bash:
        shell.process.print_error(f"{shell.name}: {bash}\n")
    elif shell.dialect.is_dash:
        shell.process.print_error(f"{other}\n")
    else:
        shell.process.print_error(f"{other}\n")
