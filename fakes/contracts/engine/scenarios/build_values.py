"""Values in the query of a build that are of another type than they must be."""

from __future__ import annotations

import json
from typing import Any

from ..context import pack
from ..registry import scenario
from ..session import Session


def _sent(s: Session, name: str, *values: Any, written: bool = False) -> None:
    for value in values:
        text = value if written else json.dumps(value)
        answer = s.request(
            "POST",
            "/build",
            params={name: text},
            data=pack({"Dockerfile": "FROM scratch\nARG A\nLABEL a=$A\n"}),
            headers={"Content-Type": "application/x-tar"},
        )
        built = "built" if "Successfully built" in answer.text else answer.json()
        s.note(f"{name} {text}", {"status": answer.status_code, "body": built})


@scenario
def of_arguments(s: Session) -> None:
    """Build arguments are texts, or nothing."""
    _sent(s, "buildargs", {"A": 3}, {"A": True}, {"A": 3.12}, {"A": ["a"]}, {"A": {}}, {"A": None})
    _sent(s, "buildargs", [1], ["A=1"], "x", 1, None, {"A": "x", "B": 1})
    _sent(s, "buildargs", "{", "{}x", "x", written=True)


@scenario
def of_labels(s: Session) -> None:
    """Labels are texts."""
    _sent(s, "labels", {"a": 17}, {"a": False}, {"a": None}, ["a"], "x")
    _sent(s, "labels", "{} {}", "x", written=True)


@scenario
def of_cache_sources(s: Session) -> None:
    """Images to take the cache from are named by texts."""
    _sent(s, "cachefrom", [1], {"a": 1}, "x", [["a"]], ["a", True])
    _sent(s, "cachefrom", "[", "[]x", "x", written=True)


@scenario
def of_limits(s: Session) -> None:
    """Limits of processes are objects with a name and two numbers."""
    _sent(s, "ulimits", [1], {}, [{"Name": 1}], [{"Name": "nofile", "Soft": "x"}], "x")
    _sent(s, "ulimits", "x", written=True)
