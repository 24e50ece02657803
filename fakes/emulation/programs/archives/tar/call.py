"""A call of `tar`: its words, and what packing and unpacking have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....endings import ProcessExit
from ....shell.patterns import compile_pattern
from ...options import Options

if TYPE_CHECKING:
    from ....process import Process

_OPTIONS = "cxtrudAf:C:T:X:zjJvOpmkhPSb:aZwoHI:KnUWl"
_LONG_OPTIONS = (
    "create:c extract:x get:x list:t append:r update:u file=:f directory=:C files-from=:T "
    "exclude-from=:X gzip:z gunzip:z bzip2:j xz:J verbose:v to-stdout:O "
    "preserve-permissions:p same-permissions:p touch:m keep-old-files:k dereference:h "
    "absolute-names:P strip-components=:strip exclude= owner= group= mode= mtime= sort= "
    "numeric-owner:numeric no-same-owner:o same-owner no-same-permissions overwrite "
    "wildcards transform= auto-compress:a no-recursion warning=: format=: "
    "one-file-system: totals: checkpoint=?: skip-old-files:k null anchored: xattrs: acls: "
    "selinux: use-compress-program=:I zstd"
)


def read_options(process: Process) -> Options:
    """Read the words of a call, with the letters of the old way, `tar xf`, among them.

    Raises:
        ProcessExit: the call is wrong.
    """
    return Options(
        process,
        _OPTIONS,
        _LONG_OPTIONS,
        code=1 if process.system.programs.is_busybox else 64,
        arguments=_with_dashes(process.arguments[1:]),
    )


class TarCall:
    """What packing and unpacking have in common.

    Args:
        process: the process of the program.
        options: how it was called.
    """

    def __init__(self, process: Process, options: Options) -> None:
        self._process = process
        self._files = process.system.files
        self._busybox = process.system.programs.is_busybox
        self._options = options
        self._code = 0

    def _fail_later(self, path: str, gnu: str, busybox: str) -> None:
        """Say what is wrong with a path, in words of each, and go on."""
        self._process.complain(busybox if self._busybox else f"{path}: {gnu}")
        self._code = 1 if self._busybox else 2

    def _fatal(self, message: str, code: int = 2) -> ProcessExit:
        self._process.flush()
        self._process.complain(message)
        if not self._busybox:
            self._process.complain("Error is not recoverable: exiting now")
        return ProcessExit(1 if self._busybox else code)

    def _enter(self, folder: str) -> None:
        try:
            path = self._files.real_path(self._process, folder)
            if self._files.status(self._process, folder).kind != "dir":
                raise NotADirectoryError(20, "Not a directory")
        except OSError as error:
            if self._busybox:
                raise self._fatal(
                    f"can't change directory to '{folder}': {error.strerror}"
                ) from error
            raise self._fatal(f"{folder}: Cannot open: {error.strerror}") from error
        self._process.working_dir = path

    def _cannot_open(self, path: str, error: OSError) -> ProcessExit:
        if self._busybox:
            return self._fatal(f"can't open '{path}': {error.strerror}")
        return self._fatal(f"{path}: Cannot open: {error.strerror}")

    def _is_excluded(self, name: str) -> bool:
        patterns = list(self._options.values("exclude"))
        for path in self._options.values("X"):
            patterns += self._files.read_file(self._process, path).decode("latin-1").splitlines()
        for pattern in patterns:
            compiled = compile_pattern([(pattern.rstrip("/"), False)])
            parts = name.strip("/").split("/")
            whole = name.rstrip("/")
            if compiled.match(whole) or any(
                compiled.match("/".join(parts[start:])) for start in range(len(parts))
            ):
                return True
        return False


def _with_dashes(words: list[str]) -> list[str]:
    """Return words whose first may be letters without a dash, with their values after it."""
    if not words or words[0].startswith("-"):
        return words
    letters, *rest = words
    found: list[str] = []
    for letter in letters:
        found.append(f"-{letter}")
        if letter in "fCTXbIK" and rest:
            found.append(rest.pop(0))
    return found + rest
