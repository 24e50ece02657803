"""Listings that come in pages, each with a `Link` to the next one (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from imagebuilders.distribution.transport import Response
from imagebuilders.exceptions import ImageFormatError, RegistryContentError
from imagebuilders.oci.json_document import ObjectReader, load_object

MAX_PAGE_BYTES = 16 * 1024 * 1024
MAX_PAGES = 100_000

_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


def read_pages(
    fetch: Callable[[str], Response],
    target: str,
    key: str,
    resolve: Callable[[str, str], str],
) -> Iterator[str]:
    """Return the entries of a listing, page after page, each page when it is needed.

    Args:
        fetch: asks for a page.
        target: where the first page is.
        key: the key of the entries in each page.
        resolve: makes a whole URL of a page's URL and a link in it.

    Raises:
        RegistryContentError: a page cannot be used, or the pages do not end.
        RegistryError: a page was refused or could not be asked for.
    """
    seen: set[str] = set()
    while target:
        with fetch(target) as response:
            url = response.request.url
            content = response.read(MAX_PAGE_BYTES)
            link = next_link(response.headers("Link"))
        try:
            fields = ObjectReader(
                load_object(content, "the listing", max_bytes=MAX_PAGE_BYTES), "the listing"
            )
            entries = fields.texts(key) or ()
        except ImageFormatError as error:
            raise RegistryContentError(f"{url.partition('?')[0]}: {error}") from error
        yield from entries
        target = resolve(url, link) if link else ""
        seen.add(url)
        if target in seen or len(seen) > MAX_PAGES:
            raise RegistryContentError(f"The pages of {url.partition('?')[0]} do not end.")


def next_link(values: list[str]) -> str:
    """Return the target of the link with `rel="next"`; empty when there is none.

    Args:
        values: each `Link` field of the response.
    """
    for found in (link for value in values for link in _LINK.finditer(value)):
        relation = _RELATION.search(found[2])
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return found[1]
    return ""
