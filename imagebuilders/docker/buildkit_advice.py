"""Advice when an engine's classic build met Dockerfile syntax that only BuildKit knows.

https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Callable

from imagebuilders.dockerfile import buildkit_features, parse
from imagebuilders.exceptions import ImageBuilderError

_NOT_UNDERSTOOD = re.compile(
    # The last is what is left of a COPY whose only source is a here-document.
    r"unknown instruction|unknown flag|requires? buildkit|no source files were specified",
    re.IGNORECASE,
)
_WHOSE = "syntax of BuildKit, which the classic builder does not read"


def buildkit_advice(failure: str, read_dockerfile: Callable[[], bytes]) -> str:
    """Say which syntax of BuildKit an engine's classic build failed at.

    Args:
        failure: the engine's own words.
        read_dockerfile: returns the Dockerfile; called only when the words are about its syntax.

    Returns:
        A sentence, or nothing if the failure was another.
    """
    if not _NOT_UNDERSTOOD.search(failure):
        return ""
    try:
        dockerfile = read_dockerfile()
    except ImageBuilderError:  # it is gone: the failure is told without it
        dockerfile = b""
    found = list(map(str, buildkit_features(parse(dockerfile))))
    if found:
        return f"The Dockerfile has {_WHOSE}: {', '.join(found)}."
    return f"That is Dockerfile {_WHOSE}." if "buildkit" in failure.lower() else ""
