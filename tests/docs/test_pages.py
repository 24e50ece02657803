"""Every page in a real browser, at three widths, light and dark; `nox -s browser` runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from site_pages import OVERLAPPING, WIDER_THAN_THE_PAGE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (500, 820, 1280)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A tab of the browser."""
    page = browser.new_page()
    yield page
    page.close()


def test_pages(site: Path, address: str, page: Page) -> None:
    """No page writes an error to the console, is wider than the window, or lies upon itself."""
    wrong: list[str] = []
    seen: list[str] = []
    page.on("console", lambda said: seen.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("requestfailed", lambda request: seen.append(f"{request.url}: {request.failure}"))
    for path in sorted(site.rglob("*.html")):
        name = str(path.relative_to(site))
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.goto(f"{address}/{name}")
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                for script in (WIDER_THAN_THE_PAGE, OVERLAPPING):
                    told = [f"{name}, {width}, {theme}: {each}" for each in page.evaluate(script)]
                    wrong += told
        wrong += [f"{name}: {each}" for each in seen]
        seen.clear()
    assert wrong == []


def test_copy_button(address: str, page: Page) -> None:
    """The copy button copies what is typed: no prompt, and not what a program prints."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/index.html")
    page.locator("div.highlight-console button.copybtn").first.click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.length > 0)")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("pip install imagebuilders ")


def test_theme_follows_the_reader(address: str, page: Page) -> None:
    """A reader with a dark screen sees the dark page, the dark logo and the dark chart."""
    page.goto(f"{address}/index.html")
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        shown = page.locator("article img:visible").evaluate_all("all => all.map((e) => e.src)")
        other = "dark" if theme == "light" else "light"
        assert any(f"chart-{theme}" in source for source in shown)
        assert not any(f"chart-{other}" in source for source in shown)


def test_search(address: str, page: Page) -> None:
    """The search of the site finds a page by a word of it."""
    page.goto(f"{address}/search.html?q=secrets")
    page.locator("#search-results li a").first.wait_for()
