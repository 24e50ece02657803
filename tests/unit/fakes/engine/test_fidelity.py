"""The fidelity page says what the contract says."""

from __future__ import annotations

from pathlib import Path

from fakes.contracts.engine.fidelity import replace_generated

_PAGE = Path(__file__).parents[4] / "docs" / "fake-docker-engine.md"


def test_the_page_is_up_to_date() -> None:
    """Its generated part is what the contract gives now."""
    text = _PAGE.read_text(encoding="utf-8")
    assert replace_generated(text) == text, "run: python -m fakes.contracts.engine.fidelity"
