"""What is found out only as a container or command starts: users, networks, terminals."""

from __future__ import annotations

from ..container_hands import comparable, create, note_output, sleeping, start
from ..registry import scenario
from ..resources import engine_time, filters
from ..session import Session


def _networks(s: Session, name: str) -> None:
    document = s.request("GET", f"/containers/{name}/json").json()
    s.note(
        name,
        {
            "mode": document["HostConfig"]["NetworkMode"],
            "networks": comparable(document["NetworkSettings"]["Networks"]),
        },
    )


@scenario
def unknown_users(s: Session) -> None:
    """Names that the image's accounts do not have; numbers need no account."""
    for index, user in enumerate(("nobody-here", "nobody-here:root", "root:no-group", "1234:987")):
        name = f"user{index}"
        create(s, *s.given_container("true"), name=name, User=user)
        s.call("POST", f"/containers/{name}/start")
        s.request("POST", f"/containers/{name}/wait")
        state = s.request("GET", f"/containers/{name}/json").json()["State"]
        s.note(user, {key: state[key] for key in ("Status", "ExitCode", "Error")})


@scenario
def unknown_users_of_commands(s: Session) -> None:
    """A command for a user that there is none of does not run."""
    sleeping(s, "one")
    for user in ("nobody-here", "root:no-group", "1234"):
        command = s.given_exec("true")
        body = {"Cmd": command, "User": user, "AttachStdout": True, "AttachStderr": True}
        instance = s.call("POST", "/containers/one/exec", json=body).get("Id")
        if instance is None:
            continue
        answer = s.request("POST", f"/exec/{instance}/start", json={})
        note_output(s, user, answer)
        document = s.request("GET", f"/exec/{instance}/json").json()
        s.note("ended", {key: document[key] for key in ("Running", "ExitCode")})


@scenario
def network_of_missing_container(s: Session) -> None:
    """The network of a container that is not there, or is there no more."""
    create(s, "true", name="one", HostConfig={"NetworkMode": "container:missing"})
    s.call("POST", "/containers/one/start")
    state = s.request("GET", "/containers/one/json").json()["State"]
    s.note("state", {key: state[key] for key in ("Status", "ExitCode", "Error")})


@scenario
def network_of_missing_container_at_creation(s: Session) -> None:
    """Whether a container can be made that will need the network of one that is missing."""
    for mode in ("container:missing", "container:", "container:a:b"):
        s.call(
            "POST",
            "/containers/create",
            json={"Image": s.base, "Cmd": ["x"], "HostConfig": {"NetworkMode": mode}},
        )


@scenario
def networks_by_name_and_id(s: Session) -> None:
    """A network that is asked for by name, by id, by the beginning of it, and as a connection."""
    network = s.request("POST", "/networks/create", json={"Name": "net"}).json()["Id"]
    command = s.given_container("sleep", "60", service=True)
    for name, mode in (("one", "net"), ("two", network), ("three", network[:12])):
        create(s, *command, name=name, HostConfig={"NetworkMode": mode})
        _networks(s, name)
        start(s, name)
        _networks(s, name)
        s.request("DELETE", f"/containers/{name}", params={"force": "1"})


@scenario
def connections_beside_the_mode(s: Session) -> None:
    """Connections that are asked for without a mode, and beside another one."""
    s.request("POST", "/networks/create", json={"Name": "net"})
    command = s.given_container("sleep", "60", service=True)
    for name, mode in (("one", None), ("two", "bridge"), ("three", "net"), ("four", "default")):
        host = {"NetworkMode": mode} if mode else {}
        create(
            s,
            *command,
            name=name,
            HostConfig=host,
            NetworkingConfig={"EndpointsConfig": {"net": {"Aliases": ["alias"]}}},
        )
        _networks(s, name)
        start(s, name)
        _networks(s, name)
        s.request("DELETE", f"/containers/{name}", params={"force": "1"})


@scenario
def terminal_of_a_command(s: Session) -> None:
    """A command has the terminal that it was made with; its output is told as it was started."""
    sleeping(s, "one")
    for made, begun in ((True, False), (False, True), (True, True), (False, False)):
        command = s.given_exec("echo", "out", output="out\n")
        body = {"Cmd": command, "Tty": made, "AttachStdout": True, "AttachStderr": True}
        instance = s.request("POST", "/containers/one/exec", json=body).json()["Id"]
        answer = s.request("POST", f"/exec/{instance}/start", json={"Tty": begun})
        s.note(
            f"made {made}, begun {begun}",
            {
                "status": answer.status_code,
                "type": answer.headers.get("Content-Type", ""),
                "output": answer.content.hex(),
            },
        )
        document = s.request("GET", f"/exec/{instance}/json").json()
        s.note("command", document["ProcessConfig"]["tty"])


@scenario
def events_with_only_an_end(s: Session) -> None:
    """With an end alone, all the past before it is told, and nothing after it."""
    create(s, "true", name="one")
    answer = s.request("GET", "/events", params={"until": "1700000000"})
    s.note("long ago", {"status": answer.status_code, "body": answer.text})
    query = {"until": engine_time(s), **filters(container=["one"], event=["create"])}
    answer = s.request("GET", "/events", params=query)
    s.note("until now", {"status": answer.status_code, "told": bool(answer.text)})
