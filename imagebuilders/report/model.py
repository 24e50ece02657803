"""What is told of a build: plain values, from which a page is made."""

from __future__ import annotations

from typing import Literal, TypeAlias

from imagebuilders.lazy_dataclass import dataclass

StepState: TypeAlias = Literal["done", "cached", "failed", "stopped"]
"""What became of a step; `stopped` is one that had not ended when the build did."""


@dataclass(frozen=True)
class SourceLine:
    """A line of the Dockerfile: its number from 1, and its text."""

    number: int
    text: str


@dataclass(frozen=True)
class ReportedStep:
    """A step.

    Attributes:
        title: its number and instruction, as the Dockerfile has it where that is known.
        state: what became of it.
        is_counted: whether it is the Dockerfile's, and no FROM.
        intervals: when it ran, in seconds from the build's beginning: pairs of begin and end.
        source: its lines of the Dockerfile, if they are known.
        output: what it printed; the last lines, where there were many.
        left_out: how many lines of output are left out before those.
        error: why it failed; empty when it did not.
        misses: why it was not taken from the cache.
    """

    title: str
    state: StepState
    is_counted: bool = True
    intervals: tuple[tuple[float, float], ...] = ()
    source: tuple[SourceLine, ...] = ()
    output: tuple[str, ...] = ()
    left_out: int = 0
    error: str = ""
    misses: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return sum(end - begin for begin, end in self.intervals)


@dataclass(frozen=True)
class ReportedTransfer:
    """Bytes that were sent or fetched: of what, and how many."""

    name: str
    size: int


@dataclass(frozen=True)
class ReportedWarning:
    """A warning: its words, the Dockerfile's line (0 for none), and the page that tells more."""

    message: str
    line: int = 0
    url: str = ""


@dataclass(frozen=True)
class ReportedFile:
    """A file of a layer: its path and its bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class ReportedLayer:
    """A layer.

    Attributes:
        digest: its digest.
        size: its bytes as it is kept; `None` where that is not told.
        created_by: the instruction that made it; empty when the history does not say.
        files: its largest files; empty if it was not looked into.
    """

    digest: str
    size: int | None
    created_by: str = ""
    files: tuple[ReportedFile, ...] = ()


@dataclass(frozen=True)
class BuildReport:
    """What is told of one build.

    Attributes:
        image_name: the image's name; empty for one without.
        engine: what built.
        began: when, in seconds since 1970; 0 when nothing was heard.
        seconds: how long it took.
        steps: in the order in which they began.
        transfers: what was sent and fetched.
        warnings: what was warned of.
        layers: those of the image, the lowest first.
        digest: that of the push, else the image's ID; may be empty.
        size: the image's bytes; `None` when they are not known.
        error: why the build failed; empty when it did not.
        first_miss: why the first step was executed that was not taken from the cache.
        build: what one of several builds is called.
    """

    image_name: str = ""
    engine: str = ""
    began: float = 0.0
    seconds: float = 0.0
    steps: tuple[ReportedStep, ...] = ()
    transfers: tuple[ReportedTransfer, ...] = ()
    warnings: tuple[ReportedWarning, ...] = ()
    layers: tuple[ReportedLayer, ...] = ()
    digest: str = ""
    size: int | None = None
    error: str = ""
    first_miss: str = ""
    build: str = ""

    @property
    def counted_steps(self) -> tuple[ReportedStep, ...]:
        """The Dockerfile's steps, FROM left out, as the build's last line counts them."""
        return tuple(step for step in self.steps if step.is_counted)

    def count(self, state: StepState) -> int:
        """Return how many of the Dockerfile's steps, FROM left out, ended so."""
        return sum(step.state == state for step in self.counted_steps)
