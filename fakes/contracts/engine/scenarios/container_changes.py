"""What an engine says was changed in a container."""

from __future__ import annotations

from collections.abc import Mapping

from ..container_hands import create, image, run
from ..context import Files, pack
from ..registry import scenario
from ..session import Session

_FILES = {"tree/usr/share/doc/a": "1", "tree/d/x": "1", "tree/d/e/y": "1", "tree/f": "1"}


def _note(s: Session, what: str, container: str) -> None:
    lines = s.request("GET", f"/containers/{container}/changes").json()
    s.note(what, lines and sorted([line["Path"], line["Kind"]] for line in lines))


def _put(s: Session, what: str, puts: Mapping[str, Files]) -> None:
    container = create(s, "true", Image="scenario:1")
    for path, files in puts.items():
        s.request(
            "PUT", f"/containers/{container}/archive", params={"path": path}, data=pack(files)
        )
    _note(s, what, container)


@scenario
def of_archives(s: Session) -> None:
    """Every folder above is told, and nothing below a folder that a file took the place of."""
    image(s, "FROM busybox\nCOPY tree /\n", _FILES)
    _put(s, "deep below", {"/usr/share/doc": {"b": "1"}})
    _put(s, "a file for a folder", {"/": {"d": "1"}})
    _put(s, "a folder for a file", {"/": {"f/x": "1"}})
    _put(s, "the same file", {"/d": {"x": "1"}})
    _put(s, "a file of the same size and time", {"/d": {"x": "2"}})
    _put(s, "a file of another size", {"/d": {"x": "22"}})
    _put(s, "new folders", {"/d": {"n/m/k": "1"}})
    _put(s, "in a folder of the engine's", {"/etc": {"b": "1"}})
    _put(s, "nothing", {})


@scenario
def of_commands(s: Session) -> None:
    """What was removed is told by its folder alone."""
    image(s, "FROM busybox\nCOPY tree /\n", _FILES)
    command = s.given_container(
        *("sh", "-c", "rm -r /d; mkdir -p /usr/new/deep; echo 1 > /usr/new/deep/x"),
        files={"/d": None, "/usr/new/deep/x": "1\n"},
    )
    _note(s, "changes", run(s, *command, Image="scenario:1"))
    _note(s, "folder", create(s, "true", Image="scenario:1", WorkingDir="/w/x"))
