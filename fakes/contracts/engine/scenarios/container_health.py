"""Health checks: what becomes of a container's health, and where it shows."""

from __future__ import annotations

import json
from typing import Any

from ..container_hands import note_document, sleeping, until
from ..registry import scenario
from ..session import Session

_HOUR = 3600 * 1_000_000_000
_SOON = 20_000_000


def _health(s: Session) -> dict[str, Any]:
    document = s.request("GET", "/containers/one/json").json()
    return dict(document["State"].get("Health") or {})


def _note_health(s: Session, what: str) -> None:
    """Note a health whose checks were many or few; each of them found the same."""
    health = _health(s)
    found = [
        {k: v for k, v in line.items() if k in ("ExitCode", "Output")} for line in health["Log"]
    ]
    s.note(
        what, {"Status": health["Status"], "found": found[-1], "fields": sorted(health["Log"][-1])}
    )


def _listed(s: Session, *values: str) -> None:
    for value in values:
        query = {"filters": json.dumps({"health": [value]})}
        lines = s.request("GET", "/containers/json", params=query).json()
        s.note(value, [line["Names"] for line in lines])


@scenario
def before_the_first_check(s: Session) -> None:
    """Until it was checked it is starting, and when it has ended it is not healthy."""
    sleeping(s, "one", Healthcheck={"Test": ["CMD", *s.given_exec("true")], "Interval": _HOUR})
    note_document(s, "one", only=("State",))
    lines = s.request("GET", "/containers/json").json()
    s.note("status", lines[0]["Status"].endswith(" (health: starting)"))
    _listed(s, "starting", "healthy", "none")
    s.request("POST", "/containers/one/kill")
    s.request("POST", "/containers/one/wait")
    note_document(s, "one", only=("State",))


@scenario
def switched_off(s: Session) -> None:
    """A health check that is none."""
    sleeping(s, "one", Healthcheck={"Test": ["NONE"]})
    note_document(s, "one", only=("State", "Config"))
    _listed(s, "starting", "healthy", "none")


@scenario
def healthy(s: Session) -> None:
    """A check that succeeds."""
    test = ["CMD", *s.given_exec("echo", "fine", output="fine\n")]
    sleeping(s, "one", Healthcheck={"Test": test, "Interval": _SOON})
    until(lambda: _health(s)["Status"] != "starting")
    _note_health(s, "health")
    s.note("streak", _health(s)["FailingStreak"])
    lines = s.request("GET", "/containers/json").json()
    s.note("status", lines[0]["Status"].endswith(" (healthy)"))
    _listed(s, "starting", "healthy", "unhealthy")


@scenario
def unhealthy(s: Session) -> None:
    """A check that fails as often as it may."""
    s.given_exec("/bin/sh", "-c", "echo bad; exit 3", output="bad\n", exit_code=3)
    test = ["CMD-SHELL", "echo bad; exit 3"]
    sleeping(s, "one", Healthcheck={"Test": test, "Interval": _SOON, "Retries": 2})
    until(lambda: _health(s)["Status"] != "starting")
    _note_health(s, "health")
    s.note("streak", _health(s)["FailingStreak"] >= 2)
    lines = s.request("GET", "/containers/json").json()
    s.note("status", lines[0]["Status"].endswith(" (unhealthy)"))
    _listed(s, "starting", "healthy", "unhealthy")


@scenario
def too_slow(s: Session) -> None:
    """A check that takes longer than it may has failed."""
    test = ["CMD", *s.given_exec("sleep", "60", delay=60)]
    check = {"Test": test, "Interval": _SOON, "Timeout": _SOON, "Retries": 1}
    sleeping(s, "one", Healthcheck=check)
    until(lambda: _health(s)["Status"] != "starting")
    _note_health(s, "health")


@scenario
def failing_while_it_starts(s: Session) -> None:
    """What fails in the time that a container is given to start does not count."""
    command = s.given_exec("false", exit_code=1)
    health = {"Test": ["CMD", *command], "Interval": _SOON, "Retries": 1, "StartPeriod": _HOUR}
    if s.api.api_version >= "1.44":
        health["StartInterval"] = _SOON
    sleeping(s, "one", Healthcheck=health)
    until(lambda: bool(_health(s)["Log"]))
    _note_health(s, "health")
    s.note("streak", _health(s)["FailingStreak"])


@scenario
def of_a_paused_one(s: Session) -> None:
    """What is paused has the health it had."""
    test = ["CMD", *s.given_exec("true")]
    sleeping(s, "one", Healthcheck={"Test": test, "Interval": _SOON})
    until(lambda: _health(s)["Status"] == "healthy")
    s.request("POST", "/containers/one/pause")
    s.note("paused", _health(s)["Status"])
    lines = s.request("GET", "/containers/json").json()
    s.note("status", lines[0]["Status"].endswith(" (Paused)"))
