"""Containers' documents and lines in lists, whole: which fields there are and what they hold."""

from __future__ import annotations

import json
import re
from typing import Any

from ..container_hands import (
    comparable,
    create,
    image,
    note_document,
    run,
    sleeping,
)
from ..registry import scenario
from ..session import Session

_EVERYTHING: dict[str, Any] = {
    "Hostname": "host",
    "Domainname": "domain",
    "User": "5:6",
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    "Tty": True,
    "OpenStdin": True,
    "StdinOnce": True,
    "Env": ["A=1", "B", "A=2"],
    "Entrypoint": ["a", "b c"],
    "Cmd": ["c", "d e"],
    "Volumes": {"/v": {}},
    "WorkingDir": "/w/../x/",
    "Labels": {"b": "2", "a": "1"},
    "StopSignal": "SIGINT",
    "StopTimeout": 3,
    "Shell": ["/bin/x", "-c"],
    "OnBuild": ["RUN x"],
    "Healthcheck": {
        "Test": ["CMD", "x"],
        "Interval": 1_000_000_000,
        "Timeout": 2_000_000_000,
        "StartPeriod": 3_000_000_000,
        "Retries": 4,
    },
}
_HOST: dict[str, Any] = {
    "Binds": ["vol:/named", "/usr:/host:ro", "other:/other:nocopy"],
    "PortBindings": {"80/tcp": [{"HostPort": "8080"}], "81/tcp": [{"HostIp": "127.0.0.1"}]},
    "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
    "Memory": 100_000_000,
    "CpuShares": 512,
    "Privileged": False,
    "CapAdd": ["NET_ADMIN", "CAP_SYS_TIME"],
    "CapDrop": ["all"],
    "Dns": ["1.2.3.4"],
    "DnsSearch": ["example.com"],
    "DnsOptions": ["ndots:1"],
    "ExtraHosts": ["a:1.2.3.4"],
    "GroupAdd": ["7"],
    "IpcMode": "shareable",
    "PidMode": "host",
    "ReadonlyRootfs": True,
    "SecurityOpt": ["no-new-privileges"],
    "ShmSize": 1_000_000,
    "Tmpfs": {"/t": "size=1m"},
    "Sysctls": {"net.ipv4.ip_forward": "1"},
    "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
    "Init": True,
    "OomScoreAdj": 5,
    "AutoRemove": False,
    "Devices": [],
    "VolumesFrom": [],
    "Links": [],
    "PidsLimit": 100,
    "ContainerIDFile": "x",
}


def _line(s: Session, what: str, **query: str) -> None:
    """Note the lines of a list, without what depends on the machine."""
    lines = s.request("GET", "/containers/json", params={"all": "1", **query}).json()
    for line in lines:
        line["Created"] = type(line["Created"]).__name__
        line["Status"] = re.sub(r"(Less than a second|\d+ seconds?)", "<age>", line["Status"])
        for key in ("SizeRw", "SizeRootFs"):
            if key in line:
                line[key] = type(line[key]).__name__
    s.note(what, comparable(lines))


@scenario
def made(s: Session) -> None:
    """A container that was made with nothing but a command."""
    create(s, "sleep", "60", name="one")
    note_document(s, "one")
    _line(s, "line")


@scenario
def running(s: Session) -> None:
    """A container that runs."""
    sleeping(s, "one")
    note_document(s, "one")
    lines = s.request("GET", "/containers/json").json()
    s.note("status", lines[0]["Status"].startswith("Up "))
    s.note("line", comparable([{k: v for k, v in x.items() if k not in _OF_TIME} for x in lines]))


_OF_TIME = ("Status", "Created")


@scenario
def ended(s: Session) -> None:
    """A container that has ended."""
    run(s, *s.given_container("sh", "-c", "exit 3", exit_code=3), name="one")
    note_document(s, "one")
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("status", lines[0]["Status"].startswith("Exited (3) "))
    s.note("line", comparable([{k: v for k, v in x.items() if k not in _OF_TIME} for x in lines]))


@scenario
def paused(s: Session) -> None:
    """A container that is paused."""
    sleeping(s, "one")
    s.request("POST", "/containers/one/pause")
    note_document(s, "one")
    lines = s.request("GET", "/containers/json").json()
    s.note("status", lines[0]["Status"].endswith(" (Paused)"))


@scenario
def everything_asked_for(s: Session) -> None:
    """Every setting given, in a container that was only made."""
    body = {"Image": s.base, **_EVERYTHING, "HostConfig": _HOST}
    s.call("POST", "/containers/create", params={"name": "one"}, json=body)
    note_document(s, "one")
    _line(s, "line")


@scenario
def merged_with_image(s: Session) -> None:
    """What the image says is completed or replaced."""
    image(
        s,
        f'FROM {s.base}\nENV A=1 B=2\nENTRYPOINT ["e"]\nCMD ["c"]\nUSER 5\nWORKDIR /w\n'
        "EXPOSE 80\nVOLUME /v\nLABEL a=1 b=2\nSTOPSIGNAL 9\n"
        'HEALTHCHECK --interval=3s --retries=2 CMD x\nSHELL ["/bin/x"]\nONBUILD RUN y',
    )
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"Cmd": ["d"]},
        {"Cmd": []},
        {"Entrypoint": ["f"]},
        {"Entrypoint": []},
        {"Entrypoint": [""]},
        {"Entrypoint": "f g"},
        {"Cmd": "d e"},
        {"Entrypoint": ["f"], "Cmd": ["d"]},
        {"Env": ["A=3", "C=4", "B"], "Labels": {"b": "3", "c": "4"}},
        {"User": "7", "WorkingDir": "/x", "StopSignal": "SIGINT"},
        {"ExposedPorts": {"90/udp": {}}, "Volumes": {"/x": {}}},
        {"Healthcheck": {"Interval": 5_000_000_000}},
        {"Healthcheck": {"Test": ["NONE"]}},
        {"Healthcheck": {"Test": ["CMD", "y"], "Timeout": 5_000_000_000}},
        {"Shell": ["/bin/y"], "StopTimeout": 0},
        {"Hostname": "h.d", "Domainname": "d"},
    )
    for body in bodies:
        response = s.request(
            "POST",
            "/containers/create",
            params={"name": "one"},
            json={"Image": "scenario:1", **body},
        )
        s.note(json.dumps(body), response.status_code)
        if response.status_code == 201:
            note_document(s, "one", only=("Path", "Args", "Config"))
            s.request("DELETE", "/containers/one", params={"v": "1"})
        else:
            s.note("refused", response.json())


@scenario
def mounts(s: Session) -> None:
    """Volumes and folders, as asked for in every way there is."""
    host = {
        "Binds": ["vol:/a", "vol:/b:ro", "/usr:/c", "/usr:/d:ro,rshared", "vol:/n:nocopy"],
        "Mounts": [
            {"Type": "volume", "Source": "more", "Target": "/e"},
            {"Type": "volume", "Target": "/f"},
            {"Type": "bind", "Source": "/usr", "Target": "/g", "ReadOnly": True},
            {"Type": "tmpfs", "Target": "/h", "TmpfsOptions": {"SizeBytes": 1000}},
        ],
        "Tmpfs": {"/i": ""},
    }
    create(s, "x", name="one", Volumes={"/j": {}, "/a": {}}, HostConfig=host)
    document = s.request("GET", "/containers/one/json").json()
    s.note("mounts", sorted(document["Mounts"], key=lambda m: m["Destination"]))
    s.note("config", document["Config"]["Volumes"])
    s.note("asked", {k: document["HostConfig"].get(k) for k in ("Binds", "Mounts", "Tmpfs")})
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("line", sorted(lines[0]["Mounts"], key=lambda m: m["Destination"]))


@scenario
def volumes_from_another(s: Session) -> None:
    """The volumes of another container."""
    create(s, "x", name="first", HostConfig={"Binds": ["vol:/a", "/usr:/b"]})
    create(s, "x", name="one", HostConfig={"VolumesFrom": ["first:ro"]})
    document = s.request("GET", "/containers/one/json").json()
    s.note("mounts", sorted(document["Mounts"], key=lambda m: m["Destination"]))


@scenario
def port_bindings(s: Session) -> None:
    """Published ports, while it is made, runs and has ended."""
    host = {
        "PortBindings": {
            "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "54322"}],
            "81/udp": [{"HostIp": "127.0.0.1", "HostPort": "54323"}],
        }
    }
    command = s.given_container("sleep", "60", service=True)
    create(s, *command, name="one", ExposedPorts={"80/tcp": {}, "82/tcp": {}}, HostConfig=host)
    note_document(s, "one", only=("NetworkSettings", "Config", "HostConfig"))
    _line(s, "made")
    s.call("POST", "/containers/one/start")
    note_document(s, "one", only=("NetworkSettings",))
    lines = s.request("GET", "/containers/json").json()
    s.note("ports", sorted(lines[0]["Ports"], key=json.dumps))
    s.request("POST", "/containers/one/kill")
    s.request("POST", "/containers/one/wait")
    note_document(s, "one", only=("NetworkSettings",))


@scenario
def port_of_any_number(s: Session) -> None:
    """Ports that the engine chooses, on every address."""
    host = {"PublishAllPorts": True, "PortBindings": {"81/tcp": [{"HostPort": ""}]}}
    sleeping(s, "one", ExposedPorts={"80/tcp": {}}, HostConfig=host)
    ports = s.request("GET", "/containers/one/json").json()["NetworkSettings"]["Ports"]
    for bindings in ports.values():
        for binding in bindings or []:
            binding["HostPort"] = binding["HostPort"].isdigit()
    s.note("ports", ports)
    lines = s.request("GET", "/containers/json").json()
    for line in lines[0]["Ports"]:
        line["PublicPort"] = line.get("PublicPort", 0) > 0
    s.note("line", sorted(lines[0]["Ports"], key=json.dumps))


@scenario
def network_modes(s: Session) -> None:
    """The ways to be connected, made and running."""
    s.request("POST", "/networks/create", json={"Name": "net"})
    command = s.given_container("sleep", "60", service=True)
    for mode in ("bridge", "none", "host", "net"):
        create(s, *command, name="one", HostConfig={"NetworkMode": mode})
        note_document(s, "one", f"made, {mode}", only=("NetworkSettings",))
        s.request("POST", "/containers/one/start")
        note_document(s, "one", f"running, {mode}", only=("NetworkSettings",))
        lines = s.request("GET", "/containers/json").json()
        s.note(
            "line",
            comparable([{k: x[k] for k in ("HostConfig", "NetworkSettings")} for x in lines]),
        )
        s.request("DELETE", "/containers/one", params={"force": "1"})


@scenario
def endpoint_settings(s: Session) -> None:
    """Aliases and an address of one's own in a network."""
    ipam = {"Config": [{"Subnet": "172.30.0.0/16"}]}
    s.request("POST", "/networks/create", json={"Name": "net", "IPAM": ipam})
    endpoint = {
        "Aliases": ["alias"],
        "IPAMConfig": {"IPv4Address": "172.30.0.9"},
        "Links": ["a:b"],
        "DriverOpts": {"x": "y"},
    }
    body = {
        "HostConfig": {"NetworkMode": "net"},
        "NetworkingConfig": {"EndpointsConfig": {"net": endpoint}},
    }
    create(s, *s.given_container("true"), name="one", **body)
    note_document(s, "one", only=("NetworkSettings",))
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("line", comparable(lines[0]["NetworkSettings"]))


@scenario
def with_size(s: Session) -> None:
    """Sizes are there when they are asked for."""
    command = s.given_container("sh", "-c", "printf 12345 > /new", files={"/new": "12345"})
    run(s, *command, name="one")
    document = s.request("GET", "/containers/one/json", params={"size": "1"}).json()
    s.note("inspect", {k: k in document for k in ("SizeRw", "SizeRootFs")})
    s.note("written", document.get("SizeRw"))
    _line(s, "line", size="1")


@scenario
def command_lines(s: Session) -> None:
    """How a list shows a command."""
    for number, words in enumerate(
        (["x"], ["a b"], ["a", "b c"], ["a", "'b'"], ["a", '"b"'], ["a", "$b", "c;d"], ["é", ""])
    ):
        create(s, *words, name=f"n{number}")
        s.note(str(words), _command(s, f"n{number}"))
    create(s, "x", name="long", Entrypoint=["sh", "-c", "echo " + "y" * 80])
    s.note("long", _command(s, "long"))


def _command(s: Session, name: str) -> str:
    query = {"all": "1", "filters": json.dumps({"name": [f"^/{name}$"]})}
    return str(s.request("GET", "/containers/json", params=query).json()[0]["Command"])


@scenario
def by_older_clients(s: Session) -> None:
    """What an older client is shown of a container."""
    sleeping(s, "one")
    for version in ("1.24", "1.41"):
        url = f"{s.api.base_url}/v{version}/containers/one/json"
        s.note(version, comparable(s.api.get(url).json()))
