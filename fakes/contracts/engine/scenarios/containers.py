"""Containers: create, rename, remove."""

from __future__ import annotations

import json
from typing import Any

from ..container_hands import (
    create,
    image,
    listed,
    note_document,
    run,
    serving,
    sleeping,
)
from ..registry import scenario
from ..session import Session

_ABSENT = "0" * 64


def _made(s: Session, body: dict[str, Any], name: str = "") -> None:
    """Note the answer to making a container of the base image."""
    query = {"name": name} if name else {}
    s.call("POST", "/containers/create", params=query, json={"Image": s.base, **body})


@scenario
def create_and_find(s: Session) -> None:
    """A container is found by its name, its id and the beginning of that."""
    answer = s.call(
        "POST", "/containers/create", params={"name": "one"}, json={"Image": s.base, "Cmd": ["x"]}
    )
    for name in ("one", "/one", answer["Id"], answer["Id"][:12], answer["Id"][:5]):
        found = s.request("GET", f"/containers/{name}/json")
        s.note("found", {"status": found.status_code, "id": found.json().get("Id")})


@scenario
def create_without_image(s: Session) -> None:
    """Bodies that name no image, or one that is nowhere."""
    s.call("POST", "/containers/create", json={})
    s.call("POST", "/containers/create", json={"Cmd": ["x"]})
    s.call("POST", "/containers/create", json={"Image": "", "Cmd": ["x"]})
    for name in ("nope", "nope:1", "UP", "a:b:c", "sha256:" + _ABSENT, _ABSENT):
        s.call("POST", "/containers/create", json={"Image": name, "Cmd": ["x"]})


@scenario
def create_with_bad_body(s: Session) -> None:
    """Bodies that are none."""
    headers = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b"null"):
        s.call("POST", "/containers/create", data=body, headers=headers)
    s.call("POST", "/containers/create", data=b"{}", headers={"Content-Type": "text/plain"})


@scenario
def create_with_bad_names(s: Session) -> None:
    """Names that are none, and one that is taken."""
    for name in ("a", "-a", "a b", "é", "a/b", "_ab", "ab-", "/ab"):
        _made(s, {"Cmd": ["x"]}, name)
    create(s, "x", name="one")
    _made(s, {"Cmd": ["x"]}, "one")
    _made(s, {"Cmd": ["x"]}, "/one")


@scenario
def create_by_image_id(s: Session) -> None:
    """An image named by its id, the beginning of it and with a digest."""
    base = s.request("GET", f"/images/{s.base}/json").json()["Id"]
    for name in (base, base[7:], base[7:19]):
        s.call("POST", "/containers/create", params={"name": "one"}, json={"Image": name})
        note_document(s, "one", only=("Path", "Args", "Name"))
        config = s.request("GET", "/containers/one/json").json()["Config"]
        s.note("image", config["Image"] == name)
        s.request("DELETE", "/containers/one")


@scenario
def create_without_command(s: Session) -> None:
    """Nothing to run, neither here nor in the image."""
    image(s, "FROM scratch\nCOPY a /a", {"a": "a"})
    s.call("POST", "/containers/create", json={"Image": "scenario:1"})
    s.call("POST", "/containers/create", json={"Image": "scenario:1", "Cmd": []})
    s.call("POST", "/containers/create", json={"Image": "scenario:1", "Entrypoint": [""]})


@scenario
def create_with_bad_settings(s: Session) -> None:
    """Settings that the engine checks when it makes a container."""
    for host in (
        {"NetworkMode": "container:nope"},
        {"RestartPolicy": {"Name": "sometimes"}},
        {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 2}},
        {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 2}},
        {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": -2}},
        {"AutoRemove": True, "RestartPolicy": {"Name": "always"}},
        {"Memory": 1000},
        {"Memory": 50_000_000, "MemorySwap": 40_000_000},
        {"ShmSize": -1},
        {"Binds": ["x"]},
        {"Binds": ["a:/b:c:d"]},
        {"Binds": ["/a:b"]},
        {"Binds": ["/a:/b:zz"]},
        {"Binds": ["/a:/b", "/c:/b"]},
        {"Binds": ["a/b:/c"]},
        {"Mounts": [{"Type": "bind", "Source": "rel", "Target": "/t"}]},
        {"Mounts": [{"Type": "odd", "Source": "/a", "Target": "/t"}]},
        {"Mounts": [{"Type": "volume", "Source": "v"}]},
        {"PortBindings": {"80/tcp": [{"HostPort": "x"}]}},
        {"PortBindings": {"x/tcp": [{"HostPort": "80"}]}},
        {"PortBindings": {"80/odd": [{"HostPort": "80"}]}},
        {"VolumesFrom": ["nope"]},
        {"PidMode": "odd"},
        {"IpcMode": "odd"},
        {"UTSMode": "odd"},
        {"Runtime": "odd"},
        {"NetworkMode": "nope"},
        {"Links": ["nope:x"]},
        {"ExtraHosts": ["odd"]},
        {"Dns": ["odd"]},
    ):
        _made(s, {"Cmd": ["x"], "HostConfig": host})


@scenario
def create_with_bad_config(s: Session) -> None:
    """Parts of the configuration that the engine checks when it makes a container."""
    configs: tuple[dict[str, Any], ...] = (
        {"WorkingDir": "relative"},
        {"Env": ["=x"]},
        {"Env": [""]},
        {"StopSignal": "ODD"},
        {"ExposedPorts": {"x": {}}},
        {"ExposedPorts": {"80/odd": {}}},
        {"Healthcheck": {"Test": ["ODD"]}},
        {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 5}},
        {"Healthcheck": {"Test": ["CMD", "x"], "Retries": -1}},
        {"Hostname": "a" * 70},
        {"Volumes": {"/": {}}},
        {"Volumes": {"relative": {}}},
    )
    for config in configs:
        _made(s, {"Cmd": ["x"], **config})


@scenario
def create_with_warnings(s: Session) -> None:
    """What the engine makes, though it doubts that it is meant."""
    ports = {"80/tcp": [{"HostPort": "80"}]}
    for name, host in {
        "ports of the host": {"NetworkMode": "host", "PortBindings": ports},
        "ports of nobody": {"NetworkMode": "none", "PortBindings": ports},
        "every port": {"PublishAllPorts": True},
        "unlimited swap": {"Memory": 50_000_000, "MemorySwap": -1},
    }.items():
        s.note("what", name)
        _made(s, {"Cmd": ["x"], "ExposedPorts": {"80/tcp": {}}, "HostConfig": host})


@scenario
def create_for_platform(s: Session) -> None:
    """The image must be for the platform that is asked for."""
    own = s.request("GET", f"/images/{s.base}/json").json()["Architecture"]
    for platform in (f"linux/{own}", "linux", "linux/s390x", "odd/odd", "a/b/c/d", "windows"):
        response = s.request(
            "POST",
            "/containers/create",
            params={"platform": platform},
            json={"Image": s.base, "Cmd": ["x"]},
        )
        text = json.dumps(response.json()).replace(own, "<own>")
        shown = platform.replace(own, "<own>")
        s.note(shown, {"status": response.status_code, "body": json.loads(text)})


@scenario
def rename(s: Session) -> None:
    """A new name, and names that cannot be given."""
    create(s, "x", name="one")
    create(s, "x", name="two")
    for name in ("two", "one", "", "a b", "/", "é", "/four"):
        s.call("POST", "/containers/one/rename", params={"name": name})
    s.call("POST", "/containers/four/rename", params={"name": "five"})
    s.call("POST", "/containers/nope/rename", params={"name": "six"})
    s.call("POST", "/containers/two/rename")
    listed(s, "names", all="1")


@scenario
def remove_states(s: Session) -> None:
    """What runs is not removed without force."""
    create(s, "x", name="made")
    s.call("DELETE", "/containers/made")
    s.call("DELETE", "/containers/made")
    container = sleeping(s, "one")
    s.call("DELETE", "/containers/one")
    s.call("DELETE", f"/containers/{container}")
    s.call("POST", "/containers/one/pause")
    s.call("DELETE", "/containers/one")
    s.call("DELETE", "/containers/one", params={"force": "1"})
    s.call("DELETE", "/containers/nope", params={"force": "1"})
    s.call("DELETE", "/containers/nope", params={"v": "1"})
    s.call("DELETE", "/containers/nope", params={"link": "1"})
    run(s, *s.given_container("true"), name="ended")
    s.call("DELETE", "/containers/ended")
    listed(s, "left", all="1")


@scenario
def remove_with_volumes(s: Session) -> None:
    """Volumes without a name go with their container when that is asked for."""
    for name, query in (("keeps", {}), ("drops", {"v": "1"})):
        create(
            s,
            "x",
            name=name,
            Volumes={"/anonymous": {}},
            HostConfig={"Binds": [f"{name}:/named"]},
        )
        s.note("volumes", len(s.request("GET", "/volumes").json()["Volumes"] or []))
        s.call("DELETE", f"/containers/{name}", params=query)
        volumes = s.request("GET", "/volumes").json()["Volumes"] or []
        s.note("volumes after", sorted(v["Name"] for v in volumes if len(v["Name"]) < 20))
        s.note("anonymous after", sum(len(v["Name"]) == 64 for v in volumes))


@scenario
def removed_by_itself(s: Session) -> None:
    """A container that is to be removed when it ends."""
    body = {"HostConfig": {"AutoRemove": True}}
    create(s, *s.given_container("sh", "-c", "exit 2", exit_code=2), name="one", **body)
    gone = s.request("POST", "/containers/one/wait", params={"condition": "removed"}, stream=True)
    s.call("POST", "/containers/one/start")
    s.note("gone", gone.json())
    s.call("GET", "/containers/one/json")
    s.call("POST", "/containers/one/wait")


@scenario
def missing(s: Session) -> None:
    """A container that is not there."""
    for method, action in (
        ("GET", "json"),
        ("GET", "logs?stdout=1"),
        ("GET", "changes"),
        ("GET", "export"),
        ("GET", "archive?path=/"),
        ("PUT", "archive?path=/"),
        ("POST", "start"),
        ("POST", "stop"),
        ("POST", "kill"),
        ("POST", "restart"),
        ("POST", "pause"),
        ("POST", "unpause"),
        ("POST", "wait"),
        ("POST", "wait?condition=removed"),
        ("POST", "resize?h=1&w=1"),
        ("POST", "attach?stdout=1&logs=1"),
    ):
        s.call(method, f"/containers/nope/{action}")
    s.call("POST", "/containers/nope/exec", json={"Cmd": ["x"]})
    s.call("GET", f"/containers/{_ABSENT}/json")
    s.call("GET", "/containers/no pe/json")


@scenario
def resize(s: Session) -> None:
    """The size of a terminal."""
    sleeping(s, "one", Tty=True)
    create(s, "x", name="made")
    for query in ("h=10&w=20", "h=10", "", "h=x&w=1", "h=-1&w=1"):
        s.call("POST", f"/containers/one/resize?{query}")
    s.call("POST", "/containers/made/resize?h=1&w=1")


@scenario
def served_then_stopped(s: Session) -> None:
    """A service that listens to its stop signal ends with its own code."""
    serving(s, "one")
    s.call("POST", "/containers/one/stop")
    note_document(s, "one", only=("State",))
    s.call("POST", "/containers/one/stop")
    s.call("POST", "/containers/one/start")
    s.call("POST", "/containers/one/start")
    s.call("POST", "/containers/one/kill")
