"""Drivers that are not there: an engine looks for each for a quarter of a minute."""

from __future__ import annotations

from ..registry import scenario
from ..session import Session


@scenario
def of_a_network(s: Session) -> None:
    """Of the network."""
    s.call("POST", "/networks/create", json={"Name": "one-net", "Driver": "nope"})


@scenario
def of_addresses(s: Session) -> None:
    """Of the network's addresses."""
    s.call("POST", "/networks/create", json={"Name": "one-net", "IPAM": {"Driver": "nope"}})


@scenario
def of_a_volume(s: Session) -> None:
    """Of a volume that is new."""
    s.call("POST", "/volumes/create", json={"Name": "one-vol", "Driver": "nope"})
    s.call("GET", "/volumes/one-vol")


@scenario
def of_a_volume_that_is_there(s: Session) -> None:
    """Of a volume that has another."""
    s.request("POST", "/volumes/create", json={"Name": "one-vol"})
    s.call("POST", "/volumes/create", json={"Name": "one-vol", "Driver": "nope"})
