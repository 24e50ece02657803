"""What volumes hold: taken from images, shared by containers, kept when these are gone."""

from __future__ import annotations

from typing import Any

from ..container_hands import archive, create, image, start
from ..context import pack
from ..registry import scenario
from ..session import Session

_DOCKERFILE = "FROM busybox\nCOPY --chown=5:6 d /data/\nVOLUME /data /new\n"
_FILES = {"d/a": "1", "d/s/b": "2"}


def _made(s: Session, **host: Any) -> str:
    return create(s, *s.given_container("sleep", "60", service=True), HostConfig=host)


def _of_image(s: Session, **host: Any) -> str:
    command = s.given_container("sleep", "60", service=True)
    return create(s, *command, Image="scenario:1", HostConfig=host)


def _files(s: Session, what: str, container: str, path: str) -> None:
    answer = s.request("GET", f"/containers/{container}/archive", params={"path": path})
    if answer.status_code == 200:
        # Whether a folder is new says the time of the machine.
        lines = archive(answer.content)
        seen = (line.replace(" fixed ", " ").replace(" now ", " ") for line in lines)
        s.note(what, sorted(seen))
    else:
        s.note(what, {"status": answer.status_code, "body": answer.json()["message"]})


def _put(s: Session, what: str, container: str, path: str, *names: str) -> None:
    answer = s.request(
        "PUT",
        f"/containers/{container}/archive",
        params={"path": path},
        data=pack(dict.fromkeys(names, "3")),
    )
    s.note(what, {"status": answer.status_code, "body": answer.text})


def _changes(s: Session, what: str, container: str) -> None:
    lines = s.request("GET", f"/containers/{container}/changes").json()
    s.note(what, lines and sorted([line["Path"], line["Kind"]] for line in lines))


def _sizes(s: Session) -> None:
    volumes = s.request("GET", "/system/df").json()["Volumes"]
    s.note("sizes", {v["Name"]: v["UsageData"]["Size"] for v in volumes if len(v["Name"]) < 64})


@scenario
def of_an_image(s: Session) -> None:
    """A new volume takes the image's files in its place, before the container starts."""
    image(s, _DOCKERFILE, _FILES)
    container = _of_image(s)
    _files(s, "with files", container, "/data")
    _files(s, "without", container, "/new")
    _put(s, "put", container, "/data/s", "n")
    _files(s, "after that", container, "/data")
    start(s, container)
    _files(s, "after the start", container, "/data")
    _changes(s, "changes", container)


@scenario
def with_a_name(s: Session) -> None:
    """What a volume with a name holds outlives the container, and is there for the next."""
    image(s, _DOCKERFILE, _FILES)
    first = _of_image(s, Binds=["one-volume:/data"])
    _put(s, "put", first, "/data", "n")
    s.request("DELETE", f"/containers/{first}", params={"v": "1"})
    second = _made(s, Binds=["one-volume:/other"])
    _files(s, "elsewhere", second, "/other")
    _files(s, "not there", second, "/data")
    third = _of_image(s, Binds=["one-volume:/data"])
    _put(s, "put by another", third, "/data", "late")
    _files(s, "seen", second, "/other")
    _sizes(s)


@scenario
def not_taken(s: Session) -> None:
    """A volume that is not to take the image's files, and one that has some already."""
    image(s, _DOCKERFILE, _FILES)
    _files(s, "bind", _of_image(s, Binds=["one-volume:/data:nocopy"]), "/data")
    mount = {"Type": "volume", "Source": "two-volume", "Target": "/data"}
    no_copy = {"VolumeOptions": {"NoCopy": True}}
    _files(s, "mount", _of_image(s, Mounts=[{**mount, **no_copy}]), "/data")
    _put(s, "put", _of_image(s, Mounts=[{**mount, **no_copy}]), "/data", "own")
    _files(s, "with a file", _of_image(s, Mounts=[mount]), "/data")
    _sizes(s)


@scenario
def of_another_container(s: Session) -> None:
    """Both see the same files."""
    image(s, _DOCKERFILE, _FILES)
    first = _of_image(s)
    second = _made(s, VolumesFrom=[first])
    _put(s, "put", second, "/data", "n")
    _files(s, "first", first, "/data")
    _files(s, "second", second, "/data")
    start(s, second)
    _changes(s, "changes", second)


@scenario
def inside_of_each_other(s: Session) -> None:
    """A volume in a folder of another."""
    image(s, _DOCKERFILE, _FILES)
    container = _of_image(s, Binds=["one-volume:/data/s"])
    _put(s, "put", container, "/data/s", "n")
    _files(s, "outer", container, "/data")
    _files(s, "inner", container, "/data/s")
    _sizes(s)


@scenario
def only_read(s: Session) -> None:
    """What may not be written is not written by the engine, either."""
    container = _made(s, Binds=["one-volume:/other:ro"])
    _put(s, "volume", container, "/other", "n")
    container = _made(s, ReadonlyRootfs=True, Binds=["one-volume:/other"])
    _put(s, "root", container, "/", "n")
    _put(s, "volume below it", container, "/other", "n")
    _put(s, "not there", container, "/nope", "n")
