"""Replaces files by what they were edited to (`-i`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lines import Lines

if TYPE_CHECKING:
    from ....file_system import Status
    from ....process import Process


class Replacer:
    """Replaces files.

    Args:
        process: the process of the program.
        lines: what is edited, which is told of errors.
        suffix: what the name of a backup ends with, or the name, in which `*` is the file's own;
            empty for none.
    """

    def __init__(self, process: Process, lines: Lines, suffix: str) -> None:
        self._process = process
        self._files = process.system.files
        self._busybox = process.system.programs.is_busybox
        self._lines = lines
        self._suffix = suffix

    def status(self, path: str) -> Status | None:
        """Return the status of a file; `None` where it cannot be edited, which is told."""
        try:
            status = self._files.status(self._process, path)
            if status.kind == "file":
                self._files.read_file(self._process, path)
                return status
        except OSError as error:
            self._lines.cannot_read(path, error)
            return None
        message = f"{path}: not a regular file"
        self._lines.fail(message if self._busybox else f"couldn't edit {message}", 4)
        return None

    def replace(self, path: str, status: Status, data: bytes) -> None:
        """Let a file have other content, and the owner and mode that it had."""
        folder = path.rpartition("/")[0] or "."
        temporary = f"{folder}/sed{self._process.number:06d}"
        files, process = self._files, self._process
        try:
            if self._suffix:
                self._back_up(path, status)
            files.write_file(process, temporary, data)
            files.set_owner(process, temporary, status.uid, status.gid)
            files.set_mode(process, temporary, status.mode)
            files.rename(process, temporary, path)
        except OSError as error:
            if files.exists(process, temporary, follow=False):
                files.remove_file(process, temporary)
            if self._busybox:
                message = f"can't move '{path}XXXXXX' to '{path}': {error.strerror}"
            elif error.strerror == "Permission denied":
                message = f"couldn't open temporary file {folder}/sedXXXXXX: {error.strerror}"
            else:
                message = f"cannot rename {temporary}: {error.strerror}"
            self._lines.fail(message, 4)

    def _back_up(self, path: str, status: Status) -> None:
        name = path.rpartition("/")[2]
        backup = self._suffix.replace("*", name) if "*" in self._suffix else path + self._suffix
        files, process = self._files, self._process
        if files.kind(process, path, follow=False) == "symlink":
            files.write_file(process, backup, files.read_file(process, path))
            files.set_mode(process, backup, status.mode)
            files.remove_file(process, path)
        else:
            files.rename(process, path, backup)
