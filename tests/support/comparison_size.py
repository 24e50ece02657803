"""How much of a long comparison is taken: a seeded sample, or, under ``nox -s whole``, all."""

from __future__ import annotations

import os

WHOLE = os.environ.get("IMAGEBUILDERS_TEST_WHOLE", "") not in ("", "0")
"""Whether all of it is taken."""


def size(sample: int, whole: int) -> int:
    """Return how many examples are taken."""
    return whole if WHOLE else sample
