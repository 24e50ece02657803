"""The scripts of the documentation's pictures still make what is checked in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_STATIC = _ROOT / "docs" / "_static"
_NAMES = ("live-build", "tree-diff", "chart-light", "chart-dark")


@pytest.fixture(scope="module")
def pictures() -> Iterator[dict[str, str]]:
    """Each picture as its script draws it, by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(_ROOT))
        from docs.pictures.__main__ import PICTURES

        yield {name: make() for name, make in PICTURES.items()}


def _texts(svg: str) -> list[str]:
    """Return the words of a picture."""
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize("name", _NAMES)
def test_pictures(name: str, pictures: dict[str, str]) -> None:
    """Each picture shows what its script draws today."""
    assert sorted(pictures) == sorted(_NAMES)
    checked_in = (_STATIC / f"{name}.svg").read_text()
    assert _words(pictures[name]) == _words(checked_in)


def _words(svg: str) -> str:
    """Return a picture's words but for what differs with the version of pytest or rich.

    That is where a line is cut into pieces of one colour, and before which letter a cell ends.
    """
    return re.sub(r"\w+…", "…", re.sub(r"\s", "", "".join(_texts(svg))))


def test_the_recorded_build_is_shown_whole(pictures: dict[str, str]) -> None:
    """The recording has the command, both steps that ran side by side, and the digest."""
    texts = _texts(pictures["live-build"])
    assert "imagebuilders build . -t localhost:5000/shop:1.4 --push" in texts
    for words in ("minified part 2 of 6", "rendered 24 of 40 pages", "checked 812 links"):
        assert any(text.endswith(words) for text in texts)
    assert any(text.startswith("localhost:5000/shop@sha256:") for text in texts)


def test_a_failing_test_names_each_difference(pictures: dict[str, str]) -> None:
    """The tree's difference names what is missing, what is not expected, and the changed line."""
    texts = " ".join(_texts(pictures["tree-diff"]))
    for words in ("missing: start.sh", "not expected: debug.env", "-version: 1.4", "+version: 1.3"):
        assert words in texts
