"""Commands run in containers that run already."""

from __future__ import annotations

from typing import Any

from ..container_hands import (
    create,
    note_output,
    run,
    sleeping,
    until,
    upgraded,
)
from ..registry import scenario
from ..session import Session

_BOTH = {"AttachStdout": True, "AttachStderr": True}


def _exec(s: Session, *command: str, **body: Any) -> str:
    """Make an exec in the container `one` without noting it; its id."""
    request = {"Cmd": list(command), **_BOTH, **body}
    return str(s.request("POST", "/containers/one/exec", json=request).json()["Id"])


def _start(s: Session, instance: str, what: str = "output", **body: Any) -> None:
    response = s.request("POST", f"/exec/{instance}/start", json=body)
    note_output(s, what, response, tty=bool(body.get("Tty")))


def _inspect(s: Session, instance: str) -> None:
    document = s.request("GET", f"/exec/{instance}/json").json()
    document["Pid"] = document.get("Pid", 0) > 0
    s.note("inspect", document)


@scenario
def output_and_exit_code(s: Session) -> None:
    """Both streams, and a code that is none of success."""
    sleeping(s, "one")
    script = "echo out; echo err >&2; exit 4"
    command = s.given_exec("sh", "-c", script, output="out\n", error_output="err\n", exit_code=4)
    answer = s.call("POST", "/containers/one/exec", json={"Cmd": command, **_BOTH})
    _inspect(s, answer["Id"])
    _start(s, answer["Id"])
    _inspect(s, answer["Id"])


@scenario
def only_one_stream(s: Session) -> None:
    """The stream that was not asked for is not there."""
    sleeping(s, "one")
    command = s.given_exec(
        "sh", "-c", "echo out; echo err >&2", output="out\n", error_output="err\n"
    )
    _start(s, _exec(s, *command, AttachStdout=False))
    _start(s, _exec(s, *command, AttachStderr=False))
    _start(s, _exec(s, *command, AttachStdout=False, AttachStderr=False))


@scenario
def with_terminal(s: Session) -> None:
    """One stream, whose lines end as a terminal's do."""
    sleeping(s, "one")
    command = s.given_exec("sh", "-c", "echo out; echo err >&2", output="out\nerr\n")
    instance = _exec(s, *command, Tty=True)
    _start(s, instance, Tty=True)
    _inspect(s, instance)


@scenario
def detached(s: Session) -> None:
    """Nobody reads its output."""
    sleeping(s, "one")
    command = s.given_exec("sh", "-c", "echo out; exit 5", output="out\n", exit_code=5)
    instance = _exec(s, *command)
    s.call("POST", f"/exec/{instance}/start", json={"Detach": True})
    until(lambda: s.request("GET", f"/exec/{instance}/json").json()["ExitCode"] is not None)
    _inspect(s, instance)


@scenario
def started_twice(s: Session) -> None:
    """A command runs once."""
    sleeping(s, "one")
    instance = _exec(s, *s.given_exec("true"))
    _start(s, instance)
    _start(s, instance)


@scenario
def user_and_environment(s: Session) -> None:
    """Who runs it, where, with which variables."""
    sleeping(s, "one")
    script = 'echo "$(id -u):$(id -g) $(pwd) $X"'
    command = s.given_exec("sh", "-c", script, output="5:6 /etc 1\n")
    instance = _exec(s, *command, User="5:6", WorkingDir="/etc", Env=["X=1"], Privileged=False)
    _start(s, instance)
    _inspect(s, instance)


def _wait(s: Session, instance: str) -> None:
    """Ask until a command has ended: its output can end before it."""
    for _ in range(1000):
        if not s.request("GET", f"/exec/{instance}/json").json()["Running"]:
            return


@scenario
def writes_files(s: Session) -> None:
    """What it writes stays in the container."""
    sleeping(s, "one")
    instance = _exec(s, *s.given_exec("sh", "-c", "echo x > /new", files={"/new": "x\n"}))
    _start(s, instance)
    _wait(s, instance)
    s.call("GET", "/containers/one/changes")


@scenario
def in_what_does_not_run(s: Session) -> None:
    """Made, ended and paused containers."""
    command = s.given_container("sleep", "60", service=True)
    create(s, *command, name="one")
    body = {"Cmd": ["true"], **_BOTH}
    s.call("POST", "/containers/one/exec", json=body)
    s.call("POST", "/containers/one/start")
    instance = _exec(s, *s.given_exec("true"))
    s.call("POST", "/containers/one/pause")
    s.call("POST", "/containers/one/exec", json=body)
    _start(s, instance)
    s.call("POST", "/containers/one/unpause")
    s.call("POST", "/containers/one/kill")
    s.call("POST", "/containers/one/wait")
    s.call("POST", "/containers/one/exec", json=body)
    _start(s, instance)
    s.call("GET", f"/exec/{instance}/json")


@scenario
def bad_requests(s: Session) -> None:
    """No command, no body, no container."""
    sleeping(s, "one")
    s.call("POST", "/containers/one/exec", json={})
    s.call("POST", "/containers/one/exec", json={"Cmd": []})
    s.call("POST", "/containers/nope/exec", json={"Cmd": ["x"]})
    s.call("POST", "/containers/nope/exec", json={})
    s.call("POST", "/containers/one/exec", json={"Cmd": ["x"], "DetachKeys": "odd-key"})
    headers = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]"):
        s.call("POST", "/containers/one/exec", data=body, headers=headers)
    s.call("POST", "/containers/one/exec", data=b"{}", headers={"Content-Type": "text/plain"})


@scenario
def command_as_text(s: Session) -> None:
    """A command that is one text is one word to older versions."""
    sleeping(s, "one")
    s.given_exec("true")
    answer = s.call("POST", "/containers/one/exec", json={"Cmd": "true", **_BOTH})
    if "Id" in answer:
        _start(s, answer["Id"])
        _inspect(s, answer["Id"])


@scenario
def missing(s: Session) -> None:
    """An exec that is not there."""
    s.call("GET", "/exec/nope/json")
    s.call("POST", "/exec/nope/start", json={})
    s.call("POST", "/exec/nope/start", json={"Detach": True})
    s.call("POST", "/exec/nope/resize?h=1&w=1")


@scenario
def resize(s: Session) -> None:
    """The size of the terminal of a command that does not run."""
    sleeping(s, "one")
    instance = _exec(s, *s.given_exec("true"), Tty=True)
    s.call("POST", f"/exec/{instance}/resize?h=x&w=1")
    s.call("POST", f"/exec/{instance}/resize")
    _start(s, instance, Tty=True)


@scenario
def listed_with_the_container(s: Session) -> None:
    """The container's document names the commands that are there."""
    sleeping(s, "one")
    seen = []
    instance = _exec(s, *s.given_exec("true"))
    seen.append(s.request("GET", "/containers/one/json").json()["ExecIDs"])
    _start(s, instance)
    s.note("before", seen)


@scenario
def gone_with_the_container(s: Session) -> None:
    """Once the container is removed, so is the command."""
    sleeping(s, "one")
    instance = _exec(s, *s.given_exec("true"))
    _start(s, instance)
    s.request("DELETE", "/containers/one", params={"force": "1"})
    s.call("GET", f"/exec/{instance}/json")
    s.call("POST", f"/exec/{instance}/start", json={})


@scenario
def console_size(s: Session) -> None:
    """A console's size needs a terminal in newer versions."""
    sleeping(s, "one")
    command = s.given_exec("true")
    body = {"Cmd": command, **_BOTH, "ConsoleSize": [10, 20]}
    s.call("POST", "/containers/one/exec", json=body)
    s.call("POST", "/containers/one/exec", json={**body, "Tty": True})
    instance = _exec(s, *command)
    _start(s, instance, ConsoleSize=[10, 20])
    instance = _exec(s, *command)
    _start(s, instance, Tty=True)


@scenario
def after_many(s: Session) -> None:
    """Several commands one after another."""
    run(s, *s.given_container("true"), name="other")
    sleeping(s, "one")
    for word in ("a", "b"):
        _start(s, _exec(s, *s.given_exec("echo", word, output=f"{word}\n")))


@scenario
def with_upgrade(s: Session) -> None:
    """A client that wants the connection for itself is given it, and told what comes."""
    sleeping(s, "one")
    command = s.given_exec("echo", "x", output="x\n")
    for tty in (False, True):
        instance = _exec(s, *command, Tty=tty)
        upgraded(s, f"/exec/{instance}/start", json={"Tty": tty})
    s.note("read", s.api.exec_start(_exec(s, *command)).decode())
