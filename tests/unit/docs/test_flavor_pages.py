"""The addresses that flavors give for themselves lead somewhere in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imagebuilders.components.flavor import DOCS_URL, Flavor
from imagebuilders.stack.flavors import FlavorCatalog

_DOCS = Path(__file__).resolve().parents[3] / "docs"
_FLAVORS = [
    entry.flavor
    for entry in FlavorCatalog.installed().entries
    if entry.flavor is not None and type(entry.flavor).__module__.startswith("imagebuilders.")
]


@pytest.mark.parametrize("flavor", _FLAVORS, ids=lambda flavor: f"{flavor.type}-{flavor.name}")
def test_docs_url_is_a_heading(flavor: Flavor) -> None:
    """A flavor's page exists, and has a heading of the address's fragment."""
    assert flavor.docs_url is not None
    page, _, fragment = flavor.docs_url.removeprefix(f"{DOCS_URL}/").partition("#")
    text = (_DOCS / page.replace(".html", ".md")).read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert fragment in [heading.lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("flavor", _FLAVORS, ids=lambda flavor: f"{flavor.type}-{flavor.name}")
def test_logo_is_a_file(flavor: Flavor) -> None:
    """A flavor that names a logo has one among the documentation's files."""
    if flavor.logo_url is not None:
        assert (_DOCS / flavor.logo_url.removeprefix(f"{DOCS_URL}/")).is_file()
