"""Things that scenarios make on the way to what they look at."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from . import container_hands
from .session import Session


def filters(**values: list[str]) -> dict[str, str]:
    """The query of a list with filters."""
    return {"filters": json.dumps(values)}


def engine_time(s: Session) -> str:
    """The engine's time in seconds since the epoch, as queries take it."""
    shown = str(s.request("GET", "/info").json()["SystemTime"])
    moment = datetime.fromisoformat(f"{shown[:19]}+00:00")
    # The fraction has up to nine digits, and none where it is 0.
    fraction = shown[19:].rstrip("Z").removeprefix(".")
    return f"{int(moment.timestamp())}.{fraction or '0'}"


def made(s: Session, path: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
    """What the engine answers when it makes something, which must succeed."""
    answer = s.request("POST", path, json=body, params=query)
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document


def container(s: Session, name: str, *command: str, start: bool = False, **config: Any) -> str:
    """A container of the base image that runs until it is killed; its id.

    Args:
        s: the scenario's hands.
        name: its name.
        command: what it runs instead, told by `given_container`.
        start: whether it runs already.
        config: the rest of the request.
    """
    words = list(command) or s.given_container("sleep", "1000", service=True)
    identity = container_hands.create(s, *words, name=name, **config)
    return container_hands.start(s, identity) if start else identity


def removed(s: Session, *names: str) -> None:
    """Remove containers at once."""
    for name in names:
        s.request("DELETE", f"/containers/{name}", params={"force": "1"}).raise_for_status()


def network(s: Session, name: str, **options: Any) -> str:
    """A network; its id."""
    return str(made(s, "/networks/create", {"Name": name, **options})["Id"])


def volume(s: Session, name: str = "", **options: Any) -> str:
    """A volume; its name."""
    return str(made(s, "/volumes/create", {"Name": name, **options})["Name"])
