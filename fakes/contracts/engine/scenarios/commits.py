"""Images made of containers."""

from __future__ import annotations

from typing import Any

from ..container_hands import create, image, run, sleeping
from ..context import pack
from ..event_log import events
from ..registry import scenario
from ..session import Session


def _made(s: Session, **body: Any) -> None:
    """A container of an image with one file, and another file put into it."""
    image(s, 'FROM scratch\nCOPY a /a\nENV x=1\nCMD ["c"]\nLABEL l=1\nEXPOSE 80', {"a": "a"})
    request = {"Image": "scenario:1", **body}
    s.request("POST", "/containers/create", params={"name": "one"}, json=request)
    s.request("PUT", "/containers/one/archive?path=/", data=pack({"b": "b"}))


def _commit(s: Session, body: dict[str, Any] | None = None, **query: Any) -> str:
    answer = s.call("POST", "/commit", params={"container": "one", **query}, json=body)
    return str(answer.get("Id", ""))


@scenario
def plain(s: Session) -> None:
    """An image of the container's files and configuration."""
    _made(s)
    s.look(_commit(s, repo="made"))


@scenario
def author_and_comment(s: Session) -> None:
    """Both are kept in the image and its history."""
    _made(s)
    s.look(_commit(s, repo="made", tag="1", author="me", comment="a comment"))


@scenario
def nothing_written(s: Session) -> None:
    """An image without a layer of its own."""
    image(s, 'FROM scratch\nCOPY a /a\nCMD ["c"]', {"a": "a"})
    s.request("POST", "/containers/create", params={"name": "one"}, json={"Image": "scenario:1"})
    s.look(_commit(s, repo="made"))


@scenario
def configuration(s: Session) -> None:
    """What the request says goes over what the container has."""
    _made(s, Env=["y=2"], Labels={"m": "2"}, WorkingDir="/w", User="5")
    s.look(
        _commit(
            s,
            {
                "Cmd": ["d"],
                "Env": ["x=3", "z=4"],
                "Labels": {"l": "5", "n": "6"},
                "ExposedPorts": {"90/udp": {}},
                "Volumes": {"/v": {}},
                "Hostname": "h",
                "StopSignal": "SIGINT",
            },
            repo="made",
        )
    )


@scenario
def configuration_entrypoint(s: Session) -> None:
    """Entrypoints and commands of container and request."""
    _made(s, Cmd=["own"])
    bodies: tuple[dict[str, Any], ...] = (
        {"Entrypoint": ["e"]},
        {"Entrypoint": ["e"], "Cmd": ["f"]},
        {"Cmd": []},
        {"User": "7", "WorkingDir": "/x"},
        {"Env": []},
        {},
    )
    for body in bodies:
        made = _commit(s, body)
        config = s.request("GET", f"/images/{made}/json").json()["Config"]
        s.note(
            str(body),
            {k: config.get(k) for k in ("Cmd", "Entrypoint", "Env", "User", "WorkingDir")},
        )


@scenario
def changes(s: Session) -> None:
    """Instructions applied to the configuration."""
    _made(s)
    lines = [
        "ENV x=9 k=v",
        'CMD ["q"]',
        "LABEL l=9",
        "EXPOSE 91",
        "USER u",
        "WORKDIR w",
        "VOLUME /z",
    ]
    s.look(_commit(s, repo="made", changes=lines))


@scenario
def changes_in_lines(s: Session) -> None:
    """Several instructions in one text."""
    _made(s)
    made = _commit(s, changes='ENTRYPOINT ["e"]\nSTOPSIGNAL 9\nONBUILD RUN x\nHEALTHCHECK NONE')
    if not made:
        return
    config = s.request("GET", f"/images/{made}/json").json()["Config"]
    keys = ("Cmd", "Entrypoint", "StopSignal", "OnBuild", "Healthcheck")
    s.note("config", {k: config.get(k) for k in keys})


@scenario
def bad_changes(s: Session) -> None:
    """Instructions that cannot be applied."""
    _made(s)
    for line in ("RUN x", "FROM x", "ODD", "ENV", "STOPSIGNAL ODD", "COPY a b", "CMD [", "#x"):
        _commit(s, changes=line)


@scenario
def names(s: Session) -> None:
    """Names that are none, and a tag without a name."""
    _made(s)
    for repo, tag in (("UP", ""), ("a b", ""), ("ok", "-x"), ("", "t"), ("a:b", ""), ("a:b", "c")):
        made = _commit(s, repo=repo, tag=tag)
        if made:
            s.note("tags", s.request("GET", f"/images/{made}/json").json()["RepoTags"])


@scenario
def missing(s: Session) -> None:
    """No container, or none of that name."""
    s.call("POST", "/commit")
    s.call("POST", "/commit", params={"container": "nope", "repo": "made"})
    s.call("POST", "/commit", params={"container": ""}, json={})


@scenario
def twice(s: Session) -> None:
    """A name goes to the newer image."""
    _made(s)
    first = _commit(s, repo="made", comment="1")
    second = _commit(s, repo="made", comment="2")
    for made in (first, second):
        s.note("tags", s.request("GET", f"/images/{made}/json").json()["RepoTags"])


@scenario
def inspected(s: Session) -> None:
    """The image's document names the container only in older versions."""
    _made(s)
    made = s.request("GET", f"/images/{_commit(s, repo='made', comment='c')}/json").json()
    container = s.request("GET", "/containers/one/json").json()["Id"]
    s.note("parent", bool(made.get("Parent")))
    s.note("container", made.get("Container") == container)
    keys = ("Comment", "Author", "RepoTags", "Config", "ContainerConfig")
    s.note("image", {k: made.get(k, "(not there)") for k in keys})


@scenario
def of_running(s: Session) -> None:
    """A container that runs is paused for that, and runs on."""
    sleeping(s, "one")
    _commit(s, repo="made")
    _commit(s, repo="made", pause="0")
    state = s.request("GET", "/containers/one/json").json()["State"]
    s.note("state", {k: state[k] for k in ("Status", "Running", "Paused")})
    s.request("POST", "/containers/one/pause")
    _commit(s, repo="made")
    s.note("still", s.request("GET", "/containers/one/json").json()["State"]["Status"])


@scenario
def of_ended(s: Session) -> None:
    """What a command wrote is in the image."""
    command = s.given_container("sh", "-c", "echo x > /new", files={"/new": "x\n"})
    run(s, *command, name="one")
    made = _commit(s, repo="made")
    config = s.request("GET", f"/images/{made}/json").json()["Config"]
    s.note("cmd", config["Cmd"])
    create(s, "x", name="two")
    history = s.request("GET", f"/images/{made}/history").json()
    s.note("history", {k: history[0][k] for k in ("CreatedBy", "Comment", "Tags", "Size")})


@scenario
def with_terminal(s: Session) -> None:
    """What concerns a container alone is in the image's configuration or not."""
    _made(s, Tty=True, OpenStdin=True, AttachStdout=True, Hostname="h", StopTimeout=3)
    s.look(_commit(s, repo="made"))


@scenario
def events_of_names(s: Session) -> None:
    """What is told of the names that were asked for, with a tag and without."""
    _made(s)
    for repo, tag in (("made", ""), ("made", "t"), ("some/made:t", ""), ("", "")):
        with events(s, f"{repo} {tag}"):
            _commit(s, repo=repo, tag=tag)
