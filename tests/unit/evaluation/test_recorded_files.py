"""Dockerfiles evaluated to layers and trees, as five BuildKit daemons made them."""

from __future__ import annotations

from pathlib import Path

import buildkit_cases
import buildkit_execution
import pytest
from buildkit_cases import LOOKS, Look

_GROUPS = sorted({case["group"] for case in buildkit_cases.cases().values()} - {"run"})
_PARTS = ("config", "history", "layers", "tree")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
@pytest.mark.parametrize("group", _GROUPS)
def test_files_are_the_daemons(group: str, look: Look, tmp_path: Path) -> None:
    """Layers with their entries in order, trees, configuration and words of errors are alike."""
    found = {}
    for number, (name, wanted) in enumerate(buildkit_cases.expected(look.name).items()):
        case = buildkit_cases.cases()[name]
        if case["group"] != group or not case["run_free"]:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        outcome = buildkit_execution.evaluated(case, look, folder)
        differences = buildkit_cases.differences(wanted, outcome, parts=_PARTS)
        orders = [buildkit_execution.layer_order(each) for each in (wanted, outcome)]
        if not differences and orders[0] != orders[1]:
            differences.append(f"order: expected {orders[0]}, got {orders[1]}")
        if differences:
            found[name] = differences
    assert found == {}
