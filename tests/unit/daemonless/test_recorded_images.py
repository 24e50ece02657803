"""The recorded Dockerfiles, pushed without a daemon: what is in the registry is BuildKit's."""

from __future__ import annotations

from pathlib import Path

import buildkit_cases
import buildkit_execution
import pytest
from comparison_size import size
from pushed_images import IGNORE_FILE, PushedImages

_PARTS = ("config", "history", "layers", "tree")
_EACH = size(6, 1)
"""Each of so many cases is taken."""
_GROUPS = sorted(
    {case["group"] for case in buildkit_cases.cases().values() if case["run_free"]} - {"run"}
)


@pytest.mark.parametrize("group", _GROUPS)
def test_pushed_images_are_the_daemons(group: str, pushed: PushedImages, tmp_path: Path) -> None:
    """Configuration, history, layers with their order, files, warnings, and words of errors."""
    found = {}
    for number, (name, wanted) in enumerate(buildkit_cases.expected("0.32").items()):
        case = buildkit_cases.cases()[name]
        if case["group"] != group or not case["run_free"] or number % _EACH:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        outcome = pushed.outcome(case, folder)
        if outcome.get("error") == IGNORE_FILE and not wanted["ok"]:
            continue
        differences = buildkit_cases.differences(wanted, outcome, parts=_PARTS)
        orders = [buildkit_execution.layer_order(each) for each in (wanted, outcome)]
        if not differences and orders[0] != orders[1]:
            differences.append(f"order: expected {orders[0]}, got {orders[1]}")
        if differences:
            found[name] = differences
    assert found == {}
