"""The names of ports: what an engine reads in them, and what it shows of them."""

from __future__ import annotations

from typing import Any

from ..container_hands import create
from ..registry import scenario
from ..session import Session


def _shown(s: Session, port: str, *, published: bool) -> None:
    """Start a container with one port; note how that went and how the port is called then."""
    bindings = {port: [{"HostIp": "", "HostPort": "0"}]} if published else {}
    container = create(
        s,
        *s.given_container("sleep", "60", service=True),
        name="named",
        ExposedPorts={port: {}},
        HostConfig={"PortBindings": bindings},
    )
    answer = s.request("POST", f"/containers/{container}/start")
    said = answer.text.replace(container, "(id)")
    s.note(f"start {port!r}", {"status": answer.status_code, "said": said})
    document = s.request("GET", f"/containers/{container}/json").json()
    s.note("configured", sorted(document["Config"]["ExposedPorts"]))
    ports = document["NetworkSettings"]["Ports"]
    s.note(
        "ports", {name: [_unnumbered(one) for one in held or []] for name, held in ports.items()}
    )
    query = {"all": "1", "filters": f'{{"id": ["{container}"]}}'}
    (listed,) = s.request("GET", "/containers/json", params=query).json()
    s.note("listed", [_unnumbered(one) for one in listed["Ports"]])
    s.request("DELETE", f"/containers/{container}", params={"force": "1"})


def _unnumbered(port: dict[str, Any]) -> dict[str, Any]:
    """A port without the number that the engine chose."""
    return {**port, **{name: "(a port)" for name in ("HostPort", "PublicPort") if name in port}}


@scenario
def exposed(s: Session) -> None:
    """A number that is none counts as 0, and so does a protocol."""
    for port in ("80", "80/", "080/tcp", "80/UDP", "80/udp/x", "70000/tcp", "-1/tcp", "80-82/tcp"):
        _shown(s, port, published=False)
    for port in ("", "/udp", "80/xyz", "web/tcp"):
        _shown(s, port, published=False)


@scenario
def published(s: Session) -> None:
    """What has no protocol that an engine knows is not published."""
    for port in ("80", "80/", "080/tcp", "80/TCP", "80/tcp/x", "/tcp", "/", "80/xyz"):
        _shown(s, port, published=True)


@scenario
def refused(s: Session) -> None:
    """A range is for the host's side alone; a name that is no number is refused."""
    for port in ("80-81/tcp", "81-80/tcp", "web/tcp", "None", "-1/tcp", "70000"):
        bindings = {port: [{"HostPort": "8000-8001"}]}
        body = {"Image": s.base, "Cmd": ["true"], "HostConfig": {"PortBindings": bindings}}
        s.call("POST", "/containers/create", json=body)
