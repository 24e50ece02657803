"""Images: list, inspect, tag, remove, prune, history, save, load, import."""

from __future__ import annotations

import json
from typing import Any

from ..context import pack
from ..registry import scenario
from ..resources import filters
from ..session import Session

_DF = "FROM scratch\nCOPY a /a\nENV x=1"
_FILES = {"a": "a", "b": "b"}


def _build(s: Session, tag: str = "one:1", extra: str = "") -> str:
    return s.build(_DF + extra, _FILES, tag=tag, look=False) or ""


def _names(s: Session, what: str, **query: Any) -> None:
    lines = s.request("GET", "/images/json", params=query).json()
    if isinstance(lines, dict):
        s.note(what, lines)
        return
    seen = [
        {k: line.get(k) for k in ("RepoTags", "RepoDigests", "Labels")}
        for line in lines
        if not s.kept_names & set(line.get("RepoTags") or [])
    ]
    # Images of the same second come in no order.
    s.note(what, sorted(seen, key=json.dumps))


@scenario
def get_missing(s: Session) -> None:
    """Names and ids that nobody has."""
    for name in (
        "nope",
        "nope:1",
        "deadbeef",
        "sha256:" + "0" * 64,
        "0" * 64,
        "a/b/c:x",
        "UP",
        "a:b:c",
    ):
        s.call("GET", f"/images/{name}/json")
        s.call("GET", f"/images/{name}/history")


@scenario
def get_by_names(s: Session) -> None:
    """By name, id and beginning of the id."""
    image = _build(s)
    for name in ("one:1", image, image[7:], image[7:19], "docker.io/library/one:1"):
        answer = s.request("GET", f"/images/{name}/json")
        s.note("get", {"status": answer.status_code, "id": answer.json().get("Id")})


@scenario
def inspect(s: Session) -> None:
    """The document of an image."""
    _build(s)
    document = s.request("GET", "/images/one:1/json").json()
    for key in ("GraphDriver", "DockerVersion", "Container"):
        document.pop(key, None)
    document["Id"] = document.get("Id")
    s.note("inspect", document)


@scenario
def history(s: Session) -> None:
    """The history of an image and its parents."""
    _build(s)
    lines = s.request("GET", "/images/one:1/history").json()
    for line in lines:
        line.pop("Created")
    s.note("history", lines)


@scenario
def list_all(s: Session) -> None:
    """The lists, with and without intermediate images."""
    _build(s)
    _build(s, "two:1", "\nENV y=1")
    _build(s, "two:2", "\nENV y=1")
    _names(s, "plain")
    _names(s, "all", all="1")


@scenario
def list_line(s: Session) -> None:
    """One line of the list."""
    _build(s, extra="\nLABEL l=1")
    line = s.request("GET", "/images/json", params=filters(reference=["one"])).json()[0]
    line.pop("Created")
    s.note("line", line)


@scenario
def list_filters(s: Session) -> None:
    """By label, reference and age."""
    _build(s, "one:1", "\nLABEL l=1")
    _build(s, "two:1", "\nLABEL l=2 m=1")
    _build(s, "reg.example/x/three:1", "\nENV z=1")
    _names(s, "label", **filters(label=["l"]))
    _names(s, "label value", **filters(label=["l=2"]))
    _names(s, "labels", **filters(label=["l", "m=1"]))
    _names(s, "reference", **filters(reference=["one"]))
    _names(s, "reference star", **filters(reference=["t*"]))
    _names(s, "reference tag", **filters(reference=["*:1"]))
    _names(s, "reference path", **filters(reference=["*/*/*"]))
    _names(s, "before", **filters(before=["two:1"]))
    _names(s, "since", **filters(since=["two:1"]))
    _names(s, "before missing", **filters(before=["nope"]))
    _names(s, "dangling true", **filters(dangling=["true"]))
    _names(s, "dangling false", **filters(dangling=["false"]))
    _names(s, "dangling bad", **filters(dangling=["maybe"]))
    _names(s, "unknown", **filters(nope=["1"]))
    _names(s, "not json", filters="{nope")


@scenario
def list_dangling(s: Session) -> None:
    """An image whose name was taken."""
    s.build("FROM scratch\nCOPY a /a", _FILES, tag="one:1", look=False)
    s.build("FROM scratch\nCOPY b /a", _FILES, tag="one:1", look=False)
    _names(s, "plain")
    _names(s, "dangling", **filters(dangling=["true"]))
    _names(s, "tagged", **filters(dangling=["false"]))


@scenario
def tag(s: Session) -> None:
    """New names."""
    _build(s)
    s.call("POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    s.call("POST", "/images/one:1/tag", params={"repo": "three"})
    s.call("POST", "/images/one:1/tag", params={"repo": "reg.example:5000/a/b:c"})
    s.call("POST", "/images/one:1/tag", params={"repo": "four:1", "tag": "2"})
    s.call("POST", "/images/nope/tag", params={"repo": "two", "tag": "x"})
    s.call("POST", "/images/one:1/tag", params={"repo": "UPPER", "tag": "x"})
    s.call("POST", "/images/one:1/tag", params={"repo": "a", "tag": "b:c"})
    s.call("POST", "/images/one:1/tag", params={"repo": ""})
    s.call("POST", "/images/one:1/tag", params={"repo": "a@sha256:" + "0" * 64})
    _names(s, "names")


@scenario
def remove_by_name(s: Session) -> None:
    """Untagged, then deleted with its parents."""
    _build(s)
    s.call("DELETE", "/images/one:1")
    s.call("DELETE", "/images/one:1")


@scenario
def remove_one_of_two_names(s: Session) -> None:
    """Only the name goes."""
    _build(s)
    s.request("POST", "/images/one:1/tag", params={"repo": "two"})
    s.call("DELETE", "/images/two")
    s.call("DELETE", "/images/one:1")


@scenario
def remove_by_id(s: Session) -> None:
    """With its one name."""
    image = _build(s)
    s.call("DELETE", f"/images/{image}")


@scenario
def remove_by_id_two_repositories(s: Session) -> None:
    """Names in two repositories need force."""
    image = _build(s)
    s.request("POST", "/images/one:1/tag", params={"repo": "two"})
    s.call("DELETE", f"/images/{image[7:19]}")
    s.call("DELETE", f"/images/{image[7:19]}", params={"force": "1"})


@scenario
def remove_by_id_two_tags(s: Session) -> None:
    """Two tags of one repository."""
    image = _build(s)
    s.request("POST", "/images/one:1/tag", params={"repo": "one", "tag": "2"})
    s.call("DELETE", f"/images/{image[7:19]}")


@scenario
def remove_parent(s: Session) -> None:
    """An image others are built on."""
    image = _build(s)
    s.build("FROM one:1\nENV y=1", _FILES, tag="two:1", look=False)
    s.call("DELETE", f"/images/{image[7:19]}")
    s.call("DELETE", f"/images/{image[7:19]}", params={"force": "1"})
    s.call("DELETE", "/images/one:1")
    s.call("DELETE", "/images/two:1")


@scenario
def remove_noprune(s: Session) -> None:
    """Parents stay."""
    _build(s)
    s.call("DELETE", "/images/one:1", params={"noprune": "1"})


@scenario
def remove_missing(s: Session) -> None:
    """Nothing of that name."""
    s.call("DELETE", "/images/nope")
    s.call("DELETE", "/images/nope:1")
    s.call("DELETE", "/images/UPPER")


@scenario
def remove_shared_layers(s: Session) -> None:
    """Layers another image needs are not deleted."""
    s.build("FROM scratch\nCOPY a /a\nCOPY b /b", _FILES, tag="one:1", look=False)
    s.build("FROM scratch\nCOPY a /a\nENV z=1", _FILES, tag="two:1", look=False)
    s.call("DELETE", "/images/one:1")


@scenario
def prune(s: Session) -> None:
    """Only images without a name."""
    s.build("FROM scratch\nCOPY a /a", _FILES, tag="one:1", look=False)
    s.build("FROM scratch\nCOPY b /a", _FILES, tag="one:1", look=False)
    s.call("POST", "/images/prune")
    s.call("POST", "/images/prune")
    _names(s, "left")


@scenario
def prune_all(s: Session) -> None:
    """Every image no container uses, by label."""
    _build(s, "one:1", "\nLABEL l=1")
    _build(s, "two:1", "\nLABEL l=2")
    s.call("POST", "/images/prune", params=filters(dangling=["false"], label=["l=1"]))
    _names(s, "left")


@scenario
def prune_bad_filter(s: Session) -> None:
    """A filter nobody knows."""
    s.call("POST", "/images/prune", params=filters(nope=["1"]))


@scenario
def save_and_load(s: Session) -> None:
    """Through an archive and back."""
    image = _build(s)
    s.request("POST", "/images/one:1/tag", params={"repo": "one", "tag": "2"})
    saved = s.request("GET", "/images/one/get").content
    s.request("DELETE", "/images/one:1")
    s.request("DELETE", "/images/one:2")
    s.stream("POST", "/images/load", data=saved, params={"quiet": "1"})
    answer = s.request("GET", "/images/one:1/json").json()
    s.note("the same image", answer.get("Id") == image)
    s.note("parent", answer.get("Parent"))


@scenario
def load_progress(s: Session) -> None:
    """What a load that is not quiet ends with."""
    _build(s)
    saved = s.request("GET", "/images/one:1/get").content
    s.request("DELETE", "/images/one:1")
    response = s.request("POST", "/images/load", data=saved)
    messages = [json.loads(line) for line in response.text.splitlines() if line.strip()]
    s.note("last", messages[-1])


@scenario
def load_by_id(s: Session) -> None:
    """An archive without names."""
    image = _build(s)
    saved = s.request("GET", f"/images/{image}/get").content
    s.request("DELETE", "/images/one:1")
    s.stream("POST", "/images/load", data=saved, params={"quiet": "1"})


@scenario
def load_takes_a_name(s: Session) -> None:
    """The name of another image."""
    _build(s)
    saved = s.request("GET", "/images/one:1/get").content
    s.request("DELETE", "/images/one:1")
    _build(s, "one:1", "\nENV other=1")
    s.stream("POST", "/images/load", data=saved, params={"quiet": "1"})


@scenario
def load_garbage(s: Session) -> None:
    """No archive."""
    s.stream("POST", "/images/load", data=b"x" * 2000, params={"quiet": "1"})


@scenario
def load_other_tar(s: Session) -> None:
    """An archive of something else."""
    s.stream("POST", "/images/load", data=pack({"a": "1"}), params={"quiet": "1"})


@scenario
def save_missing(s: Session) -> None:
    """Nothing of that name."""
    s.call("GET", "/images/nope/get")
    s.call("GET", "/images/get", params={"names": ["nope:1"]})


@scenario
def import_tar(s: Session) -> None:
    """A root file system becomes an image."""
    s.stream(
        "POST",
        "/images/create",
        params={"fromSrc": "-", "repo": "imported", "tag": "1", "message": "hello"},
        data=pack({"etc/x": "1"}),
    )
    s.look("imported:1")


@scenario
def import_with_changes(s: Session) -> None:
    """With instructions."""
    s.stream(
        "POST",
        "/images/create",
        params={
            "fromSrc": "-",
            "repo": "imported",
            "changes": ["ENV a=1", 'CMD ["x"]', "WORKDIR /w", "EXPOSE 80", "LABEL l=1"],
        },
        data=pack({"etc/x": "1"}),
    )
    s.look("imported:latest")


@scenario
def import_bad_change(s: Session) -> None:
    """An instruction that cannot be applied."""
    s.stream(
        "POST",
        "/images/create",
        params={"fromSrc": "-", "repo": "imported", "changes": ["RUN x"]},
        data=pack({"etc/x": "1"}),
    )


@scenario
def push_missing(s: Session) -> None:
    """A name that is not here."""
    auth = {"X-Registry-Auth": "e30="}
    s.stream("POST", "/images/127.0.0.1:1/nope/push", params={"tag": "1"}, headers=auth)
    s.stream("POST", "/images/127.0.0.1:1/nope/push", headers=auth)


@scenario
def push_to_nobody(s: Session) -> None:
    """A registry that is not there."""
    _build(s, "127.0.0.1:1/x:1")
    s.stream(
        "POST",
        "/images/127.0.0.1:1/x/push",
        params={"tag": "1"},
        headers={"X-Registry-Auth": "e30="},
    )


@scenario
def pull_from_nobody(s: Session) -> None:
    """A registry that is not there."""
    s.stream("POST", "/images/create", params={"fromImage": "127.0.0.1:1/x", "tag": "1"})


@scenario
def pull_bad_name(s: Session) -> None:
    """A name that is none."""
    s.stream("POST", "/images/create", params={"fromImage": "UPPER", "tag": "1"})


@scenario
def api_versions(s: Session) -> None:
    """Versions out of range, and paths nobody knows."""
    base = s.api.base_url
    for path in ("/v9.99/version", "/v1.41/nope", "/nope"):
        answer = s.api.get(base + path, timeout=30)
        s.note(path, {"status": answer.status_code, "body": answer.text.partition("Maximum")[0]})
