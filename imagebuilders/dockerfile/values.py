"""What a Dockerfile consists of: directives, instructions, flags, here-documents, problems."""

from __future__ import annotations

import enum
import re

from imagebuilders.go_text import trim_space
from imagebuilders.lazy_dataclass import dataclass

_ONBUILD = re.compile(r"[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*", re.IGNORECASE)
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


@dataclass(frozen=True)
class Directive:
    """A parser directive at the top of a file, such as `# syntax=docker/dockerfile:1`.

    Attributes:
        name: in lower case.
        value: what stands behind the `=`.
        line: its line, from 1.
    """

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Flag:
    """A word with two dashes before the arguments, such as `--from=build`.

    Attributes:
        name: without the dashes.
        value: what stands behind the `=`, without its quotes; `None` without an `=`.
    """

    name: str
    value: str | None = None

    def __str__(self) -> str:
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"


@dataclass(frozen=True)
class Pair:
    """A name and its value in an ENV, LABEL or ARG, as they are written.

    Attributes:
        name: with its quotes and variables.
        value: likewise; `None` for an ARG without a default.
        separator: `=`, or a space in the old form `ENV name value`; empty without a value.
    """

    name: str
    value: str | None
    separator: str = "="


@dataclass(frozen=True)
class HereDocument:
    """Text that stands in the Dockerfile itself, after `<<NAME`.

    Attributes:
        name: the word that ends it, without its quotes.
        content: the lines up to that word, as they are written.
        expand: variables count in it: no part of the word was quoted.
        strip_tabs: it began with `<<-`: tabs at the beginning of its lines do not count.
        descriptor: the number before the `<<`; 0 without one.
        terminated: the word that ends it was found.
    """

    name: str
    content: str = ""
    expand: bool = True
    strip_tabs: bool = False
    descriptor: int = 0
    terminated: bool = True

    @property
    def text(self) -> str:
        """The content without the tabs that do not count."""
        return _LEADING_TABS.sub("", self.content) if self.strip_tabs else self.content


class ProblemKind(enum.Enum):
    """What a `Problem` is about. The comments name what `subject` holds."""

    # Found in reading; an engine takes nothing of such a file.
    NO_INSTRUCTIONS = enum.auto()
    LINE_TOO_LONG = enum.auto()
    DUPLICATE_DIRECTIVE = enum.auto()  # the directive
    ESCAPE_CHARACTER = enum.auto()  # the value
    NOT_ONLY_STRINGS = enum.auto()
    MISSING_VALUE = enum.auto()  # the instruction
    MISSING_EQUALS_SIGN = enum.auto()  # the word
    MALFORMED_HERE_DOCUMENT = enum.auto()
    UNTERMINATED_HERE_DOCUMENT = enum.auto()  # the word that should end it
    # A warning.
    EMPTY_CONTINUATION_LINE = enum.auto()
    # Found by `check`.
    UNKNOWN_INSTRUCTION = enum.auto()  # the instruction
    UNKNOWN_FLAG = enum.auto()  # the flag's name
    DUPLICATE_FLAG = enum.auto()  # the flag's name
    MISSING_FLAG_VALUE = enum.auto()  # the flag's name
    FLAG_VALUE = enum.auto()  # the flag's name
    RUN_FLAG = enum.auto()  # the flag's name
    ARGUMENTS = enum.auto()
    STAGE_NAME = enum.auto()  # the name
    TRIGGER = enum.auto()  # the instruction behind ONBUILD
    HEALTH_CHECK = enum.auto()
    NO_STAGE = enum.auto()
    NO_STAGES = enum.auto()


@dataclass(frozen=True)
class Problem:
    """Something an engine refuses, or warns of.

    Attributes:
        kind: what it is about.
        message: BuildKit's words.
        line: the first line it belongs to, from 1; 0 for the file as a whole.
        end_line: the last one.
        subject: the word that is at fault; see the kinds.
    """

    kind: ProblemKind
    message: str
    line: int = 0
    end_line: int = 0
    subject: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        keyword: as it is written.
        line: the line it begins in, from 1.
        end_line: the line it ends in, its here-documents included.
        original: its lines as they stand in the file.
        joined: its lines put together where they continue, without comments and here-documents.
        flags: all words with two dashes before the arguments, known or not.
        arguments: the words behind them, as they are written: one text for instructions that take
            a text (`RUN`, `CMD`, `USER`, …) and for unknown ones, words for the others, and the
            strings of the list in the exec form. Empty for those that have `pairs`.
        pairs: of ENV, LABEL and ARG.
        exec_form: the arguments were a JSON list.
        here_documents: in the order they are named in.
        trigger: the instruction behind ONBUILD.
        comments: the comments directly above it, without their `#`.
    """

    keyword: str
    line: int = 0
    end_line: int = 0
    original: str = ""
    joined: str = ""
    flags: tuple[Flag, ...] = ()
    arguments: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    exec_form: bool = False
    here_documents: tuple[HereDocument, ...] = ()
    trigger: Instruction | None = None
    comments: tuple[str, ...] = ()
    name: str = ""
    """The keyword in upper case."""

    @property
    def code(self) -> str:
        """The instruction in one line, as engines print it."""
        return trim_space(self.joined)

    @property
    def trigger_text(self) -> str:
        """What an ONBUILD leaves in the image's configuration; empty for other instructions."""
        if self.name != "ONBUILD":
            return ""
        documents = "".join(f"\n{doc.content}{doc.name}" for doc in self.here_documents)
        keyword = _ONBUILD.match(self.joined)
        return self.joined[keyword.end() if keyword else 0 :] + documents

    def flag(self, name: str) -> str | None:
        """Return the value of a flag, the last one if it stands there more than once.

        A flag without a value is the empty string; `None` if there is no such flag.
        """
        values = [flag.value or "" for flag in self.flags if flag.name == name]
        return values[-1] if values else None

    def flag_values(self, name: str) -> tuple[str, ...]:
        """Return the values of a flag that may stand there several times, such as `mount`."""
        return tuple(flag.value or "" for flag in self.flags if flag.name == name)
