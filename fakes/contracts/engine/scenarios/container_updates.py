"""What containers may use, given to them afterwards; and what an engine in no swarm says."""

from __future__ import annotations

from typing import Any

from ..container_hands import create, sleeping
from ..registry import scenario
from ..session import Session


def _update(s: Session, container: str, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        answer = s.request("POST", f"/containers/{container}/update", json=body)
        said = answer.text.replace(container, "(id)")
        s.note(repr(body), {"status": answer.status_code, "said": said})


@scenario
def of_limits(s: Session) -> None:
    """Limits that it takes, and those that contradict what there is."""
    mebibyte = 1 << 20
    container = sleeping(s)
    _update(
        *(s, container, {}, {"Memory": 64 * mebibyte}, {"Memory": 1}),
        {"Memory": 64 * mebibyte, "MemorySwap": 128 * mebibyte},
        {"Memory": 512 * mebibyte},
        *({"RestartPolicy": {"Name": name}} for name in ("always", "odd")),
        {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}},
        *({"CpuShares": 512}, {"NanoCpus": 500_000_000}, {"CpusetCpus": "x"}, {"Memory": "x"}),
    )
    host = s.request("GET", f"/containers/{container}/json").json()["HostConfig"]
    kept = ("Memory", "MemorySwap", "RestartPolicy", "CpuShares", "NanoCpus")
    s.note("has", {name: host[name] for name in kept})
    other = create(s, "true", HostConfig={"AutoRemove": True})
    _update(s, other, {"RestartPolicy": {"Name": "always"}})
    s.call("POST", "/containers/nope/update", json={})


@scenario
def outside_of_a_swarm(s: Session) -> None:
    """There is nothing to leave, and nothing to manage."""
    for method, path in (
        ("POST", "/swarm/leave"),
        ("POST", "/swarm/update?version=1"),
        ("GET", "/swarm/unlockkey"),
        ("GET", "/services/x"),
        ("GET", "/nodes/x"),
        ("DELETE", "/secrets/x"),
        ("POST", "/configs/create"),
    ):
        body: dict[str, Any] | None = {} if method == "POST" else None
        s.call(method, path, json=body)
