"""Annotations that exporters are asked for, by what they are of.

https://github.com/moby/buildkit/blob/master/docs/annotations.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.oci.platform import Platform

MANIFEST, INDEX = "manifest", "index"
DESCRIPTORS = {MANIFEST: "manifest-descriptor", INDEX: "index-descriptor"}
"""What a descriptor of each is called."""

_KEY = re.compile(r"annotation(?:-(?P<of>[a-z-]+))?(?:\[(?P<platform>[^]]*)\])?\.(?P<name>.+)")


class Annotations:
    """The annotations of an exporter.

    Args:
        attributes: of the exporter.
    """

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._all = [
            (found["of"] or MANIFEST, found["platform"] or "", found["name"], value)
            for key, value in attributes.items()
            if (found := _KEY.fullmatch(key))
        ]

    def of(self, what: str, platform: Platform | None = None) -> dict[str, str]:
        """Return those of one kind of document or descriptor.

        Args:
            what: which kind, as attributes call it.
            platform: what the image is for.
        """
        return dict(self._chosen(what, "" if platform is None else str(platform)))

    def _chosen(self, what: str, platform: str) -> Iterator[tuple[str, str]]:
        for of, only_for, name, value in self._all:
            if of == what and only_for in ("", platform):
                yield name, value
