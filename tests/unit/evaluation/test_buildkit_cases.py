"""Dockerfiles resolved as five BuildKit daemons resolve them."""

from __future__ import annotations

import buildkit_cases
import pytest
from buildkit_cases import LOOKS, Look

_GROUPS = sorted({case["group"] for case in buildkit_cases.cases().values()})
_BY_LOOK = pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)


@_BY_LOOK
@pytest.mark.parametrize("group", _GROUPS)
def test_resolution_is_the_daemons(group: str, look: Look) -> None:
    """Errors, warnings, configuration and history are those of the daemon."""
    found = {}
    for name, wanted in buildkit_cases.expected(look.name).items():
        case = buildkit_cases.cases()[name]
        if case["group"] != group:
            continue
        _, outcome = buildkit_cases.resolved(case, look)
        if buildkit_cases.fails_later(wanted):
            differences = list(buildkit_cases.warning_differences(wanted, outcome))
            if not outcome["ok"]:
                differences.append(f"refused: {outcome['error']}")
        else:
            differences = buildkit_cases.differences(wanted, outcome)
        if differences:
            found[name] = differences
    assert found == {}


@_BY_LOOK
def test_every_case_counts(look: Look) -> None:
    """No outcome of a daemon is without its case."""
    assert len(buildkit_cases.expected(look.name)) >= 483
    assert buildkit_cases.expected(look.name).keys() <= buildkit_cases.cases().keys()
