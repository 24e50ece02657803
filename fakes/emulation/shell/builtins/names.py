"""`type`, `command`, `hash`, `alias` and `builtin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...programs.lookup import DEFAULT_PATH, Found, find_program
from ..keywords import KEYWORDS
from ..syntax import Simple, Text, Word
from .registry import BUILTINS, SPECIAL, builtin

if TYPE_CHECKING:
    from ..state import Shell

_BASH_KEYWORDS = KEYWORDS | frozenset(("[[", "]]", "function", "select", "time", "coproc"))


def _keywords(shell: Shell) -> frozenset[str]:
    if shell.dialect.is_bash:
        return _BASH_KEYWORDS
    if shell.dialect.is_busybox:
        return KEYWORDS | {"[[", "function"}
    return KEYWORDS


def _kind(shell: Shell, name: str, path: str | None) -> tuple[str, str]:
    if name in shell.active_aliases:
        return "alias", shell.active_aliases[name]
    if name in _keywords(shell):
        return "keyword", ""
    if name in shell.functions:
        return "function", ""
    found_builtin = BUILTINS.get(name)
    if found_builtin is not None and found_builtin.is_known_to(shell.dialect):
        return "builtin", ""
    found = find_program(shell.process, name, path)
    return ("file", found.path) if isinstance(found, Found) else ("", "")


@builtin("type")
def _type(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    flags = ""
    while rest and rest[0].startswith("-") and len(rest[0]) > 1 and shell.dialect.is_bash:
        flags += rest.pop(0)[1:]
    status = 0
    for name in rest:
        kind, detail = _kind(shell, name, shell.variables.get("PATH"))
        if "t" in flags:
            if kind:
                shell.process.print(f"{kind}\n")
            status = status or int(not kind)
            continue
        if "p" in flags or "P" in flags:
            if kind == "file":
                shell.process.print(f"{detail}\n")
            status = status or int(not kind)
            continue
        status = _describe(shell, name, kind, detail, missing_to_error=True) or status
    return status


def _describe(shell: Shell, name: str, kind: str, detail: str, *, missing_to_error: bool) -> int:
    process = shell.process
    if not kind:
        if shell.dialect.is_bash:
            if missing_to_error:
                shell.complain(f"type: {name}: not found")
            return 1
        process.flush()
        if (shell.dialect.is_busybox and missing_to_error) or missing_to_error:
            process.print(f"{name}: not found\n")
        return 127
    if kind == "alias":
        process.print(
            f"{name} is aliased to `{detail}'\n"
            if shell.dialect.is_bash
            else f"{name} is an alias for {detail}\n"
        )
    elif kind == "keyword":
        process.print(f"{name} is a shell keyword\n")
    elif kind == "function":
        process.print(
            f"{name} is a function\n"
            if shell.dialect.is_bash
            else f"{name} is a {'shell '}function\n"
        )
        if shell.dialect.is_bash:
            pass
    elif kind == "builtin":
        special = "special " if name in SPECIAL and not shell.dialect.is_bash else ""
        process.print(f"{name} is a {special}shell builtin\n")
    else:
        process.print(f"{name} is {detail}\n")
    return 0


@builtin("command")
def _command(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    flags = ""
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            break
        flags += word[1:]
    path = DEFAULT_PATH if "p" in flags else shell.variables.get("PATH")
    if not rest:
        return 0
    if "v" in flags or "V" in flags:
        status = 0
        for name in rest:
            kind, detail = _kind(shell, name, path)
            if "V" in flags:
                status = _describe(shell, name, kind, detail, missing_to_error=True) or status
            elif not kind:
                status = 1 if shell.dialect.is_bash else 127
            elif kind == "alias":
                shell.process.print(f"alias {name}='{detail}'\n")
            else:
                shell.process.print(f"{detail if kind == 'file' else name}\n")
        return status
    saved = shell.functions
    shell.functions = {name: body for name, body in saved.items() if name != rest[0]}
    try:
        found = BUILTINS.get(rest[0])
        if found is not None and found.is_known_to(shell.dialect):
            return found.run(shell, rest, ())
        shell.run_external(Simple((), tuple(_word(one) for one in rest), (), shell.line), rest)
        return shell.status
    finally:
        for name, body in shell.functions.items():
            saved[name] = body
        shell.functions = saved


def _word(text: str) -> Word:
    return Word((Text(text, is_quoted=True),))


@builtin("builtin", shells=("bash",))
def _builtin(shell: Shell, words: list[str]) -> int:
    if len(words) < 2:
        return 0
    found = BUILTINS.get(words[1])
    if found is None or not found.is_known_to(shell.dialect):
        shell.complain(f"builtin: {words[1]}: not a shell builtin")
        return 1
    return found.run(shell, words[1:], ())


@builtin("hash")
def _hash(shell: Shell, words: list[str]) -> int:
    status = 0
    names = [word for word in words[1:] if not word.startswith("-")]
    if not names and len(words) == 1 and shell.dialect.is_bash:
        shell.process.print("hash: hash table empty\n")
    if not names and len(words) == 1 and not shell.dialect.is_bash:
        for path in shell.hashed.values():
            shell.process.print(f"{path}\n")
    if "-r" in words[1:]:
        shell.hashed.clear()
    for name in names:
        kind, _ = _kind(shell, name, shell.variables.get("PATH"))
        if not kind:
            shell.complain(f"hash: {name}: not found")
            status = 1
    return status


@builtin("alias")
def _alias(shell: Shell, words: list[str]) -> int:
    rest = [word for word in words[1:] if word != "-p"]
    prefix = "alias " if shell.dialect.is_bash else ""
    if not rest:
        for name, value in sorted(shell.aliases.items()):
            shell.process.print(f"{prefix}{name}='{value}'\n")
        return 0
    status = 0
    for word in rest:
        name, equals, value = word.partition("=")
        if equals:
            shell.aliases[name] = value
        elif name in shell.aliases:
            shell.process.print(f"{prefix}{name}='{shell.aliases[name]}'\n")
        else:
            shell.complain(
                f"alias: {name}: not found" if shell.dialect.is_bash else f"alias: {name} not found"
            )
            status = 1
    return status


@builtin("unalias")
def _unalias(shell: Shell, words: list[str]) -> int:
    status = 0
    for name in words[1:]:
        if name == "-a":
            shell.aliases.clear()
        elif shell.aliases.pop(name, None) is None:
            shell.complain(
                f"unalias: {name}: not found"
                if shell.dialect.is_bash
                else f"unalias: {name} not found"
            )
            status = 1
    return status
