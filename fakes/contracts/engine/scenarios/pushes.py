"""Pushing images to a registry."""

from __future__ import annotations

import json
from typing import Any

from ..registry import scenario
from ..session import Session
from ..transfers import Transfers


def _manifest(s: Session, t: Transfers, name: str) -> None:
    """Note a manifest as the registry got it, without the sizes of what is compressed."""
    manifest = t.registry.manifest(name)
    document: dict[str, Any] = json.loads(manifest.content)
    s.note("stored as", manifest.media_type)
    again = json.dumps(document, indent=3, ensure_ascii=False, separators=(",", ": ")).encode()
    s.note("indented by three", manifest.content == again)
    for blob in (document["config"], *(document["layers"] or ())):
        size = len(t.registry.blob(blob["digest"]))
        blob["size"] = "as it is" if blob["size"] == size else blob["size"]
    s.note("manifest", document)


@scenario
def one_tag(s: Session) -> None:
    """The stream, the requests, and what the registry has."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1")
    t.requests()
    _manifest(s, t, "app:1")
    t.named("app:1")
    t.listed()


@scenario
def again(s: Session) -> None:
    """What the registry has already is not sent."""
    t = Transfers(s)
    t.build("app:1", "a", "b")
    t.push("app:1")
    t.push("app:1")
    t.requests()


@scenario
def several_layers(s: Session) -> None:
    """Each layer has its lines."""
    t = Transfers(s)
    t.build("team/app:1", "a", "b", "c", "d")
    t.push("team/app:1")
    _manifest(s, t, "team/app:1")


@scenario
def many_layers(s: Session) -> None:
    """Only five are moved at once."""
    t = Transfers(s)
    t.build("app:1", "a", "b", "c", "d", "e", "f", "g")
    t.push("app:1")


@scenario
def same_layer_twice(s: Session) -> None:
    """A layer that is in the image two times."""
    t = Transfers(s)
    t.build("app:1", "a", "a")
    t.push("app:1")
    _manifest(s, t, "app:1")


@scenario
def no_layers(s: Session) -> None:
    """An image without a file system."""
    t = Transfers(s)
    t.build("app:1")
    t.push("app:1")
    t.requests()
    _manifest(s, t, "app:1")


@scenario
def all_tags(s: Session) -> None:
    """Without a tag every tag goes."""
    t = Transfers(s)
    t.build("app:1", "a", env="one")
    t.build("app:2", "a", env="two")
    t.build("app:latest", "b")
    t.push("app")
    s.note("tags", t.registry.tags("app"))
    t.named("app:1", "app:2", "app:latest")


@scenario
def two_tags_of_one_image(s: Session) -> None:
    """The second is a manifest, nothing else."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.tag("app:1", "app:2")
    t.push("app:1")
    t.push("app:2")
    t.requests()
    t.named("app:1")


@scenario
def changed_image(s: Session) -> None:
    """The tag moves; the layer below is there already."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1")
    t.build("app:1", "a", "b")
    t.push("app:1")
    t.named("app:1")
    t.listed()


@scenario
def layer_of_another_repository(s: Session) -> None:
    """A layer that another repository of the registry has is mounted."""
    t = Transfers(s)
    t.build("team/one:1", "a", env="one")
    t.push("team/one:1")
    t.build("team/two:1", "a", "b", env="two")
    t.push("team/two:1")
    t.requests()
    t.push("team/two:1")


@scenario
def layer_that_somebody_else_pushed(s: Session) -> None:
    """The engine does not know of it, and sends it."""
    t = Transfers(s)
    t.build("app:1", "a")
    saved = s.request("GET", f"/images/{t.address}/app:1/get").content
    s.note("saved", bool(saved))
    t.seed("app:0", "a")
    t.push("app:1")
    t.requests()


@scenario
def layer_that_was_pulled(s: Session) -> None:
    """The engine knows where it is from."""
    t = Transfers(s)
    t.seed("base:1", "a", "b")
    t.pull("base:1")
    t.from_image("base:1")
    s.request("POST", "/images/built:1/tag", params={"repo": f"{t.address}/app", "tag": "1"})
    t.push("app:1")
    t.requests()
    _manifest(s, t, "app:1")


@scenario
def pulled_image_under_another_tag(s: Session) -> None:
    """Its manifest is a new one, in the engine's own form."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.pull("app:1")
    t.tag("app:1", "app:2")
    t.push("app:2")
    _manifest(s, t, "app:2")
    t.named("app:2")


@scenario
def deleted_layer(s: Session) -> None:
    """The registry lost what it had; the engine sends it again."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1")
    layers: Any = t.registry.manifest("app:1").document["layers"]
    address = f"{t.registry.url}/v2/app/blobs/{layers[0]['digest']}"
    t.registry.session().delete(address, timeout=10)
    t.push("app:1")
    t.requests()


@scenario
def missing(s: Session) -> None:
    """Nothing of that name, tag or repository."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:2")
    t.push("nope:1")
    t.push("nope")
    t.requests()


@scenario
def digest(s: Session) -> None:
    """A digest is nothing to push."""
    t = Transfers(s)
    t.build("app:1", "a")
    digest = "sha256:" + "1" * 64
    s.call("POST", f"/images/{t.address}/app@{digest}/push", headers={"X-Registry-Auth": "e30="})
    t.push("app", tag=digest)


@scenario
def bad_names(s: Session) -> None:
    """Names and tags that are none."""
    t = Transfers(s)
    s.call("POST", f"/images/{t.address}/UPPER/push", headers={"X-Registry-Auth": "e30="})
    s.call("POST", f"/images/{t.address}/app/push", params={"tag": "a:b"})
    t.push("app", tag="a/b")
    t.push("app", tag="-")


@scenario
def tag_in_the_name(s: Session) -> None:
    """In the path instead of the parameter, and in both."""
    t = Transfers(s)
    t.build("app:1", "a")
    auth = {"X-Registry-Auth": "e30="}
    for tag in ({}, {"tag": "1"}, {"tag": "2"}):
        response = s.request("POST", f"/images/{t.address}/app:1/push", params=tag, headers=auth)
        s.note("push", [response.status_code, response.text.splitlines()[0:1]])
    s.note("repositories", t.registry.repositories)


@scenario
def headers(s: Session) -> None:
    """Without credentials, and with what is none."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1", auth=None)
    t.push("app:1", auth="")
    t.push("app:1", auth="%%%")
    t.push("app:1", auth="bm9uc2Vuc2U=")
    t.push("app:1", auth="W10=")


@scenario
def credentials_in_the_body(s: Session) -> None:
    """Where clients put them that have no header for them, and what is none."""
    t = Transfers(s, auth="basic", users={"alice": "s3cret"})
    t.build("app:1", "a")
    path = f"/images/{t.address}/app/push"
    for body in (b"{}", b"null", b'{"username":"alice","password":"s3cret"}'):
        response = s.request("POST", path, params={"tag": "1"}, data=body)
        last = response.text.splitlines()[-1]
        s.note(body.decode(), [response.status_code, "error" in json.loads(last)])
        s.note("tags", t.registry.tags("app"))
    for body in (b"", b"nope", b"[]", b'{"username":1}'):
        s.call("POST", path, params={"tag": "1"}, data=body)


@scenario
def platform(s: Session) -> None:
    """One that the image is for, and one that it is not."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1", platform='{"os":"linux","architecture":"amd64"}')
    t.push("app:1", platform='{"os":"linux","architecture":"arm64"}')
    t.push("app:1", platform="linux/amd64")
