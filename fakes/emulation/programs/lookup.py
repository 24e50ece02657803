"""From a command's name to what is run: PATH, rights, `#!` (execve(2))."""

from __future__ import annotations

import errno
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..endings import ProcessExit
from ..file_system import EXECUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..process import Main, Process

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOST_INTERPRETERS = 4


@dataclass(frozen=True)
class Missing:
    """A program that cannot be run.

    Attributes:
        error: the error of the system call.
        is_folder: whether a folder is there.
        interpreter: what its `#!` names, if that is what is missing.
    """

    error: int
    is_folder: bool = False
    interpreter: str = ""

    @property
    def code(self) -> int:
        """The status of a shell that could not run it."""
        return 127 if self.error == errno.ENOENT else 126


@dataclass(frozen=True)
class Found:
    """A program that can be run."""

    path: str


def find_program(
    process: Process, name: str, path: str | None, words: Sequence[str] = ()
) -> Found | Missing:
    """Look for a program.

    Args:
        process: who looks.
        name: its name; with a slash, its path.
        path: the folders to look in, as in `PATH`; `None` for none.
        words: the command that it is to run in place of itself, if it is to do that.
    """
    words = words or (process.arguments if process.arguments[:1] == [name] else ())
    if not name:
        return Missing(errno.ENOENT)
    if "/" in name:
        problem = _problem(process, name)
        if problem is None or _is_without_file(process, name, words, problem):
            return Found(name)
        return problem
    if path is None:
        return Missing(errno.ENOENT)
    refused: Missing | None = None
    for folder in path.split(":"):
        candidate = f"{folder}/{name}" if folder else name
        problem = _problem(process, candidate if folder else f"./{name}")
        if problem is None:
            return Found(candidate if folder else f"./{name}")
        if problem.error == errno.EACCES and not problem.is_folder and refused is None:
            refused = problem
    missing = refused or Missing(errno.ENOENT)
    return Found(name) if _is_without_file(process, name, words, missing) else missing


def _is_without_file(process: Process, name: str, words: Sequence[str], problem: Missing) -> bool:
    """Whether a program can be run that is not there as a file."""
    programs = process.system.programs
    return problem.error == errno.ENOENT and programs.has_without_file(process, name, words)


def _problem(process: Process, path: str) -> Missing | None:
    files = process.system.files
    try:
        node = files.node(process, path)
    except OSError as error:
        return Missing(error.errno or errno.ENOENT)
    if node.file.kind == "dir":
        return Missing(errno.EACCES, is_folder=True)
    if node.file.kind != "file" or not files.may(process, path, EXECUTE):
        return Missing(errno.EACCES)
    return None


def run_program(
    process: Process, found: Found, *, on_script: str, in_place: bool = False
) -> Missing | None:
    """Do the work of a program in its process, to its end.

    Args:
        process: its process, whose words are the program's.
        found: where it is.
        on_script: the program that a script without `#!` is read by.
        in_place: the process was another program before, and ends in the caller's frame.

    Returns:
        Why it cannot be run; nothing when it was.

    Raises:
        ProcessExit: it was run in place, and is done.
    """
    main = _main_of(process, found.path, on_script, 0)
    if isinstance(main, Missing):
        return main
    if in_place:
        raise ProcessExit(_done(process, main))
    process.run(lambda: _main(process, main))
    return None


def _main(process: Process, main: Main) -> int:
    """Do the work of a program, for which a word that is no number is a wrong call."""
    try:
        return main(process)
    except (ValueError, OverflowError) as error:
        raise process.fail(f"invalid argument: {error}") from error


def _done(process: Process, main: Main) -> int:
    try:
        code = _main(process, main)
    except OSError as error:
        from ..streams import error_text

        process.complain(error_text(error))
        code = 1
    process.flush()
    return code


def _main_of(process: Process, path: str, on_script: str, depth: int) -> Main | Missing:
    if depth > _MOST_INTERPRETERS:
        return Missing(errno.ELOOP)
    files = process.system.files
    programs = process.system.programs
    if _problem(process, path) is not None:
        # It was found all the same.
        without_file = programs.find(posixpath.basename(path))
        return _other if without_file is None else _counted(process, without_file)
    content = files.node(process, path)
    head = content.read(0, 256)
    if head.startswith(b"#!"):
        line = head[2:].split(b"\n", 1)[0].decode("latin-1").strip(" \t")
        interpreter, _, argument = line.partition(" ")
        argument = argument.strip(" \t")
        problem = _problem(process, interpreter) if interpreter else Missing(errno.ENOEXEC)
        if problem is not None and not _is_interpreter(process, interpreter, problem):
            return Missing(problem.error, interpreter=interpreter)
        process.asked = process.asked or process.arguments
        words = [interpreter, *([argument] if argument else []), path, *process.arguments[1:]]
        process.arguments = words
        return _main_of(process, interpreter, on_script, depth + 1)
    real = posixpath.basename(files.real_path(process, path))
    name = posixpath.basename(path)
    main = programs.find(name) if is_program(head, content.size) else None
    if main is None and is_program(head, content.size):
        main = programs.find(real)
    if main is not None:
        return _counted(process, main)
    if is_program(head, content.size):
        return _other
    if b"\0" in head and not programs.is_busybox:
        return Missing(errno.ENOEXEC)
    shell = programs.find(on_script)
    if shell is None:
        return Missing(errno.ENOEXEC)
    process.arguments = [on_script, path, *process.arguments[1:]]
    return _counted(process, shell)


def _counted(process: Process, main: Main) -> Main:
    process.system.evaluated += 1
    return main


def _is_interpreter(process: Process, path: str, problem: Missing) -> bool:
    """Whether a script can be read by a program that is not there as a file."""
    programs = process.system.programs
    if problem.error != errno.ENOENT:
        return False
    return programs.has_without_file(process, path, process.arguments)


def is_program(head: bytes, size: int) -> bool:
    """Tell whether a file is a program of the machine, rather than a text.

    Files of which only the size is known count as such.
    """
    return head.startswith(b"\x7fELF") or (size > 0 and not head.strip(b"\0") and size > 1024)


def _other(process: Process) -> int:
    code = process.system.programs.run_other(process)
    if code is None:
        raise process.fail(
            "this program is not known to the double, and no rule is meant for it", 127
        )
    return code
