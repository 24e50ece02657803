"""What an engine outside of any swarm says to requests about one."""

from __future__ import annotations

from ..registry import scenario
from ..session import Session


@scenario
def left_outside(s: Session) -> None:
    """There is nothing to leave."""
    s.call("POST", "/swarm/leave")
    s.call("POST", "/swarm/leave", params={"force": "1"})


@scenario
def refused_beginnings(s: Session) -> None:
    """Bodies and addresses by which no swarm begins."""
    headers = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]"):
        s.call("POST", "/swarm/init", data=body, headers=headers)
    for document in (
        {"ListenAddr": "nonsense:x:y"},
        {"ListenAddr": "nowhere.invalid:2377"},
        {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "nothing"},
        {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "0.0.0.0"},  # noqa: S104
        {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "127.0.0.1", "DataPathPort": 80},
    ):
        s.call("POST", "/swarm/init", json=document)


@scenario
def refused_joins(s: Session) -> None:
    """Joining without an address to join."""
    s.call("POST", "/swarm/join", json={})
    s.call("POST", "/swarm/join", json={"ListenAddr": "0.0.0.0:2377", "RemoteAddrs": []})
