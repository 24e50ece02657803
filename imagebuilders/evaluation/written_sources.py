"""What COPY and ADD name, as it is written: paths, here-documents, and flags that are on or off."""

from __future__ import annotations

from imagebuilders.dockerfile import (
    Grammar,
    HereDocument,
    Instruction,
    here_document_beginning,
)
from imagebuilders.exceptions import ShellWordError
from imagebuilders.go_text import to_lower


def written_sources(
    instruction: Instruction, grammar: Grammar
) -> tuple[list[str], list[HereDocument]]:
    """Return the paths and the here-documents that an instruction names."""
    contents = {document.name: document for document in instruction.here_documents}
    paths: list[str] = []
    documents: list[HereDocument] = []
    for word in instruction.arguments[:-1]:
        try:
            beginning = here_document_beginning(word, grammar)
        except ShellWordError:  # then it is a path, which cannot be expanded
            beginning = None
        if beginning is None:
            paths.append(word)
        else:
            documents.append(contents.get(beginning.name, beginning))
    return paths, documents


def boolean_flag(instruction: Instruction, name: str) -> bool | None:
    """Return the value of a flag such as `--link`; `None` without it."""
    values = [flag.value for flag in instruction.flags if flag.name == name]
    return to_lower(values[-1] or "true") == "true" if values else None
