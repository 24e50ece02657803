"""The pages about the engine double say what the contract says."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.contracts.engine.fidelity import PAGES, replace_generated

_ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_up_to_date(page: str) -> None:
    """Its generated part is what the contract gives now."""
    text = (_ROOT / page).read_text(encoding="utf-8")
    assert replace_generated(page, text) == text, "run: python -m fakes.contracts.engine.fidelity"
