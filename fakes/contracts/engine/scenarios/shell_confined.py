"""What the usual commands may do in a container that is confined, and what they are given.

An engine double has to evaluate them, as with `execute="shell"`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..container_hands import printed, sleeping, start
from ..registry import scripts
from ..session import Session

_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
_CHANGES = (
    "cd /tmp; touch f g; chown 65534 f 2>/dev/null; echo chown $?; "
    "(umask 777; touch h); cat h 2>/dev/null; echo read $?; "
    "mknod n c 1 3 2>/dev/null; echo mknod $?; mknod p p; echo pipe $?; "
    "chown 65534 g; chmod 700 g 2>/dev/null; echo chmod $?; rm g; kill -0 1; echo kill $?"
)
_CAPABILITIES: dict[str, dict[str, Any]] = {
    "without_chown": {"CapDrop": ["CHOWN"]},
    "without_dac_override": {"CapDrop": ["cap_dac_override"]},
    "without_fowner": {"CapDrop": ["FOWNER"]},
    "without_mknod": {"CapDrop": ["MKNOD"]},
    "without_any": {"CapDrop": ["ALL"]},
    "with_one": {"CapDrop": ["ALL"], "CapAdd": ["CHOWN"]},
    "dropped_and_added": {"CapDrop": ["CHOWN"], "CapAdd": ["CHOWN"]},
}
_LIMITS = (
    ("nofile", 1024, 2048),
    ("nproc", 77, 77),
    ("stack", 4 << 20, 8 << 20),
    ("fsize", 51200, 51200),
    ("memlock", 65536, 65536),
    ("core", 0, 0),
    ("cpu", 99, 99),
)
_READ = "for l in n u s f l c t; do echo $l $(ulimit -$l) $(ulimit -H$l); done; "
_LOWER = "ulimit -Sn 100; echo $(ulimit -n) $(ulimit -Hn); ulimit -n 50; ulimit -Hn"


def _run(s: Session, script: str, host: dict[str, Any]) -> None:
    """Run a script in a container of its own."""
    body = {
        "Image": s.base,
        "Cmd": ["sh", "-c", script],
        "Env": [_PATH],
        "HostConfig": {"NetworkMode": "none", **host},
    }
    container = str(s.request("POST", "/containers/create", json=body).json()["Id"])
    start(s, container)
    code = s.request("POST", f"/containers/{container}/wait").json()["StatusCode"]
    s.note("exit code", code)
    s.note("printed", printed(s, container))
    s.request("DELETE", f"/containers/{container}", params={"force": "1"})


def _exec(s: Session, script: str, cases: list[dict[str, Any]]) -> None:
    """Run a command beside process 1 of a container, in each of some ways."""
    container = sleeping(
        s, Hostname="box", Env=[_PATH, "A=1", "B=2"], HostConfig={"NetworkMode": "none"}
    )
    for case in cases:
        body = {"Cmd": script.split(), "AttachStdout": True, "AttachStderr": True, **case}
        instance = s.request("POST", f"/containers/{container}/exec", json=body).json()["Id"]
        response = s.request("POST", f"/exec/{instance}/start", json={"Tty": True})
        code = s.request("GET", f"/exec/{instance}/json").json()["ExitCode"]
        s.note("exec", {"asked": case, "printed": response.text, "exit code": code})
    s.request("DELETE", f"/containers/{container}", params={"force": "1"})


_VARIABLES = [["A"], ["A=", "B"], ["N=1", "N"], ["HOME", "HOSTNAME"], [_PATH, "B=7"], ["PATH"]]
_FOLDERS = ["/proc/sys", "/sys", "/dev/pts", "/proc/1", "/nowhere", "/dev/null", "/etc/group"]
_FORCED = (
    "cd /tmp; echo 1 > a; ln a b; ln -f a b; echo $? $(stat -c %h a); echo 2 > c; ln -f c b; "
    "echo $? $(stat -c %h a) $(cat b); ln -f c c 2>/dev/null; echo $?; ls"
)
_ULIMITS = [{"Name": name, "Soft": soft, "Hard": hard} for name, soft, hard in _LIMITS]

for _name, _host in _CAPABILITIES.items():
    scripts("shell_confined", {_name: _CHANGES}, partial(_run, host=_host))
scripts("shell_confined", {"limits": _READ + _LOWER}, partial(_run, host={"Ulimits": _ULIMITS}))
scripts("shell_confined", {"forced_links": _FORCED}, partial(_run, host={}))
scripts(
    "shell_confined",
    {"variables": "env"},
    partial(_exec, cases=[{"Env": pairs, "Tty": False} for pairs in _VARIABLES]),
)
scripts(
    "shell_confined",
    {"working_directories": "pwd"},
    partial(_exec, cases=[{"WorkingDir": folder} for folder in _FOLDERS]),
)
