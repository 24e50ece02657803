"""Links between containers: made, shown, listed, taken away."""

from __future__ import annotations

from ..container_hands import create, sleeping, start
from ..registry import scenario
from ..session import Session


def _linked(s: Session, *links: str, name: str = "two") -> None:
    create(s, "sleep", "60", name=name, HostConfig={"Links": list(links)})


def _shown(s: Session) -> None:
    """Note the links of a document, which an engine keeps in no order."""
    links = s.request("GET", "/containers/two/json").json()["HostConfig"]["Links"]
    s.note("links", sorted(links or []) or links)


@scenario
def shown_in_documents(s: Session) -> None:
    """A link is shown by both names, and a container by each name that it has."""
    sleeping(s, "one")
    _linked(s, "one:alias", "/one:other", "one")
    _shown(s)
    for name in ("two/alias", "two/none"):
        answer = s.request("GET", f"/containers/{name}/json")
        s.note(name, {"status": answer.status_code, "name": answer.json().get("Name")})


@scenario
def names_in_lists(s: Session) -> None:
    """A list has the names under which others know a container."""
    sleeping(s, "one")
    _linked(s, "one:alias")
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("names", sorted(sorted(line["Names"]) for line in lines))
    start(s, "two")
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("names of running", sorted(sorted(line["Names"]) for line in lines))


@scenario
def removed(s: Session) -> None:
    """A link is taken away by the name of its container and its own."""
    sleeping(s, "one")
    _linked(s, "one:alias", "one:other")
    s.call("DELETE", "/containers/two/alias", params={"link": "1"})
    _shown(s)
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("names", sorted(sorted(line["Names"]) for line in lines))
    s.call("DELETE", "/containers/two/alias", params={"link": "1"})
    s.call("DELETE", "/containers/two/none", params={"link": "1"})
    s.call("DELETE", "/containers/two", params={"link": "1"})
    s.call("DELETE", "/containers/none/alias", params={"link": "1"})
    s.call("DELETE", "/containers/two/other")


@scenario
def refused(s: Session) -> None:
    """Links to nothing, malformed ones, and two of one name."""
    sleeping(s, "one")
    for links in (["none:alias"], ["one:a:b"], [":alias"], ["one:"], [""], ["one:x", "one:x"]):
        s.call(
            "POST",
            "/containers/create",
            json={"Image": s.base, "Cmd": ["x"], "HostConfig": {"Links": links}},
        )


@scenario
def to_stopped_container(s: Session) -> None:
    """A container that is linked to one that does not run is not started."""
    create(s, "sleep", "60", name="one")
    _linked(s, "one:alias")
    s.call("POST", "/containers/two/start")


@scenario
def goes_with_its_container(s: Session) -> None:
    """What is linked is removed, and with it the names."""
    sleeping(s, "one")
    _linked(s, "one:alias")
    s.call("DELETE", "/containers/one", params={"force": "1"})
    _shown(s)
    lines = s.request("GET", "/containers/json", params={"all": "1"}).json()
    s.note("names", sorted(sorted(line["Names"]) for line in lines))
