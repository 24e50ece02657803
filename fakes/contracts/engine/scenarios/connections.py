"""Containers in networks: joining, leaving, addresses, names, and what containers show of it."""

from __future__ import annotations

from typing import Any

from ..container_hands import create
from ..registry import scenario
from ..resources import container, filters, network, removed
from ..session import Session


def _document(s: Session, name: str) -> None:
    s.call("GET", f"/networks/{name}")


def _seen_in(s: Session, name: str, *networks: str) -> None:
    """How a container is connected."""
    document = s.request("GET", f"/containers/{name}/json").json()
    connected = document["NetworkSettings"]["Networks"]
    s.note("container", {key: connected.get(key) for key in networks or sorted(connected)})


def _addresses(s: Session, name: str) -> None:
    """The addresses in a network, by container."""
    members = s.request("GET", f"/networks/{name}").json()["Containers"]
    s.note("addresses", {m["Name"]: m["IPv4Address"] for m in members.values()})


def _in(name: str) -> dict[str, Any]:
    """The part of a container's request that puts it in a network."""
    return {"HostConfig": {"NetworkMode": name}}


@scenario
def create_with_subnet(s: Session) -> None:
    """With a subnet and nothing of a gateway."""
    s.call(
        "POST",
        "/networks/create",
        json={"Name": "one-net", "IPAM": {"Config": [{"Subnet": "10.83.1.0/24"}]}},
    )
    _document(s, "one-net")
    container(s, "c1", start=True, HostConfig={"NetworkMode": "one-net"})
    _seen_in(s, "c1")
    _document(s, "one-net")


@scenario
def members(s: Session) -> None:
    """The containers that run in a network."""
    network(s, "one-net")
    container(s, "c1", start=True, HostConfig={"NetworkMode": "one-net"})
    container(s, "c2", HostConfig={"NetworkMode": "one-net"})
    _document(s, "one-net")
    s.call("GET", "/networks", params=filters(name=["one-net"]))
    removed(s, "c1")
    _document(s, "one-net")


@scenario
def connect_running(s: Session) -> None:
    """A running container into a second network, and out of it."""
    network(s, "one-net")
    container(s, "c1", start=True)
    s.call("POST", "/networks/one-net/connect", json={"Container": "c1"})
    _seen_in(s, "c1")
    _document(s, "one-net")
    s.call("POST", "/networks/one-net/connect", json={"Container": "c1"})
    s.call("POST", "/networks/one-net/disconnect", json={"Container": "c1"})
    _seen_in(s, "c1")
    _document(s, "one-net")
    s.call("POST", "/networks/one-net/disconnect", json={"Container": "c1"})


@scenario
def connect_created(s: Session) -> None:
    """A container that was never started."""
    network(s, "one-net")
    container(s, "c1")
    s.call("POST", "/networks/one-net/connect", json={"Container": "c1"})
    _seen_in(s, "c1")
    s.call("POST", "/networks/one-net/connect", json={"Container": "c1"})
    _document(s, "one-net")
    s.call("POST", "/networks/one-net/disconnect", json={"Container": "c1"})
    _seen_in(s, "c1")
    s.call("POST", "/networks/one-net/disconnect", json={"Container": "c1"})


@scenario
def connect_options(s: Session) -> None:
    """With aliases and an address."""
    network(s, "one-net", IPAM={"Config": [{"Subnet": "10.83.0.0/24"}]})
    container(s, "c1", start=True)
    settings = {"Aliases": ["db", "db.local"], "IPAMConfig": {"IPv4Address": "10.83.0.77"}}
    body = {"Container": "c1", "EndpointConfig": settings}
    s.call("POST", "/networks/one-net/connect", json=body)
    _seen_in(s, "c1", "one-net")
    _document(s, "one-net")


@scenario
def connect_bad_address(s: Session) -> None:
    """Addresses that cannot be."""
    network(s, "one-net", IPAM={"Config": [{"Subnet": "10.83.0.0/24"}]})
    network(s, "two-net")
    container(s, "c1", start=True)
    for name, address in (("one-net", "10.99.0.9"), ("one-net", "nope"), ("two-net", "10.83.0.9")):
        settings = {"IPAMConfig": {"IPv4Address": address}}
        body = {"Container": "c1", "EndpointConfig": settings}
        s.call("POST", f"/networks/{name}/connect", json=body)


@scenario
def connect_missing(s: Session) -> None:
    """A network or a container that is not there."""
    network(s, "one-net")
    container(s, "c1")
    for verb in ("connect", "disconnect"):
        s.call("POST", f"/networks/nope/{verb}", json={"Container": "c1"})
        s.call("POST", f"/networks/one-net/{verb}", json={"Container": "nope"})
        s.call("POST", f"/networks/one-net/{verb}", json={})
        s.call("POST", f"/networks/one-net/{verb}", json={"Container": "nope", "Force": True})


@scenario
def connect_host(s: Session) -> None:
    """The networks that are none of the bridges."""
    network(s, "one-net")
    container(s, "c1", start=True)
    container(s, "c2", start=True, HostConfig={"NetworkMode": "host"})
    container(s, "c3", start=True, HostConfig={"NetworkMode": "none"})
    s.call("POST", "/networks/host/connect", json={"Container": "c1"})
    s.call("POST", "/networks/none/connect", json={"Container": "c1"})
    s.call("POST", "/networks/one-net/connect", json={"Container": "c2"})
    s.call("POST", "/networks/host/disconnect", json={"Container": "c2"})
    s.call("POST", "/networks/one-net/connect", json={"Container": "c3"})
    for name in ("c1", "c2", "c3"):
        _seen_in(s, name)


@scenario
def disconnect_force(s: Session) -> None:
    """With force, from the network it was made in, running and not."""
    network(s, "one-net")
    for name, runs in (("c1", True), ("c2", False)):
        container(s, name, start=runs, HostConfig={"NetworkMode": "one-net"})
        body = {"Container": name, "Force": True}
        s.call("POST", "/networks/one-net/disconnect", json=body)
        _seen_in(s, name)
        s.call("POST", "/networks/one-net/disconnect", json=body)
    s.call("DELETE", "/networks/one-net")


@scenario
def start_without_network(s: Session) -> None:
    """A container whose network went."""
    network(s, "one-net")
    container(s, "c1", HostConfig={"NetworkMode": "one-net"})
    s.call("DELETE", "/networks/one-net")
    s.call("POST", "/containers/c1/start")
    _seen_in(s, "c1")


@scenario
def create_in_missing_network(s: Session) -> None:
    """A container for a network that is not there."""
    container(s, "c1", HostConfig={"NetworkMode": "nope"})
    _seen_in(s, "c1")
    s.call("POST", "/containers/c1/start")


@scenario
def addresses(s: Session) -> None:
    """Addresses are given from the lowest, those of who went again."""
    network(s, "one-net")
    for name in ("c1", "c2", "c3"):
        container(s, name, start=True, **_in("one-net"))
    _addresses(s, "one-net")
    removed(s, "c1", "c2")
    for name in ("c4", "c5", "c6"):
        container(s, name, start=True, **_in("one-net"))
    _addresses(s, "one-net")


@scenario
def addresses_of_a_range(s: Session) -> None:
    """From a part of the subnet, around what is kept for others."""
    config = {
        "Subnet": "10.83.0.0/24",
        "IPRange": "10.83.0.64/28",
        "Gateway": "10.83.0.66",
        "AuxiliaryAddresses": {"router": "10.83.0.65"},
    }
    network(s, "one-net", IPAM={"Config": [config]})
    for name in ("c1", "c2", "c3"):
        container(s, name, start=True, **_in("one-net"))
    _addresses(s, "one-net")
    _seen_in(s, "c1")


@scenario
def address_taken(s: Session) -> None:
    """An address that another container has, and that of the gateway."""
    network(s, "one-net", IPAM={"Config": [{"Subnet": "10.83.0.0/24"}]})
    container(s, "c1", start=True, **_in("one-net"))
    container(s, "c2", start=True)
    for address in ("10.83.0.2", "10.83.0.1", "10.83.0.3"):
        settings = {"IPAMConfig": {"IPv4Address": address}}
        body = {"Container": "c2", "EndpointConfig": settings}
        s.call("POST", "/networks/one-net/connect", json=body)
    _addresses(s, "one-net")


@scenario
def internal(s: Session) -> None:
    """A network without a way out."""
    network(s, "one-net", Internal=True)
    container(s, "c1", start=True, **_in("one-net"))
    _seen_in(s, "c1")


@scenario
def create_with_endpoint(s: Session) -> None:
    """A container whose request says how it is connected."""
    network(s, "one-net", IPAM={"Config": [{"Subnet": "10.83.0.0/24"}]})
    settings = {"Aliases": ["db"], "IPAMConfig": {"IPv4Address": "10.83.0.9"}}
    connections = {"EndpointsConfig": {"one-net": settings}}
    container(s, "c1", NetworkingConfig=connections, **_in("one-net"))
    _seen_in(s, "c1")
    s.call("POST", "/containers/c1/start")
    _seen_in(s, "c1")


@scenario
def create_by_id(s: Session) -> None:
    """A container that names its network by the id."""
    identity = network(s, "one-net")
    container(s, "c1", **_in(identity))
    s.call("POST", "/containers/c1/start")
    names = s.request("GET", "/containers/c1/json").json()["NetworkSettings"]["Networks"]
    s.note("names", sorted(names))


@scenario
def stopped(s: Session) -> None:
    """A container that ran keeps its networks, and is in them again when it runs again."""
    network(s, "one-net")
    network(s, "two-net")
    container(s, "c1", start=True, **_in("one-net"))
    s.request("POST", "/containers/c1/kill").raise_for_status()
    s.request("POST", "/containers/c1/wait").raise_for_status()
    _seen_in(s, "c1")
    s.call("POST", "/networks/two-net/connect", json={"Container": "c1"})
    _seen_in(s, "c1")
    s.call("POST", "/containers/c1/start")
    _seen_in(s, "c1")
    s.request("POST", "/containers/c1/kill").raise_for_status()
    s.request("POST", "/containers/c1/wait").raise_for_status()
    s.call("POST", "/networks/one-net/disconnect", json={"Container": "c1"})
    _seen_in(s, "c1")


@scenario
def shared_with_container(s: Session) -> None:
    """A container in the network of another one."""
    network(s, "one-net")
    container(s, "c1", start=True)
    container(s, "c2", start=True, **_in("container:c1"))
    s.call("POST", "/networks/one-net/connect", json={"Container": "c2"})
    _seen_in(s, "c2")


@scenario
def renamed(s: Session) -> None:
    """The members of a network after one got another name."""
    network(s, "one-net")
    container(s, "c1", start=True, **_in("one-net"))
    s.call("POST", "/containers/c1/rename", params={"name": "c2"})
    _addresses(s, "one-net")
    _seen_in(s, "c2")


@scenario
def listed(s: Session) -> None:
    """The networks of a container in a list."""
    network(s, "one-net")
    container(s, "c1", start=True, **_in("one-net"))
    for values in ({"network": ["one-net"]}, {"network": ["nope"]}, {"network": ["bridge"]}):
        lines = s.request("GET", "/containers/json", params=filters(**values)).json()
        s.note(str(values), [line["NetworkSettings"]["Networks"] for line in lines])


@scenario
def called_default(s: Session) -> None:
    """Only a container that asks for the default network may call it that."""
    for mode in (None, "default", "bridge", "none"):
        host = {} if mode is None else {"NetworkMode": mode}
        container = create(
            s,
            *s.given_container("sleep", "60", service=True),
            HostConfig=host,
            NetworkingConfig={"EndpointsConfig": {"default": {}}},
        )
        shown = s.request("GET", f"/containers/{container}/json").json()
        s.note(f"created in {mode}", sorted(shown["NetworkSettings"]["Networks"]))
        answer = s.request("POST", f"/containers/{container}/start")
        s.note("started", {"status": answer.status_code, "said": answer.text})
        shown = s.request("GET", f"/containers/{container}/json").json()
        s.note("networks", sorted(shown["NetworkSettings"]["Networks"]))
        s.request("DELETE", f"/containers/{container}", params={"force": "1"})
