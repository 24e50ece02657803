"""Explaining the cache misses of one build: what stands before it, and what is told after it."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imagebuilders.build_context import BuildContext
from imagebuilders.cache_misses.base_images import BaseImages, told_digests
from imagebuilders.cache_misses.copied_files import ContextFiles
from imagebuilders.cache_misses.dockerfile_inputs import read_inputs
from imagebuilders.cache_misses.fingerprints import (
    Fingerprints,
    load_fingerprints,
    records_folder,
)
from imagebuilders.cache_misses.reasons import BuiltStep, Reasons
from imagebuilders.cache_misses.records import (
    BuildRecord,
    read_records,
    record_path,
    write_records,
)
from imagebuilders.cache_misses.step_inputs import BuildInputs, StepInputs
from imagebuilders.cache_misses.step_keys import StepKeys
from imagebuilders.cache_misses.told_steps import ToldStep, ToldSteps
from imagebuilders.dockerfile import parse
from imagebuilders.events import CacheMissed, Event, Notice
from imagebuilders.exceptions import BuildContextError, ContextChangedError
from imagebuilders.go_text import to_lower
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.sharing import sharing_build

if TYPE_CHECKING:
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.cache_misses.base_image import FindBase

logger = logging.getLogger(__name__)

_NAMELESS = re.compile(r"/(proc/[^/]+|dev)/fd/\d+")
"""A Dockerfile in an open file, such as one from standard input: its name is another each time."""


@dataclass(frozen=True)
class _Begun:
    """What is known of a build before it."""

    job: BuildJob
    fingerprints: Fingerprints
    path: Path
    inputs: BuildInputs
    bases: BaseImages
    stages: int
    time: float


class CacheExplanation:
    """Hears the events of a build, passes them on, and tells why steps were not cached.

    Nothing about it fails a build: what is in its way is told as a notice.
    """

    def __init__(
        self, tell: Callable[[Event], None], *, clock: Callable[[], float] = time.time
    ) -> None:
        """Begin.

        Args:
            tell: what to do with events.
            clock: gives the time in seconds since 1970.
        """
        self._tell = tell
        self._clock = clock
        self._told = ToldSteps()
        self._begun: _Begun | None = None
        self._is_refused = False

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self._told(event)
        self._tell(event)

    def begin(
        self,
        job: BuildJob,
        foreign_steps: frozenset[str] = frozenset(),
        *,
        daemon: str = "",
        find_base: FindBase | None = None,
    ) -> None:
        """Note what a build is made of, before it is built.

        Args:
            job: the build.
            foreign_steps: the IDs of steps of other builds that it builds upon.
            daemon: what tells the daemon from others; by default what `BuildStarted` calls it.
            find_base: finds the images that the daemon has.
        """
        self._told.foreign = foreign_steps
        if "," in (job.options.platform or ""):
            self._cannot("it is for several platforms")
            return
        if job.snapshot.remote is not None:
            self._cannot("its context is not a folder of this machine")
            return
        folder = records_folder()
        if folder is None:
            self._cannot("the user has no home folder for a record: set HOME or XDG_CACHE_HOME")
            return
        try:
            fingerprints = load_fingerprints(folder)
            files = ContextFiles.of(job.snapshot, fingerprints, _folders(job, fingerprints))
        except (OSError, BuildContextError, ContextChangedError) as error:
            self._cannot(str(error).rstrip("."))
            return
        dockerfile = parse(job.dockerfile.content)
        inputs = read_inputs(
            dockerfile,
            job.options,
            {**job.proxies, **_given(job)},
            files,
            fingerprints,
        )
        bases = BaseImages(fingerprints)
        if find_base is not None and not job.options.pull:
            bases.look_up(inputs.images, find_base)
        if (sharing := sharing_build()) is not None:
            for target, key in sharing.shared.ends.items():
                bases.add_target(target, key)
        path = record_path(folder, *_identity(job, daemon or self._told.daemon))
        self._begun = _Begun(
            job, fingerprints, path, inputs, bases, len(dockerfile.stages), self._clock()
        )

    def finish(self, *, failed: bool = False) -> None:
        """Tell why steps were not cached, and keep the build on record.

        Args:
            failed: whether the build failed.
        """
        begun = self._begun
        if begun is None:
            if not failed and not self._is_refused:
                self._cannot("it was not done by BuildKit, and other caches have other rules")
            return
        key = begun.fingerprints.name
        builds = read_records(begun.path, key)
        resolve = StepKeys(
            begun.fingerprints, begun.bases, told_digests(self._told.instructions), builds
        )
        steps = list(self._built_steps(begun, resolve))
        if (sharing := sharing_build()) is not None:
            sharing.shared.ends[sharing.name] = resolve.key_of(begun.inputs.end)
        self._explain(steps, Reasons(steps, builds))
        record = BuildRecord(begun.time, tuple(step.record for step in steps))
        try:
            write_records(begun.path, key, (record, *builds))
        except OSError as error:
            self._cannot_record(error)

    # --- telling -------------------------------------------------------------------

    def _cannot(self, why: str) -> None:
        self._is_refused = True
        self._tell(Notice(f"Why steps are not cached cannot be told of this build: {why}."))

    def _cannot_record(self, error: OSError) -> None:
        self._tell(
            Notice(
                "The next build cannot be compared with this one, as no record of it can be "
                f"written: {error}."
            )
        )

    def _explain(self, steps: Sequence[BuiltStep], reasons: Reasons) -> None:
        for index, step in enumerate(steps):
            told = step.told
            if told is None or not told.was_missed:
                continue
            for reason in reasons.of(index):
                self._tell(
                    CacheMissed(
                        told.number,
                        step.inputs.code,
                        reason.kind,
                        reason.message,
                        subjects=reason.subjects,
                        line=step.inputs.line,
                        stage=told.stage,
                        step_id=told.step_id,
                    )
                )

    # --- the build's own steps ----------------------------------------------------

    def _built_steps(self, begun: _Begun, resolve: StepKeys) -> Iterator[BuiltStep]:
        """Yield the steps with what the build told of them."""
        told_of = self._told_of_stages(begun)
        for inputs in begun.inputs.steps:
            told = told_of.get(inputs.stage, {}).get(inputs.number)
            record = resolve.record(inputs, told)
            yield BuiltStep(inputs, record, told, _ignores_cache(begun.job, inputs))

    def _told_of_stages(self, begun: _Begun) -> dict[str, dict[int, ToldStep]]:
        """Return what was told of each stage by number; nothing where steps do not agree."""
        found: dict[str, dict[int, ToldStep]] = {}
        for stage in dict.fromkeys(step.stage for step in begun.inputs.steps):
            names = (stage, "") if begun.stages == 1 else (stage,)
            own = {step.number: step.name for step in begun.inputs.steps if step.stage == stage}
            found[stage] = _fitting(self._told.of_stage(*names), own)
        return found


def _fitting(told: Iterable[ToldStep], own: Mapping[int, str]) -> dict[int, ToldStep]:
    """Return the steps that were told of by number; nothing where numbers do not agree.

    A daemon that finds two builds to share a step may tell each of the other's. Where it is not
    plain which of two is a build's own, neither is taken.

    Args:
        told: what was told of a stage.
        own: the keywords of its steps by number; its FROM is not among them.
    """
    by_number: dict[int, list[ToldStep]] = {}
    for step in told:
        by_number.setdefault(step.number, []).append(step)
    found = {}
    for number, steps in by_number.items():
        fitting = [step for step in steps if step.is_a(own.get(number, "FROM"))]
        if not fitting:
            return {}
        if len(fitting) == 1:
            found[number] = fitting[0]
    return found


def _folders(job: BuildJob, fingerprints: Fingerprints) -> dict[str, ContextFiles]:
    """Return the named contexts that are folders of this machine."""
    return {
        to_lower(name): ContextFiles.of(
            BuildContext(path).snapshot(rewrite_ignore_files=False), fingerprints
        )
        for name, path in job.options.build_contexts.items()
        if os.path.isdir(path)
    }


def _given(job: BuildJob) -> dict[str, str]:
    return {name: value for name, value in job.options.buildargs.items() if value is not None}


def _identity(job: BuildJob, daemon: str) -> tuple[str, ...]:
    """Return what builds have in common that are compared with one another."""
    snapshot, options = job.snapshot, job.options
    root = str(Path(snapshot.root).resolve()) if snapshot.root else f"without: {job.shown_name}"
    name = "" if _NAMELESS.fullmatch(job.dockerfile.name) else job.dockerfile.name
    return (root, name, options.target or "", options.platform or "", daemon)


def _ignores_cache(job: BuildJob, step: StepInputs) -> bool:
    options = job.options
    return bool(options.nocache) or step.stage in map(to_lower, options.no_cache_filter)
