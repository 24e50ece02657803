"""How pytest explains comparisons with the files of an image."""

from __future__ import annotations

from collections.abc import Mapping

from .comparison import SHOWN
from .view import ImageView, near


def explain(op: str, left: object, right: object) -> list[str] | None:
    """The lines in which pytest explains a comparison that failed, `None` for any other."""
    if op == "==" and isinstance(left, ImageView) and isinstance(right, Mapping):
        return [f"{left.title} == what was expected", *left.diff(right)]
    if op == "==" and isinstance(right, ImageView) and isinstance(left, Mapping):
        return explain(op, right, left)
    if op == "in" and isinstance(right, ImageView) and isinstance(left, str):
        found = right.find()
        return [f"{left!r} in the image {right.title}{near(left, found)}", *found[:SHOWN]]
    return None
