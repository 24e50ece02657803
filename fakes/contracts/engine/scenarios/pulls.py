"""Pulling images from a registry, and their names afterwards."""

from __future__ import annotations

from imagebuilders.oci.media_types import DOCKER_MANIFEST

from ..registry import scenario
from ..session import Session
from ..transfers import Transfers


@scenario
def by_tag(s: Session) -> None:
    """The stream, the requests and the image."""
    t = Transfers(s)
    t.seed("team/app:1", "a", "b", media_type=DOCKER_MANIFEST)
    t.pull("team/app:1")
    t.requests()
    t.named("team/app:1")
    t.listed()
    s.inspect(f"{t.address}/team/app:1")


@scenario
def oci_manifest(s: Session) -> None:
    """A manifest of the other kind."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.pull("app:1")
    t.requests()
    t.named("app:1")


@scenario
def no_layers(s: Session) -> None:
    """An image without a file system."""
    t = Transfers(s)
    t.build("app:1")
    t.push("app:1")
    t.remove("app:1")
    t.pull("app:1")
    t.named("app:1")


@scenario
def what_was_pushed(s: Session) -> None:
    """Push, remove, pull: the same image and digest."""
    t = Transfers(s)
    t.build("app:1", "a", "b")
    t.push("app:1")
    t.named("app:1")
    t.remove("app:1")
    t.pull("app:1")
    t.named("app:1")


@scenario
def again(s: Session) -> None:
    """It is up to date."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.pull("app:1")
    t.pull("app:1")
    t.requests()


@scenario
def newer_image(s: Session) -> None:
    """The tag moves, what is shared is there already."""
    t = Transfers(s)
    t.seed("app:1", "a", env="one")
    t.pull("app:1")
    t.seed("app:1", "a", "b", env="two")
    t.pull("app:1")
    t.named("app:1")
    t.listed()


@scenario
def another_tag_of_the_same_image(s: Session) -> None:
    """Nothing is loaded."""
    t = Transfers(s)
    t.seed("app:1", "a", env="one")
    t.seed("app:2", "a", env="one")
    t.pull("app:1")
    t.pull("app:2")
    t.named("app:1")


@scenario
def another_repository_of_the_same_image(s: Session) -> None:
    """A second digest."""
    t = Transfers(s)
    t.seed("one:1", "a", env="one")
    t.seed("two:1", "a", env="one")
    t.pull("one:1")
    t.pull("two:1")
    t.named("one:1")
    t.remove("one:1")
    t.named("two:1")


@scenario
def by_digest(s: Session) -> None:
    """The image has no tag then."""
    t = Transfers(s)
    digest = t.seed("app:1", "a").digest
    t.pull(f"app@{digest}")
    t.named(f"app@{digest}", "app:1")
    t.listed()
    t.pull(f"app@{digest}")
    t.remove(f"app@{digest}")


@scenario
def by_digest_in_the_name(s: Session) -> None:
    """The digest is part of `fromImage`."""
    t = Transfers(s)
    digest = t.seed("app:1", "a").digest
    s.note("started", True)
    response = s.request(
        "POST", "/images/create", params={"fromImage": f"{t.address}/app@{digest}"}
    )
    s.note("pull", [response.status_code, response.text.splitlines()[-1:]])
    response = s.request(
        "POST", "/images/create", params={"fromImage": f"{t.address}/app:1@{digest}"}
    )
    s.note("pull with a tag as well", [response.status_code, response.text.splitlines()[-1:]])
    t.listed()


@scenario
def digest_then_tag(s: Session) -> None:
    """The image gets its tag."""
    t = Transfers(s)
    digest = t.seed("app:1", "a").digest
    t.pull(f"app@{digest}")
    t.pull("app:1")
    t.named("app:1")
    t.remove("app:1")
    t.named(f"app@{digest}")


@scenario
def remove_by_digest(s: Session) -> None:
    """The tag keeps the image."""
    t = Transfers(s)
    digest = t.seed("app:1", "a").digest
    t.pull("app:1")
    t.remove(f"app@{digest}")
    t.named("app:1")
    t.listed()


@scenario
def remove_one_of_two_tags(s: Session) -> None:
    """The digest stays until the last tag goes."""
    t = Transfers(s)
    digest = t.seed("app:1", "a").digest
    t.pull("app:1")
    t.tag("app:1", "app:2")
    t.remove("app:1")
    t.named("app:2", f"app@{digest}")
    t.remove("app:2")


@scenario
def tag_after_pull(s: Session) -> None:
    """A name of another repository gets no digest."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.pull("app:1")
    s.call("POST", f"/images/{t.address}/app:1/tag", params={"repo": "local", "tag": "1"})
    t.named("app:1")
    t.remove("app:1")
    s.call("DELETE", "/images/local:1")


@scenario
def remove_by_id(s: Session) -> None:
    """The tag and the digest of one repository need no force."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.pull("app:1")
    image = s.request("GET", f"/images/{t.address}/app:1/json").json().get("Id")
    s.call("DELETE", f"/images/{image}")


@scenario
def all_tags(s: Session) -> None:
    """Without a tag every tag comes."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.seed("app:2", "b")
    t.pull("app")
    t.requests()
    t.named("app:1", "app:2")
    t.pull("nope")


@scenario
def latest(s: Session) -> None:
    """An empty tag is none."""
    t = Transfers(s)
    t.seed("app:latest", "a")
    t.seed("app:2", "b")
    t.pull("app", tag="")
    t.listed()


@scenario
def missing(s: Session) -> None:
    """Nothing of that tag, repository or digest."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.pull("app:2")
    t.pull("nope:1")
    t.pull("app@sha256:" + "1" * 64)
    t.requests()


@scenario
def bad_names(s: Session) -> None:
    """Names, tags and digests that are none."""
    t = Transfers(s)
    t.pull("UPPER:1")
    t.pull("app", tag="a/b")
    t.pull("app", tag="-")
    t.pull("app", tag="sha256:1")
    t.pull("", tag="1")


@scenario
def headers(s: Session) -> None:
    """What is no `X-Registry-Auth` is not looked at."""
    t = Transfers(s)
    t.seed("app:1", "a")
    for auth in ("", "%%%", "bm9uc2Vuc2U=", "W10=", "e30="):
        t.pull("app:1", auth=auth)
