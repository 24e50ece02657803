"""Dockerfile syntax that only BuildKit reads, and advice when a classic build met it.

https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from imagebuilders.exceptions import ImageBuilderError

_FLAGS = {
    "RUN": ("mount", "network", "security", "device"),
    "COPY": ("link", "chmod", "parents", "exclude"),
    "ADD": ("link", "chmod", "checksum", "keep-git-dir", "exclude", "unpack"),
}
_INSTRUCTION = re.compile(r"\s*(RUN|COPY|ADD)\s+(.*)", re.IGNORECASE | re.DOTALL)
_FLAG = re.compile(r"--([a-z-]+)\S*\s*")
_HERE_DOCUMENT = re.compile(r"<<-?\s*([\"']?)([A-Za-z_]\w*)\1")
_NOT_UNDERSTOOD = re.compile(r"unknown instruction|unknown flag|requires? buildkit", re.IGNORECASE)
_WHOSE = "syntax of BuildKit, which the local builder does not use yet"


def buildkit_advice(failure: str, read_dockerfile: Callable[[], bytes]) -> str:
    """Say which syntax of BuildKit an engine's classic build failed at.

    Args:
        failure: the engine's own words.
        read_dockerfile: gives the Dockerfile; called only when the words are about its syntax.

    Returns:
        A sentence, or nothing if the failure was another.
    """
    if not _NOT_UNDERSTOOD.search(failure):
        return ""
    try:
        dockerfile = read_dockerfile()
    except ImageBuilderError:  # it is gone: the failure is told without it
        dockerfile = b""
    found = list(buildkit_syntax(dockerfile.decode("utf-8", "replace")))
    if found:
        return f"The Dockerfile has {_WHOSE}: {', '.join(found)}."
    return f"That is Dockerfile {_WHOSE}." if "buildkit" in failure.lower() else ""


def buildkit_syntax(dockerfile: str) -> Iterator[str]:
    """Find what only BuildKit reads, as in `RUN --mount in line 3`."""
    waiting_for = ""
    for number, line in _logical_lines(dockerfile):
        if waiting_for:
            if line.strip() == waiting_for:
                waiting_for = ""
            continue
        instruction = _INSTRUCTION.match(line)
        if instruction is None:
            continue
        word, rest = instruction[1].upper(), instruction[2]
        while flag := _FLAG.match(rest):
            if flag[1] in _FLAGS[word]:
                yield f"{word} --{flag[1]} in line {number}"
            rest = rest[flag.end() :]
        here_document = _HERE_DOCUMENT.search(rest)
        if here_document is not None:
            yield f"a here-document ({word} {here_document[0]}) in line {number}"
            waiting_for = here_document[2]


def _logical_lines(dockerfile: str) -> Iterator[tuple[int, str]]:
    """Give each line with those that continue it, and the number of the first."""
    begun, parts = 0, ""
    for number, text in enumerate(dockerfile.split("\n"), start=1):
        line = text.rstrip()
        begun = begun or number
        if line.endswith("\\"):
            parts += line[:-1]
            continue
        yield begun, parts + line
        begun, parts = 0, ""
    if parts:
        yield begun, parts
