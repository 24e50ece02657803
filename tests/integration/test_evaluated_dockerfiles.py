"""Random Dockerfiles that our evaluation and a real engine make the same of."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import buildkit_cases
import buildkit_execution
import pytest
from buildkit_cases import LOOKS, Look, Outcome
from comparison_size import size
from engine_outcomes import EngineOutcomes
from random_dockerfiles import DockerfileGenerator
from testbed.bed import Testbed
from testbed.images import CONTAINERD

pytestmark = pytest.mark.usefixtures("docker_config")

_SEED = 1015
_COUNT = size(12, 150)
_ENGINES = {"28.5": CONTAINERD, "28.5-graph": "28.5", "26.1": "26.1"}
_RECORDED = size(6, 120)
_OLDER = ("20.10", "26.1")
_PARTS = ("config", "history", "layers", "tree")
_MISSING = re.compile(
    r"failed to compute cache key: failed to calculate checksum of ref REF: "
    r"(.*: not found|too many links|too many symlinks: .*|failed to walk .*)"
)


@pytest.fixture(scope="module", params=[look for look in LOOKS if look.name in _ENGINES])
def look(request: pytest.FixtureRequest) -> Look:
    """Each kind of image store in turn."""
    found: Look = request.param
    return found


@pytest.fixture(scope="module")
def real(look: Look, testbed: Testbed) -> Iterator[EngineOutcomes]:
    """Give a real engine of that kind."""
    with EngineOutcomes(testbed.engine(_ENGINES[look.name]).client) as outcomes:
        yield outcomes


def test_random_dockerfiles(look: Look, real: EngineOutcomes, tmp_path: Path) -> None:
    """Files, layers and their order, configuration, history, warnings and errors are alike."""
    generator, found, built = DockerfileGenerator(_SEED), {}, 0
    for number in range(_COUNT):
        case = generator.case()
        ours, theirs = tmp_path / f"ours-{number}", tmp_path / f"theirs-{number}"
        ours.mkdir()
        theirs.mkdir()
        wanted = real.outcome(case, theirs)
        if wanted is None:
            continue
        built += wanted["ok"]
        differences = _differences(wanted, buildkit_execution.evaluated(case, look, ours))
        if differences:
            found[number] = [case["dockerfile"], *differences]
    assert found == {}
    assert built > _COUNT // 6


@pytest.mark.parametrize("version", _OLDER)
def test_recorded_outcomes_of_older_engines(version: str, testbed: Testbed, tmp_path: Path) -> None:
    """What was recorded of the BuildKit of older engines they do."""
    recorded = buildkit_cases.expected(version)
    names = random.Random(_SEED).sample(sorted(recorded), _RECORDED)
    found = {}
    with EngineOutcomes(testbed.engine(version).client) as outcomes:
        for number, name in enumerate(names):
            folder = tmp_path / str(number)
            folder.mkdir()
            outcome = outcomes.outcome(buildkit_cases.cases()[name], folder)
            assert outcome is not None
            if differences := _differences(recorded[name], outcome):
                found[name] = differences
    assert found == {}


def _differences(wanted: Outcome, found: Outcome) -> list[str]:
    differences = buildkit_cases.differences(wanted, found, parts=_PARTS)
    if wanted["ok"] and not differences:
        orders = [buildkit_execution.layer_order(each) for each in (wanted, found)]
        return [] if orders[0] == orders[1] else [f"order: {orders}"]
    errors = [outcome.get("error", "") for outcome in (wanted, found)]
    if all(_MISSING.fullmatch(error) for error in errors):
        # Of several that are missing, the daemon tells any.
        return [line for line in differences if not line.startswith("error: ")]
    return differences
