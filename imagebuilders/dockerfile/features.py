"""What in a Dockerfile needs BuildKit, as an engine's classic builder does not know it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from imagebuilders.dockerfile.document import Dockerfile
from imagebuilders.dockerfile.values import HereDocument, Instruction
from imagebuilders.lazy_dataclass import dataclass

_FLAGS = {
    "RUN": frozenset({"mount", "network", "security", "device"}),
    "COPY": frozenset({"link", "chmod", "parents", "exclude"}),
    "ADD": frozenset({"link", "chmod", "checksum", "keep-git-dir", "exclude", "unpack"}),
}
_DOCKERS_OWN = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?:[:@]|$)")


@dataclass(frozen=True)
class Feature:
    """Something that only BuildKit understands.

    Attributes:
        name: what it is, as in `RUN --mount` or `a here-document (RUN <<EOF)`.
        line: the line its instruction begins in, from 1.
    """

    name: str
    line: int

    def __str__(self) -> str:
        return f"{self.name} in line {self.line}"


def buildkit_features(dockerfile: Dockerfile) -> Iterator[Feature]:
    """Find what only BuildKit understands, in the file's order.

    A classic builder refuses most of it. Here-documents the newer ones drop without a word, so
    that the image is not what the file says.
    """
    if dockerfile.syntax is not None and not _DOCKERS_OWN.match(dockerfile.syntax):
        lines = [found.line for found in dockerfile.directives if found.name == "syntax"]
        yield Feature(f"the frontend {dockerfile.syntax}", lines[0] if lines else 1)
    for instruction in dockerfile.instructions:
        for name in _names(instruction.trigger or instruction, instruction.here_documents):
            yield Feature(name, instruction.line)


def _names(instruction: Instruction, documents: tuple[HereDocument, ...]) -> Iterator[str]:
    known = _FLAGS.get(instruction.name, frozenset())
    for flag in instruction.flags:
        if flag.name in known:
            yield f"{instruction.name} --{flag.name}"
    for document in documents:
        # Without its end it is plain text to an engine that does not know here-documents.
        if document.terminated:
            yield f"a here-document ({instruction.name} <<{document.name})"
