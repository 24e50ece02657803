"""Lists of containers, and prunes of what a list would have."""

from __future__ import annotations

import json

from .. import resources
from ..container_hands import (
    create,
    image,
    listed,
    note_document,
    run,
    sleeping,
)
from ..registry import scenario
from ..session import Session


@scenario
def running_and_all(s: Session) -> None:
    """A plain list has what runs; others need to be asked for."""
    create(s, "x", name="made")
    run(s, *s.given_container("true"), name="ended")
    sleeping(s, "running")
    sleeping(s, "paused")
    s.request("POST", "/containers/paused/pause")
    listed(s, "plain")
    listed(s, "all", all="1")
    listed(s, "all=false", all="false")
    for number in ("1", "3", "-1", "0"):
        listed(s, f"limit {number}", limit=number)
    listed(s, "bad limit", limit="x")
    for wanted in ("created", "exited", "running", "paused", "dead", "restarting", "odd"):
        listed(s, f"status {wanted}", **resources.filters(status=[wanted]))
    listed(s, "two statuses", **resources.filters(status=["exited", "created"]))


@scenario
def filters(s: Session) -> None:
    """Filters by what a container is."""
    first = create(s, "x", name="one", Labels={"a": "1", "b": ""}, ExposedPorts={"80/tcp": {}})
    create(s, "x", name="two-one", Labels={"a": "2"}, HostConfig={"NetworkMode": "none"})
    create(s, "x", name="three", HostConfig={"Binds": ["vol:/data"], "NetworkMode": "host"})
    for what, filters in {
        "name": {"name": ["one"]},
        "name with a slash": {"name": ["/one"]},
        "name anchored": {"name": ["^one$"]},
        "name anchored with a slash": {"name": ["^/one$"]},
        "name by pattern": {"name": ["t.*e"]},
        "two names": {"name": ["^/one$", "three"]},
        "id": {"id": [first]},
        "beginning of id": {"id": [first[:12]]},
        "label": {"label": ["a"]},
        "label with value": {"label": ["a=1"]},
        "two labels": {"label": ["a", "b"]},
        "label without value": {"label": ["b="]},
        "ancestor": {"ancestor": [s.base]},
        "ancestor without tag": {"ancestor": [s.base.partition(":")[0]]},
        "no ancestor": {"ancestor": ["nope"]},
        "network": {"network": ["none"]},
        "two networks": {"network": ["host", "bridge"]},
        "no network": {"network": ["nope"]},
        "volume": {"volume": ["vol"]},
        "volume by path": {"volume": ["/data"]},
        "exposed": {"expose": ["80"]},
        "exposed with protocol": {"expose": ["80/tcp"]},
        "exposed range": {"expose": ["79-81/tcp"]},
        "published": {"publish": ["80"]},
        "before": {"before": ["two-one"]},
        "since": {"since": ["two-one"]},
        "before nothing": {"before": ["nope"]},
        "since nothing": {"since": ["nope"]},
        "exited": {"exited": ["0"]},
        "exited with no number": {"exited": ["x"]},
        "health": {"health": ["none"]},
        "no health": {"health": ["odd"]},
        "task": {"is-task": ["true"]},
        "no task": {"is-task": ["false"]},
        "odd task": {"is-task": ["odd"]},
        "unknown": {"odd": ["x"]},
        "name and label": {"name": ["one"], "label": ["a=2"]},
    }.items():
        listed(s, what, all="1", filters=json.dumps(filters))
    for text in ("x", "[]", '{"name": "one"}', '{"name": {"three": true}}', "{}", "null"):
        listed(s, f"filters {text}", all="1", filters=text)


@scenario
def filters_of_ended(s: Session) -> None:
    """Exit codes find what has ended, without asking for all."""
    run(s, *s.given_container("sh", "-c", "exit 3", exit_code=3), name="three")
    run(s, *s.given_container("true"), name="zero")
    create(s, "x", name="made")
    for code in ("0", "3", "4"):
        listed(s, f"exited {code}", **resources.filters(exited=[code]))
    listed(s, "two codes", **resources.filters(exited=["0", "3"]))
    listed(s, "exited and running", **resources.filters(exited=["0"], status=["running"]))


@scenario
def children_as_ancestors(s: Session) -> None:
    """A filter by ancestor finds containers of images built upon it."""
    image(s, f"FROM {s.base}\nENV x=1")
    s.call("POST", "/containers/create", params={"name": "child"}, json={"Image": "scenario:1"})
    create(s, "x", name="parent")
    for name in (s.base, "scenario:1", "scenario"):
        listed(s, name, all="1", **resources.filters(ancestor=[name]))


@scenario
def prune(s: Session) -> None:
    """What does not run is removed, by label if that is asked for."""
    sleeping(s, "running")
    create(s, "x", name="plain")
    create(s, "x", name="labelled", Labels={"l": "1"})
    run(s, *s.given_container("true"), name="ended", Labels={"l": "2"})

    def pruned(what: str, **query: str) -> None:
        response = s.request("POST", "/containers/prune", params=query)
        body = response.json()
        if isinstance(body.get("ContainersDeleted"), list):
            body["ContainersDeleted"] = len(body["ContainersDeleted"])
        s.note(what, {"status": response.status_code, "body": body})
        listed(s, "left", all="1")

    pruned("unknown filter", **resources.filters(odd=["1"]))
    pruned("by label", **resources.filters(label=["l=1"]))
    pruned("by no label", filters=json.dumps({"label!": ["l"]}))
    pruned("until", **resources.filters(until=["1h"]))
    pruned("bad until", **resources.filters(until=["odd"]))
    pruned("all")
    pruned("nothing")


@scenario
def image_in_use(s: Session) -> None:
    """An image whose container is there, and one whose image is gone."""
    image(s, f"FROM {s.base}\nENV x=1")
    s.call("POST", "/containers/create", params={"name": "one"}, json={"Image": "scenario:1"})
    s.call("DELETE", "/images/scenario:1")
    s.call("DELETE", "/images/scenario:1", params={"force": "1"})
    note_document(s, "one", only=("Image", "Name"))
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("line", [{k: line[k] for k in ("Image", "ImageID")} for line in lines])
    s.call("DELETE", "/containers/one")


@scenario
def image_tagged_anew(s: Session) -> None:
    """A list names the image by id once its name means another."""
    image(s, f"FROM {s.base}\nENV x=1")
    s.call("POST", "/containers/create", params={"name": "one"}, json={"Image": "scenario:1"})
    image(s, f"FROM {s.base}\nENV x=2")
    s.call("POST", "/containers/create", params={"name": "two"}, json={"Image": "scenario:1"})
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("lines", [{k: line[k] for k in ("Names", "Image", "ImageID")} for line in lines])
