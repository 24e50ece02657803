"""What the displays say of events, each in one text."""

from __future__ import annotations

import pytest

from imagebuilders.cli.progress_steps import notice_text
from imagebuilders.events import Notice


@pytest.mark.parametrize(
    ("message", "url", "text"),
    [
        ("a", "", "a"),
        ("a", "https://docs.test/a", "a https://docs.test/a"),
        ("see https://docs.test/a", "https://docs.test/a", "see https://docs.test/a"),
    ],
)
def test_a_notice_names_its_page_once(message: str, url: str, text: str) -> None:
    """Where its own words have no address, that of the page comes after them."""
    assert notice_text(Notice(message, url=url)) == text
