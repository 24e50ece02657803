"""Containers that start, run, pause and end."""

from __future__ import annotations

from ..container_hands import (
    create,
    image,
    note_document,
    printed,
    run,
    serving,
    sleeping,
    start,
    status,
    until,
)
from ..registry import scenario
from ..session import Session


def _post(s: Session, *actions: str) -> None:
    for action in actions:
        s.call("POST", f"/containers/one/{action}")


@scenario
def start_twice(s: Session) -> None:
    """The second time there is nothing to do."""
    create(s, *s.given_container("sleep", "60", service=True), name="one")
    _post(s, "start", "start")
    s.note("status", status(s, "one"))
    _post(s, "pause", "start", "unpause", "kill", "wait")


@scenario
def start_again(s: Session) -> None:
    """What has ended is started again; its exit code is the newest."""
    run(s, *s.given_container("sh", "-c", "exit 3", exit_code=3), name="one")
    note_document(s, "one", only=("State", "RestartCount"))
    _post(s, "start", "wait")
    note_document(s, "one", only=("State", "RestartCount"))


@scenario
def start_without_its_image(s: Session) -> None:
    """A container has what it needs of an image that is gone."""
    image(s, f"FROM {s.base}\nENV x=1")
    body = {"Image": "scenario:1", "Cmd": s.given_container("true")}
    s.request("POST", "/containers/create", params={"name": "one"}, json=body)
    s.request("DELETE", "/images/scenario:1", params={"force": "1"})
    _post(s, "start", "wait")


@scenario
def start_with_a_body(s: Session) -> None:
    """Settings are given when a container is made, not when it starts."""
    create(s, *s.given_container("true"), name="one")
    s.call("POST", "/containers/one/start", json={"Binds": ["/a:/b"]})
    s.call("POST", "/containers/one/start", json={})


@scenario
def start_with_missing_network(s: Session) -> None:
    """A network that is not there is missed when the container starts."""
    create(s, "true", name="one", HostConfig={"NetworkMode": "nope"})
    _post(s, "start")
    note_document(s, "one", only=("State",))


@scenario
def start_on_a_taken_port(s: Session) -> None:
    """A port of the host that another container has."""
    host = {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "54321"}]}}
    ports: dict[str, dict[str, str]] = {"80/tcp": {}}
    sleeping(s, "first", ExposedPorts=ports, HostConfig=host)
    create(s, "true", name="one", ExposedPorts=ports, HostConfig=host)
    response = s.request("POST", "/containers/one/start")
    s.note("status", response.status_code)
    s.note("taken", "port is already allocated" in response.json()["message"])
    note_document(s, "one", only=("NetworkSettings",))


@scenario
def start_in_anothers_network(s: Session) -> None:
    """The network of a container must be there to be joined."""
    sleeping(s, "first")
    create(s, *s.given_container("true"), name="one", HostConfig={"NetworkMode": "container:first"})
    _post(s, "start", "wait")
    s.request("POST", "/containers/first/kill")
    _post(s, "start")


@scenario
def stop_what_does_not_run(s: Session) -> None:
    """Made or ended: nothing to do."""
    create(s, *s.given_container("true"), name="one")
    _post(s, "stop", "start", "wait", "stop", "stop?t=0")
    note_document(s, "one", only=("State",))


@scenario
def stop_signals(s: Session) -> None:
    """The signal of the container, or one for this time."""
    script = "trap 'exit 130' INT; trap 'exit 143' TERM; echo ready; sleep 60 & wait"
    command = s.given_container("sh", "-c", script, output="ready\n", service=True)
    create(s, *command, name="one", StopSignal="SIGINT")
    for number, path in enumerate(("stop", "stop?signal=TERM", "stop?t=x", "stop?signal=ODD")):
        if status(s, "one") != "running":
            _start_again(s, number)
        _post(s, path)
        note_document(s, "one", path, only=("State",))


def _start_again(s: Session, before: int) -> None:
    """Start the container and wait until it says so once more than before."""
    start(s, "one")
    until(lambda: printed(s, "one")["stdout"].count("ready") > before)


@scenario
def stop_paused(s: Session) -> None:
    """A paused container can be stopped."""
    serving(s, "one")
    _post(s, "pause", "stop")
    note_document(s, "one", only=("State",))


@scenario
def kill(s: Session) -> None:
    """Signals that end it, signals that do not, and signals that are none."""
    sleeping(s, "one")
    _post(
        s,
        "kill?signal=WINCH",
        "kill?signal=SIGCONT",
        "kill?signal=18",
        "kill?signal=ODD",
        "kill?signal=0",
        "kill?signal=99",
        "kill?signal=-1",
        "kill?signal=",
    )
    until(lambda: status(s, "one") == "exited")
    note_document(s, "one", only=("State",))
    _post(s, "kill", "kill?signal=ODD", "kill?signal=TERM")


@scenario
def kill_with_term(s: Session) -> None:
    """A service ends with the code it chooses."""
    serving(s, "one")
    _post(s, "kill?signal=TERM", "wait")
    note_document(s, "one", only=("State",))


@scenario
def kill_made_and_paused(s: Session) -> None:
    """What does not run cannot be killed; what is paused can."""
    create(s, *s.given_container("sleep", "60", service=True), name="one")
    _post(s, "kill", "start", "pause", "kill", "wait")
    note_document(s, "one", only=("State",))


@scenario
def restart(s: Session) -> None:
    """From running, ended and made."""
    create(s, *s.given_container("sleep", "60", service=True), name="one")
    for _ in range(2):
        _post(s, "restart?t=0")
        note_document(s, "one", only=("State", "RestartCount"))
    _post(s, "kill", "wait", "restart?t=0")
    s.note("status", status(s, "one"))
    _post(s, "restart?t=x", "restart?t=0&signal=ODD")


@scenario
def restart_paused(s: Session) -> None:
    """A paused container runs again."""
    sleeping(s, "one")
    _post(s, "pause", "restart?t=0")
    s.note("status", status(s, "one"))


@scenario
def pause(s: Session) -> None:
    """Each of its refusals."""
    create(s, *s.given_container("sleep", "60", service=True), name="one")
    _post(s, "pause", "unpause", "start", "unpause", "pause", "pause")
    note_document(s, "one", only=("State",))
    _post(s, "unpause", "unpause")
    note_document(s, "one", only=("State",))
    _post(s, "kill", "wait", "pause", "unpause")


@scenario
def wait_for_ended(s: Session) -> None:
    """One that has ended answers at once."""
    run(s, *s.given_container("sh", "-c", "exit 3", exit_code=3), name="one")
    _post(s, "wait", "wait?condition=not-running", "wait?condition=odd", "wait?condition=")


@scenario
def wait_for_made(s: Session) -> None:
    """One that was never started does not run."""
    create(s, "x", name="one")
    _post(s, "wait", "wait?condition=not-running")


@scenario
def wait_next_exit(s: Session) -> None:
    """The next exit is not the one that has been."""
    run(s, *s.given_container("sh", "-c", "exit 3", exit_code=3), name="one")
    pending = s.request("POST", "/containers/one/wait?condition=next-exit", stream=True)
    s.note("headers", {"status": pending.status_code, "type": pending.headers["Content-Type"]})
    _post(s, "start")
    s.note("answer", pending.json())


@scenario
def wait_for_removal(s: Session) -> None:
    """Removal by hand ends the waiting."""
    sleeping(s, "one")
    pending = s.request("POST", "/containers/one/wait?condition=removed", stream=True)
    s.call("DELETE", "/containers/one?force=1")
    s.note("answer", pending.json())


@scenario
def wait_while_killed(s: Session) -> None:
    """Someone waits while another one kills."""
    sleeping(s, "one")
    pending = s.request("POST", "/containers/one/wait", stream=True)
    _post(s, "kill")
    s.note("answer", pending.json())


@scenario
def restart_policy(s: Session) -> None:
    """A service that is restarted stays ended once it was killed by hand."""
    host = {"RestartPolicy": {"Name": "always"}}
    sleeping(s, "one", HostConfig=host)
    _post(s, "kill", "wait")
    note_document(s, "one", only=("State", "RestartCount"))


@scenario
def restarted_on_failure(s: Session) -> None:
    """A command that fails is run again as often as its policy says."""
    host = {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 1}}
    command = s.given_container("sh", "-c", "echo x; exit 3", output="x\n", exit_code=3)
    start(s, create(s, *command, name="one", HostConfig=host))

    def ended() -> bool:
        document = s.request("GET", "/containers/one/json").json()
        return (document["RestartCount"], document["State"]["Status"]) == (1, "exited")

    until(ended)
    note_document(s, "one", only=("State", "RestartCount"))
    s.call("GET", "/containers/one/logs?stdout=1")


@scenario
def wait_for_what_is_restarted(s: Session) -> None:
    """Each end is one, though another start follows."""
    host = {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 1}}
    command = s.given_container("sh", "-c", "exit 3", exit_code=3)
    create(s, *command, name="one", HostConfig=host)
    pending = s.request("POST", "/containers/one/wait?condition=next-exit", stream=True)
    _post(s, "start")
    s.note("answer", pending.json())
    until(lambda: status(s, "one") == "exited")
    _post(s, "wait")
    note_document(s, "one", only=("State", "RestartCount"))


@scenario
def about_to_run_again(s: Session) -> None:
    """Between two attempts of a restart policy."""
    command = s.given_container("sh", "-c", "exit 3", exit_code=3)
    host = {"RestartPolicy": {"Name": "always"}}
    start(s, create(s, *command, name="one", HostConfig=host))

    def pausing() -> bool:
        document = s.request("GET", "/containers/one/json").json()
        # The later pauses are long enough to look around.
        return bool(document["RestartCount"] > 3 and document["State"]["Restarting"])

    until(pausing)
    note_document(s, "one", only=("State",))
    line = s.request("GET", "/containers/json").json()[0]
    s.note("line", [line["State"], line["Status"].startswith("Restarting (3) ")])
    s.call("POST", "/containers/one/exec", json={"Cmd": ["x"]})
    _post(s, "pause", "unpause", "start")
    s.call("DELETE", "/containers/one")
    _post(s, "kill", "stop")
    note_document(s, "one", only=("State",))
