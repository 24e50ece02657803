"""Documents in requests: what cannot be read, and what it is read into."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..container_hands import create, sleeping
from ..registry import scenario
from ..session import Session

# No documents, and documents that are no objects.
_UNREADABLE = ("", " ", "null", "[]", "1", '"x"', "{", "x", '{"a"', "{}x", "{} {}")
# Those that say nothing; a login then asks the public registry.
_EMPTY = ("null", "{}x", "{} {}")


def _send(s: Session, path: str, bodies: Iterable[str]) -> None:
    for body in bodies:
        headers = {"Content-Type": "application/json"}
        answer = s.request("POST", path, data=body, headers=headers)
        seen = {"status": answer.status_code, "body": _said(answer.json())}
        s.note(f"POST {path.partition('?')[0]} {body}", seen)


def _said(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "Id"}


def _fields(*fields: dict[str, Any]) -> list[str]:
    return [json.dumps(value) for value in fields]


def _types(s: Session, path: str) -> None:
    """What a body is said to be."""
    for kind in ("", "text/plain", "application/json; charset=utf-8", "Application/JSON", "odd/"):
        for body in ("", "{}"):
            answer = s.request("POST", path, data=body, headers={"Content-Type": kind})
            s.note(f"{kind} {body}", {"status": answer.status_code, "body": _said(answer.json())})


@scenario
def of_create(s: Session) -> None:
    """To make a container."""
    _send(s, "/containers/create", _UNREADABLE)


@scenario
def of_create_with_wrong_fields(s: Session) -> None:
    """Fields of a container that are of another type than they must be."""
    wrong: tuple[dict[str, Any], ...] = (
        {"Image": 1},
        {"Env": "x"},
        {"Env": [1]},
        {"Env": {}},
        {"Cmd": 1},
        {"Cmd": [1]},
        {"Cmd": {}},
        {"Entrypoint": 1},
        {"Labels": []},
        {"Labels": {"a": 1}},
        {"Tty": "x"},
        {"StopTimeout": "x"},
        {"StopTimeout": 1.5},
        {"ExposedPorts": []},
        {"ExposedPorts": {"80": 1}},
        {"Volumes": "x"},
        {"Healthcheck": []},
        {"Healthcheck": {"Test": "x"}},
        {"Healthcheck": {"Interval": "1s"}},
        {"Shell": "x"},
        {"HostConfig": []},
        {"HostConfig": {"Binds": "x"}},
        {"HostConfig": {"Privileged": 1}},
        {"HostConfig": {"AutoRemove": "x"}},
        {"HostConfig": {"Memory": "1m"}},
        {"HostConfig": {"NetworkMode": 1}},
        {"HostConfig": {"RestartPolicy": "always"}},
        {"HostConfig": {"RestartPolicy": {"Name": 1}}},
        {"HostConfig": {"RestartPolicy": {"MaximumRetryCount": "1"}}},
        {"HostConfig": {"PortBindings": []}},
        {"HostConfig": {"PortBindings": {"80/tcp": {}}}},
        {"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": 80}]}}},
        {"HostConfig": {"Mounts": {}}},
        {"HostConfig": {"Mounts": [{"Target": 1}]}},
        {"HostConfig": {"Mounts": [{"ReadOnly": "x"}]}},
        {"HostConfig": {"LogConfig": {"Config": {"a": 1}}}},
        {"NetworkingConfig": []},
        {"NetworkingConfig": {"EndpointsConfig": []}},
        {"NetworkingConfig": {"EndpointsConfig": {"a": "x"}}},
        {"NetworkingConfig": {"EndpointsConfig": {"a": {"Aliases": "x"}}}},
    )
    _send(s, "/containers/create", _fields(*wrong))


@scenario
def of_create_with_types(s: Session) -> None:
    """What a container's body is said to be."""
    _types(s, "/containers/create")


@scenario
def of_exec(s: Session) -> None:
    """To make an exec."""
    sleeping(s, "one")
    _send(s, "/containers/one/exec", _UNREADABLE)
    wrong = (
        {"Cmd": 1},
        {"Cmd": "x"},
        {"Cmd": [1]},
        {"Env": "x"},
        {"User": 1},
        {"Tty": "x"},
        {"Privileged": 1},
        {"ConsoleSize": "x"},
        {"ConsoleSize": [1]},
    )
    _send(s, "/containers/one/exec", _fields(*wrong))
    _types(s, "/containers/one/exec")


@scenario
def of_exec_start(s: Session) -> None:
    """To start an exec."""
    _send(s, "/exec/nope/start", (*_UNREADABLE, *_fields({"Detach": 1}, {"Tty": "x"})))
    _types(s, "/exec/nope/start")


@scenario
def of_commit(s: Session) -> None:
    """To make an image of a container."""
    create(s, "x", name="one")
    _send(s, "/commit?container=one", _UNREADABLE)
    _send(s, "/commit?container=one", _fields({"Env": "x"}, {"Labels": {"a": 1}}, {"Cmd": 1}))
    _types(s, "/commit?container=one")


@scenario
def of_login(s: Session) -> None:
    """To ask a registry."""
    wrong: tuple[dict[str, Any], ...] = ({"username": 1}, {"serveraddress": []}, {"password": {}})
    bodies = (*_UNREADABLE, *_fields(*wrong))
    _send(s, "/auth", [body for body in bodies if body not in _EMPTY])
