"""The build cache: what is taken from it and what is not."""

from __future__ import annotations

from ..context import Entry, directory
from ..registry import scenario
from ..session import Session

_DF = "FROM scratch\nCOPY a /a\nENV x=1\nCOPY b /b\nCMD c"
_FILES = {"a": "a", "b": "b", "c": "c"}


@scenario
def same_again(s: Session) -> None:
    """Every step is a hit."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF, _FILES, look=False)


@scenario
def nocache(s: Session) -> None:
    """Nothing is looked up."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF, _FILES, nocache="1", look=False)


@scenario
def changed_content(s: Session) -> None:
    """From the step of a changed file on nothing is a hit."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF, {**_FILES, "b": "changed"}, look=False)


@scenario
def changed_unused_file(s: Session) -> None:
    """A file that no step copies does not matter."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF, {**_FILES, "c": "changed"}, look=False)


@scenario
def changed_mtime(s: Session) -> None:
    """A time does not matter."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF, {**_FILES, "a": Entry(b"a", mtime=1_600_009_999)}, look=False)


@scenario
def changed_mode(s: Session) -> None:
    """A mode does."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF, {**_FILES, "a": Entry(b"a", 0o755)}, look=False)


@scenario
def changed_owner(s: Session) -> None:
    """An owner does, though COPY resets it."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF, {**_FILES, "a": Entry(b"a", uid=5)}, look=False)


@scenario
def changed_in_directory(s: Session) -> None:
    """A file below a directory that is copied."""
    df = "FROM scratch\nCOPY d /d"
    s.build(df, {"d/x": "1", "d/y": "1"}, look=False)
    s.build(df, {"d/x": "1", "d/y": "2"}, look=False)
    s.build(df, {"d/x": "1", "d/y": "1"}, look=False)


@scenario
def changed_directory_mode(s: Session) -> None:
    """The mode of a directory."""
    df = "FROM scratch\nCOPY d /d"
    s.build(df, {"d/x": "1"}, look=False)
    s.build(df, {"d": directory(0o700), "d/x": "1"}, look=False)


@scenario
def renamed_source(s: Session) -> None:
    """The same content under another name."""
    s.build("FROM scratch\nCOPY a /z", {"a": "1"}, look=False)
    s.build("FROM scratch\nCOPY b /z", {"b": "1"}, look=False)


@scenario
def changed_instruction(s: Session) -> None:
    """Another value in the middle."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF.replace("x=1", "x=2"), _FILES, look=False)


@scenario
def other_spelling(s: Session) -> None:
    """What counts is what a step comes to, not how it is written."""
    s.build("FROM scratch\nCOPY a /a\nENV x=1 y=2", _FILES, look=False)
    s.build('FROM scratch\ncopy ./a /a\nenv x=1   y="2"', _FILES, look=False)


@scenario
def returns_to_an_older_build(s: Session) -> None:
    """The cache is a tree, not a line."""
    s.build(_DF, _FILES, look=False)
    s.build(_DF.replace("x=1", "x=2"), _FILES, look=False)
    s.build(_DF, _FILES, look=False)


@scenario
def argument_default_changes(s: Session) -> None:
    """An ARG line is a step of its own."""
    df = "FROM scratch\nCOPY a /a\nARG v=1\nENV x=2"
    s.build(df, _FILES, look=False)
    s.build(df.replace("v=1", "v=2"), _FILES, look=False)


@scenario
def argument_value_changes(s: Session) -> None:
    """A given value changes only the steps that use it."""
    df = "FROM scratch\nCOPY a /a\nARG v\nENV x=2\nENV y=$v"
    s.build(df, _FILES, buildargs={"v": "1"}, look=False)
    s.build(df, _FILES, buildargs={"v": "2"}, look=False)


@scenario
def argument_value_in_run(s: Session) -> None:
    """Every RUN after an ARG depends on its value."""
    df = f"FROM {s.base}\nARG v\nRUN true\n"
    s.build(df, buildargs={"v": "1"}, look=False)
    s.build(df, buildargs={"v": "2"}, look=False)
    s.build(df, buildargs={"v": "1"}, look=False)


@scenario
def proxy_in_run(s: Session) -> None:
    """A predefined argument does not."""
    df = f"FROM {s.base}\nRUN true\n"
    s.build(df, buildargs={"HTTP_PROXY": "1"}, look=False)
    s.build(df, buildargs={"HTTP_PROXY": "2"}, look=False)


@scenario
def between_stages(s: Session) -> None:
    """A second stage hits though the first did not."""
    df = "FROM scratch AS one\nCOPY a /a\nFROM scratch\nCOPY b /b\nENV x=1"
    s.build(df, _FILES, look=False)
    s.build(df, {**_FILES, "a": "changed"}, look=False)


@scenario
def copy_from_changed_stage(s: Session) -> None:
    """A COPY --from depends on the files, not on the stage."""
    df = "FROM scratch AS one\nCOPY a /a\nENV x=1\nFROM scratch\nCOPY --from=one /a /b"
    s.build(df, _FILES, look=False)
    s.build(df.replace("x=1", "x=2"), _FILES, look=False)


@scenario
def after_a_failure(s: Session) -> None:
    """What was built before the failing step is kept."""
    s.build("FROM scratch\nCOPY a /a\nENV x=1\nCOPY nope /", _FILES, look=False)
    s.build("FROM scratch\nCOPY a /a\nENV x=1\nCOPY b /", _FILES, look=False)


@scenario
def within_one_build(s: Session) -> None:
    """A stage finds what an earlier one of the same build made."""
    s.build("FROM scratch AS a\nCOPY a /a\nFROM scratch\nCOPY a /a\nENV x=1", _FILES, look=False)


@scenario
def cache_from_here(s: Session) -> None:
    """An image named in cache_from that was built here."""
    s.build(_DF, _FILES, tag="old:1", look=False)
    s.build(_DF, _FILES, cachefrom=["old:1"], look=False)


@scenario
def cache_from_other(s: Session) -> None:
    """With cache_from only those images count."""
    s.build(_DF, _FILES, tag="old:1", look=False)
    s.build("FROM scratch\nCOPY c /c", _FILES, tag="other:1", look=False)
    s.build(_DF, _FILES, cachefrom=["other:1"], look=False)


@scenario
def cache_from_missing(s: Session) -> None:
    """A name that is not here is passed over."""
    s.build(_DF, _FILES, tag="old:1", look=False)
    s.build(_DF, _FILES, cachefrom=["missing:1"], look=False)


@scenario
def cache_from_loaded(s: Session) -> None:
    """An image that came through save and load has no parents here, but its history counts."""
    s.build(_DF, _FILES, tag="old:1", look=False)
    saved = s.request("GET", "/images/old:1/get").content
    s.request("DELETE", "/images/old:1")
    s.request("POST", "/images/load", data=saved)
    s.build(_DF, _FILES, look=False)
    s.build(_DF, _FILES, cachefrom=["old:1"], look=False, tag="again:1")
    s.build(_DF.replace("CMD c", "CMD d"), _FILES, cachefrom=["old:1"], tag="again:2")


@scenario
def after_untagging(s: Session) -> None:
    """An image whose name was taken by another still counts."""
    s.build("FROM scratch\nCOPY a /a", _FILES, look=False)
    s.build("FROM scratch\nCOPY b /a", _FILES, look=False)
    s.build("FROM scratch\nCOPY a /a", _FILES, look=False)


@scenario
def after_removal(s: Session) -> None:
    """A removed image does not."""
    s.build(_DF, _FILES, look=False)
    s.request("DELETE", "/images/scenario:1")
    s.build(_DF, _FILES, look=False)
