"""Moments in queries, of which the API has several forms."""

from __future__ import annotations

from typing import Any

from ..container_hands import create
from ..registry import scenario
from ..resources import filters, network
from ..session import Session

_STAMPS = ("0", "1", "1.5", "1.", ".5", "+1", "-1", "1.-5", "x", "1.x", "1h", "2020-01-01", " 1")
_UNTIL = ("0", "1", "1.5", "1.", ".5", "x", "", "-1h", "2020-01-01", "2020-01-01T00:00:00Z", "9h9")


def _note(s: Session, what: str, path: str, **query: Any) -> None:
    """The status of an answer, and the refusal."""
    answer = s.request(*path.split(), params=query)
    refused = answer.status_code >= 400
    s.note(what, {"status": answer.status_code, "body": answer.json() if refused else "taken"})


@scenario
def of_events(s: Session) -> None:
    """Both ends of the time whose events are told."""
    for text in _STAMPS:
        _note(s, f"since {text}", "GET /events", since=text, until="2")
        if text != "-1":  # which means that there is no end
            _note(s, f"until {text}", "GET /events", until=text)


@scenario
def of_logs(s: Session) -> None:
    """Both ends of the time whose logs are told."""
    create(s, "x", name="one")
    for text in _STAMPS:
        for end in ("since", "until"):
            query = {end: text, "stdout": "1"}
            _note(s, f"{end} {text}", "GET /containers/one/logs", **query)


@scenario
def of_container_prunes(s: Session) -> None:
    """Containers that are older than a moment."""
    for text in _UNTIL:
        _note(s, text, "POST /containers/prune", **filters(until=[text]))
    _note(s, "two", "POST /containers/prune", **filters(until=["1h", "2h"]))
    for text in ("1h", "-1h", "4102444800.5"):
        create(s, "x", name="one")
        gone = s.request("POST", "/containers/prune", params=filters(until=[text])).json()
        s.note(f"{text} takes", len(gone.get("ContainersDeleted") or []))
        s.request("DELETE", "/containers/one")


@scenario
def of_network_prunes(s: Session) -> None:
    """Networks that are older than a moment."""
    for text in _UNTIL:
        _note(s, text, "POST /networks/prune", **filters(until=[text]))
    _note(s, "two", "POST /networks/prune", **filters(until=["1h", "2h"]))
    for text in ("1h", "-1h"):
        network(s, "one")
        gone = s.request("POST", "/networks/prune", params=filters(until=[text])).json()
        s.note(f"{text} takes", gone.get("NetworksDeleted"))
        s.request("DELETE", "/networks/one")


@scenario
def of_image_prunes(s: Session) -> None:
    """Images that are older than a moment."""
    for text in _UNTIL:
        _note(s, text, "POST /images/prune", **filters(until=[text]))
    _note(s, "two", "POST /images/prune", **filters(until=["1h", "2h"]))


@scenario
def of_image_lists(s: Session) -> None:
    """Images that are older than a moment."""
    for text in _UNTIL:
        _note(s, text, "GET /images/json", **filters(until=[text]))
    _note(s, "two", "GET /images/json", **filters(until=["1h", "2h"]))
