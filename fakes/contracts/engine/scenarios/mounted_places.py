"""What files of a container are where something is mounted, or where paths are odd."""

from __future__ import annotations

from typing import Any

from ..container_hands import archive, create, image, run, sleeping, start
from ..context import Entry, Files, directory, pack, symlink
from ..registry import scenario
from ..session import Session

_DOCKERFILE = "FROM busybox\nCOPY d /data/\n"
_FILES: Files = {
    "d/a": "1",
    "d/s/b": "2",
    "d/l": symlink("s"),
    "d/up": symlink("../etc"),
    "d/abs": symlink("/data/s"),
    "d/exe": Entry(b"x", 0o4755),
    "d/t": directory(0o1777),
}


def _lines(data: bytes) -> list[str]:
    seen = (line.replace(" fixed ", " ").replace(" now ", " ") for line in archive(data))
    return sorted(seen)


def _get(s: Session, what: str, container: str, path: str) -> None:
    answer = s.request("GET", f"/containers/{container}/archive", params={"path": path})
    if answer.status_code == 200:
        s.note(f"{what}: get {path}", _lines(answer.content))
    else:
        s.note(f"{what}: get {path}", [answer.status_code, answer.json()["message"]])


def _put(s: Session, what: str, container: str, path: str, files: Files, **query: str) -> None:
    answer = s.request(
        "PUT",
        f"/containers/{container}/archive",
        params={"path": path, **query},
        data=pack(files),
    )
    seen: Any = answer.status_code
    if answer.status_code != 200:
        seen = [answer.status_code, answer.json()["message"]]
    s.note(f"{what}: put {path}", seen)


def _changes(s: Session, what: str, container: str) -> None:
    lines = s.request("GET", f"/containers/{container}/changes").json()
    s.note(f"{what}: changes", lines and sorted([line["Path"], line["Kind"]] for line in lines))


@scenario
def memory(s: Session) -> None:
    """Files of memory are seen by the container alone."""
    image(s, _DOCKERFILE, _FILES)
    command = s.given_container("sleep", "60", service=True)
    host = {"Tmpfs": {"/data": "", "/new/deep": "size=1m"}}
    container = create(s, *command, Image="scenario:1", HostConfig=host)
    for what in ("made", "started"):
        _get(s, what, container, "/data")
        _get(s, what, container, "/new")
        _put(s, what, container, "/data", {what: "1"})
        _put(s, what, container, "/new/deep", {what: "1"})
        _get(s, what, container, "/data")
        _changes(s, what, container)
        if what == "made":
            start(s, container)


@scenario
def memory_by_mount(s: Session) -> None:
    """The long form."""
    command = s.given_container("sleep", "60", service=True)
    host = {"Mounts": [{"Type": "tmpfs", "Target": "/new"}]}
    container = create(s, *command, HostConfig=host)
    start(s, container)
    _get(s, "started", container, "/new")
    _put(s, "started", container, "/new", {"a": "1"})
    _changes(s, "started", container)


@scenario
def written_by_commands(s: Session) -> None:
    """What a command writes into a volume, and into memory."""
    image(s, _DOCKERFILE, _FILES)
    command = s.given_container(
        *("sh", "-c", "mkdir /tree; echo 1 > /data/new; echo 1 > /mem/new; echo 1 > /tree/new"),
        files={"/data/new": "1\n", "/mem/new": "1\n", "/tree/new": "1\n"},
    )
    host = {"Binds": ["one-volume:/data"], "Tmpfs": {"/mem": ""}}
    container = run(s, *command, Image="scenario:1", HostConfig=host)
    _get(s, "ended", container, "/data/new")
    _get(s, "ended", container, "/mem")
    _get(s, "ended", container, "/tree/new")
    _changes(s, "ended", container)


@scenario
def odd_paths(s: Session) -> None:
    """Paths with links, dots and slashes on the way."""
    image(s, _DOCKERFILE, _FILES)
    container = create(s, "true", Image="scenario:1")
    for path in (
        *("data", "/data/", "/data/.", "//data//a", "/data/../data/a", "/data/l", "/data/l/"),
        *("/data/l/.", "/data/l/b", "/data/abs/b", "/data/up/hosts", "/data/a/", "/data/a/."),
        *("/data/a/b", "/data/nope", "/nope/a", "/data/exe", "/data/t"),
        *("/data/s/../a", "/data/l/../a"),
    ):
        _get(s, "made", container, path)
        answer = s.request("HEAD", f"/containers/{container}/archive", params={"path": path})
        s.note(
            f"head {path}", [answer.status_code, "X-Docker-Container-Path-Stat" in answer.headers]
        )
    for path in (
        *("data", "/data/", "/data/.", "/data/l", "/data/l/", "/data/abs", "/data/up", "/data/a"),
        *("/data/a/", "/nope", "/data/nope/", "", ".", "/data/s/../t"),
    ):
        _put(s, "made", container, path, {"new": "1"})
    _changes(s, "made", container)


@scenario
def kinds_that_change(s: Session) -> None:
    """Files for folders, folders for files, and owners that are taken along or not."""
    image(s, _DOCKERFILE, _FILES)
    for query in ({}, {"noOverwriteDirNonDir": "1"}):
        container = create(s, "true", Image="scenario:1", User="7:8")
        what = repr(query)
        _put(s, what, container, "/data", {"a": directory()}, **query)
        _put(s, what, container, "/data", {"s": "file"}, **query)
        _put(s, what, container, "/data", {"l": directory()}, **query)
        _put(s, what, container, "/data", {"l": "file"}, **query)
        _put(s, what, container, "/data", {"own": Entry(b"o", 0o640, 7, 8)}, **query)
        _get(s, what, container, "/data")
        _changes(s, what, container)


@scenario
def while_it_runs(s: Session) -> None:
    """Running, paused, ended: the files are there."""
    image(s, _DOCKERFILE, _FILES)
    container = sleeping(s, Image="scenario:1")
    _put(s, "running", container, "/data", {"a": "1"})
    s.request("POST", f"/containers/{container}/pause")
    _put(s, "paused", container, "/data", {"b": "1"})
    _get(s, "paused", container, "/data/a")
    _changes(s, "paused", container)
    s.request("POST", f"/containers/{container}/unpause")
    s.request("POST", f"/containers/{container}/kill")
    s.request("POST", f"/containers/{container}/wait")
    _put(s, "killed", container, "/data", {"c": "1"})
    _get(s, "killed", container, "/data")
    _changes(s, "killed", container)
    export = s.request("GET", f"/containers/{container}/export").content
    s.note("export", [line for line in _lines(export) if "data/" in line])
