"""What evaluated commands may not do and how much they have: capabilities, limits, variables."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import docker.types
import pytest
from docker.models.containers import Container

from fakes import FakeDockerClient, FakeDockerEngine

_CHANGES = (
    "cd /tmp; touch f g; chown 65534 f 2>/dev/null; echo chown $?; "
    "(umask 777; touch h); cat h 2>/dev/null; echo read $?; "
    "mknod n c 1 3 2>/dev/null; echo mknod $?; "
    "chown 65534 g; chmod 700 g 2>/dev/null; echo chmod $?"
)


def _exec(container: Container, command: list[str], **options: Any) -> tuple[int | None, str]:
    """Run a command in a container: its exit code, and what it printed."""
    code, output = container.exec_run(command, **options)
    assert isinstance(output, bytes)
    return code, output.decode()


def _printed(client: FakeDockerClient, *command: str, **options: Any) -> list[str]:
    said = client.containers.run("busybox", list(command), remove=True, **options)
    return str(said.decode()).splitlines()


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({}, []),
        ({"cap_drop": ["CHOWN"]}, ["chown"]),
        ({"cap_drop": ["cap_mknod", "DAC_OVERRIDE"]}, ["read", "mknod"]),
        ({"cap_drop": ["FOWNER"]}, ["chmod"]),
        ({"cap_drop": ["ALL"]}, ["chown", "read", "mknod"]),
        ({"cap_drop": ["ALL"], "cap_add": ["CHOWN"]}, ["read", "mknod", "chmod"]),
        ({"cap_drop": ["ALL"], "cap_add": ["ALL"]}, []),
        ({"cap_drop": ["CHOWN"], "cap_add": ["chown"]}, []),
        ({"cap_drop": ["CHOWN"], "cap_add": ["ALL"]}, ["chown"]),
        ({"cap_drop": ["ALL"], "privileged": True}, []),
    ],
)
def test_root_lacks_the_capabilities_that_were_dropped(
    client: FakeDockerClient, options: dict[str, Any], refused: list[str]
) -> None:
    """Each operation is refused by the capability that it needs, and by no other."""
    codes = dict(line.split() for line in _printed(client, "sh", "-c", _CHANGES, **options))
    assert [name for name, code in codes.items() if code != "0"] == refused


def test_limits_of_processes_are_what_shells_tell(client: FakeDockerClient) -> None:
    """Soft and hard limits come in the units of `ulimit`, and a shell may lower its own."""
    limits = [
        docker.types.Ulimit(name="nofile", soft=1024, hard=2048),
        docker.types.Ulimit(name="stack", soft=4 << 20, hard=8 << 20),
        docker.types.Ulimit(name="fsize", soft=51200, hard=51200),
        docker.types.Ulimit(name="core", soft=-1, hard=-1),
    ]
    script = "for l in n s f c; do echo $(ulimit -$l) $(ulimit -H$l); done; "
    lower = "ulimit -Sn 100; echo $(ulimit -n) $(ulimit -Hn)"
    common = ["1024 2048", "4096 8192"]
    assert _printed(client, "sh", "-c", script + lower, ulimits=limits) == [
        *(*common, "100 100", "unlimited unlimited", "100 2048")
    ]
    said = client.containers.run("debian:12", ["bash", "-c", script], ulimits=limits).decode()
    assert said.splitlines() == [*common, "50 50", "unlimited unlimited"]


@pytest.mark.parametrize(
    ("options", "name", "shown"),
    [
        ({}, "memory.max", "max"),
        ({"mem_limit": "128m"}, "memory.max", "134217728"),
        ({"mem_limit": "128m"}, "memory.swap.max", "134217728"),
        ({"mem_limit": "128m", "memswap_limit": "192m"}, "memory.swap.max", "67108864"),
        ({"mem_limit": "128m", "memswap_limit": -1}, "memory.swap.max", "max"),
        ({"mem_reservation": "64m"}, "memory.low", "67108864"),
        ({}, "cpu.weight", "100"),
        ({"cpu_shares": 1024}, "cpu.weight", "100"),
        ({"cpu_shares": 256}, "cpu.weight", "35"),
        ({"cpu_shares": 2}, "cpu.weight", "1"),
        ({"cpu_shares": 262144}, "cpu.weight", "10000"),
        ({"nano_cpus": 1_500_000_000}, "cpu.max", "150000 100000"),
        ({"cpu_quota": 20000, "cpu_period": 50000}, "cpu.max", "20000 50000"),
        ({"cpuset_cpus": "0-1"}, "cpuset.cpus", "0-1"),
        ({"pids_limit": 77}, "pids.max", "77"),
    ],
)
def test_the_control_group_tells_of_limits(
    client: FakeDockerClient, options: dict[str, Any], name: str, shown: str
) -> None:
    """A script that reads a limit of its container finds what was asked for."""
    assert _printed(client, "cat", f"/sys/fs/cgroup/{name}", **options) == [shown]


def test_older_engines_share_processors_by_a_straight_line() -> None:
    """Before runc 1.3.2 the usual share was not the usual weight."""
    engine = FakeDockerEngine("26.1", execute="shell")
    engine.seed_image("busybox")
    with closing(FakeDockerClient(engine)) as client:
        shown = _printed(client, "cat", "/sys/fs/cgroup/cpu.weight", cpu_shares=1024)
    assert shown == ["39"]


def test_what_the_kernel_shows_cannot_be_changed(client: FakeDockerClient) -> None:
    """The control group is mounted read-only, as runtimes have it."""
    script = "echo 1 > /sys/fs/cgroup/memory.max; mkdir /sys/fs/x; true"
    said = client.containers.run("busybox", ["sh", "-c", script], stderr=True).decode()
    assert said.count("Read-only file system") == 2


@pytest.mark.parametrize("folder", ["/proc/sys", "/sys/fs/cgroup", "/dev/shm", "/proc/1"])
def test_commands_run_in_the_folders_of_the_kernel(client: FakeDockerClient, folder: str) -> None:
    """What every container has can be the working directory of a command."""
    container = client.containers.run("busybox", ["sleep", "infinity"], detach=True)
    assert _exec(container, ["pwd"], workdir=folder) == (0, f"{folder}\n")
    container.remove(force=True)


@pytest.mark.parametrize(
    ("version", "code", "end"),
    [("28.5", 127, ""), ("26.1", 126, ": unknown"), ("20.10", 126, ": unknown")],
)
def test_a_working_directory_that_is_none(version: str, code: int, end: str) -> None:
    """Each engine says it as its runtime does, with a code of its own."""
    engine = FakeDockerEngine(version, execute="shell")
    engine.seed_image("busybox")
    with closing(FakeDockerClient(engine)) as client:
        container = client.containers.run("busybox", ["sleep", "infinity"], detach=True)
        missing, reason = _exec(container, ["pwd"], workdir="/nowhere")
        device, other_reason = _exec(container, ["pwd"], workdir="/dev/null")
        container.remove(force=True)
    assert (missing, device) == (code, code)
    assert f'("/nowhere") set in config.json failed: no such file or directory{end}' in reason
    assert f"not a directory{end}: Are you trying to mount" in other_reason


def test_a_name_without_a_value_takes_a_variable_away(client: FakeDockerClient) -> None:
    """It does so to what was there before; a home is there whatever was asked for."""
    container = client.containers.run(
        "busybox", ["sleep", "infinity"], environment={"A": "1", "B": "2"}, detach=True
    )
    asked = ["A", "HOME", "HOSTNAME", "N=1", "N"]
    said = _exec(container, ["env"], environment=asked)[1].splitlines()
    assert [line for line in said if not line.startswith("PATH=")] == ["B=2", "N=1", "HOME=/root"]
    assert _exec(container, ["env"], environment=["PATH"])[0] == 127
    container.remove(force=True)


def test_variables_come_in_the_order_of_an_engine(client: FakeDockerClient) -> None:
    """Path, host name and terminal, then those of the container; and its home comes last."""
    said = _printed(client, "env", environment={"A": "1"}, hostname="box", tty=True)
    names = [line.partition("=")[0] for line in said]
    assert names == ["PATH", "HOSTNAME", "TERM", "A", "HOME"]
