"""Events: what is told of images, containers, networks and volumes."""

from __future__ import annotations

from typing import Any

from ..context import pack
from ..event_log import events
from ..registry import scenario
from ..resources import container, made, network, removed, volume
from ..session import Session

_DF = "FROM scratch\nCOPY a /a\nLABEL l=1"


def _built(s: Session, tag: str = "one:1", dockerfile: str = _DF) -> None:
    body = pack({"Dockerfile": dockerfile, "a": "a"})
    s.request("POST", "/build", params={"t": tag, "rm": "1"}, data=body).raise_for_status()


def _do(s: Session, method: str, path: str, **options: Any) -> Any:
    answer = s.request(method, path, **options)
    answer.raise_for_status()
    return answer


# What is told when a container has ended, in the order of the engine's version.
_ENDED = ("die", "disconnect")

# A process that ends when it is asked to, as one that is alone in a container does not by itself.
_OBEDIENT = 'trap "exit 143" TERM; echo ready; while :; do sleep 0.02; done'


def _wait_until_ready(s: Session, name: str, times: int) -> None:
    """Read what a container prints until it has said so often that it is ready."""
    query = {"follow": "1", "stdout": "1"}
    seen = b""
    with s.request("GET", f"/containers/{name}/logs", params=query, stream=True) as answer:
        for piece in answer.iter_content(chunk_size=1):
            seen += piece
            if seen.count(b"ready") == times:
                return


# --- images -------------------------------------------------------------------


@scenario
def image_build(s: Session) -> None:
    """A build with two names, and the same build again."""
    with events(s, "build"):
        body = pack({"Dockerfile": _DF, "a": "a"})
        _do(s, "POST", "/build", params={"t": ["one:1", "two:1"], "rm": "1"}, data=body)
    with events(s, "again"):
        _built(s)
    with events(s, "without a name"):
        _do(s, "POST", "/build", params={"rm": "1"}, data=pack({"Dockerfile": _DF, "a": "b"}))


@scenario
def image_build_run(s: Session) -> None:
    """A step that runs a command."""
    command = s.given_run("true")
    with events(s, "build"):
        _built(s, dockerfile=f"FROM {s.base}\nRUN {command}")


@scenario
def image_tag(s: Session) -> None:
    """A second name, and one that is taken from another image."""
    _built(s)
    _built(s, "other:1", "FROM scratch\nCOPY a /b")
    with events(s, "tag"):
        _do(s, "POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    with events(s, "itself"):
        _do(s, "POST", "/images/one:1/tag", params={"repo": "one", "tag": "1"})
    with events(s, "taken"):
        _do(s, "POST", "/images/other:1/tag", params={"repo": "one", "tag": "1"})


@scenario
def image_delete(s: Session) -> None:
    """One of two names, then the last."""
    _built(s)
    _do(s, "POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    with events(s, "one"):
        _do(s, "DELETE", "/images/one:1")
    with events(s, "last"):
        _do(s, "DELETE", "/images/two:x")


@scenario
def image_delete_by_id(s: Session) -> None:
    """With two names."""
    _built(s)
    _do(s, "POST", "/images/one:1/tag", params={"repo": "one", "tag": "2"})
    identity = s.request("GET", "/images/one:1/json").json()["Id"]
    with events(s, "by id"):
        _do(s, "DELETE", f"/images/{identity}", params={"force": "1"})


@scenario
def image_prune(s: Session) -> None:
    """What nothing names."""
    _built(s, dockerfile="FROM scratch\nCOPY a /a")
    _built(s, dockerfile="FROM scratch\nCOPY a /b")
    with events(s, "prune"):
        _do(s, "POST", "/images/prune")
    with events(s, "nothing left to prune"):
        _do(s, "POST", "/images/prune")


@scenario
def image_import(s: Session) -> None:
    """With a name and without."""
    body = pack({"a": "a"})
    with events(s, "named"):
        query = {"fromSrc": "-", "repo": "one", "tag": "1"}
        _do(s, "POST", "/images/create", params=query, data=body)
    with events(s, "nameless"):
        _do(s, "POST", "/images/create", params={"fromSrc": "-"}, data=pack({"a": "b"}))


@scenario
def image_save_and_load(s: Session) -> None:
    """Into an archive and out of it."""
    _built(s)
    _do(s, "POST", "/images/one:1/tag", params={"repo": "two", "tag": "x"})
    with events(s, "save"):
        archive = _do(s, "GET", "/images/get", params={"names": ["one:1", "two:x"]}).content
    _do(s, "DELETE", "/images/one:1")
    _do(s, "DELETE", "/images/two:x")
    with events(s, "load"):
        _do(s, "POST", "/images/load", data=archive)


@scenario
def image_push_and_pull(s: Session) -> None:
    """To a registry and from it."""
    name = f"{s.registry().address}/one"
    _built(s, f"{name}:1")
    with events(s, "push"):
        headers = {"X-Registry-Auth": "e30="}
        _do(s, "POST", f"/images/{name}/push", params={"tag": "1"}, headers=headers)
    _do(s, "DELETE", f"/images/{name}:1")
    with events(s, "pull"):
        _do(s, "POST", "/images/create", params={"fromImage": name, "tag": "1"})
    with events(s, "pull again"):
        _do(s, "POST", "/images/create", params={"fromImage": name, "tag": "1"})


@scenario
def failures(s: Session) -> None:
    """What fails is not told of."""
    with events(s, "nothing"):
        s.request("DELETE", "/images/nope")
        s.request("POST", "/images/nope/tag", params={"repo": "two"})
        s.request("POST", "/containers/nope/start")
        s.request("DELETE", "/networks/nope")
        s.request("DELETE", "/volumes/nope")
        s.request("POST", "/networks/create", json={"Name": "bridge"})


# --- containers ---------------------------------------------------------------


@scenario
def container_life(s: Session) -> None:
    """A command that ends by itself."""
    words = s.given_container("sh", "-c", "exit 3", exit_code=3)
    with events(s, "create"):
        container(s, "c1", *words, Labels={"l": "1"})
    with events(s, "start", last=_ENDED):
        _do(s, "POST", "/containers/c1/start")
    with events(s, "remove"):
        _do(s, "DELETE", "/containers/c1")


@scenario
def container_pause(s: Session) -> None:
    """Paused, continued and renamed."""
    container(s, "c1", start=True)
    for verb in ("pause", "unpause"):
        with events(s, verb):
            _do(s, "POST", f"/containers/c1/{verb}")
    with events(s, "rename"):
        _do(s, "POST", "/containers/c1/rename", params={"name": "c2"})


@scenario
def container_kill(s: Session) -> None:
    """Killed, and removed while it runs."""
    container(s, "c1", start=True)
    with events(s, "kill", last=_ENDED):
        _do(s, "POST", "/containers/c1/kill")
    _do(s, "POST", "/containers/c1/start")
    with events(s, "remove", last=("destroy",)):
        removed(s, "c1")


@scenario
def container_exec(s: Session) -> None:
    """A command in a container that runs."""
    container(s, "c1", start=True)
    words = s.given_exec("sh", "-c", "exit 4", exit_code=4)
    with events(s, "exec", last=("exec_die",)):
        identity = made(s, "/containers/c1/exec", {"Cmd": words, "AttachStdout": True})["Id"]
        _do(s, "POST", f"/exec/{identity}/start", json={"Detach": True})


@scenario
def container_files(s: Session) -> None:
    """Files out of a container and into it, an image and an archive of it."""
    container(s, "c1")
    query = {"path": "/etc"}
    with events(s, "get"):
        _do(s, "GET", "/containers/c1/archive", params=query)
    with events(s, "head"):
        _do(s, "HEAD", "/containers/c1/archive", params=query)
    with events(s, "put"):
        _do(s, "PUT", "/containers/c1/archive", params=query, data=pack({"a": "a"}))
    with events(s, "export"):
        _do(s, "GET", "/containers/c1/export")
    with events(s, "commit"):
        _do(s, "POST", "/commit", params={"container": "c1", "repo": "one", "tag": "1"})
    with events(s, "commit without a name"):
        _do(s, "POST", "/commit", params={"container": "c1", "comment": "x"})


@scenario
def container_looks(s: Session) -> None:
    """What only looks at a container, and what changes nothing."""
    container(s, "c1", start=True)
    with events(s, "looks"):
        _do(s, "GET", "/containers/c1/json")
        _do(s, "GET", "/containers/c1/changes")
        _do(s, "GET", "/containers/c1/logs", params={"stdout": "1"})
    with events(s, "resize"):
        _do(s, "POST", "/containers/c1/resize", params={"h": "10", "w": "20"})


@scenario
def container_prune(s: Session) -> None:
    """Containers that do not run."""
    container(s, "c1")
    with events(s, "prune"):
        _do(s, "POST", "/containers/prune")


# --- networks and volumes -----------------------------------------------------


@scenario
def network_life(s: Session) -> None:
    """Made, joined, left and removed."""
    with events(s, "create"):
        network(s, "one-net", Labels={"l": "1"})
    container(s, "c1", start=True)
    with events(s, "connect"):
        _do(s, "POST", "/networks/one-net/connect", json={"Container": "c1"})
    with events(s, "disconnect"):
        _do(s, "POST", "/networks/one-net/disconnect", json={"Container": "c1"})
    with events(s, "remove"):
        _do(s, "DELETE", "/networks/one-net")
    container(s, "c2")
    network(s, "two-net")
    with events(s, "connect one that does not run"):
        _do(s, "POST", "/networks/two-net/connect", json={"Container": "c2"})
    with events(s, "disconnect one that does not run"):
        _do(s, "POST", "/networks/two-net/disconnect", json={"Container": "c2"})
    with events(s, "prune"):
        _do(s, "POST", "/networks/prune")
    with events(s, "nothing left to prune"):
        _do(s, "POST", "/networks/prune")


@scenario
def volume_life(s: Session) -> None:
    """Made, used and removed."""
    with events(s, "create"):
        volume(s, "one-vol", Labels={"l": "1"})
    with events(s, "create again"):
        volume(s, "one-vol")
    with events(s, "create container"):
        container(s, "c1", HostConfig={"Binds": ["one-vol:/data:ro"]})
    with events(s, "start"):
        _do(s, "POST", "/containers/c1/start")
    with events(s, "remove container", last=("destroy",)):
        removed(s, "c1")
    with events(s, "remove"):
        _do(s, "DELETE", "/volumes/one-vol")
    volume(s)
    with events(s, "prune"):
        _do(s, "POST", "/volumes/prune")
    with events(s, "nothing left to prune"):
        _do(s, "POST", "/volumes/prune")


@scenario
def volume_anonymous(s: Session) -> None:
    """A volume that comes and goes with a container."""
    with events(s, "create"):
        container(s, "c1", Volumes={"/data": {}})
    with events(s, "remove"):
        _do(s, "DELETE", "/containers/c1", params={"v": "1"})


@scenario
def container_stop(s: Session) -> None:
    """Asked to end, which it does, and started again."""
    words = s.given_container("sh", "-c", _OBEDIENT, output="ready\n", service=True)
    container(s, "c1", *words, start=True)
    _wait_until_ready(s, "c1", 1)
    with events(s, "restart"):
        _do(s, "POST", "/containers/c1/restart", params={"t": "5"})
    _wait_until_ready(s, "c1", 2)
    with events(s, "stop", last=_ENDED):
        _do(s, "POST", "/containers/c1/stop", params={"t": "5"})
    with events(s, "stop again"):
        _do(s, "POST", "/containers/c1/stop")


@scenario
def container_auto_remove(s: Session) -> None:
    """A container that goes when it ends, with the volume that nobody named."""
    words = s.given_container("true")
    container(s, "c1", *words, Volumes={"/data": {}}, HostConfig={"AutoRemove": True})
    with events(s, "start", last=("container destroy",)):
        _do(s, "POST", "/containers/c1/start")


@scenario
def container_attach(s: Session) -> None:
    """Somebody looks at what it prints."""
    container(s, "c1", start=True)
    with events(s, "attach"):
        _do(s, "POST", "/containers/c1/attach", params={"logs": "1", "stdout": "1"})


@scenario
def container_fails_to_start(s: Session) -> None:
    """A container whose network is gone."""
    network(s, "one-net")
    container(s, "c1", HostConfig={"NetworkMode": "one-net", "Binds": ["one-vol:/data"]})
    _do(s, "DELETE", "/networks/one-net")
    with events(s, "start"):
        s.request("POST", "/containers/c1/start")


@scenario
def build_cache_prune(s: Session) -> None:
    """The cache of builds, of which there is nothing."""
    with events(s, "prune"):
        _do(s, "POST", "/build/prune")


@scenario
def image_build_from_nothing(s: Session) -> None:
    """A step before there is any image, and one that fails."""
    with events(s, "from nothing"):
        _built(s, dockerfile="FROM scratch\nENV x=1\nCOPY a /a")
    with events(s, "failing"):
        body = pack({"Dockerfile": "FROM scratch\nLABEL l=1\nCOPY nope /a"})
        s.request("POST", "/build", params={"t": "two:1", "rm": "1"}, data=body)
    with events(s, "keeping containers"):
        body = pack({"Dockerfile": "FROM scratch\nLABEL l=2"})
        _do(s, "POST", "/build", params={"t": "three:1", "rm": "0"}, data=body)
