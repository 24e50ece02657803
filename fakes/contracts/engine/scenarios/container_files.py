"""Files of containers: archives out and in, changes, export."""

from __future__ import annotations

import base64
import json
from typing import Any

from ..container_hands import archive, create, image, run
from ..context import Entry, Files, directory, pack, symlink
from ..registry import scenario
from ..session import Session

_IMAGE: Files = {
    "d/a": "a",
    "d/b": Entry(b"bb", 0o600, 5, 6),
    "d/e/c": Entry(b"#!", 0o4755),
    "link": symlink("d/a"),
    "dirlink": symlink("/d"),
    "dangling": symlink("nowhere"),
    "loop": symlink("loop"),
    "sticky": directory(0o1777),
}


def _image(s: Session) -> None:
    """An image of a few files, without anything else."""
    image(s, 'FROM scratch\nCOPY . /\nCMD ["x"]', _IMAGE)
    s.request("POST", "/containers/create", params={"name": "one"}, json={"Image": "scenario:1"})


def _get(s: Session, path: str, method: str = "GET") -> None:
    """Note an archive: its entries and the header that tells of the path."""
    response = s.request(method, "/containers/one/archive", params={"path": path})
    seen: dict[str, Any] = {"status": response.status_code}
    if "X-Docker-Container-Path-Stat" in response.headers:
        stat = json.loads(base64.b64decode(response.headers["X-Docker-Container-Path-Stat"]))
        if stat["mode"] & 1 << 31:
            # The size of a folder is a matter of the file system.
            stat["size"] = "<size>"
        seen["stat"] = stat
    if response.status_code >= 400:
        seen["body"] = response.json() if response.content else ""
    elif method == "GET":
        seen["type"] = response.headers.get("Content-Type")
        # A real engine lists folders in the order of its file system.
        seen["entries"] = sorted(archive(response.content))
    s.note(f"{method} {path}", seen)


def _put(s: Session, path: str, files: Files | bytes, **query: str) -> None:
    response = s.request(
        "PUT",
        "/containers/one/archive",
        params={"path": path, **query},
        data=files if isinstance(files, bytes) else pack(files),
        headers={"Content-Type": "application/x-tar"},
    )
    body = response.json() if response.content else ""
    s.note(f"PUT {path}", {"status": response.status_code, "body": body})


@scenario
def get_file(s: Session) -> None:
    """Files, with the header that tells of them."""
    _image(s)
    for path in ("/d/a", "d/a", "/d/b", "/d/e/c", "/d/../d/a", "../../d/a", "/d/a/", "/d/a/."):
        _get(s, path)


@scenario
def get_folder(s: Session) -> None:
    """Folders, in each way to name one."""
    _image(s)
    for path in ("/d", "/d/", "/d/.", "/d/e", "d/e/..", "/sticky"):
        _get(s, path)


@scenario
def get_root(s: Session) -> None:
    """All there is, in each way to name it."""
    _image(s)
    for path in ("/", "/.", ".", "/d/.."):
        _get(s, path)


@scenario
def get_links(s: Session) -> None:
    """A link is itself; what lies below one is found."""
    _image(s)
    for path in ("/link", "/dirlink", "/dirlink/", "/dirlink/.", "/dirlink/a", "/dangling"):
        _get(s, path)
    for path in ("/dangling/", "/loop", "/loop/x"):
        _get(s, path)


@scenario
def get_missing(s: Session) -> None:
    """What is not there, and no path at all."""
    _image(s)
    for path in ("/nope", "/nope/", "/d/nope", "/nope/x", "/d/a/x", ""):
        _get(s, path)
    s.call("GET", "/containers/one/archive")
    s.call("GET", "/containers/nope/archive?path=/x")


@scenario
def head(s: Session) -> None:
    """Only the header that tells of a path."""
    _image(s)
    for path in ("/d/a", "/d", "/d/", "/link", "/dirlink/", "/sticky", "/nope", "/", "/d/b"):
        _get(s, path, "HEAD")


@scenario
def put_files(s: Session) -> None:
    """What is put is there: owners, modes and times as in the archive."""
    _image(s)
    _put(
        s,
        "/d",
        {
            "new": Entry(b"n", 0o640, 7, 8),
            "a": "changed",
            "deep/er/x": "x",
            "sym": symlink("../a"),
            "folder": directory(0o700, 1, 2),
        },
    )
    _get(s, "/d")
    _changes(s)


@scenario
def put_into_root(s: Session) -> None:
    """The root is a folder as any other."""
    _image(s)
    _put(s, "/", {"top": "t", "./dot": "d"})
    for path in ("/top", "/dot"):
        _get(s, path)


@scenario
def put_hard_link(s: Session) -> None:
    """Two names of one file."""
    _image(s)
    _put(s, "/d", {"x": "x", "y": Entry(hard_link="x")})
    _get(s, "/d/y")


@scenario
def put_over_links(s: Session) -> None:
    """A link to a folder is followed, one in the archive's way is replaced."""
    _image(s)
    _put(s, "/dirlink", {"through": "t"})
    _put(s, "/", {"link": "no link"})
    _put(s, "/", {"dirlink/inside": "i"})
    for path in ("/d/through", "/link", "/dirlink", "/dirlink/inside"):
        _get(s, path)


@scenario
def put_over_other_kinds(s: Session) -> None:
    """A file over a folder and a folder over a file, allowed or not."""
    _image(s)
    _put(s, "/d", {"e": "file"}, noOverwriteDirNonDir="1")
    _put(s, "/d", {"a": directory()}, noOverwriteDirNonDir="1")
    _get(s, "/d")
    _put(s, "/d", {"a": directory()})
    _put(s, "/d", {"e": "file"})
    _get(s, "/d")


@scenario
def put_where_nothing_is(s: Session) -> None:
    """Places that cannot be extracted to."""
    _image(s)
    for path in ("/nope", "/nope/", "/d/a", "/d/a/", "/link", "/dangling", "/d/a/x", ""):
        _put(s, path, {"x": "x"})


@scenario
def put_below_a_file(s: Session) -> None:
    """An archive whose path leads through a file."""
    _image(s)
    _put(s, "/", {"d/a/x": "x"})
    _get(s, "/d/a")


@scenario
def put_no_archive(s: Session) -> None:
    """Bodies that are no archive, or a compressed one."""
    import gzip

    _image(s)
    _put(s, "/d", b"")
    _put(s, "/d", b"no archive")
    _put(s, "/d", gzip.compress(pack({"zipped": "z"})))
    _put(s, "/d", {"../out": "x"})
    _get(s, "/d")


@scenario
def put_keeps_owner(s: Session) -> None:
    """Owners of the archive, or of the user of the container."""
    _image(s)
    _put(s, "/d", {"own": Entry(b"x", 0o644, 7, 8)}, copyUIDGID="1")
    _get(s, "/d/own")


@scenario
def changes(s: Session) -> None:
    """What a command added, changed and removed."""
    create(s, "x", name="made")
    s.call("GET", "/containers/made/changes")
    script = (
        "echo x > /etc/new; echo y >> /etc/passwd; rm /etc/group; mkdir /folder; echo z > /folder/z"
    )
    passwd = _content(s, "/etc/passwd") + "y\n"
    command = s.given_container(
        "sh",
        "-c",
        script,
        files={
            "/etc/new": "x\n",
            "/etc/passwd": passwd,
            "/etc/group": None,
            "/folder/": "",
            "/folder/z": "z\n",
        },
    )
    run(s, *command, name="one")
    _changes(s)


def _changes(s: Session) -> None:
    """Note the changes by path: a real engine lists them in the order of its file system."""
    lines = s.request("GET", "/containers/one/changes").json()
    s.note("changes", sorted(lines or [], key=lambda line: line["Path"]))


def _content(s: Session, path: str) -> str:
    import io
    import tarfile

    response = s.request("GET", "/containers/made/archive", params={"path": path})
    with tarfile.open(fileobj=io.BytesIO(response.content)) as tar:
        source = tar.extractfile(path.rpartition("/")[2])
        return source.read().decode() if source else ""


@scenario
def export(s: Session) -> None:
    """The files of a container that was only made."""
    _image(s)
    _put(s, "/d", {"new": "n"})
    response = s.request("GET", "/containers/one/export")
    s.note("type", response.headers.get("Content-Type"))
    s.note("entries", sorted(archive(response.content)))


@scenario
def export_of_what_ran(s: Session) -> None:
    """What a command wrote is in there, and so is where things were mounted."""
    command = s.given_container("sh", "-c", "echo x > /new", files={"/new": "x\n"})
    run(s, *command, name="one")
    entries = archive(s.request("GET", "/containers/one/export").content)
    wanted = {"new", ".dockerenv", "dev", "dev/console", "dev/pts", "dev/shm", "proc", "sys"}
    wanted |= {f"etc/{name}" for name in ("hosts", "hostname", "resolv.conf", "mtab")}
    chosen = [line for line in entries if _path(line) in wanted]
    s.note("some", sorted(chosen))


def _path(line: str) -> str:
    """The path of a line that tells of an entry."""
    return line.partition(" -> ")[0].partition(" b'")[0].split(" ")[-1]


@scenario
def working_folder(s: Session) -> None:
    """The working folder comes to be when the container is made."""
    image(s, 'FROM scratch\nCOPY . /\nCMD ["x"]', _IMAGE)
    body = {"Image": "scenario:1", "WorkingDir": "/w/x", "User": "5"}
    s.request("POST", "/containers/create", params={"name": "one"}, json=body)
    _get(s, "/w")
    _changes(s)


@scenario
def made_by_starting(s: Session) -> None:
    """Places that an engine makes in a container before it runs."""
    run(s, *s.given_container("true"), name="one")
    _changes(s)
