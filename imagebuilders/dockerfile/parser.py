"""Reading a Dockerfile: lines, comments, continuation, here-documents.

The format: https://docs.docker.com/reference/dockerfile/#format
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from imagebuilders.dockerfile.directives import DirectiveReader, find_directive, find_syntax
from imagebuilders.dockerfile.document import Dockerfile, group_stages
from imagebuilders.dockerfile.forms import read_instruction
from imagebuilders.dockerfile.grammar import BUILDKIT, Grammar
from imagebuilders.dockerfile.here_documents import here_documents_of, read_content
from imagebuilders.dockerfile.values import HereDocument, Instruction, Problem, ProblemKind
from imagebuilders.exceptions import ShellWordError
from imagebuilders.go_text import WHITE_SPACE, trim_space
from imagebuilders.lazy_dataclass import dataclass

_LONGEST_LINE = 64 * 1024 - 1


def parse(content: bytes, grammar: Grammar = BUILDKIT) -> Dockerfile:
    """Read a Dockerfile.

    Nothing is refused: what an engine cannot read is among the result's `problems`, and the rest
    of the file is read all the same. Bytes that are not UTF-8 stand in the text as lone
    surrogates (`surrogateescape`), but for the words in which engines replace them by U+FFFD.

    Args:
        content: the whole file.
        grammar: what the engine knows that the file is meant for.
    """
    return _Parser(content, grammar).parse()


class _Lines(Iterator[str]):
    """The lines of a file with their ends, one after another."""

    def __init__(self, text: str) -> None:
        parts = text.split("\n")
        self.all = [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
        self.number = 0
        """The number of the line that was taken last, from 1."""

    def __next__(self) -> str:
        if self.number == len(self.all):
            raise StopIteration
        self.number += 1
        return self.all[self.number - 1]


@dataclass
class _Joined:
    """The lines of an instruction put together."""

    text: str
    line: int
    comments: list[str] = field(default_factory=list)


class _Parser:
    def __init__(self, content: bytes, grammar: Grammar) -> None:
        self.content = content
        self.grammar = grammar
        self.text = content.decode("utf-8", "surrogateescape")
        self.lines = _Lines(self.text.removeprefix("\ufeff"))
        self.directives = DirectiveReader(grammar)
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def parse(self) -> Dockerfile:
        instructions = tuple(self._read(joined) for joined in self._join_lines())
        if not instructions:
            self.problems.append(_no_instructions(self.content))
        self._check_length(instructions)
        stages, global_args = group_stages(instructions)
        return Dockerfile(
            instructions=instructions,
            directives=tuple(self.directives.found),
            escape=self.directives.escape,
            syntax=find_syntax(self.text, self.grammar),
            check=find_directive(self.text, "check", self.grammar),
            problems=(*self.directives.problems, *self.problems),
            warnings=tuple(self.warnings),
            lines=tuple(line.rstrip("\r\n") for line in self.lines.all),
            stages=stages,
            global_args=global_args,
        )

    def _join_lines(self) -> Iterator[_Joined]:
        comments: list[str] = []
        for line in self.lines:
            text = line.rstrip("\r\n").lstrip(WHITE_SPACE)
            is_directive = self.directives.read(text, self.lines.number)
            if text.startswith("#"):
                comment = trim_space(_without_first_byte(line))
                if not comment:
                    comments = []
                elif not is_directive:
                    comments.append(comment)
            elif text:
                yield self._join(text, comments)
                comments = []

    def _join(self, text: str, comments: list[str]) -> _Joined:
        """Put the lines that continue a line behind it."""
        start = self.lines.number
        text, continues = self._without_continuation(text)
        parts = [text]
        has_blank_line = False
        while continues and (line := next(self.lines, None)) is not None:
            more = line.rstrip("\r\n")
            begins = more.lstrip(WHITE_SPACE)
            if begins.startswith("#"):
                continue
            if not begins:
                has_blank_line = True
                continue
            more, continues = self._without_continuation(more)
            parts.append(more)
        joined = "".join(parts)
        if has_blank_line:
            message = f"Empty continuation line found in: {joined}"
            end = self.lines.number
            self.warnings.append(Problem(ProblemKind.EMPTY_CONTINUATION_LINE, message, start, end))
        return _Joined(joined, start, comments)

    def _without_continuation(self, line: str) -> tuple[str, bool]:
        """Return a line without the escape character at its end, and whether it had one.

        Two of them are not a continuation.
        """
        escape = self.directives.escape
        text = line.rstrip(" \t")
        if text.endswith(escape) and text[-2:-1] != escape:
            return text[:-1], True
        return line, False

    def _read(self, joined: _Joined) -> Instruction:
        instruction, problem = read_instruction(joined.text, self.directives.escape, self.grammar)
        if problem is not None:
            end = self.lines.number
            self.problems.append(replace(problem, line=joined.line, end_line=end))
        documents = tuple(self._here_documents(instruction, joined.line))
        end = self.lines.number
        if instruction.trigger is not None:
            trigger = replace(instruction.trigger, line=joined.line, end_line=end)
            instruction = replace(instruction, trigger=trigger)
        return replace(
            instruction,
            line=joined.line,
            end_line=end,
            original="".join(self.lines.all[joined.line - 1 : end]).rstrip("\r\n"),
            here_documents=documents,
            comments=tuple(joined.comments),
        )

    def _here_documents(self, instruction: Instruction, line: int) -> Iterator[HereDocument]:
        try:
            documents = here_documents_of(instruction, self.grammar)
        except ShellWordError as error:
            self._refuse(ProblemKind.MALFORMED_HERE_DOCUMENT, str(error), line)
            return
        for beginning in documents:
            document = read_content(beginning, self.lines)
            if not document.terminated:
                kind = ProblemKind.UNTERMINATED_HERE_DOCUMENT
                self._refuse(kind, "unterminated heredoc", line, document.name)
            yield document

    def _refuse(self, kind: ProblemKind, message: str, line: int, subject: str = "") -> None:
        self.problems.append(Problem(kind, message, line, self.lines.number, subject))

    def _check_length(self, instructions: tuple[Instruction, ...]) -> None:
        """Note the first line that is too long, where an engine stops reading."""
        number = next((n for n, line in enumerate(self.lines.all, 1) if _is_too_long(line)), 0)
        if not number:
            return
        if instructions and instructions[0].line >= number:
            self.problems.insert(0, _no_instructions(self.content))
        before = sum(problem.end_line < number for problem in self.problems)
        message = f"dockerfile line greater than max allowed size of {_LONGEST_LINE}"
        problem = Problem(ProblemKind.LINE_TOO_LONG, message, number, number)
        self.problems.insert(before, problem)


def _no_instructions(content: bytes) -> Problem:
    message = "file with no instructions" if content else "the Dockerfile cannot be empty"
    return Problem(ProblemKind.NO_INSTRUCTIONS, message)


def _without_first_byte(line: str) -> str:
    """Take the `#` of a comment away, as engines do even where white space stands before it."""
    if line[0].isascii():
        return line[1:]
    return line.encode("utf-8", "surrogateescape")[1:].decode("utf-8", "surrogateescape")


def _is_too_long(line: str) -> bool:
    if len(line) <= _LONGEST_LINE // 4:  # a character has at most four bytes
        return False
    text = line.removesuffix("\n")
    return len(text.encode("utf-8", "surrogateescape")) > _LONGEST_LINE
