"""Published ports: who has one, and who does not get it."""

from __future__ import annotations

from typing import Any

from ..container_hands import create
from ..registry import scenario
from ..session import Session


def _started(s: Session, name: str, *bindings: dict[str, str], **host: Any) -> str:
    container = create(
        s,
        *s.given_container("sleep", "60", service=True),
        name=name,
        ExposedPorts={"80/tcp": {}},
        HostConfig={"PortBindings": {"80/tcp": list(bindings)}, **host},
    )
    answer = s.request("POST", f"/containers/{container}/start")
    said = answer.text.replace(container, "(id)")
    s.note(f"start {name}", {"status": answer.status_code, "said": said})
    document = s.request("GET", f"/containers/{container}/json").json()
    state = document["State"]
    s.note("state", [state["Status"], state["ExitCode"], state["Error"].replace(container, "(id)")])
    s.note("ports", document["NetworkSettings"]["Ports"])
    return container


@scenario
def taken(s: Session) -> None:
    """Two containers cannot have the same port; who ends gives it back."""
    first = _started(s, "first", {"HostPort": "23456"})
    second = _started(s, "second", {"HostPort": "23456"})
    s.request("POST", f"/containers/{first}/stop", params={"t": "0"})
    s.call("POST", f"/containers/{second}/start")


@scenario
def of_a_range(s: Session) -> None:
    """The first of a range that is free."""
    for name in ("first", "second", "third"):
        _started(s, name, {"HostPort": "23460-23461"})


@scenario
def of_another_machine(s: Session) -> None:
    """An address that the machine does not have."""
    answer = s.request(
        "POST",
        "/containers/create",
        json={
            "Image": s.base,
            "Cmd": s.given_container("sleep", "60", service=True),
            "ExposedPorts": {"80/tcp": {}},
            "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "192.0.2.1", "HostPort": "80"}]}},
        },
    )
    answer = s.request("POST", f"/containers/{answer.json()['Id']}/start")
    s.note("start", [answer.status_code, "cannot assign requested address" in answer.text])
