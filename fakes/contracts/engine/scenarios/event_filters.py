"""Choosing among events: filters, times and the stream of what happens now."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..context import pack
from ..event_log import brief, moment, told
from ..registry import scenario
from ..resources import container, filters, network, volume
from ..session import Session


def _happenings(s: Session) -> str:
    """Something of every kind; the time before."""
    since = moment()
    body = pack({"Dockerfile": "FROM scratch\nCOPY a /a\nLABEL l=1", "a": "a"})
    s.request("POST", "/build", params={"t": "one:1", "rm": "1"}, data=body).raise_for_status()
    query = {"repo": "two", "tag": "x"}
    s.request("POST", "/images/one:1/tag", params=query).raise_for_status()
    network(s, "one-net", Labels={"l": "2"})
    volume(s, "one-vol", Labels={"l": "3"})
    container(s, "one-c", Labels={"l": "4"})
    container(s, "two-c")
    s.request("DELETE", "/containers/two-c").raise_for_status()
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
    _chosen(s, since, daemon=["0-daemon"])


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
