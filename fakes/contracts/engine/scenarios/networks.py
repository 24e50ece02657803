"""Networks: list, inspect, create, remove, prune."""

from __future__ import annotations

from typing import Any

from ..registry import scenario
from ..resources import container, filters, network, removed
from ..session import Session

_PREDEFINED = ("bridge", "host", "none")


def _names(s: Session, what: str, **query: str) -> None:
    """The names in a list, in no order that matters."""
    answer = s.request("GET", "/networks", params=query)
    document = answer.json()
    if answer.status_code != 200:
        s.note(what, [answer.status_code, document])
        return
    s.note(what, sorted(line["Name"] for line in document))


def _filtered(s: Session, **values: list[str]) -> None:
    _names(s, str(values), **filters(**values))


def _document(s: Session, name: str) -> None:
    s.call("GET", f"/networks/{name}")


@scenario
def list_predefined(s: Session) -> None:
    """The three that are there from the beginning."""
    lines = s.request("GET", "/networks").json()
    s.note("list", sorted(lines, key=lambda line: str(line["Name"])))


@scenario
def inspect_predefined(s: Session) -> None:
    """Their documents."""
    for name in _PREDEFINED:
        _document(s, name)


@scenario
def list_filters(s: Session) -> None:
    """By name, driver, label, type and scope."""
    network(s, "one-net", Labels={"l": "1", "m": "x"})
    network(s, "two-net", Labels={"l": "2"}, Internal=True)
    _filtered(s, name=["one-net"])
    _filtered(s, name=["net"])
    _filtered(s, name=["one", "two"])
    _filtered(s, name=["^one"])
    _filtered(s, name=["nope"])
    _filtered(s, driver=["host"])
    _filtered(s, driver=["host", "null"])
    _filtered(s, label=["l"])
    _filtered(s, label=["l=1"])
    _filtered(s, label=["l", "m=x"])
    _filtered(s, label=["l=1", "l=2"])
    _filtered(s, type=["custom"])
    _filtered(s, type=["builtin"])
    _filtered(s, type=["nope"])
    _filtered(s, scope=["local"])
    _filtered(s, scope=["swarm"])
    _filtered(s, name=["one"], label=["l=2"])


@scenario
def list_by_id(s: Session) -> None:
    """By an id and a part of it."""
    identity = network(s, "one-net")
    _names(s, "id", **filters(id=[identity]))
    _names(s, "beginning", **filters(id=[identity[:12]]))
    _names(s, "middle", **filters(id=[identity[20:40]]))
    _names(s, "no id", **filters(id=["0" * 64]))


@scenario
def list_dangling(s: Session) -> None:
    """Networks that no container is in."""
    network(s, "one-net")
    network(s, "two-net")
    container(s, "c1", start=True, HostConfig={"NetworkMode": "one-net"})
    _filtered(s, dangling=["true"])
    _filtered(s, dangling=["false"])
    _filtered(s, dangling=["1"])
    _filtered(s, dangling=["maybe"])
    _filtered(s, dangling=["true", "false"])


@scenario
def list_bad_filters(s: Session) -> None:
    """Filters nobody knows, and what is no filter."""
    s.call("GET", "/networks", params=filters(nope=["1"]))
    s.call("GET", "/networks", params={"filters": "{nope"})
    s.call("GET", "/networks", params={"filters": '{"name":"one"}'})
    s.call("GET", "/networks", params={"filters": "[]"})
    s.call("GET", "/networks", params={"filters": '{"name":{"bridge":true}}'})


@scenario
def inspect_by_names(s: Session) -> None:
    """By name, id and beginning of the id; what is not there."""
    identity = network(s, "one-net")
    for name in ("one-net", identity, identity[:12], identity[:6]):
        answer = s.request("GET", f"/networks/{name}")
        s.note("get", {"status": answer.status_code, "id": answer.json().get("Id")})
    for name in ("nope", "one", "ONE-NET", "0" * 64, "default"):
        _document(s, name)


@scenario
def inspect_options(s: Session) -> None:
    """With a scope and with more to say."""
    network(s, "one-net")
    s.call("GET", "/networks/one-net", params={"scope": "local"})
    s.call("GET", "/networks/one-net", params={"scope": "swarm"})
    s.call("GET", "/networks/one-net", params={"scope": "nope"})
    s.call("GET", "/networks/one-net", params={"verbose": "true"})
    s.call("GET", "/networks/one-net", params={"verbose": "maybe"})
    answer = s.api.request("GET", f"{s.api.base_url}/v1.40/networks/one-net")
    s.note("old client", answer.json())


@scenario
def create_plain(s: Session) -> None:
    """With a name alone."""
    s.call("POST", "/networks/create", json={"Name": "one-net"})
    _document(s, "one-net")


@scenario
def create_whole(s: Session) -> None:
    """With everything there is to say."""
    s.call(
        "POST",
        "/networks/create",
        json={
            "Name": "one-net",
            "Driver": "bridge",
            "Internal": True,
            "Attachable": True,
            "CheckDuplicate": True,
            "Labels": {"b": "2", "a": "1"},
            "Options": {"com.docker.network.bridge.enable_icc": "false"},
            "IPAM": {
                "Driver": "default",
                "Options": {},
                "Config": [
                    {
                        "Subnet": "10.83.0.0/24",
                        "IPRange": "10.83.0.128/25",
                        "Gateway": "10.83.0.7",
                        "AuxiliaryAddresses": {"router": "10.83.0.8"},
                    }
                ],
            },
        },
    )
    _document(s, "one-net")


@scenario
def create_bad_names(s: Session) -> None:
    """Names that are none or are taken."""
    network(s, "one-net")
    for name in ("one-net", "", "bridge", "host", "none", "default", " ", "a/b", "container:x"):
        s.call("POST", "/networks/create", json={"Name": name})
    s.call("POST", "/networks/create", json={"Name": "one-net", "CheckDuplicate": True})
    s.call("POST", "/networks/create", json={})


@scenario
def create_bad_drivers(s: Session) -> None:
    """Drivers of which there is one network, and what they cannot be told."""
    for driver in ("host", "null", "overlay"):
        s.call("POST", "/networks/create", json={"Name": f"net-{driver}", "Driver": driver})
    s.call("POST", "/networks/create", json={"Name": "y", "Scope": "nope"})
    s.call(
        "POST",
        "/networks/create",
        json={"Name": "z", "Options": {"com.docker.network.bridge.enable_icc": "maybe"}},
    )


@scenario
def create_bad_addresses(s: Session) -> None:
    """Subnets and gateways that cannot be."""
    network(s, "one-net", IPAM={"Config": [{"Subnet": "10.83.0.0/24"}]})
    for number, config in enumerate(
        (
            {"Subnet": "10.83.0.0/24"},
            {"Subnet": "10.83.0.128/25"},
            {"Subnet": "nope"},
            {"Subnet": "10.84.0.0"},
            {"Subnet": "10.84.0.0/24", "Gateway": "nope"},
            {"Subnet": "10.84.1.0/24", "Gateway": "10.99.0.1"},
            {"Subnet": "10.84.2.0/24", "IPRange": "10.99.0.0/25"},
            {"Subnet": "10.84.3.5/24"},
            {"Gateway": "10.84.4.1"},
        )
    ):
        body = {"Name": f"net-{number}", "IPAM": {"Config": [config]}}
        s.call("POST", "/networks/create", json=body)
    _names(s, "left", **filters(type=["custom"]))


@scenario
def create_bad_parts(s: Session) -> None:
    """Parts of a subnet that cannot be, and too many subnets.

    Addresses for others that cannot be are left out: old engines keep the subnet of a network
    that was refused for them until they are started again.
    """
    parts: tuple[dict[str, str], ...] = (
        {"IPRange": "nope"},
        {"IPRange": "10.83.0.5/25"},
        {"IPRange": "10.83.0.0/16"},
        {"IPRange": "nope", "Gateway": "nope"},
    )
    for number, more in enumerate(parts):
        config = [{"Subnet": "10.83.0.0/24", **more}]
        s.call("POST", "/networks/create", json={"Name": "net", "IPAM": {"Config": config}})
        s.note(f"removed {number}", s.request("DELETE", "/networks/net").status_code)
    two = [{"Subnet": "10.83.1.0/24"}, {"Subnet": "10.83.2.0/24"}]
    s.call("POST", "/networks/create", json={"Name": "net", "IPAM": {"Config": two}})


@scenario
def create_with_other_kind(s: Session) -> None:
    """A subnet of IPv6, which is written down."""
    config = [{"Subnet": "fd00:83::/64"}]
    s.call("POST", "/networks/create", json={"Name": "one-net", "IPAM": {"Config": config}})
    _document(s, "one-net")


@scenario
def remove(s: Session) -> None:
    """One that is there, and what cannot be removed."""
    identity = network(s, "one-net")
    network(s, "two-net")
    s.call("DELETE", "/networks/one-net")
    s.call("DELETE", "/networks/one-net")
    s.call("DELETE", f"/networks/{identity}")
    s.call("DELETE", "/networks/nope")
    for name in _PREDEFINED:
        s.call("DELETE", f"/networks/{name}")
    _names(s, "left")


@scenario
def remove_by_id(s: Session) -> None:
    """By the beginning of the id."""
    identity = network(s, "one-net")
    s.call("DELETE", f"/networks/{identity[:12]}")
    _names(s, "left")


@scenario
def remove_in_use(s: Session) -> None:
    """A running container holds it, one that does not run lets it go."""
    network(s, "one-net")
    network(s, "two-net")
    container(s, "c1", start=True, HostConfig={"NetworkMode": "one-net"})
    container(s, "c2", HostConfig={"NetworkMode": "two-net"})
    s.call("DELETE", "/networks/one-net")
    s.call("DELETE", "/networks/two-net")
    _names(s, "left")
    s.call("POST", "/containers/c2/start")
    removed(s, "c1")
    s.call("DELETE", "/networks/one-net")


@scenario
def prune(s: Session) -> None:
    """Networks nobody runs in."""
    for name in ("one-net", "two-net", "three-net"):
        network(s, name)
    container(s, "c1", start=True, HostConfig={"NetworkMode": "two-net"})
    container(s, "c2", HostConfig={"NetworkMode": "three-net"})
    answer = s.request("POST", "/networks/prune")
    s.note("prune", {key: sorted(value) for key, value in answer.json().items()})
    _names(s, "left")
    s.call("POST", "/networks/prune")


@scenario
def prune_filters(s: Session) -> None:
    """By label and age."""
    network(s, "one-net", Labels={"l": "1"})
    network(s, "two-net", Labels={"l": "2"})
    network(s, "three-net")
    bad: tuple[dict[str, Any], ...] = (
        filters(nope=["1"]),
        {"filters": "{nope"},
        filters(until=["nope"]),
        filters(until=["1h", "2h"]),
    )
    for query in bad:
        s.call("POST", "/networks/prune", params=query)
    s.call("POST", "/networks/prune", params=filters(until=["1h"]))
    s.call("POST", "/networks/prune", params=filters(label=["l=1"]))
    s.call("POST", "/networks/prune", params=filters(**{"label!": ["l"]}))
    _names(s, "left")
    s.call("POST", "/networks/prune", params=filters(until=["9999999999"]))


@scenario
def create_twice(s: Session) -> None:
    """Two networks of one name, which only old engines make."""
    network(s, "one-net")
    s.request("POST", "/networks/create", json={"Name": "one-net"})
    lines = s.request("GET", "/networks", params=filters(name=["one-net"])).json()
    s.note("number", len(lines))
    answer = s.request("GET", "/networks/one-net")
    s.note("inspect", [answer.status_code, answer.json().get("message")])
    s.call("DELETE", "/networks/one-net")
    for line in lines:
        s.request("DELETE", f"/networks/{line['Id']}")


@scenario
def create_without_pools(s: Session) -> None:
    """When the subnets that an engine chooses from are used up."""
    for number, subnet in enumerate(("172.20.0.0/14", "172.24.0.0/13", "192.168.0.0/16")):
        network(s, f"big-{number}", IPAM={"Config": [{"Subnet": subnet}]})
    # How many are left depends on the machine's own networks.
    for number in range(3):
        s.request("POST", "/networks/create", json={"Name": f"small-{number}"})
    s.call("POST", "/networks/create", json={"Name": "one-net"})


@scenario
def prune_until(s: Session) -> None:
    """Each form of a time."""
    for text in (
        "1h30m",
        "1.5h",
        "-1h",
        "1d",
        "4102444800",
        "4102444800.5",
        "-5",
        "2100-01-01",
        "2100-01-01T10",
        "2100-01-01T10:00",
        "2100-01-01T10:00:00",
        "2100-01-01T10:00:00.5",
        "2100-01-01T10:00:00Z",
        "2100-01-01T10:00:00+01:00",
        "2000-01-01",
        "2000-01-01 10:00",
        "2000-13-01",
        "10:00",
    ):
        s.request("POST", "/networks/create", json={"Name": "one-net", "CheckDuplicate": True})
        answer = s.request("POST", "/networks/prune", params=filters(until=[text]))
        s.note(text, {"status": answer.status_code, "body": answer.json()})
