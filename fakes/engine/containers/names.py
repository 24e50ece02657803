"""Names for containers that were given none."""

from __future__ import annotations

import random
from itertools import chain, count

_ADJECTIVES = (
    "amber brisk calm deft eager fond gentle happy keen lively mellow neat open plain quick "
    "quiet ready sharp sunny tidy vivid warm witty zesty"
)
_NOUNS = (
    "anchor beacon cedar delta ember falcon grove harbor island juniper kettle lantern meadow "
    "nectar orchard pebble quarry river summit timber valley willow yarrow zephyr"
)


def made_up_name(taken: set[str]) -> str:
    """Two words that no other container has, with a number where they have them."""
    first = random.choice(_ADJECTIVES.split())  # noqa: S311
    name = f"{first}_{random.choice(_NOUNS.split())}"  # noqa: S311
    # Counted, so that there is an end where a test has patched what is random.
    numbered = (f"{name}{number}" for number in count(1))
    return next(each for each in chain([name], numbered) if each not in taken)
