"""What the steps of a Dockerfile make, and the trees they make it of."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from imagebuilders.evaluation.steps import Stage, Step
from imagebuilders.evaluation.trees import Folder
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.members import Member


class LazyTree:
    """A tree that is made when somebody wants it.

    Args:
        make: makes it; called once at most.
    """

    def __init__(self, make: Callable[[], Folder]) -> None:
        self._make: Callable[[], Folder] | None = make
        self._tree: Folder | None = None

    def get(self) -> Folder:
        """Return the tree.

        Raises:
            ImageBuilderError: it cannot be had.
        """
        if self._tree is None:
            assert self._make is not None
            self._tree = self._make()
            self._make = None
        return self._tree


@dataclass(frozen=True)
class StepResult:
    """What a step made.

    Attributes:
        step: the step.
        layer: the entries of its layer, in order; `None` if it makes none.
        tree: the files behind it; `None` if nothing was ever written.
        reads: the paths of the files before it that it looked at. Without any, what it made
            does not depend on those files, and their list was not asked for.
    """

    step: Step
    layer: tuple[Member, ...] | None = field(repr=False)
    tree: LazyTree | None = field(repr=False)
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StageResult:
    """What the steps of a stage made.

    Attributes:
        stage: the stage.
        steps: what each made, in order.
        base: the files that it began with; `None` for `scratch`.
        base_layer: the layer of these files, if they are those of a context, which has none.
    """

    stage: Stage
    steps: tuple[StepResult, ...]
    base: LazyTree | None = field(repr=False)
    base_layer: tuple[Member, ...] | None = field(default=None, repr=False)

    @property
    def tree(self) -> LazyTree | None:
        """The files behind the last step."""
        return self.steps[-1].tree if self.steps else self.base

    @property
    def layers(self) -> list[tuple[Member, ...]]:
        """The layers that it adds to those of a base image or stage, in order."""
        first = [] if self.base_layer is None else [self.base_layer]
        return [*first, *(step.layer for step in self.steps if step.layer is not None)]


Perform = Callable[[], StepResult]
"""Does what a step does."""


class StepFollower(Protocol):
    """Stands around each step: it can tell of it, and have its result already."""

    def around(
        self, stage: Stage, step: Step, tree: LazyTree | None, perform: Perform
    ) -> StepResult:
        """Return what a step makes.

        Args:
            stage: the step's stage.
            step: the step.
            tree: the files before it.
            perform: does it; need not be called if the result is known.

        Raises:
            EvaluationError, ImageBuilderError: from `perform`.
        """
        ...


class BuildClock:
    """The time of what a build makes: never the same twice, and no whole second.

    Args:
        start: nanoseconds since 1970; the time of the call by default.
    """

    def __init__(self, start: int | None = None) -> None:
        self._now = time.time_ns() if start is None else start

    def __call__(self) -> int:
        """Return the time of what is made now."""
        self._now += 1
        if self._now % 10**9 == 0:
            self._now += 1
        return self._now
