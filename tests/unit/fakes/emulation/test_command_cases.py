"""Thousands of random commands do what real shells and programs made of them in containers."""

from __future__ import annotations

import threading

import pytest
from left_threads import left_threads
from shell_cases import command_cases, run_case


@pytest.mark.parametrize("name", sorted(command_cases()))
def test_commands_print_and_end_as_they_did_in_a_real_container(name: str) -> None:
    """Each of them with the same output, files and exit code."""
    case = command_cases()[name]
    before = threading.enumerate()
    outcome = run_case(case)
    assert left_threads(before) == []
    commands, wanted = (
        text.split("\n#")
        for text in (outcome.stdout.decode("utf-8", "replace"), case["gave"]["stdout"])
    )
    assert [each for each in commands if each not in wanted] == []
    assert commands == wanted
