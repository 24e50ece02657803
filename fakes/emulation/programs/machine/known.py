"""The programs about processes, time and the machine, by their names."""

from __future__ import annotations

from ...process import Main
from . import dates, environment, naming, processes, refused, running


def programs(*, is_busybox: bool) -> dict[str, Main]:
    """Return them."""
    found: dict[str, Main] = {
        "date": dates.date,
        "env": environment.env,
        "printenv": environment.printenv,
        "hostname": naming.hostname,
        "uname": naming.uname,
        "arch": naming.arch,
        "nproc": naming.nproc,
        "tty": naming.tty,
        "which": naming.which,
        "sleep": running.sleep,
        "timeout": running.timeout,
        "nohup": running.nohup,
        "nice": running.nice,
        "setsid": running.setsid,
        "kill": running.kill,
        "mount": refused.mount,
        "umount": refused.umount,
        "chroot": refused.chroot,
        "run-parts": running.run_parts,
    }
    if is_busybox:
        found["usleep"] = running.usleep
        found["pidof"] = running.pidof
        found["ps"] = processes.ps
        found["top"] = processes.top
    else:
        found.pop("kill")
        found["stdbuf"] = running.stdbuf
    return found
