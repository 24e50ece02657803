"""The command `tar`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....endings import ProcessExit
from ...options import BUSYBOX
from .call import read_options
from .packing import Packer
from .unpacking import Unpacker

if TYPE_CHECKING:
    from ....process import Process


def tar(process: Process) -> int:
    """Pack, unpack or list."""
    options = read_options(process)
    action = options.last("cxtru")
    if not action:
        raise _usage(process)
    if action in "xt":
        return Unpacker(process, options, lists=action == "t").run()
    packer = Packer(process, options)
    return packer.create() if action == "c" else packer.append()


def _usage(process: Process) -> ProcessExit:
    if process.system.programs.is_busybox:
        process.print_error(f"{BUSYBOX}\n\nUsage: tar c|x|t [-zjJOpv] [-f TARFILE] [FILE]...\n")
        return ProcessExit(1)
    process.complain("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options")
    process.print_error("Try 'tar --help' or 'tar --usage' for more information.\n")
    return ProcessExit(2)
