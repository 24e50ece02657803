"""Names for containers that were given none."""

from __future__ import annotations

import random

_ADJECTIVES = (
    "amber brisk calm deft eager fond gentle happy keen lively mellow neat open plain quick "
    "quiet ready sharp sunny tidy vivid warm witty zesty"
)
_NOUNS = (
    "anchor beacon cedar delta ember falcon grove harbor island juniper kettle lantern meadow "
    "nectar orchard pebble quarry river summit timber valley willow yarrow zephyr"
)


def made_up_name(taken: set[str]) -> str:
    """Two words that no other container has."""
    while True:
        first = random.choice(_ADJECTIVES.split())  # noqa: S311
        name = f"{first}_{random.choice(_NOUNS.split())}"  # noqa: S311
        if name in taken:
            name += str(random.randint(0, 9999))  # noqa: S311
        if name not in taken:
            return name
