"""Archives of images that are loaded: what is told of it, and when it is done."""

from __future__ import annotations

import io
import json
import tarfile

from ..container_hands import image
from ..registry import scenario
from ..session import Session


def _saved(s: Session) -> bytes:
    """Make an image of two layers of its own, save it, and remove it."""
    image(s, "FROM scratch\nCOPY a /a\nCOPY b /b\n", {"a": "to load", "b": "too"}, tag="loaded:1")
    saved = s.request("GET", "/images/loaded:1/get").content
    s.request("DELETE", "/images/loaded:1")
    return saved


def _told(text: str) -> list[object]:
    """What an answer tells, without the steps of its progress."""
    told: list[object] = []
    for line in text.splitlines():
        message = json.loads(line)
        seen = message.get("status") or message.get("stream") or sorted(message)
        if seen == "Loading layer":
            seen = [seen, message["id"]]
        if seen not in told:
            told.append(seen)
    return told


@scenario
def as_asked(s: Session) -> None:
    """Layers are told of when that is asked for, and only new ones."""
    saved = _saved(s)
    for quiet in (None, "1", "0", "", "x"):
        query = {} if quiet is None else {"quiet": quiet}
        answer = s.request("POST", "/images/load", data=saved, params=query)
        s.note(f"quiet={quiet}", [answer.status_code, *_told(answer.text)])
        if quiet == "1":
            s.request("DELETE", "/images/loaded:1")
    s.request("DELETE", "/images/loaded:1")


@scenario
def unread(s: Session) -> None:
    """It is done when it answers, whether or not that is read."""
    saved = _saved(s)
    with s.request("POST", "/images/load", data=saved, stream=True) as answer:
        s.note("status", answer.status_code)
    s.note("there", s.request("GET", "/images/loaded:1/json").status_code)
    s.request("DELETE", "/images/loaded:1")


def _without(archive: bytes, dropped: str) -> bytes:
    """An archive in the old form, with its layers but those of a name."""
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as read,
        tarfile.open(fileobj=made, mode="w") as write,
    ):
        for member in read:
            if member.name != dropped:
                write.addfile(member, read.extractfile(member) if member.isreg() else None)
    return made.getvalue()


@scenario
def layers_that_are_here(s: Session) -> None:
    """A layer is not read when it is here above the same ones; any other has to be there."""
    image(s, "FROM scratch\nCOPY a /a\n", {"a": "below"}, tag="below:1")
    image(s, "FROM below:1\nCOPY b /b\n", {"b": "above"}, tag="loaded:1")
    saved = s.request("GET", "/images/loaded:1/get").content
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        lower, upper = json.load(manifest)[0]["Layers"]
    s.request("DELETE", "/images/loaded:1")
    for what, missing in (("the upper one", upper), ("the lower one", lower)):
        answer = s.request("POST", "/images/load", data=_without(saved, missing))
        said = json.loads(answer.text.splitlines()[-1])
        s.note(f"without {what}", said.get("stream") or sorted(said))
    s.note("there", s.request("GET", "/images/loaded:1/json").status_code)
    s.request("DELETE", "/images/loaded:1")
    s.request("DELETE", "/images/below:1")
