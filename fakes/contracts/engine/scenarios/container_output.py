"""What containers print: logs and attached streams."""

from __future__ import annotations

import re
from typing import Any

from ..container_hands import (
    by_stream,
    create,
    note_output,
    printed,
    run,
    sleeping,
    until,
    upgraded,
)
from ..registry import scenario
from ..session import Session

_BOTH = {"stdout": "1", "stderr": "1"}


def _printing(s: Session, *, name: str = "one", **body: Any) -> None:
    """Run a container that prints three lines to one stream and one to the other."""
    script = "echo 1; echo 2; printf 3; echo e >&2"
    command = s.given_container("sh", "-c", script, output="1\n2\n3", error_output="e\n")
    run(s, *command, name=name, **body)


def _log(s: Session, what: str, **query: str) -> None:
    note_output(s, what, s.request("GET", "/containers/one/logs", params=query))


@scenario
def logs_of_streams(s: Session) -> None:
    """Both, either and neither."""
    _printing(s)
    _log(s, "both", **_BOTH)
    _log(s, "stdout", stdout="1")
    _log(s, "stderr", stderr="1")
    _log(s, "neither")
    _log(s, "false", stdout="0", stderr="false")


@scenario
def logs_tail(s: Session) -> None:
    """The newest lines."""
    command = s.given_container("printf", "1\\n2\\n3", output="1\n2\n3")
    run(s, *command, name="one")
    for number in ("0", "1", "2", "9", "all", "-1", "x", ""):
        _log(s, f"tail {number}", stdout="1", tail=number)


@scenario
def logs_of_a_time(s: Session) -> None:
    """From a time on and up to one."""
    _printing(s)
    for value in ("0", "1", "99999999999", "1.5", "x"):
        _log(s, f"since {value}", stdout="1", since=value)
        _log(s, f"until {value}", stdout="1", until=value)


@scenario
def logs_with_timestamps(s: Session) -> None:
    """A time before each line."""
    _printing(s)
    _log(s, "timestamps", timestamps="1", **_BOTH)
    text = printed(s, "one", timestamps="1")["stdout"]
    stamps = [line.split(" ")[0] for line in text.splitlines()]
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
    s.note("form", [bool(form.fullmatch(stamp)) for stamp in stamps])


@scenario
def logs_with_details(s: Session) -> None:
    """Details of the log driver, of which there are none."""
    _printing(s)
    _log(s, "details", details="1", **_BOTH)


@scenario
def logs_with_terminal(s: Session) -> None:
    """A terminal has one stream, whose lines end as a terminal's do."""
    command = s.given_container("sh", "-c", "echo 1; echo 2 >&2", output="1\n2\n")
    run(s, *command, name="one", Tty=True)
    response = s.request("GET", "/containers/one/logs", params=_BOTH)
    note_output(s, "both", response, tty=True)
    response = s.request("GET", "/containers/one/logs", params={"stderr": "1"})
    note_output(s, "stderr", response, tty=True)


@scenario
def logs_followed(s: Session) -> None:
    """Following ends with the container, also when it has ended already."""
    _printing(s)
    _log(s, "followed", follow="1", **_BOTH)
    sleeping(s, "two")
    pending = s.request("GET", "/containers/two/logs", params={"follow": "1", **_BOTH}, stream=True)
    s.request("POST", "/containers/two/kill")
    note_output(s, "killed", pending)


@scenario
def logs_of_made(s: Session) -> None:
    """A container that was never started has printed nothing."""
    create(s, "x", name="one")
    _log(s, "plain", **_BOTH)


@scenario
def logs_after_second_start(s: Session) -> None:
    """A log goes on."""
    _printing(s)
    s.request("POST", "/containers/one/start")
    s.request("POST", "/containers/one/wait")
    _log(s, "twice", stdout="1")


@scenario
def logs_not_kept(s: Session) -> None:
    """A log driver that keeps nothing cannot be read."""
    _printing(s, HostConfig={"LogConfig": {"Type": "none"}})
    _log(s, "none", **_BOTH)


@scenario
def logs_of_bytes(s: Session) -> None:
    """Output that is no text of whole lines."""
    command = s.given_container("printf", "a\\n\\nb\\0c", output="a\n\nb\0c")
    run(s, *command, name="one")
    _log(s, "bytes", stdout="1")


def _attach(s: Session, what: str, **query: str) -> None:
    response = s.request("POST", "/containers/one/attach", params=query)
    note_output(s, what, response)


@scenario
def attach_to_ended(s: Session) -> None:
    """The log of what has ended; a stream of it would wait for its next start."""
    _printing(s)
    _attach(s, "logs", logs="1", **_BOTH)
    _attach(s, "logs of one", logs="1", stderr="1")
    _attach(s, "nothing", **_BOTH)


@scenario
def attach_before_start(s: Session) -> None:
    """What is printed after the start comes to who attached before it."""
    script = "echo 1; printf 2; echo e >&2"
    command = s.given_container("sh", "-c", script, output="1\n2", error_output="e\n")
    create(s, *command, name="one")
    pending = s.request(
        "POST", "/containers/one/attach", params={"stream": "1", **_BOTH}, stream=True
    )
    s.request("POST", "/containers/one/start")
    note_output(s, "attached", pending)


@scenario
def attach_to_running(s: Session) -> None:
    """The stream ends when the container does."""
    command = s.given_container("sh", "-c", "echo 1; sleep 60", output="1\n", service=True)
    s.request("POST", f"/containers/{create(s, *command, name='one')}/start")
    until(lambda: printed(s, "one")["stdout"] == "1\n")
    pending = s.request(
        "POST", "/containers/one/attach", params={"stream": "1", "logs": "1", **_BOTH}, stream=True
    )
    s.request("POST", "/containers/one/kill")
    note_output(s, "attached", pending)


@scenario
def attach_with_terminal(s: Session) -> None:
    """One stream, as it is."""
    command = s.given_container("sh", "-c", "echo 1; echo 2 >&2", output="1\n2\n")
    run(s, *command, name="one", Tty=True)
    response = s.request("POST", "/containers/one/attach", params={"logs": "1", **_BOTH})
    note_output(s, "attached", response, tty=True)


@scenario
def attach_to_paused(s: Session) -> None:
    """A paused container is not attached to."""
    sleeping(s, "one")
    s.request("POST", "/containers/one/pause")
    _attach(s, "paused", logs="1", **_BOTH)


@scenario
def attach_with_upgrade(s: Session) -> None:
    """A client that wants the connection for itself is given it, and told what comes."""
    _printing(s)
    _printing(s, name="terminal", Tty=True)
    for name in ("one", "terminal"):
        upgraded(s, f"/containers/{name}/attach", params={"logs": "1", "stdout": "1"})


@scenario
def attach_with_bad_keys(s: Session) -> None:
    """Keys to detach that are none."""
    _printing(s)
    _attach(s, "bad keys", logs="1", detachKeys="odd-key", **_BOTH)
    _attach(s, "good keys", logs="1", detachKeys="ctrl-a,b", **_BOTH)


@scenario
def by_stream_and_time(s: Session) -> None:
    """Several choices at once."""
    _printing(s)
    response = s.request("GET", "/containers/one/logs", params={"tail": "1", "since": "1", **_BOTH})
    s.note("one of two", sorted(by_stream(response.content).values()) in (["", "3"], ["", "e\n"]))
