"""Names of images: lists by more filters, tags with ports, removal by id, images in use."""

from __future__ import annotations

import json
from typing import Any

from ..context import pack
from ..registry import scenario
from ..resources import container, filters
from ..session import Session


def _built(s: Session, tag: str = "one:1", extra: str = "") -> str:
    """An image; its id."""
    body = pack({"Dockerfile": f"FROM scratch\nCOPY a /a\nENV x=1{extra}", "a": "a"})
    s.request("POST", "/build", params={"t": tag, "rm": "1"}, data=body).raise_for_status()
    return str(s.request("GET", f"/images/{tag}/json").json()["Id"])


def _tagged(s: Session, name: str, repository: str, tag: str) -> None:
    query = {"repo": repository, "tag": tag}
    s.request("POST", f"/images/{name}/tag", params=query).raise_for_status()


def _listed(s: Session, what: str, *fields: str, **query: Any) -> None:
    """Some fields of the lines of a list, in no order that matters."""
    answer = s.request("GET", "/images/json", params=query)
    lines = answer.json()
    if answer.status_code != 200:
        s.note(what, {"status": answer.status_code, "body": lines})
        return
    mine = [line for line in lines if not s.kept_names & set(line.get("RepoTags") or [])]
    chosen = [{key: line.get(key, "absent") for key in ("RepoTags", *fields)} for line in mine]
    s.note(what, sorted(chosen, key=json.dumps))


def _filtered(s: Session, **values: list[str]) -> None:
    _listed(s, str(values), **filters(**values))


@scenario
def list_by_labels(s: Session) -> None:
    """With several labels, and without some."""
    _built(s, "one:1", "\nLABEL l=1")
    _built(s, "two:1", "\nLABEL l=2 m=1")
    _built(s, "three:1")
    _filtered(s, label=["l=1", "l=2"])
    _filtered(s, label=["l=2", "m"])
    _filtered(s, label=["l=", "m="])
    _filtered(s, **{"label!": ["l"]})


@scenario
def list_by_references(s: Session) -> None:
    """With several names, and patterns of them."""
    _built(s, "one:1")
    _built(s, "reg.example:5000/a/two:1", "\nLABEL l=2")
    _filtered(s, reference=["one", "nope"])
    _filtered(s, reference=["one", "reg.example:5000/a/two"])
    _filtered(s, reference=["reg.example:5000/a/two:1"])
    _filtered(s, reference=["reg.example:5000/*/*"])
    _filtered(s, reference=["*/*/two:1"])
    _filtered(s, reference=["docker.io/library/one"])
    _filtered(s, reference=["ONE"])
    _filtered(s, reference=["["])
    _filtered(s, reference=[""])


@scenario
def list_by_time(s: Session) -> None:
    """Until a time; newer engines know that filter."""
    _built(s)
    _filtered(s, until=["1h"])
    _filtered(s, until=["9999999999"])
    _filtered(s, until=["nope"])
    _filtered(s, until=["1h", "2h"])
    _filtered(s, before=["one:1"], since=[s.base])


@scenario
def list_parameters(s: Session) -> None:
    """What newer engines add to a line."""
    _built(s)
    for name in ("shared-size", "digests", "manifests"):
        _listed(s, name, "SharedSize", "Manifests", "Descriptor", **{name: "1"})
    _listed(s, "bad", **{"shared-size": "maybe"})


@scenario
def inspect_with_manifests(s: Session) -> None:
    """The manifests of an image, which need another image store."""
    _built(s)
    answer = s.request("GET", "/images/one:1/json", params={"manifests": "1"})
    document = answer.json()
    s.note("fields", sorted(document) if answer.status_code == 200 else document)
    answer = s.request("GET", "/images/one:1/json", params={"platform": "nope"})
    s.note("platform", answer.json() if answer.status_code != 200 else "ignored")


@scenario
def tag_itself(s: Session) -> None:
    """The name it has already."""
    _built(s)
    s.call("POST", "/images/one:1/tag", params={"repo": "one", "tag": "1"})
    _listed(s, "names")


@scenario
def tag_with_ports(s: Session) -> None:
    """Registries with a port."""
    _built(s)
    for repository, tag in (
        ("reg.example:5000/a", "1"),
        ("reg.example:5000/a:2", ""),
        ("reg.example:5000/a:2", "3"),
        ("localhost/a", "1"),
        ("localhost:5000/a", ""),
        ("reg.example:port/a", "1"),
        ("reg.example:5000", "1"),
        ("[::1]:5000/a", "1"),
        ("reg.example:5000/A", "1"),
    ):
        s.call("POST", "/images/one:1/tag", params={"repo": repository, "tag": tag})
    _listed(s, "names")


@scenario
def remove_with_several_tags(s: Session) -> None:
    """By the beginning of the id."""
    image = _built(s)
    _tagged(s, "one:1", "one", "2")
    _tagged(s, "one:1", "two", "1")
    s.call("DELETE", f"/images/{image[7:19]}")
    s.call("DELETE", f"/images/{image[7:19]}", params={"force": "1"})
    _listed(s, "names")


@scenario
def remove_used_by_created(s: Session) -> None:
    """A container holds it that does not run."""
    image = _built(s, extra='\nLABEL l=1\nCMD ["/a"]')
    container(s, "c1", Image="one:1")
    s.call("DELETE", "/images/one:1")
    s.call("DELETE", f"/images/{image[7:19]}")
    s.call("POST", "/images/prune", params=filters(dangling=["false"], label=["l"]))
    _tagged(s, "one:1", "two", "1")
    s.call("DELETE", "/images/two:1")
    s.call("DELETE", f"/images/{image[7:19]}", params={"force": "1"})


@scenario
def remove_used_by_running(s: Session) -> None:
    """A container holds it that runs."""
    command = s.given_run("true")
    body = pack({"Dockerfile": f"FROM {s.base}\nRUN {command}"})
    s.request("POST", "/build", params={"t": "one:1"}, data=body).raise_for_status()
    image = s.request("GET", "/images/one:1/json").json()["Id"]
    container(s, "c1", start=True, Image="one:1")
    s.call("DELETE", "/images/one:1")
    s.call("DELETE", f"/images/{image[7:19]}")
    s.call("DELETE", f"/images/{image[7:19]}", params={"force": "1"})
    answer = s.request("DELETE", "/images/one:1", params={"force": "1"})
    s.note("by name, forced", {"status": answer.status_code, "body": answer.json()})
    s.note("left", s.request("GET", f"/images/{image}/json").json().get("RepoTags"))


@scenario
def prune_until(s: Session) -> None:
    """Only what is older than a moment."""
    _built(s, extra="\nLABEL l=1")
    mine = {"dangling": ["false"], "label": ["l"]}
    for moments in (["nope"], ["1h", "2h"], ["1h"], ["2000-01-01"], ["9999999999"]):
        answer = s.request("POST", "/images/prune", params=filters(**mine, until=moments))
        s.note(str(moments), {"status": answer.status_code, "body": answer.json()})
    _listed(s, "names")


@scenario
def remove_by_digest(s: Session) -> None:
    """A name by its digest, which a push gave it."""
    name = f"{s.registry().address}/one"
    _built(s, f"{name}:1")
    headers = {"X-Registry-Auth": "e30="}
    answer = s.request("POST", f"/images/{name}/push", params={"tag": "1"}, headers=headers)
    answer.raise_for_status()
    digest = s.request("GET", f"/images/{name}:1/json").json()["RepoDigests"][0]
    _tagged(s, f"{name}:1", name, "2")
    answer = s.request("GET", f"/images/{digest}/json")
    s.note("inspect", [answer.status_code, len(answer.json().get("RepoTags") or [])])
    answer = s.request("DELETE", f"/images/{digest}")
    s.note("remove", [answer.status_code, [sorted(line) for line in answer.json()]])
    lines = s.request("GET", f"/images/{name}:1/json").json()
    s.note("left", [len(lines.get("RepoTags") or []), len(lines.get("RepoDigests") or [])])


@scenario
def remove_last_tag(s: Session) -> None:
    """The last tag of a repository, whose digests go with it."""
    name = f"{s.registry().address}/one"
    _built(s, f"{name}:1")
    headers = {"X-Registry-Auth": "e30="}
    answer = s.request("POST", f"/images/{name}/push", params={"tag": "1"}, headers=headers)
    answer.raise_for_status()
    _tagged(s, f"{name}:1", "two", "1")
    answer = s.request("DELETE", f"/images/{name}:1")
    s.note("remove", [answer.status_code, [sorted(line) for line in answer.json()]])
    document = s.request("GET", "/images/two:1/json").json()
    s.note("left", [document["RepoTags"], document["RepoDigests"]])
