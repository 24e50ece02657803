"""`sleep`, `timeout`, `nohup`, `kill` and others about processes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ... import signals
from ...endings import ProcessExit, SignalledError
from ..invoking import invoke, replace
from ..lookup import Missing, find_program, run_program
from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?([smhd]?)", re.I)


def _seconds(text: str) -> float | None:
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    return float(match[1]) * _UNITS[match[2]]


def sleep(process: Process) -> int:
    """Wait."""
    busybox = process.system.programs.is_busybox
    options = Options(process, "", "")
    options.needs(1)
    total = 0.0
    for word in options.operands:
        if word.lower() in ("infinity", "inf"):
            process.sleep(None)
        seconds = _seconds(word)
        if seconds is None:
            if busybox:
                raise process.fail(f"invalid number '{word}'")
            raise usage(process, f"invalid time interval '{word}'")
        total += seconds
    process.sleep(total)
    return 0


def usleep(process: Process) -> int:
    """Wait for millionths of a second."""
    options = Options(process, "", "")
    options.needs(1)
    process.sleep(int(options.operands[0]) / 1e6)
    return 0


def timeout(process: Process) -> int:
    """Run a program, and end it after a while."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "s:k:v" if not busybox else "s:k:",
        "signal=:s kill-after=:k preserve-status:p foreground:",
        code=125 if not busybox else 1,
        stops=True,
    )
    options.needs(2)
    limit = _seconds(options.operands[0])
    if limit is None:
        if busybox:
            raise process.fail(f"invalid number '{options.operands[0]}'")
        raise usage(process, f"invalid time interval '{options.operands[0]}'", 125)
    signal = signals.number_of(options.value("s") or "TERM")
    if signal is None:
        raise usage(process, f"{options.value('s')}: invalid signal", 125)
    words = options.operands[1:]
    child = process.fork(words)
    found = find_program(child, words[0], process.environment.get("PATH", "/bin:/usr/bin"))
    if isinstance(found, Missing):
        child.end(found.code)
        process.system.forget(child)
        reason = os.strerror(found.error)
        process.complain(
            f"can't execute '{words[0]}': {reason}"
            if busybox
            else f"failed to run command '{words[0]}': {reason}"
        )
        return found.code
    failures: list[BaseException] = []

    def work() -> int:
        result = run_program(child, found, on_script="sh", in_place=True)
        return result.code if result is not None else 0

    child.start_thread(work, failures.append)
    in_time = process.wait_for(lambda: child.has_ended, limit or None)
    is_killed = not in_time and signal == signals.KILL
    if not in_time:
        process.system.kill(child.number, signal)
        grace = options.value("k")
        if grace is not None and not process.wait_for(
            lambda: child.has_ended, _seconds(grace) or 0
        ):
            process.system.kill(child.number, signals.KILL)
            is_killed = True
        process.wait_for(lambda: child.has_ended)
    process.system.forget(child)
    if failures:
        raise failures[0]
    if is_killed and not busybox:  # it is of the group that was killed
        raise SignalledError(signals.KILL, process)
    status = child.status or 0
    if not in_time and "p" not in options:
        if busybox and status > 128:
            raise SignalledError(signal, process)  # its process became the program's
        return status if busybox else 124
    return status


def nohup(process: Process) -> int:
    """Run a program that does not mind a hangup."""
    words = process.arguments[1:]
    if not words:
        raise usage(process, "missing operand", 125)
    process.ignored.add(signals.HUP)
    missing = replace(process, words)
    process.complain(f"failed to run command '{words[0]}': {os.strerror(missing.error)}")
    raise ProcessExit(missing.code)


def nice(process: Process) -> int:
    """Run a program with another priority."""
    options = Options(process, "n:", "adjustment=:n", stops=True, numbers=True)
    if not options.operands:
        process.print("0\n")
        return 0
    missing = replace(process, options.operands)
    process.complain(f"'{options.operands[0]}': {os.strerror(missing.error)}")
    raise ProcessExit(missing.code)


def stdbuf(process: Process) -> int:
    """Run a program whose output is buffered otherwise, which makes no difference here."""
    options = Options(process, "i:o:e:", "input=:i output=:o error=:e", code=125, stops=True)
    options.needs(1)
    missing = replace(process, options.operands)
    process.complain(f"failed to run command '{options.operands[0]}': {os.strerror(missing.error)}")
    raise ProcessExit(missing.code)


def setsid(process: Process) -> int:
    """Run a program in a session of its own."""
    options = Options(process, "cfw", "", stops=True)
    options.needs(1)
    missing = replace(process, options.operands)
    process.complain(f"failed to execute {options.operands[0]}: {os.strerror(missing.error)}")
    raise ProcessExit(missing.code)


def kill(process: Process) -> int:
    """Send signals."""
    words = process.arguments[1:]
    number = signals.TERM
    if words and words[0] == "-s" and len(words) > 1:
        number = signals.number_of(words[1]) or signals.TERM
        words = words[2:]
    elif words and words[0].startswith("-") and len(words[0]) > 1:
        number = signals.number_of(words[0][1:]) or signals.TERM
        words = words[1:]
    code = 0
    for word in words:
        if not word.isdigit() or not process.system.kill(int(word), number):
            process.complain(f"can't kill pid {word}: No such process")
            code = 1
    process.step()
    return code


def pidof(process: Process) -> int:
    """Print the numbers of processes by name."""
    found = [
        str(other.number)
        for other in process.system.processes.values()
        if other.name in process.arguments[1:]
    ]
    if found:
        process.print(" ".join(reversed(found)) + "\n")
    return int(not found)


def run_parts(process: Process) -> int:
    """Run all programs in a folder."""
    options = Options(
        process,
        "va:",
        "verbose:v test arg=:a report: exit-on-error:e regex=",
    )
    code = 0
    folder = options.operands[-1] if options.operands else "."
    for name in process.system.files.names(process, folder):
        path = f"{folder.rstrip('/')}/{name}"
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or not process.system.files.may(
            process, path, 1
        ):
            continue
        if "test" in options:
            process.print(path + "\n")
            continue
        process.flush()
        if invoke(process, [path, *options.values("a")]):
            code = 1
    return code
