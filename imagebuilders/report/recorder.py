"""Hears the events of a build, and makes of them what is told of it.

It is longer than other modules: each event has its place in one listener.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import TypeAlias

from imagebuilders.events import (
    BuildFinished,
    BuildStarted,
    CacheMissed,
    ContextProgress,
    Event,
    ImageBuilt,
    ImagePushed,
    LayerProgress,
    Notice,
    OneOfMany,
    StepAdded,
    StepCached,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
    UploadProgress,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.masking import SecretMask
from imagebuilders.report.dockerfile_lines import DockerfileLines
from imagebuilders.report.model import (
    BuildReport,
    ReportedLayer,
    ReportedStep,
    ReportedTransfer,
    ReportedWarning,
    StepState,
)
from imagebuilders.sanitize import output_line, printable_lines

MAX_LINES = 2000
"""The most lines of a step's output that are kept: the last ones."""

_StepEvent: TypeAlias = StepCached | StepOutput | StepProgress | StepFinished


@dataclass
class _HeardStep:
    """A step as it is heard."""

    started: StepStarted
    intervals: list[tuple[float, float]] = field(default_factory=list)
    running_since: float | None = None
    cached: bool = False
    ended: bool = False
    error: str = ""
    output: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LINES))
    printed: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def state(self) -> StepState:
        if self.error:
            return "failed"
        if self.cached:
            return "cached"
        return "done" if self.ended else "stopped"

    def end(self, began: float | None, ended: float) -> None:
        begin = self.running_since if began is None else began
        if begin is not None:
            self.intervals.append((begin, max(begin, ended)))
        self.running_since = None


@dataclass
class _HeardBuild:
    """A build as it is heard."""

    name: str = ""
    engine: str = ""
    began: float = 0.0
    heard: float = 0.0
    steps: dict[str, _HeardStep] = field(default_factory=dict)
    transfers: dict[str, int] = field(default_factory=dict)
    layers: dict[tuple[str, str], int] = field(default_factory=dict)
    warnings: list[ReportedWarning] = field(default_factory=list)
    digest: str = ""
    image_id: str = ""
    finished: BuildFinished | None = None
    first_miss: str = ""


class ReportRecorder:
    """A listener that keeps what is told of builds.

    Values that are not to be shown, such as those of build arguments, are taken out of all texts.
    Values shorter than four characters would be found anywhere, and are taken out only where they
    stand alone; a step's instruction is shown as the Dockerfile has it, where that is known.
    """

    def __init__(
        self,
        dockerfile: bytes | None = None,
        *,
        masked: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin.

        Args:
            dockerfile: what is in the Dockerfile, of which each step's lines are shown.
            masked: values that are not to be shown.
            clock: gives the time in seconds since 1970.
        """
        self._mask = SecretMask()
        for value in masked:
            self._mask.add(value.encode("utf-8", "surrogateescape"))
        self._lines = None if dockerfile is None else DockerfileLines(dockerfile, self._mask)
        self._clock = clock
        self._builds: dict[str, _HeardBuild] = {}

    def __call__(self, event: Event) -> None:
        """Hear an event now."""
        self.hear(event, self._clock())

    def hear(self, event: Event, moment: float) -> None:
        """Hear an event.

        Args:
            event: the event.
            moment: when, in seconds since 1970.
        """
        name = ""
        if isinstance(event, OneOfMany):
            name, event = event.build, event.event
        build = self._builds.setdefault(name, _HeardBuild(began=moment))
        build.heard = max(build.heard, moment)
        self._note(build, event, moment)

    def reports(
        self, *, layers: Sequence[ReportedLayer] = (), error: str = "", build: str = ""
    ) -> list[BuildReport]:
        """Return what is told of each build.

        Args:
            layers: those of the image.
            error: why the build failed, if it did.
            build: which of several builds these are of.
        """
        builds = self._builds or {"": _HeardBuild(began=self._clock())}
        return [
            self._report(
                name, heard, layers if name == build else (), error if name == build else ""
            )
            for name, heard in builds.items()
        ]

    # --- hearing ------------------------------------------------------------------

    def _note(self, build: _HeardBuild, event: Event, moment: float) -> None:
        match event:
            case BuildStarted():
                build.name, build.engine, build.began = event.image_name, event.engine, moment
            case ContextProgress():
                build.transfers[f"{event.name}, sent"] = event.bytes_sent
            case UploadProgress():
                build.transfers[f"{event.path}, uploaded"] = event.bytes_sent
            case StepStarted():
                self._start(build, event, moment)
            case StepCached() | StepOutput() | StepProgress() | StepFinished():
                self._change(build, event, moment)
            case LayerProgress():
                way = "fetched" if event.step_id else "pushed"
                key = (way, event.layer)
                build.layers[key] = max(build.layers.get(key, 0), event.current)
            case ImageBuilt():
                build.image_id = build.image_id or event.image_id
                for step in build.steps.values():
                    if not step.started.step_id and step.running_since is not None:
                        self._end(step, None, moment)
            case ImagePushed():
                build.digest = event.reference.partition("@")[2]
            case BuildFinished():
                build.finished = event
            case Notice():
                text = printable_lines(self._mask(event.message))
                build.warnings.append(ReportedWarning(text, event.line, event.url))
            case CacheMissed():
                self._miss(build, event)
            case _:
                pass

    def _start(self, build: _HeardBuild, event: StepStarted, moment: float) -> None:
        if not event.step_id:  # such a builder does one step after another
            for step in build.steps.values():
                if step.running_since is not None:
                    self._end(step, None, moment)
        key = _key(event)
        step = build.steps.setdefault(key, _HeardStep(event))
        step.running_since = moment if event.started_at is None else event.started_at

    def _change(self, build: _HeardBuild, event: _StepEvent, moment: float) -> None:
        step = build.steps.get(_key(event))
        if step is None:
            return
        match event:
            case StepCached():
                step.cached = True
            case StepOutput():
                for line in event.line.splitlines():
                    step.output.append(output_line(self._mask(line)))
                    step.printed += 1
            case StepProgress() if event.done and event.current:
                name = f"{self._mask(event.name)}, fetched"
                if event.name.startswith("sha256:"):
                    build.transfers[name] = event.current
            case StepFinished():
                step.cached = step.cached or event.cached
                step.error = printable_lines(self._mask(event.error))
                self._end(step, event.started_at, event.ended_at or moment)
            case _:
                pass

    @staticmethod
    def _end(step: _HeardStep, began: float | None, ended: float) -> None:
        step.end(began, ended)
        step.ended = True

    def _miss(self, build: _HeardBuild, event: CacheMissed) -> None:
        text = printable_lines(self._mask(event.message))
        step = build.steps.get(_key(event))
        if step is not None:
            step.misses.append(text)
        if not build.first_miss:
            code = " ".join(self._mask(event.instruction).split())
            build.first_miss = f"line {event.line}, {code}: {text}" if event.line else text

    # --- telling ------------------------------------------------------------------

    def _report(
        self, name: str, build: _HeardBuild, layers: Sequence[ReportedLayer], error: str
    ) -> BuildReport:
        # Steps may have begun, by the daemon's clock, a little before that was heard.
        begins = [begin for step in build.steps.values() for begin, _ in step.intervals]
        origin = min([build.began, *(each for each in begins if each > build.began - 60.0)])
        finished = build.finished
        steps = tuple(self._step(step, origin, build.heard) for step in build.steps.values())
        last = max([end for step in steps for _, end in step.intervals], default=0.0)
        return BuildReport(
            image_name=build.name or (finished.image_name if finished else ""),
            engine=build.engine,
            began=build.began,
            seconds=max(last, finished.seconds if finished else build.heard - origin),
            steps=steps,
            transfers=self._transfers(build),
            warnings=tuple(build.warnings),
            layers=tuple(map(self._masked_layer, layers)),
            digest=(finished.digest if finished else "") or build.digest or build.image_id,
            size=finished.size if finished else None,
            error=printable_lines(self._mask(error)) or self._failed(steps, finished),
            first_miss=build.first_miss,
            build=name,
        )

    def _masked_layer(self, layer: ReportedLayer) -> ReportedLayer:
        files = tuple(replace(file, path=self._mask(file.path)) for file in layer.files)
        return replace(layer, created_by=self._mask(layer.created_by), files=files)

    @staticmethod
    def _failed(steps: Sequence[ReportedStep], finished: BuildFinished | None) -> str:
        if finished is not None:
            return ""
        return next((f"{step.title}: {step.error}" for step in steps if step.error), "")

    def _step(self, step: _HeardStep, origin: float, heard: float) -> ReportedStep:
        event = step.started
        if step.running_since is not None:
            step.end(None, heard)
        code = " ".join(event.instruction.split())
        source: tuple[object, ...] = ()
        if self._lines is not None:
            found = self._lines.find(event.stage, event.number, event.total, code)
            if found is not None:
                code, source = found.code, self._lines.source(found)
        spans = [
            (max(0.0, begin - origin), max(0.0, end - origin)) for begin, end in step.intervals
        ]
        return ReportedStep(
            title=printable_lines(f"{_number(event)}{self._mask(code)}"),
            state=step.state,
            is_counted=event.is_counted,
            intervals=tuple(spans),
            source=source,  # type: ignore[arg-type]
            output=tuple(step.output),
            left_out=step.printed - len(step.output),
            error=step.error,
            misses=tuple(step.misses),
        )

    def _transfers(self, build: _HeardBuild) -> tuple[ReportedTransfer, ...]:
        found = [
            ReportedTransfer(self._mask(name), size)
            for name, size in build.transfers.items()
            if size
        ]
        for way in ("fetched", "pushed"):
            sizes = [size for (each, _), size in build.layers.items() if each == way and size]
            if sizes:
                plural = "" if len(sizes) == 1 else "s"
                found.append(ReportedTransfer(f"{len(sizes)} layer{plural}, {way}", sum(sizes)))
        return tuple(found)


def _key(event: StepAdded | StepStarted | _StepEvent | CacheMissed) -> str:
    return event.step_id or str(event.number)


def _number(event: StepStarted) -> str:
    if not event.number:
        return ""
    stage = "" if event.stage in ("", "stage-0") else f"{event.stage} "
    total = f"/{event.total}" if event.total else ""
    return f"[{stage}{event.number}{total}] "
