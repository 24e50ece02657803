"""Reads here-documents, which begin after the line that names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..syntax import HereDocument, Part, Quotes, Text, Word
from .words import WordReader

if TYPE_CHECKING:
    from ..dialect import Dialect


@dataclass(frozen=True)
class _Expected:
    """A document that is to be read.

    Attributes:
        document: what its text is put in.
        end: the line that ends it.
        strips: whether tabs before its lines are left out.
        is_quoted: whether its letters stand for themselves.
    """

    document: HereDocument
    end: str
    strips: bool
    is_quoted: bool


class HereDocumentReader(WordReader):
    """Reads here-documents at the end of a line."""

    def __init__(self, source: str, dialect: Dialect, line: int = 1) -> None:
        super().__init__(source, dialect, line)
        self._expected: list[_Expected] = []
        self.lacks_document = False
        """Whether the line that ends a document is missing."""

    def _expect_document(self, number: int | None, operator: str, end: Word) -> HereDocument:
        """Return a document whose text follows after the line."""
        document = HereDocument(number, operator)
        is_quoted = end.literal is None
        self._expected.append(_Expected(document, _plain(end.parts), operator == "<<-", is_quoted))
        return document

    def _read_documents(self) -> None:
        expected, self._expected = self._expected, []
        for one in expected:
            text = "".join(self._document_lines(one))
            one.document.target = (
                Word((Text(text, is_quoted=True),)) if one.is_quoted else self._document_word(text)
            )

    def _document_word(self, source: str) -> Word:
        return Word((Quotes(tuple(self._inner(source)._double(end=""))),), source)

    def _document_lines(self, expected: _Expected) -> list[str]:
        lines: list[str] = []
        while not self._at_end():
            line = self._take_line()
            if not expected.is_quoted:
                while _is_continued(line) and not self._at_end():
                    following = self._take_line()
                    line = line[:-1] + (following.lstrip("\t") if expected.strips else following)
            if expected.strips:
                line = line.lstrip("\t")
            if line == expected.end:
                return lines
            lines.append(line + "\n")
        self.lacks_document = True
        return lines

    def _take_line(self) -> str:
        stop = self._source.find("\n", self._position)
        stop = len(self._source) if stop < 0 else stop
        line = self._source[self._position : stop]
        self._position = min(stop + 1, len(self._source))
        self.line += 1
        return line


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _plain(parts: Sequence[Part]) -> str:
    """Return the letters of a word without its quotes."""
    return "".join(
        _plain(part.parts)
        if isinstance(part, Quotes)
        else part.text
        if isinstance(part, Text)
        else getattr(part, "name", "")
        for part in parts
    )
