"""Here-documents: the words that begin them, and the lines up to the word that ends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from imagebuilders.dockerfile.grammar import BUILDKIT, Grammar
from imagebuilders.dockerfile.shell_reader import Quotes
from imagebuilders.dockerfile.shell_words import expand
from imagebuilders.dockerfile.values import HereDocument, Instruction
from imagebuilders.exceptions import ShellWordError

_WITH_DOCUMENTS = frozenset({"ADD", "COPY", "RUN"})
_BEGINNING = re.compile(r"([0-9]*)<<(-?)([\t\n\f\r ]*)([^<]*)")
_LARGEST_DESCRIPTOR = 2**64 - 1


def here_document_beginning(word: str, grammar: Grammar = BUILDKIT) -> HereDocument | None:
    """Return the here-document that a word such as `<<EOF` begins, without its content.

    `COPY` and `ADD` name their here-documents by such a word among their sources.

    Raises:
        ShellWordError: the word has an unpaired quote or brace.
    """
    match = _BEGINNING.fullmatch(word)
    if match is None or not match[4] or (match[3] and not grammar.here_document_spaces):
        return None
    plain = expand(match[4], keep_unset=True, grammar=grammar).words
    if len(plain) != 1:
        return None
    quoted = expand(match[4], keep_unset=True, quotes=Quotes.KEEP, grammar=grammar).words
    if len(quoted) != 1:
        raise ShellWordError(
            f"internal lexing of heredoc produced inconsistent results: {match[4]}", word=word
        )
    digits = match[1].lstrip("0")
    descriptor = _LARGEST_DESCRIPTOR if len(digits) > 20 else int(digits or 0)
    return HereDocument(
        name=plain[0],
        expand=_quotes_in(plain[0]) == _quotes_in(quoted[0]),
        strip_tabs=bool(match[2]),
        descriptor=min(descriptor, _LARGEST_DESCRIPTOR),
    )


def begins_here_document(word: str, grammar: Grammar = BUILDKIT) -> bool:
    """Return whether a source of `COPY` or `ADD` stands for a here-document."""
    try:
        return here_document_beginning(word, grammar) is not None
    except ShellWordError:
        return False


def _quotes_in(word: str) -> int:
    return word.count("'") + word.count('"')


def here_documents_of(instruction: Instruction, grammar: Grammar) -> list[HereDocument]:
    """Return the here-documents that an instruction begins, without their contents.

    Raises:
        ShellWordError: one of their words has an unpaired quote or brace.
    """
    command = instruction.trigger if instruction.name == "ONBUILD" else instruction
    if (
        not grammar.here_documents
        or command is None
        or command.name not in _WITH_DOCUMENTS
        or command.exec_form
        or "<<" not in instruction.joined
    ):
        return []
    try:
        words = expand(
            instruction.joined,
            keep_unset=True,
            quotes=Quotes.KEEP,
            keep_escapes=True,
            grammar=grammar,
        ).words
    except ShellWordError:  # the command's own matter: it begins none then
        return []
    found = (here_document_beginning(word, grammar) for word in words)
    return [document for document in found if document is not None]


def read_content(document: HereDocument, lines: Iterator[str]) -> HereDocument:
    """Take a here-document's content from the lines behind its instruction.

    Args:
        document: its beginning.
        lines: the lines that follow, with their ends; read up to the one that ends it.
    """
    content: list[str] = []
    for line in lines:
        text = line.rstrip("\r\n")
        if (text.lstrip("\t") if document.strip_tabs else text) == document.name:
            return replace(document, content="".join(content))
        content.append(line)
    return replace(document, content="".join(content), terminated=False)
