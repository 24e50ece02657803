"""`gzip` and its kind."""

from __future__ import annotations

import bz2
import gzip as gzip_module
import lzma
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..options import Options
from ..text.inputs import read_input

if TYPE_CHECKING:
    from ...process import Process

_Pair = tuple[Callable[[bytes], bytes], Callable[[bytes], bytes], str]
_GZIP: _Pair = (lambda data: gzip_module.compress(data, mtime=0), gzip_module.decompress, ".gz")
_BZIP2: _Pair = (bz2.compress, bz2.decompress, ".bz2")
_AROUND = 18
"""The bytes of a header and a trailer."""
_XZ: _Pair = (lzma.compress, lzma.decompress, ".xz")


def _run(process: Process, pair: _Pair, *, decodes: bool, prints: bool) -> int:
    compress, decompress, suffix = pair
    options = Options(
        process,
        "cdfkqtvn123456789hlrNT:",
        "stdout:c to-stdout:c decompress:d uncompress:d force:f keep:k test:t best:9 fast:1 "
        "quiet:q verbose:v no-name:n list:l",
    )
    if "l" in options and "q" not in options:
        process.print("         compressed        uncompressed  ratio uncompressed_name\n")
    decodes = decodes or any(one in options for one in "dtl")
    prints = prints or "c" in options
    files = process.system.files
    code = 0
    for path in options.operands or ["-"]:
        try:
            data = read_input(process, path)
            if (
                path != "-"
                and decodes
                and not path.endswith((suffix, ".tgz", ".tbz", ".txz"))
                and not prints
                and not ("t" in options or "l" in options)
            ):
                process.complain(
                    f"{path}: unknown suffix -- ignored"
                    if not process.system.programs.is_busybox
                    else f"{path}: unknown suffix - ignored"
                )
                code = 2 if not process.system.programs.is_busybox else 1
                continue
            result = decompress(data) if decodes else compress(data)
            if "l" in options:
                _list(process, path, len(data), len(result))
                continue
        except OSError as error:
            if isinstance(error, gzip_module.BadGzipFile):
                _bad(process, path)
            else:
                process.complain(f"{path}: {error.strerror}")
            code = 1
            continue
        except (EOFError, zlib.error, lzma.LZMAError, ValueError):
            _bad(process, path, ends_early=True)
            code = 1
            continue
        if "t" in options:
            continue
        if prints or path == "-":
            process.write(result)
            continue
        target = path + suffix
        if decodes:
            target = (
                path[: -len(suffix)] if path.endswith(suffix) else path.rpartition(".")[0] + ".tar"
            )
        if files.exists(process, target) and "f" not in options:
            process.complain(
                f"{target} already exists; not overwritten"
                if not process.system.programs.is_busybox
                else f"can't open '{target}': File exists"
            )
            code = 2 if not process.system.programs.is_busybox else 1
            continue
        status = files.status(process, path)
        files.write_file(process, target, result)
        files.set_mode(process, target, status.mode)
        if not process.credentials.uid:
            files.set_owner(process, target, status.uid, status.gid)
        files.set_time(process, target, status.mtime + status.nanoseconds / 1e9)
        if "k" not in options:
            files.remove_file(process, path)
    return code


def _list(process: Process, path: str, size: int, original: int) -> None:
    """Tell of a compressed file; what is around its data is no part of the ratio."""
    name = path[: -len(".gz")] if path.endswith(".gz") else path
    ratio = 100 * (original - (size - _AROUND)) / original if original else 0.0
    process.print(f"{size:19} {original:19} {ratio:5.1f}% {name}\n")


def _bad(process: Process, path: str, *, ends_early: bool = False) -> None:
    shown = "stdin" if path == "-" else path
    if process.system.programs.is_busybox:
        process.complain("invalid magic" if not ends_early else "corrupted data")
    else:
        process.print_error(
            f"\ngzip: {shown}: {'unexpected end of file' if ends_early else 'not in gzip format'}\n"
        )


def gzip(process: Process) -> int:
    """Compress."""
    return _run(process, _GZIP, decodes=False, prints=False)


def gunzip(process: Process) -> int:
    """Decompress."""
    return _run(process, _GZIP, decodes=True, prints=False)


def zcat(process: Process) -> int:
    """Decompress to standard output."""
    return _run(process, _GZIP, decodes=True, prints=True)


def bzip2(process: Process) -> int:
    """Compress."""
    return _run(process, _BZIP2, decodes=False, prints=False)


def bunzip2(process: Process) -> int:
    """Decompress."""
    return _run(process, _BZIP2, decodes=True, prints=False)


def bzcat(process: Process) -> int:
    """Decompress to standard output."""
    return _run(process, _BZIP2, decodes=True, prints=True)


def xz(process: Process) -> int:
    """Compress."""
    return _run(process, _XZ, decodes=False, prints=False)


def unxz(process: Process) -> int:
    """Decompress."""
    return _run(process, _XZ, decodes=True, prints=False)


def xzcat(process: Process) -> int:
    """Decompress to standard output."""
    return _run(process, _XZ, decodes=True, prints=True)
