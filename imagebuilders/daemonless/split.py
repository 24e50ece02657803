"""Where a Dockerfile could be cut in two: what runs commands, and what goes on top of that.

The first part is built rarely, where containers run, and pushed as a base. The second one is all
that follows the last command, and is built without a daemon whenever the code changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from imagebuilders.dockerfile import Dockerfile, Instruction, parse
from imagebuilders.dockerfile.document import Stage
from imagebuilders.evaluation.url_sources import git_or_broken
from imagebuilders.exceptions import BuildContextError
from imagebuilders.lazy_dataclass import dataclass

DEFAULT_BASE = "registry.example/base:1"


@dataclass(frozen=True)
class Split:
    """A Dockerfile cut in two.

    Attributes:
        commands: the lines of the instructions that need a daemon.
        base: the Dockerfile of the base; empty if nothing needs a daemon.
        base_target: the stage of it that is the base; empty for its last one.
        base_end: the last line of the file that is the base's; 0 if nothing needs a daemon.
        top: the Dockerfile of what goes on top.
        files_below: the lines of the COPY and ADD of the context that the base keeps, since a
            command stands behind them: when these files change, the base is built anew.
    """

    commands: tuple[int, ...]
    base: str
    base_target: str
    base_end: int
    top: str
    files_below: tuple[int, ...]

    @property
    def needs_daemon(self) -> bool:
        """Whether there is anything to cut off."""
        return bool(self.base)


def split(content: bytes, *, target: str = "", base: str = DEFAULT_BASE) -> Split:
    """Cut a Dockerfile behind the last instruction that needs a daemon.

    Args:
        content: the Dockerfile.
        target: the stage that is built; the last one by default.
        base: the name that the base gets.

    Raises:
        BuildContextError: the Dockerfile has no stages, or none of that name.
    """
    dockerfile = parse(content)
    stage = dockerfile.stage(target) if target else None
    if stage is None and not target and dockerfile.stages:
        stage = dockerfile.stages[-1]
    if stage is None:
        raise BuildContextError(
            f"The Dockerfile has no stage {target!r}."
            if target
            else "The Dockerfile has no stages."
        )
    return _Cut(dockerfile, stage).split(content.decode("utf-8", "replace"), base)


class _Cut:
    """The cut of one stage."""

    def __init__(self, dockerfile: Dockerfile, stage: Stage) -> None:
        self._dockerfile = dockerfile
        self._stage = stage
        self._below = self._base_of(stage)
        self._cut = 0
        for position, step in enumerate(stage.steps, 1):
            source = self._source_of(step)
            if _needs_daemon(step) or (source is not None and self._runs(source)):
                self._cut = position

    def split(self, text: str, base: str) -> Split:
        stage, kept = self._stage, self._stage.steps[self._cut :]
        stages = list(self._needed(stage))
        commands = sorted(
            step.line for each in stages for step in each.steps if _needs_daemon(step)
        )
        if self._cut:
            end, name = stage.steps[self._cut - 1].end_line, ""
            own: Sequence[Instruction] = stage.steps[: self._cut]
        elif self._below is not None and self._runs(self._below):
            end, name, own = _end(self._below), self._below.name or str(self._below.number), ()
        else:
            return Split((), "", "", 0, text, ())
        lines = text.splitlines(keepends=True)
        below = [*own, *(step for each in stages if each is not stage for step in each.steps)]
        files = sorted({step.line for step in below if _takes_context(step)})
        return Split(
            commands=tuple(commands),
            base="".join(lines[:end]),
            base_target=name,
            base_end=end,
            top=self._top(base, own, kept),
            files_below=tuple(files),
        )

    def _top(self, base: str, below: Iterable[Instruction], kept: Sequence[Instruction]) -> str:
        """Return the Dockerfile of what goes on top."""
        parts: list[str] = []
        sources = [source for step in kept if (source := self._source_of(step)) is not None]
        needed = {each.number: each for source in sources for each in self._needed(source)}
        for _, stage in sorted(needed.items()):
            parts += [stage.instruction.original, *(step.original for step in stage.steps)]
        if needed:
            parts = [*(each.original for each in self._dockerfile.global_args), *parts]
        parts.append(f"FROM {base}")
        # The values of arguments do not pass from image to image.
        parts += [step.original for step in below if step.name == "ARG"]
        parts += [step.original for step in kept]
        return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts)

    # --- stages ------------------------------------------------------------------------

    def _base_of(self, stage: Stage) -> Stage | None:
        return self._earlier(stage.base, stage)

    def _source_of(self, step: Instruction) -> Stage | None:
        name = step.flag("from") if step.name == "COPY" else None
        return None if name is None else self._earlier(name, self._stage_of(step))

    def _earlier(self, name: str, stage: Stage) -> Stage | None:
        found = self._dockerfile.stage(name)
        return found if found is not None and found.number < stage.number else None

    def _stage_of(self, step: Instruction) -> Stage:
        return next(stage for stage in self._dockerfile.stages if step in stage.steps)

    def _needed(self, stage: Stage) -> Iterator[Stage]:
        """Yield a stage and all that it needs, each once."""
        seen: set[int] = set()
        waiting = [stage]
        while waiting:
            each = waiting.pop()
            if each.number in seen:
                continue
            seen.add(each.number)
            yield each
            below = self._base_of(each)
            sources = [self._source_of(step) for step in each.steps]
            waiting += [found for found in (below, *sources) if found is not None]

    def _runs(self, stage: Stage) -> bool:
        """Whether a stage, or one that it needs, needs a daemon."""
        return any(_needs_daemon(step) for each in self._needed(stage) for step in each.steps)


def _needs_daemon(step: Instruction) -> bool:
    if step.name == "ADD":
        return any(git_or_broken(source) is not None for source in step.arguments[:-1])
    return step.name == "RUN"


def _takes_context(step: Instruction) -> bool:
    return step.name in ("ADD", "COPY") and step.flag("from") is None and not step.here_documents


def _end(stage: Stage) -> int:
    return (stage.steps[-1] if stage.steps else stage.instruction).end_line
