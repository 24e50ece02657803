"""The recorded Dockerfiles built by the doubles, through the client: images are the daemons'."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import buildkit_cases
import buildkit_execution
import pytest
from buildkit_cases import LOOKS, Case, Look, Outcome
from comparison_size import size
from double_outcomes import double_outcomes

_PARTS = ("config", "history", "layers", "tree")
_COUNT = size(30, 10_000)
_SEED = 1501
_OF_VARIANTS = [look for look in LOOKS if look.name in ("28.5", "28.5-graph")]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_images_are_the_daemons(look: Look, tmp_path: Path) -> None:
    """Layers and their order, trees, configuration, history, warnings and errors are alike."""
    recorded, cases = buildkit_cases.expected(look.name), buildkit_cases.cases()
    assert _differences(look, cases, recorded, tmp_path) == {}


@pytest.mark.parametrize("look", _OF_VARIANTS, ids=lambda look: look.name)
def test_images_of_variants_are_the_daemons(look: Look, tmp_path: Path) -> None:
    """So are those of the cases' neighbours."""
    recorded, cases = buildkit_cases.variant_outcomes(look.name), buildkit_cases.variants()
    assert len(recorded) > 500
    assert _differences(look, cases, recorded, tmp_path) == {}


def _differences(
    look: Look, cases: Mapping[str, Case], recorded: Mapping[str, Outcome], folder: Path
) -> dict[str, list[str]]:
    meant = [name for name in sorted(recorded) if _is_meant(cases[name])]
    names = random.Random(_SEED).sample(meant, min(_COUNT, len(meant)))
    found = {}
    with double_outcomes(look) as double:
        for number, name in enumerate(names):
            place = folder / str(number)
            place.mkdir()
            wanted, outcome = recorded[name], double.outcome(cases[name], place)
            differences = buildkit_cases.differences(wanted, outcome, parts=_PARTS)
            orders = [buildkit_execution.layer_order(each) for each in (wanted, outcome)]
            if not differences and orders[0] != orders[1]:
                differences.append(f"order: expected {orders[0]}, got {orders[1]}")
            if differences:
                found[name] = differences
    return found


def _is_meant(case: Case) -> bool:
    """Whether a case neither runs commands nor needs a server at an address."""
    return bool(case["run_free"]) and not case.get("http")
