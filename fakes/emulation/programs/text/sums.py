"""Checksums, and `base64`."""

from __future__ import annotations

import base64 as base64_module
import binascii
import errno
import hashlib
import re
from typing import TYPE_CHECKING

from ..options import Options
from .inputs import complain_of_input, read_input

if TYPE_CHECKING:
    from ...process import Process


def base64(process: Process) -> int:
    """Encode or decode."""
    options = Options(process, "dw:i", "decode:d wrap=:w ignore-garbage:i")
    path = (options.operands or ["-"])[0]
    try:
        data = read_input(process, path)
    except OSError as error:
        complain_of_input(process, path, error)
        return 1
    if "d" in options:
        try:
            process.write(base64_module.b64decode(re.sub(rb"\s", b"", data), validate=True))
        except (binascii.Error, ValueError) as error:
            raise process.fail(
                "invalid input" if not process.system.programs.is_busybox else "truncated input"
            ) from error
        return 0
    text = base64_module.b64encode(data)
    width = options.number("w", 76)
    if not width:
        process.write(text)
        return 0
    for place in range(0, len(text), width):
        process.write(text[place : place + width] + b"\n")
    return 0


def _sum(process: Process, algorithm: str) -> int:
    options = Options(
        process,
        "cbt" + ("sw" if process.system.programs.is_busybox else "wz"),
        "check:c binary:b text:t status:s quiet warn:w strict ignore-missing:ignore tag",
    )
    code = 0
    if "c" in options:
        return _check(process, options, algorithm)
    for path in options.operands or ["-"]:
        try:
            digest = hashlib.new(algorithm, read_input(process, path)).hexdigest()
        except OSError as error:
            complain_of_input(process, path, error)
            code = 1
            continue
        mark = "*" if "b" in options and not process.system.programs.is_busybox else " "
        text = f"{digest} {mark}{path}"
        if "tag" in options:
            text = (
                f"{'BLAKE2b' if algorithm == 'blake2b' else algorithm.upper()} ({path}) = {digest}"
            )
        process.print(text + ("\0" if "z" in options else "\n"))
    return code


def _check(process: Process, options: Options, algorithm: str) -> int:
    code = bad = missing = 0
    busybox = process.system.programs.is_busybox
    total = 0
    for list_path in options.operands or ["-"]:
        try:
            listed = read_input(process, list_path).decode("latin-1").splitlines()
        except OSError as error:
            complain_of_input(process, list_path, error)
            return 1
        for line in listed:
            match = re.fullmatch(r"([0-9a-fA-F]+) [ *](.+)", line)
            if match is None:
                continue
            total += 1
            try:
                digest = hashlib.new(algorithm, read_input(process, match[2])).hexdigest()
            except OSError as error:
                if "ignore" in options and error.errno == errno.ENOENT:
                    continue
                process.complain(
                    f"{match[2]}: {error.strerror}"
                    if not busybox
                    else f"can't open '{match[2]}': {error.strerror}"
                )
                if "s" not in options:
                    process.print(
                        f"{match[2]}: FAILED open or read\n"
                        if not busybox
                        else f"{match[2]}: FAILED\n"
                    )
                missing += 1
                code = 1
                continue
            if digest.lower() == match[1].lower():
                if "s" not in options and "quiet" not in options:
                    process.print(f"{match[2]}: OK\n")
            else:
                bad += 1
                code = 1
                if "s" not in options:
                    process.print(f"{match[2]}: FAILED\n")
    process.flush()
    if not total and not busybox:
        name = (options.operands or ["'standard input'"])[0]
        process.complain(f"{name}: no properly formatted checksum lines found")
        return 1
    if (bad or missing) and "s" not in options:
        if busybox:
            process.complain(
                f"WARNING: {bad + missing} of {total} computed checksums did NOT match"
            )
        else:
            if missing:
                process.complain(
                    f"WARNING: {missing} listed file{'s' if missing > 1 else ''} could not be read"
                )
            if bad:
                process.complain(
                    f"WARNING: {bad} computed checksum{'s' if bad > 1 else ''} did NOT match"
                )
    return code


def md5sum(process: Process) -> int:
    """Print or check MD5 sums."""
    return _sum(process, "md5")


def sha1sum(process: Process) -> int:
    """Print or check SHA-1 sums."""
    return _sum(process, "sha1")


def sha224sum(process: Process) -> int:
    """Print or check SHA-224 sums."""
    return _sum(process, "sha224")


def sha256sum(process: Process) -> int:
    """Print or check SHA-256 sums."""
    return _sum(process, "sha256")


def sha384sum(process: Process) -> int:
    """Print or check SHA-384 sums."""
    return _sum(process, "sha384")


def sha512sum(process: Process) -> int:
    """Print or check SHA-512 sums."""
    return _sum(process, "sha512")


def b2sum(process: Process) -> int:
    """Print or check BLAKE2 sums."""
    return _sum(process, "blake2b")


_CRC = [0] * 256
for _index in range(256):
    _value = _index << 24
    for _ in range(8):
        _value = ((_value << 1) ^ 0x04C11DB7 if _value & 0x80000000 else _value << 1) & 0xFFFFFFFF
    _CRC[_index] = _value


def cksum(process: Process) -> int:
    """Print POSIX checksums."""
    options = Options(process, "", "")
    code = 0
    for path in options.operands or ["-"]:
        try:
            data = read_input(process, path)
        except OSError as error:
            complain_of_input(process, path, error)
            code = 1
            continue
        crc = 0
        for byte in data:
            crc = ((crc << 8) ^ _CRC[(crc >> 24) ^ byte]) & 0xFFFFFFFF
        size = len(data)
        while size:
            crc = ((crc << 8) ^ _CRC[(crc >> 24) ^ (size & 0xFF)]) & 0xFFFFFFFF
            size >>= 8
        process.print(f"{~crc & 0xFFFFFFFF} {len(data)}{'' if path == '-' else ' ' + path}\n")
    return code
