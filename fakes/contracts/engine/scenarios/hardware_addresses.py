"""Hardware addresses of containers: chosen, shown, refused."""

from __future__ import annotations

from typing import Any

from ..container_hands import create, sleeping, start
from ..registry import scenario
from ..session import Session

_CHOSEN = "02:42:ac:11:65:43"


def _noted(s: Session, name: str, *networks: str) -> None:
    """Note each place of a container's document that has a hardware address."""
    document = s.request("GET", f"/containers/{name}/json").json()
    settings = document["NetworkSettings"]

    def masked(address: object) -> object:
        return address if address in (_CHOSEN, "", None) else "<other>"

    s.note(
        name,
        {
            "config": masked(document["Config"].get("MacAddress", "")),
            "settings": masked(settings.get("MacAddress", "")),
            "networks": {
                each: masked(settings["Networks"][each].get("MacAddress")) for each in networks
            },
        },
    )


@scenario
def of_the_container(s: Session) -> None:
    """One that was chosen for the container, before and after its start."""
    create(s, *s.given_container("sleep", "60", service=True), name="one", MacAddress=_CHOSEN)
    _noted(s, "one", "bridge")
    start(s, "one")
    _noted(s, "one", "bridge")


@scenario
def of_a_connection(s: Session) -> None:
    """One that was chosen for a connection that a container is made with."""
    s.request("POST", "/networks/create", json={"Name": "net"})
    asked = {"EndpointsConfig": {"net": {"MacAddress": _CHOSEN}}}
    sleeping(s, "one", NetworkingConfig=asked, HostConfig={"NetworkMode": "net"})
    _noted(s, "one", "net")
    network = s.request("GET", "/networks/net").json()["Containers"]
    s.note("network", [member["MacAddress"] == _CHOSEN for member in network.values()])


@scenario
def of_a_later_connection(s: Session) -> None:
    """One that was chosen as a running container was connected."""
    s.request("POST", "/networks/create", json={"Name": "net"})
    sleeping(s, "one")
    s.call(
        "POST",
        "/networks/net/connect",
        json={"Container": "one", "EndpointConfig": {"MacAddress": _CHOSEN}},
    )
    _noted(s, "one", "net")


@scenario
def of_a_connection_before_the_start(s: Session) -> None:
    """One that was chosen as a container that does not run yet was connected."""
    s.request("POST", "/networks/create", json={"Name": "net"})
    create(s, *s.given_container("sleep", "60", service=True), name="one")
    s.call(
        "POST",
        "/networks/net/connect",
        json={"Container": "one", "EndpointConfig": {"MacAddress": _CHOSEN}},
    )
    _noted(s, "one", "net")
    start(s, "one")
    _noted(s, "one", "net")


@scenario
def refused(s: Session) -> None:
    """What is no hardware address."""
    for address in ("x", "02:42", "02:42:ac:11:65:4z", "02-42-ac-11-65-43"):
        body: dict[str, Any] = {"Image": s.base, "Cmd": ["x"], "MacAddress": address}
        answer = s.request("POST", "/containers/create", json=body)
        document = answer.json()
        s.note(address, {"status": answer.status_code, "message": document.get("message", "made")})
