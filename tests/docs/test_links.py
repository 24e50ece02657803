"""Links within the built site lead somewhere; `nox -s docs` builds it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """What a page links to, and the places in it that links may name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = {""}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name in ("href", "src") and value and tag != "base":
                self.links.append(value)


def test_links(site: Path) -> None:
    """Each link to a page, a place on a page, a picture or a style has what it names."""
    pages = {path: _Page(path.read_text()) for path in site.rglob("*.html")}
    assert site / "index.html" in pages
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[target].places if target in pages else {parts.fragment}
            if not target.is_file() or unquote(parts.fragment) not in known:
                dead.append(f"{path.relative_to(site)}: {link}")
    assert dead == []


def test_front_page_says_what_it_is(site: Path) -> None:
    """The front page shows the recording, the failing test and both charts."""
    text = (site / "index.html").read_text()
    for name in ("live-build", "tree-diff", "chart-light", "chart-dark", "logo-light"):
        assert f"_static/{name}.svg" in text or f"_images/{name}.svg" in text
