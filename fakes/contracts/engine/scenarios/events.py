"""Events: what is told of images, containers, networks and volumes, and how to choose."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fakes.contracts.engine.context import pack
from fakes.contracts.engine.event_log import brief, events, moment, told
from fakes.contracts.engine.registry import scenario
from fakes.contracts.engine.resources import container, filters, made, network, removed, volume
from fakes.contracts.engine.session import Session

_DF = "FROM scratch\nCOPY a /a\nLABEL l=1"


def _built(s: Session, tag: str = "one:1", dockerfile: str = _DF) -> None:
    body = pack({"Dockerfile": dockerfile, "a": "a"})
    s.request("POST", "/build", params={"t": tag, "rm": "1"}, data=body).raise_for_status()


def _do(s: Session, method: str, path: str, **options: Any) -> Any:
    answer = s.request(method, path, **options)
    answer.raise_for_status()
    return answer


# What is told when a container has ended, in the order of the engine's version.
_ENDED = ("die", "disconnect")


# --- images -------------------------------------------------------------------


@scenario
def image_build(s: Session) -> None:
    """A build with two names, and the same build again."""
    with events(s, "build"):
        body = pack({"Dockerfile": _DF, "a": "a"})
        _do(s, "POST", "/build", params={"t": ["one:1", "two:1"], "rm": "1"}, data=body)
    with events(s, "again"):
        _built(s)
    with events(s, "without a name"):
        _do(s, "POST", "/build", params={"rm": "1"}, data=pack({"Dockerfile": _DF, "a": "b"}))


@scenario
def image_build_run(s: Session) -> None:
    """A step that runs a command."""
    command = s.given_run("true")
    with events(s, "build"):
        _built(s, dockerfile=f"FROM {s.base}\nRUN {command}")


@scenario
def image_tag(s: Session) -> None:
    """A second name, and one that is taken from another image."""
    _built(s)
    _built(s, "other:1", "FROM scratch\nCOPY a /b")
    with events(s, "tag"):
        _do(s, "POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    with events(s, "itself"):
        _do(s, "POST", "/images/one:1/tag", params={"repo": "one", "tag": "1"})
    with events(s, "taken"):
        _do(s, "POST", "/images/other:1/tag", params={"repo": "one", "tag": "1"})


@scenario
def image_delete(s: Session) -> None:
    """One of two names, then the last."""
    _built(s)
    _do(s, "POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    with events(s, "one"):
        _do(s, "DELETE", "/images/one:1")
    with events(s, "last"):
        _do(s, "DELETE", "/images/two:x")


@scenario
def image_delete_by_id(s: Session) -> None:
    """With two names."""
    _built(s)
    _do(s, "POST", "/images/one:1/tag", params={"repo": "one", "tag": "2"})
    identity = s.request("GET", "/images/one:1/json").json()["Id"]
    with events(s, "by id"):
        _do(s, "DELETE", f"/images/{identity}", params={"force": "1"})


@scenario
def image_prune(s: Session) -> None:
    """What nothing names."""
    _built(s, dockerfile="FROM scratch\nCOPY a /a")
    _built(s, dockerfile="FROM scratch\nCOPY a /b")
    with events(s, "prune"):
        _do(s, "POST", "/images/prune")
    with events(s, "nothing left to prune"):
        _do(s, "POST", "/images/prune")


@scenario
def image_import(s: Session) -> None:
    """With a name and without."""
    body = pack({"a": "a"})
    with events(s, "named"):
        query = {"fromSrc": "-", "repo": "one", "tag": "1"}
        _do(s, "POST", "/images/create", params=query, data=body)
    with events(s, "nameless"):
        _do(s, "POST", "/images/create", params={"fromSrc": "-"}, data=pack({"a": "b"}))


@scenario
def image_save_and_load(s: Session) -> None:
    """Into an archive and out of it."""
    _built(s)
    _do(s, "POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    with events(s, "save"):
        archive = _do(s, "GET", "/images/get", params={"names": ["one:1", "two:x"]}).content
    _do(s, "DELETE", "/images/one:1")
    _do(s, "DELETE", "/images/two:x")
    with events(s, "load"):
        _do(s, "POST", "/images/load", data=archive)


@scenario
def image_push_and_pull(s: Session) -> None:
    """To a registry and from it."""
    name = f"{s.registry().address}/one"
    _built(s, f"{name}:1")
    with events(s, "push"):
        headers = {"X-Registry-Auth": "e30="}
        _do(s, "POST", f"/images/{name}/push", params={"tag": "1"}, headers=headers)
    _do(s, "DELETE", f"/images/{name}:1")
    with events(s, "pull"):
        _do(s, "POST", "/images/create", params={"fromImage": name, "tag": "1"})
    with events(s, "pull again"):
        _do(s, "POST", "/images/create", params={"fromImage": name, "tag": "1"})


@scenario
def failures(s: Session) -> None:
    """What fails is not told of."""
    with events(s, "nothing"):
        s.request("DELETE", "/images/nope")
        s.request("POST", "/images/nope/tag", params={"repo": "two"})
        s.request("POST", "/containers/nope/start")
        s.request("DELETE", "/networks/nope")
        s.request("DELETE", "/volumes/nope")
        s.request("POST", "/networks/create", json={"Name": "bridge"})


# --- containers ---------------------------------------------------------------


@scenario
def container_life(s: Session) -> None:
    """A command that ends by itself."""
    words = s.given_container("sh", "-c", "exit 3", exit_code=3)
    with events(s, "create"):
        container(s, "c1", *words, Labels={"l": "1"})
    with events(s, "start", last=_ENDED):
        _do(s, "POST", "/containers/c1/start")
    with events(s, "remove"):
        _do(s, "DELETE", "/containers/c1")


@scenario
def container_pause(s: Session) -> None:
    """Paused, continued and renamed."""
    container(s, "c1", start=True)
    for verb in ("pause", "unpause"):
        with events(s, verb):
            _do(s, "POST", f"/containers/c1/{verb}")
    with events(s, "rename"):
        _do(s, "POST", "/containers/c1/rename", params={"name": "c2"})


@scenario
def container_kill(s: Session) -> None:
    """Killed, and removed while it runs."""
    container(s, "c1", start=True)
    with events(s, "kill", last=_ENDED):
        _do(s, "POST", "/containers/c1/kill")
    _do(s, "POST", "/containers/c1/start")
    with events(s, "remove", last=("destroy",)):
        removed(s, "c1")


@scenario
def container_exec(s: Session) -> None:
    """A command in a container that runs."""
    container(s, "c1", start=True)
    words = s.given_exec("sh", "-c", "exit 4", exit_code=4)
    with events(s, "exec", last=("exec_die",)):
        identity = made(s, "/containers/c1/exec", {"Cmd": words, "AttachStdout": True})["Id"]
        _do(s, "POST", f"/exec/{identity}/start", json={"Detach": True})


@scenario
def container_files(s: Session) -> None:
    """Files out of a container and into it, an image and an archive of it."""
    container(s, "c1")
    query = {"path": "/etc"}
    with events(s, "get"):
        _do(s, "GET", "/containers/c1/archive", params=query)
    with events(s, "head"):
        _do(s, "HEAD", "/containers/c1/archive", params=query)
    with events(s, "put"):
        _do(s, "PUT", "/containers/c1/archive", params=query, data=pack({"a": "a"}))
    with events(s, "export"):
        _do(s, "GET", "/containers/c1/export")
    with events(s, "commit"):
        _do(s, "POST", "/commit", params={"container": "c1", "repo": "one", "tag": "1"})
    with events(s, "commit without a name"):
        _do(s, "POST", "/commit", params={"container": "c1", "comment": "x"})


@scenario
def container_looks(s: Session) -> None:
    """What only looks at a container, and what changes nothing."""
    container(s, "c1", start=True)
    with events(s, "looks"):
        _do(s, "GET", "/containers/c1/json")
        _do(s, "GET", "/containers/c1/changes")
        _do(s, "GET", "/containers/c1/logs", params={"stdout": "1"})
    with events(s, "resize"):
        _do(s, "POST", "/containers/c1/resize", params={"h": "10", "w": "20"})


@scenario
def container_prune(s: Session) -> None:
    """Containers that do not run."""
    container(s, "c1")
    with events(s, "prune"):
        _do(s, "POST", "/containers/prune")


# --- networks and volumes -----------------------------------------------------


@scenario
def network_life(s: Session) -> None:
    """Made, joined, left and removed."""
    with events(s, "create"):
        network(s, "one-net", Labels={"l": "1"})
    container(s, "c1", start=True)
    with events(s, "connect"):
        _do(s, "POST", "/networks/one-net/connect", json={"Container": "c1"})
    with events(s, "disconnect"):
        _do(s, "POST", "/networks/one-net/disconnect", json={"Container": "c1"})
    with events(s, "remove"):
        _do(s, "DELETE", "/networks/one-net")
    container(s, "c2")
    network(s, "two-net")
    with events(s, "connect one that does not run"):
        _do(s, "POST", "/networks/two-net/connect", json={"Container": "c2"})
    with events(s, "disconnect one that does not run"):
        _do(s, "POST", "/networks/two-net/disconnect", json={"Container": "c2"})
    with events(s, "prune"):
        _do(s, "POST", "/networks/prune")
    with events(s, "nothing left to prune"):
        _do(s, "POST", "/networks/prune")


@scenario
def volume_life(s: Session) -> None:
    """Made, used and removed."""
    with events(s, "create"):
        volume(s, "one-vol", Labels={"l": "1"})
    with events(s, "create again"):
        volume(s, "one-vol")
    with events(s, "create container"):
        container(s, "c1", HostConfig={"Binds": ["one-vol:/data:ro"]})
    with events(s, "start"):
        _do(s, "POST", "/containers/c1/start")
    with events(s, "remove container", last=("destroy",)):
        removed(s, "c1")
    with events(s, "remove"):
        _do(s, "DELETE", "/volumes/one-vol")
    volume(s)
    with events(s, "prune"):
        _do(s, "POST", "/volumes/prune")
    with events(s, "nothing left to prune"):
        _do(s, "POST", "/volumes/prune")


@scenario
def volume_anonymous(s: Session) -> None:
    """A volume that comes and goes with a container."""
    with events(s, "create"):
        container(s, "c1", Volumes={"/data": {}})
    with events(s, "remove"):
        _do(s, "DELETE", "/containers/c1", params={"v": "1"})


# --- choosing -----------------------------------------------------------------


def _happenings(s: Session) -> str:
    """Something of every kind; the time before."""
    since = moment()
    _built(s)
    _do(s, "POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    network(s, "one-net", Labels={"l": "2"})
    volume(s, "one-vol", Labels={"l": "3"})
    container(s, "one-c", Labels={"l": "4"})
    container(s, "two-c")
    _do(s, "DELETE", "/containers/two-c")
    return since


def _chosen(s: Session, since: str, **values: list[str]) -> None:
    s.note(str(values), [brief(event) for event in told(s, since=since, **filters(**values))])


@scenario
def filter_by_type_and_action(s: Session) -> None:
    """Of a kind, or that say the same."""
    since = _happenings(s)
    _chosen(s, since)
    _chosen(s, since, type=["image"])
    _chosen(s, since, type=["network", "volume"])
    _chosen(s, since, type=["nope"])
    _chosen(s, since, event=["create"])
    _chosen(s, since, event=["tag", "destroy"])
    _chosen(s, since, event=["ta"])
    _chosen(s, since, type=["container"], event=["create"])
    _chosen(s, since, scope=["local"])
    _chosen(s, since, scope=["swarm"])


@scenario
def filter_by_object(s: Session) -> None:
    """Of one image, container, network or volume."""
    since = _happenings(s)
    container_id = s.request("GET", "/containers/one-c/json").json()["Id"]
    image_id = s.request("GET", "/images/one:1/json").json()["Id"]
    network_id = s.request("GET", "/networks/one-net").json()["Id"]
    ids = {"container": container_id, "image": image_id, "network": network_id}
    for kind, identity in ids.items():
        for what, text in (("id", identity), ("beginning", identity[:20])):
            chosen = told(s, since=since, **filters(**{kind: [text]}))
            s.note(f"{kind} by {what}", [brief(event) for event in chosen])
    for name in ("one-c", "one", "nope"):
        _chosen(s, since, container=[name])
    for name in ("one:1", "one", "two", s.base, s.base.partition(":")[0]):
        _chosen(s, since, image=[name])
    for name in ("one-net", "one"):
        _chosen(s, since, network=[name])
    for name in ("one-vol", "one"):
        _chosen(s, since, volume=[name])
    _chosen(s, since, container=["one-c", "two-c"])
    _chosen(s, since, container=["one-c"], network=["one-net"])
    _chosen(s, since, daemon=["x"])


@scenario
def filter_by_label(s: Session) -> None:
    """With a label, and with one of a value."""
    since = _happenings(s)
    _chosen(s, since, label=["l"])
    _chosen(s, since, label=["l=4"])
    _chosen(s, since, label=["l=1"])
    _chosen(s, since, label=["nope"])
    _chosen(s, since, label=["l", "l=4"])
    _chosen(s, since, label=["name=one-c"])


@scenario
def filter_bad(s: Session) -> None:
    """Filters nobody knows, and what is no filter."""
    now = moment()
    for query in (filters(nope=["1"]), {"filters": "{nope"}, {"filters": "[]"}):
        s.call("GET", "/events", params={"since": now, "until": now, **query})


_FORMS: dict[str, Callable[[int], str]] = {
    "seconds": lambda now: f"{now // 1_000_000_000 - 60}",
    "fraction": lambda now: f"{now // 1_000_000_000 - 60}.5",
    "zero": lambda _now: "0",
    "text": lambda _now: "nope",
    "date": lambda _now: "2020-01-01",
    "time": lambda _now: "2020-01-01T00:00:00Z",
    "duration": lambda _now: "1h",
}


@scenario
def times(s: Session) -> None:
    """Each form of a time for the beginning."""
    volume(s, "one-vol")
    until = moment()
    seconds, nanoseconds = until.split(".")
    for form, write in _FORMS.items():
        query = {"since": write(int(seconds + nanoseconds)), "until": until}
        answer = s.request("GET", "/events", params=query)
        seen: Any = answer.text if answer.status_code != 200 else "one-vol" in answer.text
        s.note(form, {"status": answer.status_code, "seen": seen})


@scenario
def times_until(s: Session) -> None:
    """The end of a time that is over, and what is no time."""
    since = moment()
    volume(s, "one-vol")
    between = moment()
    volume(s, "two-vol")
    s.note("first", [brief(event) for event in told(s, since=since, until=between)])
    s.note("second", [brief(event) for event in told(s, since=between)])
    answer = s.request("GET", "/events", params={"since": "2", "until": "1"})
    s.note("none", {"status": answer.status_code, "body": answer.text})
    for text in ("nope", "2020-01-01", "1.x"):
        answer = s.request("GET", "/events", params={"since": since, "until": text})
        s.note(text, {"status": answer.status_code, "body": answer.text})


@scenario
def stream(s: Session) -> None:
    """Events as they happen, without the past."""
    volume(s, "one-vol")
    query = filters(type=["volume"])
    with s.request("GET", "/events", params=query, stream=True) as answer:
        headers = {name: answer.headers.get(name) for name in ("Content-Type", "Content-Length")}
        s.note("head", {"status": answer.status_code, "headers": headers})
        volume(s, "two-vol")
        line = next(line for line in answer.iter_lines(chunk_size=1) if line.strip())
        s.note("first", brief(json.loads(line)))


@scenario
def fields(s: Session) -> None:
    """What the time of an event looks like."""
    since = moment()
    volume(s, "one-vol")
    event = told(s, since=since)[0]
    same = event["time"] == event["timeNano"] // 1_000_000_000
    s.note("fields", {"names": sorted(event), "same time": same})
