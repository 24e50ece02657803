"""`find`: lists of expressions, and fields that are too wide."""

from __future__ import annotations

import pytest
from shell_cases import evaluate

from fakes.emulation.endings import BoundReachedError

_FOLDER = "mkdir -p /tmp/t/d; cd /tmp/t; touch a d/b; "


def test_a_comma_separates_expressions_of_which_each_is_done() -> None:
    """The first one's outcome does not matter, and `-o` within binds closer."""
    outcome = evaluate(_FOLDER + "find . -name a -print -o -name d -print , -type f -printf 'F%f '")
    assert outcome.stdout == b"./a\nFa ./d\nFb "


def test_the_outcome_of_a_list_is_its_last() -> None:
    """In parentheses, what stands before the comma is done, and then left."""
    outcome = evaluate(_FOLDER + "find . \\( -name a , -name b \\) -print")
    assert outcome.stdout == b"./d/b\n"


def test_a_wide_field_reaches_the_bound() -> None:
    """The memory of this machine is not filled by a format."""
    with pytest.raises(BoundReachedError, match="field"):
        evaluate("find / -printf '%1000000000p'")
