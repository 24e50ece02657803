"""Telling the engine's own words from what a build's commands print.

A classic build has one channel of text, the `stream` of its messages, for the engine and the
commands alike. Of the engine's own messages each holds one line, or the line before its newline;
a command's output comes as it was written, so a command can write any of them. What separates
the two is who may speak when, and the container's ID:

- After `Step 2/3 : RUN make` and a newline the engine speaks, until it says ` ---> Running in`
  with the ID of a container, with which the step's command begins to speak.
- The engine speaks again from the message on that says that this container was removed, if
  ` ---> ` with an image's ID and the announcement of the step that is due follow. Whatever else
  looks like the engine's words is output. Messages that may be that end are held back until the
  next one shows it; the engine sends them together.
- Where the engine was asked to keep containers there is only ` ---> ` and the announcement.
- What is no text, such as the ID of an image or an error, is always the engine's.

The words are those of `github.com/moby/moby`, `daemon/builder/dockerfile`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, TypeAlias

from imagebuilders.events import Stream
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Announced:
    """The engine begins a step; `text` is the line as it came.

    `stage` is the stage's index, from 0, if the engine told it.
    """

    number: int
    total: int
    instruction: str
    text: str
    stage: int | None = None


@dataclass(frozen=True)
class Cached:
    """The engine took the step from its cache."""

    text: str


@dataclass(frozen=True)
class Warned:
    """The engine warns; `message` is the text without its mark."""

    message: str
    text: str


@dataclass(frozen=True)
class EngineSaid:
    """The engine said something else, such as the ID of a step's image."""

    text: str


@dataclass(frozen=True)
class Printed:
    """A piece of the step's own output, which may hold any part of a line or several lines."""

    text: str
    stream: Stream


Said: TypeAlias = Announced | Cached | Warned | EngineSaid | Printed

STEP_NUMBER = r"([1-9][0-9]{0,5})"
"""No Dockerfile of 16 MiB has more steps."""

_STEP = re.compile(rf"Step {STEP_NUMBER}/{STEP_NUMBER} : ([^\n]*\S[^\n]*)\n?")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12})\n?")
_IMAGE = re.compile(r" ---> (?:[0-9a-f]{12})?\n?")
_CACHED = re.compile(r" ---> Using cache\n?")
_REMOVED = re.compile(
    r"(?: ---> Removed|Removing) intermediate container ([0-9a-f]{12})(?:: [^\n]*)?\n?"
)
_LAST_WORDS = re.compile(r"Successfully (?:built [0-9a-f]{12}|tagged [^\n]+)\n?")
_WARNING = re.compile(r"(?: ---> )?\[warning\]:? ", re.IGNORECASE)
# The engine colours what a command writes to its standard error.
_ERROR_COLOUR_ON = "\x1b[91m"
_COLOUR_OFF = "\x1b[0m"

Test: TypeAlias = Callable[[str], bool]


class BuildStream:
    """Follows who speaks; the words themselves are those of the subclass.

    Attributes:
        number: the number of the step that was announced last; 0 before the first.
        total: the number of steps, in that step's stage where the engine counts so; 0 when unknown.
    """

    _end_marks: ClassVar[tuple[str, ...]] = ()
    """How the first message of an end may begin."""

    def __init__(self) -> None:
        self.number = 0
        self.total = 0
        self._keyword = ""
        self._is_command_speaking = False
        self._held: list[str] = []

    @property
    def is_last_step(self) -> bool:
        """Whether the step that was announced last is the last of the build, as far as known."""
        return self.number == self.total

    def read(self, text: str) -> Iterator[Said]:
        """Read the text of one message."""
        if not self._is_command_speaking:
            yield from self._read_engine(text)
            return
        if not self._held and not text.startswith(self._end_marks):  # nearly all of the output
            yield self._print(text)
            return
        self._held.append(text)
        while self._held:
            ends = [end for end in self._ends() if _begins(end, self._held)]
            if any(len(end) == len(self._held) for end in ends):
                yield from self.settle()
            elif ends:
                return  # the next message shows whether it is the end
            else:
                yield self._print(self._held.pop(0))

    def settle(self) -> Iterator[Said]:
        """End the command's turn, after a message that only the engine can send."""
        self._is_command_speaking = False
        held, self._held = self._held, []
        for text in held:
            yield from self._read_engine(text)

    def fail(self) -> Iterator[Said]:
        """End the command's turn with the engine's word that the build failed."""
        self._is_command_speaking = False
        held, self._held = self._held, []
        for text in held:  # an error does not come after the end of a step
            yield self._print(text)

    def _announce(self, announced: Announced) -> Announced:
        self.number, self.total = announced.number, announced.total
        self._keyword = announced.instruction.split(maxsplit=1)[0].upper()
        return announced

    def _print(self, text: str) -> Printed:
        if text.startswith(_ERROR_COLOUR_ON) and text.endswith(_COLOUR_OFF):
            return Printed(
                text.removeprefix(_ERROR_COLOUR_ON).removesuffix(_COLOUR_OFF), stream="stderr"
            )
        return Printed(text, stream="stdout")

    def _read_engine(self, text: str) -> Iterator[Said]:
        """Read a message that comes while no command speaks."""
        raise NotImplementedError

    def _ends(self) -> Sequence[Sequence[Test]]:
        """Return the sequences of messages with which the command's turn ends."""
        raise NotImplementedError


class DockerStream(BuildStream):
    """The words of Docker's classic builder."""

    _end_marks = (" ---> ", "Removing ")

    def __init__(self, *, removes_containers: bool = True) -> None:
        """Begin before the first step.

        Args:
            removes_containers: whether the engine was asked to remove intermediate containers.
        """
        super().__init__()
        self._removes_containers = removes_containers
        self._container = ""
        self._was_announced = False

    def _read_engine(self, text: str) -> Iterator[Said]:
        if self._was_announced:  # a step's announcement ends with a message of its own
            self._was_announced = False
            text = text.removeprefix("\n")
            if not text:
                return
        if (step := self._due(text)) is not None:
            self._was_announced = True
            found = Announced(int(step[1]), int(step[2]), step[3].strip(), text.rstrip("\n"))
            yield self._announce(found)
        elif running := _RUNNING.fullmatch(text):
            self._is_command_speaking, self._container = True, running[1]
            yield EngineSaid(text.rstrip("\n"))
        elif _CACHED.fullmatch(text):
            yield Cached(text.rstrip("\n"))
        elif warnings := list(warnings_in(text)):
            yield from warnings
        elif any(each.fullmatch(text) for each in (_IMAGE, _REMOVED, _LAST_WORDS)):
            yield EngineSaid(text.rstrip("\n"))
        else:
            yield self._print(text)

    def _ends(self) -> Sequence[Sequence[Test]]:
        end: list[Test] = [matches(_IMAGE), self._is_due]
        if not self._removes_containers:
            return [end]
        if self._keyword == "FROM":  # the command is a trigger of the base; more may follow
            return [[self._is_removal]]
        return [[self._is_removal, *end]]

    def fail(self) -> Iterator[Said]:
        """End the command's turn; a failed step's container may have been removed before that."""
        if len(self._held) == 1 and self._is_removal(self._held[0]):
            yield from self.settle()
        else:
            yield from super().fail()

    def _is_removal(self, text: str) -> bool:
        found = _REMOVED.fullmatch(text)
        return found is not None and found[1] == self._container

    def _is_due(self, text: str) -> bool:
        return self._due(text) is not None

    def _due(self, text: str) -> re.Match[str] | None:
        """Match the announcement of the step that is due, and of no other."""
        found = _STEP.fullmatch(text)
        if found is None or int(found[1]) != self.number + 1:
            return None
        total = int(found[2])
        if int(found[1]) > total or (self.number and total != self.total):
            return None
        return found


def warnings_in(text: str) -> Iterator[Warned]:
    """Read a message of warnings, of which each may have several lines; nothing from any other."""
    text = text.removeprefix(_ERROR_COLOUR_ON).removesuffix(_COLOUR_OFF).rstrip("\n")
    if _WARNING.match(text) is None:
        return
    for warning in re.split(r"\n(?=\[warning\])", text, flags=re.IGNORECASE):
        yield Warned(" ".join(_WARNING.sub("", warning, count=1).split()), warning)


def matches(pattern: re.Pattern[str]) -> Test:
    """Return the test whether a text is one of the pattern's."""
    return lambda text: pattern.fullmatch(text) is not None


def _begins(end: Sequence[Test], texts: Sequence[str]) -> bool:
    """Tell whether an end begins with these texts."""
    return len(texts) <= len(end) and all(
        test(text) for test, text in zip(end, texts, strict=False)
    )
