"""`wait`, `kill`, `jobs` and their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import signals
from .registry import builtin

if TYPE_CHECKING:
    from ...process import Process
    from ..state import Job, Shell


@builtin("wait")
def _wait(shell: Shell, words: list[str]) -> int:
    process = shell.process
    process.flush()
    rest = [word for word in words[1:] if word != "--"]
    if rest[:1] == ["-n"]:
        waiting = [job for job in shell.jobs if not job.is_waited]
        if not waiting:
            return 127
        process.wait_for(lambda: any(job.process.has_ended for job in waiting))
        job = next(job for job in waiting if job.process.has_ended)
        return _collect(shell, job)
    if not rest:
        for job in shell.jobs:
            if not job.is_waited:
                if not _ended(process, job.process):
                    return 128 + process.heard[0]
                _collect(shell, job)
        return 0
    status = 0
    for word in rest:
        job_or_none = _job(shell, word)
        if job_or_none is None:
            if word.lstrip("%").isdigit():
                if shell.dialect.is_bash:
                    shell.complain(f"wait: pid {word} is not a child of this shell")
                status = 127
                continue
            if shell.dialect.is_bash:
                shell.complain(f"wait: `{word}': not a pid or valid job spec")
                return 1
            shell.complain(f"wait: Illegal number: {word}")
            return 2
        if not _ended(process, job_or_none.process):
            return 128 + process.heard[0]
        status = _collect(shell, job_or_none)
    return status


def _ended(process: Process, child: Process) -> bool:
    return (
        process.wait_for(lambda: child.has_ended or bool(process.heard), told_is_enough=True)
        and child.has_ended
    )


def _collect(shell: Shell, job: Job) -> int:
    job.is_waited = True
    shell.process.system.forget(job.process)
    shell.raise_reported()
    if job.process.ended_by and not shell.dialect.is_bash:
        shell.tell_of_signal(job.process)
    return job.process.status or 0


def _job(shell: Shell, word: str) -> Job | None:
    if word.startswith("%"):
        text = word[1:]
        jobs = [job for job in shell.jobs if not job.is_waited]
        if text in ("", "%", "+"):
            return jobs[-1] if jobs else None
        if text.isdigit():
            return next((job for job in shell.jobs if job.number == int(text)), None)
        return None
    if not word.isdigit():
        return None
    return next((job for job in shell.jobs if job.process.number == int(word)), None)


@builtin("jobs")
def _jobs(shell: Shell, words: list[str]) -> int:
    running = [job for job in shell.jobs if not job.is_waited and not job.process.has_ended]
    for job in running:
        if "-p" in words:
            shell.process.print(f"{job.process.number}\n")
        else:
            shell.process.print(f"[{job.number}]   Running\n")
    return 0


@builtin("fg", "bg")
def _foreground(shell: Shell, words: list[str]) -> int:
    if shell.dialect.is_bash:
        shell.complain(f"{words[0]}: no job control")
        return 1
    shell.complain(f"{words[0]}: job (null) not created under job control")
    return 2


@builtin("disown", shells=("bash",))
def _disown(_shell: Shell, _words: list[str]) -> int:
    return 0


@builtin("kill")
def _kill(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    process = shell.process
    if rest[:1] == ["-l"]:
        return _list(shell, rest[1:])
    number = signals.TERM
    if rest and rest[0].startswith("-") and len(rest[0]) > 1 and rest[0] != "--":
        word = rest.pop(0)
        name = (rest.pop(0) if rest else "") if word in ("-s", "-n") else word[1:]
        found = signals.number_of(name)
        if found is None:
            if shell.dialect.is_bash:
                shell.complain(f"kill: {name}: invalid signal specification")
                return 1
            shell.complain(
                f"kill: invalid signal number or name: {name}"
                if shell.dialect.is_dash
                else f"kill: bad signal name '{name}'"
            )
            return 2 if shell.dialect.is_dash else 1
        number = found
    elif rest[:1] == ["--"]:
        rest = rest[1:]
    if not rest:
        if shell.dialect.is_bash:
            process.print_error(
                "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ..."
                " or kill -l [sigspec]\n"
            )
            return 2
        shell.complain(
            "kill: Usage: kill [-s sigspec | -signum | -sigspec] [pid | job]... or\n"
            "kill -l [exitstatus]"
            if shell.dialect.is_dash
            else "kill: you need to specify whom to kill"
        )
        return 2 if shell.dialect.is_dash else 1
    status = 0
    process.flush()
    for word in rest:
        job = _job(shell, word) if word.startswith("%") else None
        if job is not None:
            word = str(job.process.number)
        if not word.lstrip("-").isdigit():
            if shell.dialect.is_bash:
                shell.complain(f"kill: {word}: arguments must be process or job IDs")
            elif shell.dialect.is_dash:
                shell.complain(f"kill: Illegal number: {word}")
                return 2
            else:
                shell.complain(f"kill: invalid number '{word}'")
            status = 1
            continue
        target = abs(int(word)) or process.number
        if not _may_signal(process, target) or not process.system.kill(target, number):
            if shell.dialect.is_bash:
                shell.complain(f"kill: ({word}) - No such process")
            elif shell.dialect.is_dash:
                shell.complain("kill: No such process")
            else:
                shell.complain(f"kill: can't kill pid {word}: No such process")
            status = 1
    process.step()
    return status


def _may_signal(process: Process, target: int) -> bool:
    other = process.system.processes.get(target)
    if other is None:
        return True
    mine = process.credentials
    return mine.can("KILL") or mine.uid == other.credentials.uid


def _list(shell: Shell, words: list[str]) -> int:
    process = shell.process
    if not words:
        names = signals.NAMES[1:]
        if shell.dialect.is_bash:
            for start in range(0, len(names), 5):
                row = names[start : start + 5]
                process.print(
                    "\t".join(
                        f"{start + place + 1:2d}) SIG{name}" for place, name in enumerate(row)
                    )
                    + "\n"
                )
        else:
            for place, name in enumerate(names):
                process.print(f"{name}\n" if shell.dialect.is_dash else f"{place + 1:2d}) {name}\n")
        return 0
    status = 0
    for word in words:
        if word.isdigit():
            number = int(word)
            number = number - 128 if number > 128 else number
            if number < len(signals.NAMES):
                process.print(f"{signals.NAMES[number]}\n")
                continue
        elif (found := signals.number_of(word)) is not None:
            process.print(f"{found}\n")
            continue
        shell.complain(
            f"kill: {word}: invalid signal specification"
            if shell.dialect.is_bash
            else f"kill: bad signal name '{word}'"
        )
        status = 1
    return status
