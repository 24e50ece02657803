"""`cd`, `pwd`, `pushd` and `popd`."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from ...file_system import EXECUTE
from ...open_files import failure
from .registry import builtin

if TYPE_CHECKING:
    from ..state import Shell


@builtin("cd", "chdir")
def _cd(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    is_physical = False
    while rest and rest[0] in ("-P", "-L", "--", "-e", "-PL"):
        is_physical = rest[0] == "-P"
        if rest.pop(0) == "--":
            break
    if rest == ["."] and shell.dialect.is_bash:
        return 0  # also where the folder is gone
    if len(rest) > 1 and shell.dialect.is_bash:
        shell.complain("cd: too many arguments")
        return 1
    shows = False
    if not rest:
        home = shell.variables.get("HOME")
        if home is None:
            if shell.dialect.is_bash:
                shell.complain("cd: HOME not set")
                return 1
            home = ""
        target = home
    elif rest[0] == "-":
        old = shell.variables.get("OLDPWD")
        if old is None:
            if shell.dialect.is_bash:
                shell.complain("cd: OLDPWD not set")
                return 1
            old = shell.process.working_dir
        target, shows = old, True
    else:
        target = rest[0]
    if not target and (shell.dialect.is_bash or not shell.variables.get("CDPATH")):
        return 0
    folder, from_cdpath = _in_cdpath(shell, target)
    error = change_folder(shell, folder, is_physical=is_physical)
    if error is not None:
        _complain(shell, target, error)
        return 1 if shell.dialect.is_bash else 2
    if shows or from_cdpath:
        shell.process.print(f"{shell.process.working_dir}\n")
    return 0


def _in_cdpath(shell: Shell, target: str) -> tuple[str, bool]:
    if target.startswith(("/", "./", "../")) or target in (".", ".."):
        return target, False
    for folder in (shell.variables.get("CDPATH") or "").split(":"):
        if folder and shell.process.system.files.kind(shell.process, f"{folder}/{target}") == "dir":
            return f"{folder}/{target}".rstrip("/"), True
    return target, False


def _complain(shell: Shell, target: str, error: OSError) -> None:
    if shell.dialect.is_bash:
        shell.complain(f"cd: {target}: {error.strerror}")
    elif shell.dialect.is_dash:
        shell.complain(f"cd: can't cd to {target}")
    else:
        shell.complain(f"cd: can't cd to {target}: {error.strerror}")


def change_folder(shell: Shell, target: str, *, is_physical: bool = False) -> OSError | None:
    """Go to a folder; the error if that cannot be."""
    process = shell.process
    files = process.system.files
    path = target if target.startswith("/") else posixpath.join(process.working_dir, target)
    logical = "/" + posixpath.normpath(path).lstrip("/")
    try:
        if is_physical:
            logical = files.real_path(process, target)
        else:
            _check_way(shell, path)
        if files.status(process, logical).kind != "dir":
            raise failure(errno.ENOTDIR)
        if not files.may(process, logical, EXECUTE):
            raise failure(errno.EACCES)
    except OSError as error:
        return error
    old = process.working_dir
    process.working_dir = logical
    _set(shell, "OLDPWD", old)
    _set(shell, "PWD", logical)
    return None


def _check_way(shell: Shell, path: str) -> None:
    """See to it that each folder that `..` leaves is there."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    current: list[str] = []
    for part in parts:
        if part == "..":
            shell.process.system.files.status(shell.process, "/" + "/".join(current))
            current = current[:-1]
        else:
            current.append(part)


def _set(shell: Shell, name: str, value: str) -> None:
    shell.variables.set(name, value)
    shell.variables.table[name].is_exported = True


@builtin("pwd")
def _pwd(shell: Shell, words: list[str]) -> int:
    process = shell.process
    if "-P" in words[1:]:
        try:
            process.print(process.system.files.real_path(process, process.working_dir) + "\n")
        except OSError as error:
            shell.complain(f"pwd: {error.strerror}")
            return 1
        return 0
    process.print(f"{process.working_dir}\n")
    return 0


@builtin("pushd", shells=("bash",))
def _pushd(shell: Shell, words: list[str]) -> int:
    old = shell.process.working_dir
    if len(words) < 2:
        if not shell.folders:
            shell.complain("pushd: no other directory")
            return 1
        target = shell.folders.pop(0)
    else:
        target = words[1]
    error = change_folder(shell, target)
    if error is not None:
        shell.complain(f"pushd: {target}: {error.strerror}")
        return 1
    shell.folders.insert(0, old)
    return _dirs(shell, words)


@builtin("popd", shells=("bash",))
def _popd(shell: Shell, words: list[str]) -> int:
    if not shell.folders:
        shell.complain("popd: directory stack empty")
        return 1
    change_folder(shell, shell.folders.pop(0))
    return _dirs(shell, words)


@builtin("dirs", shells=("bash",))
def _dirs(shell: Shell, _words: list[str]) -> int:
    home = shell.variables.get("HOME") or ""
    shown = []
    for folder in (shell.process.working_dir, *shell.folders):
        if home and home != "/" and (folder == home or folder.startswith(home + "/")):
            folder = "~" + folder[len(home) :]
        shown.append(folder)
    shell.process.print(" ".join(shown) + "\n")
    return 0
