"""Most options of each program, and most constructs of each shell, beside the real ones."""

from __future__ import annotations

import threading

import pytest
from left_threads import left_threads
from shell_cases import (
    cases,
    differences,
    differing_complaints,
    differing_lines,
    flag_cases,
    known_complaints,
    run_case,
)


@pytest.mark.parametrize("name", sorted(flag_cases()))
def test_options_do_what_they_did_in_a_real_container(name: str) -> None:
    """No more differs from the real outcome than is known: lines of output, and other parts."""
    case = flag_cases()[name]
    before = threading.enumerate()
    outcome = run_case(case)
    assert left_threads(before) == []
    known = case.get("apart", {"lines": 0, "parts": []})
    assert differing_complaints(case, outcome) <= known_complaints().get(name, 0)
    parts = {one.split(":")[0] for one in differences(case, outcome)} - {"stdout"}
    assert differing_lines(case, outcome) <= known["lines"]
    assert parts <= set(known["parts"])


def test_known_complaints_are_those_of_cases() -> None:
    """Each entry names a case that there is."""
    assert known_complaints().keys() <= cases().keys() | flag_cases().keys()


def test_most_lines_agree() -> None:
    """Of all lines that the real ones printed, at most one in twenty is known to differ."""
    cases = flag_cases().values()
    lines = sum(case["gave"]["stdout"].count("\n") for case in cases)
    apart = sum(case.get("apart", {"lines": 0})["lines"] for case in cases)
    assert apart / lines < 0.055
