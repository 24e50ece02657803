"""The double shows what real engines showed; no engine is needed to see that."""

from __future__ import annotations

import pytest
from double_contract import DoubleContract

from fakes.contracts.engine.registry import scenarios
from fakes.contracts.engine.transcripts import VERSIONS, recorded_engine
from fakes.engine.fidelity import KNOWN_DIVERGENCES

# Each scenario runs in the clothes of one version, in turn; the integration tests run all of
# them in the clothes of each.
_NAMES = sorted(scenarios())


class TestLike20(DoubleContract):
    """Docker 20.10."""

    engine_version = "20.10"
    known_divergences = KNOWN_DIVERGENCES["20.10"]
    only = _NAMES[0::3]


class TestLike26(DoubleContract):
    """Docker 26.1."""

    engine_version = "26.1"
    known_divergences = KNOWN_DIVERGENCES["26.1"]
    only = _NAMES[1::3]


class TestLike28(DoubleContract):
    """Docker 28.5."""

    engine_version = "28.5"
    known_divergences = KNOWN_DIVERGENCES["28.5"]
    only = _NAMES[2::3]


@pytest.mark.parametrize("version", VERSIONS)
def test_transcripts_name_the_engine_they_are_of(version: str) -> None:
    """Each transcript says which full version was recorded and when."""
    assert recorded_engine(version).startswith(version)
