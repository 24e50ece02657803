"""Dockerfiles resolved in a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from resolving import Bases, Resolve

from imagebuilders.evaluation import LintWarning, Resolution, ResolveOptions, resolve


@pytest.fixture
def warnings() -> list[LintWarning]:
    """What was warned of."""
    return []


@pytest.fixture
def resolved(warnings: list[LintWarning]) -> Resolve:
    """Resolve a Dockerfile, with `base` as the one image and options as keywords."""

    def run(
        text: str,
        *,
        bases: Mapping[str, Mapping[str, object]] | None = None,
        options: ResolveOptions | None = None,
        **changes: object,
    ) -> Resolution:
        images = Bases(bases if bases is not None else {"base": {}})
        given = replace(options or ResolveOptions(), **changes)  # type: ignore[arg-type]
        return resolve(text.encode(), given, images, warn=warnings.append)

    return run
