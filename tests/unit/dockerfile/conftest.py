"""What BuildKit's own code makes of Dockerfiles and words."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_DATA = Path(__file__).parents[2] / "data" / "dockerfiles.json.gz"


@cache
def _recorded() -> dict[str, Any]:
    with gzip.open(_DATA) as file:
        document: dict[str, Any] = json.load(file)
    return document


@pytest.fixture
def recorded() -> dict[str, Any]:
    """420 Dockerfiles and 900 words, with what BuildKit 0.32.2 read in them.

    Each was given to the packages `parser`, `instructions` and `shell` of its Dockerfile frontend.
    Bytes that are not UTF-8 stand as lone surrogates.
    """
    return _recorded()
