"""What containers without further rights may not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..invoking import invoke
from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process


def mount(process: Process) -> int:
    """Refuse to mount, as the kernel does; without operands say what is mounted."""
    options = Options(process, "t:o:rwnav", "")
    if not options.operands:
        process.print(
            "overlay on / type overlay (rw,relatime)\n"
            "proc on /proc type proc (rw,nosuid,nodev,noexec,relatime)\n"
        )
        return 0
    target = options.operands[-1]
    if process.system.programs.is_busybox:
        process.complain("permission denied (are you root?)")
        return 1
    if not process.system.files.exists(process, "/run/mount") and not process.credentials.uid:
        process.system.files.make_folder(process, "/run/mount")
    process.complain(f"{target}: permission denied.")
    process.print_error(
        "       dmesg(1) may have more information after failed mount system call.\n"
    )
    return 32


def umount(process: Process) -> int:
    """Refuse to unmount."""
    options = Options(process, "flrand", "")
    options.needs(1)
    target = options.operands[0]
    if process.system.programs.is_busybox:
        process.complain(f"can't unmount {target}: Operation not permitted")
        return 1
    process.complain(f"{target}: must be superuser to unmount.")
    return 32


def chroot(process: Process) -> int:
    """Run a program with another root, of which only this one is known."""
    options = Options(process, "", "userspec=:u groups=:g skip-chdir:s", code=125, stops=True)
    if not options.operands:
        raise usage(process, "missing operand", 125)
    folder, *words = options.operands
    if process.system.files.real_path(process, folder) != "/" or process.credentials.uid:
        process.complain(
            f"cannot change root directory to '{folder}': Operation not permitted"
            if not process.system.programs.is_busybox
            else f"can't change root directory to '{folder}': Operation not permitted"
        )
        return 125 if not process.system.programs.is_busybox else 1
    process.working_dir = "/"
    return invoke(
        process,
        words or ["/bin/sh", "-i"],
        complain=lambda name, reason: process.complain(f"{name}: {reason}"),
    )
