"""Volumes: create, inspect, list, remove, prune, and those that containers make."""

from __future__ import annotations

from ..registry import scenario
from ..resources import container, filters, removed, volume
from ..session import Session


def _names(s: Session, what: str, **query: str) -> None:
    """The names in a list, in no order that matters."""
    answer = s.request("GET", "/volumes", params=query)
    document = answer.json()
    lines = document.get("Volumes") or []
    names = sorted(line["Name"] for line in lines)
    s.note(what, names if answer.status_code == 200 else [answer.status_code, document])


def _filtered(s: Session, **values: list[str]) -> None:
    _names(s, str(values), **filters(**values))


def _pruned(s: Session, **values: list[str]) -> None:
    answer = s.request("POST", "/volumes/prune", params=filters(**values) if values else {})
    document = answer.json()
    if gone := document.get("VolumesDeleted"):
        document["VolumesDeleted"] = sorted(gone)
    s.note(f"prune {values}", {"status": answer.status_code, "body": document})


@scenario
def list_none(s: Session) -> None:
    """Without any."""
    s.call("GET", "/volumes")


@scenario
def create(s: Session) -> None:
    """With a name, with labels and options, and without any of them."""
    s.call("POST", "/volumes/create", json={"Name": "one-vol"})
    s.call("POST", "/volumes/create", json={"Name": "two-vol", "Labels": {"l": "1"}})
    s.call("POST", "/volumes/create", json={"Name": "three-vol", "Labels": {}, "DriverOpts": {}})
    s.call("POST", "/volumes/create", json={})
    s.call("POST", "/volumes/create", json={"Name": ""})
    s.call("GET", "/volumes/one-vol")
    s.call("GET", "/volumes/two-vol")
    s.call("GET", "/volumes/three-vol")


@scenario
def create_with_options(s: Session) -> None:
    """Options of the local driver, good and bad."""
    tmpfs = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    s.call("POST", "/volumes/create", json={"Name": "one-vol", "DriverOpts": tmpfs})
    s.call("POST", "/volumes/create", json={"Name": "two-vol", "DriverOpts": {"nope": "1"}})
    s.call("POST", "/volumes/create", json={"Name": "three-vol", "DriverOpts": {"o": "bind"}})
    s.call("GET", "/volumes/one-vol")
    s.call("GET", "/volumes/two-vol")


@scenario
def create_twice(s: Session) -> None:
    """The same name again, with the same and with other things to say."""
    s.call("POST", "/volumes/create", json={"Name": "one-vol", "Labels": {"l": "1"}})
    s.call("POST", "/volumes/create", json={"Name": "one-vol", "Labels": {"l": "1"}})
    s.call("POST", "/volumes/create", json={"Name": "one-vol", "Labels": {"l": "2"}})
    s.call(
        "POST",
        "/volumes/create",
        json={
            "Name": "one-vol",
            "DriverOpts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"},
        },
    )
    s.call("GET", "/volumes/one-vol")


@scenario
def create_bad(s: Session) -> None:
    """Names that are none."""
    for name in ("a", "a/b", "-a", "é", "a b"):
        answer = s.request("POST", "/volumes/create", json={"Name": name})
        s.note(name, {"status": answer.status_code, "message": answer.json().get("message")})
    _names(s, "left")


@scenario
def inspect_missing(s: Session) -> None:
    """One that is not there."""
    s.call("GET", "/volumes/nope")
    s.call("GET", "/volumes/a b")


@scenario
def list_filters(s: Session) -> None:
    """By name, label and driver."""
    volume(s, "one-vol", Labels={"l": "1", "m": "x"})
    volume(s, "two-vol", Labels={"l": "2"})
    _filtered(s, name=["one-vol"])
    _filtered(s, name=["vol"])
    _filtered(s, name=["one", "two"])
    _filtered(s, name=["^one"])
    _filtered(s, name=["nope"])
    _filtered(s, label=["l"])
    _filtered(s, label=["l=1"])
    _filtered(s, label=["l", "m=x"])
    _filtered(s, label=["l=1", "l=2"])
    _filtered(s, driver=["local"])
    _filtered(s, driver=["nope"])
    _filtered(s, driver=["local", "nope"])
    _filtered(s, **{"label!": ["l"]})
    _filtered(s, nope=["1"])
    _names(s, "no filter", filters="{nope")


@scenario
def list_document(s: Session) -> None:
    """The lines of a list."""
    volume(s, "one-vol", Labels={"l": "1"})
    s.call("GET", "/volumes")


@scenario
def list_dangling(s: Session) -> None:
    """Volumes that no container has."""
    volume(s, "one-vol")
    volume(s, "two-vol")
    container(s, "c1", HostConfig={"Binds": ["one-vol:/data"]})
    _filtered(s, dangling=["true"])
    _filtered(s, dangling=["false"])
    _filtered(s, dangling=["1"])
    _filtered(s, dangling=["maybe"])
    # What is said against both lists them in any order.
    answer = s.request("GET", "/volumes", params=filters(dangling=["true", "false"]))
    s.note("both", answer.status_code)


@scenario
def remove(s: Session) -> None:
    """One that is there, and one that is not."""
    volume(s, "one-vol")
    s.call("DELETE", "/volumes/one-vol")
    s.call("DELETE", "/volumes/one-vol")
    s.call("DELETE", "/volumes/one-vol", params={"force": "1"})
    s.call("DELETE", "/volumes/nope", params={"force": "maybe"})


@scenario
def remove_in_use(s: Session) -> None:
    """A container holds it whether it runs or not."""
    volume(s, "one-vol")
    volume(s, "two-vol")
    container(s, "c1", start=True, HostConfig={"Binds": ["one-vol:/data"]})
    container(s, "c2", HostConfig={"Binds": ["two-vol:/data"]})
    s.call("DELETE", "/volumes/one-vol")
    s.call("DELETE", "/volumes/one-vol", params={"force": "1"})
    s.call("DELETE", "/volumes/two-vol")
    removed(s, "c1", "c2")
    s.call("DELETE", "/volumes/one-vol")
    _names(s, "left")


@scenario
def made_by_container(s: Session) -> None:
    """A name in the request of a container makes a volume."""
    container(s, "c1", HostConfig={"Binds": ["one-vol:/data"]})
    s.call("GET", "/volumes/one-vol")
    removed(s, "c1")
    _names(s, "left")


@scenario
def anonymous(s: Session) -> None:
    """Volumes without a name stay unless they are to go with the container."""
    container(s, "c1", Volumes={"/data": {}})
    container(s, "c2", Volumes={"/data": {}}, HostConfig={"Binds": ["one-vol:/other"]})
    lines = s.request("GET", "/volumes").json()["Volumes"]
    seen = [[len(v["Name"]) > 60, v["Labels"], v["Options"]] for v in lines]
    s.note("list", sorted(seen, key=str))
    s.call("DELETE", "/containers/c1")
    s.note("left", len(s.request("GET", "/volumes").json()["Volumes"]))
    s.call("DELETE", "/containers/c2", params={"v": "1"})
    s.note("left", len(s.request("GET", "/volumes").json()["Volumes"]))


@scenario
def anonymous_of_two(s: Session) -> None:
    """A volume without a name that another container has as well."""
    container(s, "c1", Volumes={"/data": {}})
    container(s, "c2", HostConfig={"VolumesFrom": ["c1"]})
    s.call("DELETE", "/containers/c1", params={"v": "1"})
    s.note("left", len(s.request("GET", "/volumes").json()["Volumes"]))
    s.call("DELETE", "/containers/c2", params={"v": "1"})
    s.note("left", len(s.request("GET", "/volumes").json()["Volumes"] or []))


@scenario
def prune(s: Session) -> None:
    """Newer engines keep those that have a name."""
    volume(s, "one-vol")
    volume(s, "two-vol")
    volume(s)
    container(s, "c1", HostConfig={"Binds": ["two-vol:/data"]})
    _pruned(s)
    _names(s, "left")
    _pruned(s)


@scenario
def prune_all(s: Session) -> None:
    """Those with a name as well, where that can be asked for."""
    volume(s, "one-vol")
    volume(s)
    _pruned(s, all=["maybe"])
    _pruned(s, all=["false"])
    _pruned(s, all=["true"])
    _names(s, "left")


@scenario
def prune_filters(s: Session) -> None:
    """By label, and what is no filter."""
    volume(s, "one-vol", Labels={"l": "1"})
    volume(s, Labels={"l": "1"})
    volume(s, Labels={"l": "2"})
    volume(s)
    _pruned(s, nope=["1"])
    _pruned(s, until=["1h"])
    _pruned(s, label=["l=1"])
    _pruned(s, **{"label!": ["l"]})
    s.note("left", len(s.request("GET", "/volumes").json()["Volumes"]))


@scenario
def update(s: Session) -> None:
    """Only volumes of a cluster can be changed."""
    volume(s, "one-vol")
    s.call("PUT", "/volumes/one-vol", json={}, params={"version": "1"})
