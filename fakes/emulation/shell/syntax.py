"""What a script is made of (POSIX.1-2017, Shell Command Language; bash's additions)."""

from __future__ import annotations

from dataclasses import dataclass, field

_OF_END = ("Unterminated", "Missing", "EOF in")


class ScriptError(Exception):
    """A script that is none.

    Attributes:
        token: what was unexpected, as it is shown; empty at the end of the script.
        line: the line.
        message: words of its own, if the shell has some.
    """

    def __init__(self, token: str, line: int, message: str = "", expected: str = "") -> None:
        super().__init__(message or token)
        self.token = token
        self.line = line
        self.message = message
        self.expected = expected
        self.code = 2

    @property
    def is_of_end(self) -> bool:
        """Whether the script might go on, as a quote or command is not closed at its end."""
        return not self.token and (not self.message or self.message.startswith(_OF_END))


# --- words ----------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """Letters as they stand; quoted ones are neither split nor patterns."""

    text: str
    is_quoted: bool = False


@dataclass(frozen=True)
class Quotes:
    """What stands between double quotes."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Parameter:
    """`$x` and all forms of `${x…}`.

    Attributes:
        name: the variable, a digit, or one of `@*#?-$!`.
        operator: what comes after it, as `:-`; empty for nothing, `length` for `${#x}`.
        word: what comes after the operator.
        second: what comes after the second `/` or `:`.
        index: what stands in brackets.
        is_indirect: whether `!` stands before.
    """

    name: str
    operator: str = ""
    word: Word | None = None
    second: Word | None = None
    index: Word | None = None
    is_indirect: bool = False


@dataclass(frozen=True)
class Substitution:
    """`$(…)` and backquotes."""

    body: Script


@dataclass(frozen=True)
class Arithmetic:
    """`$((…))`."""

    word: Word


@dataclass(frozen=True)
class ProcessSubstitution:
    """`<(…)` (its output can be read) and `>(…)`."""

    body: Script
    is_read: bool


@dataclass(frozen=True)
class BadParameter:
    """A `${…}` that the shell finds wrong only when it comes to it."""

    source: str


Part = Text | Quotes | Parameter | Substitution | Arithmetic | ProcessSubstitution | BadParameter


@dataclass(frozen=True)
class Word:
    """A word, with all that is to be expanded."""

    parts: tuple[Part, ...]
    source: str = ""

    @property
    def literal(self) -> str | None:
        """The word, if nothing in it is quoted or expanded."""
        if all(isinstance(part, Text) and not part.is_quoted for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Text))
        return None


# --- commands -------------------------------------------------------------------


@dataclass(frozen=True)
class Redirection:
    """A redirection.

    Attributes:
        number: the descriptor; `None` for the operator's own.
        operator: as in `>`, `>>`, `<&`, `<<`.
        target: the file's name, the descriptor, or the text of a here-document.
        variable: of `{x}>file`.
    """

    number: int | None
    operator: str
    target: Word
    variable: str = ""


@dataclass
class HereDocument:
    """A here-document, whose text is only known at the end of its line."""

    number: int | None
    operator: str
    target: Word = field(default_factory=lambda: Word(()))
    variable: str = ""


AnyRedirection = Redirection | HereDocument


@dataclass(frozen=True)
class Assignment:
    """`x=…`, `x+=…`, `x[1]=…`, `x=(…)`."""

    name: str
    value: Word | tuple[tuple[Word | None, Word], ...]
    index: Word | None = None
    adds: bool = False


@dataclass(frozen=True)
class Simple:
    """A simple command."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word | Assignment, ...]
    redirections: tuple[AnyRedirection, ...]
    line: int


@dataclass(frozen=True)
class Group:
    """`{ …; }`."""

    body: Script


@dataclass(frozen=True)
class Subshell:
    """`( … )`."""

    body: Script


@dataclass(frozen=True)
class If:
    """`if …; then …; elif …; else …; fi`."""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script | None


@dataclass(frozen=True)
class Loop:
    """`while` and `until`."""

    condition: Script
    body: Script
    is_until: bool


@dataclass(frozen=True)
class For:
    """`for x in …`; without words, over the positional parameters."""

    name: str
    words: tuple[Word, ...] | None
    body: Script
    is_select: bool = False


@dataclass(frozen=True)
class ArithmeticFor:
    """`for ((…; …; …))`."""

    first: Word | None
    condition: Word | None
    step: Word | None
    body: Script


@dataclass(frozen=True)
class Case:
    """`case … in …) …;; esac`; the last of each entry is how it ends."""

    word: Word
    entries: tuple[tuple[tuple[Word, ...], Script, str], ...]


@dataclass(frozen=True)
class Function:
    """The definition of a function."""

    name: str
    body: Command


@dataclass(frozen=True)
class Test:
    """`[[ … ]]`: a tree of operators and words."""

    expression: TestNode


@dataclass(frozen=True)
class ArithmeticCommand:
    """`((…))`."""

    word: Word


@dataclass(frozen=True)
class Redirected:
    """A compound command with redirections."""

    command: Command
    redirections: tuple[AnyRedirection, ...]
    line: int = 0


Command = (
    Simple
    | Group
    | Subshell
    | If
    | Loop
    | For
    | ArithmeticFor
    | Case
    | Function
    | Test
    | ArithmeticCommand
    | Redirected
)


@dataclass(frozen=True)
class TestNode:
    """A part of `[[ … ]]`: `!`, `&&`, `||`, an operator, or a word alone."""

    operator: str
    operands: tuple[TestNode | Word, ...]


@dataclass(frozen=True)
class Pipeline:
    """Commands with pipes between them; `both` says which pass on standard error, too."""

    commands: tuple[Command, ...]
    is_negated: bool = False
    both: tuple[bool, ...] = ()
    is_timed: bool = False


@dataclass(frozen=True)
class AndOr:
    """Pipelines with `&&` and `||` between them; the first one's operator is empty."""

    items: tuple[tuple[str, Pipeline], ...]
    is_background: bool = False
    line: int = 0


@dataclass(frozen=True)
class Script:
    """Commands, one after another."""

    items: tuple[AndOr, ...] = field(default=())
