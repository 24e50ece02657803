"""The keys of the steps of one build, and the steps as they are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.cache_misses.differences import BASE_SETTINGS
from imagebuilders.cache_misses.records import BuildRecord, StepRecord
from imagebuilders.cache_misses.step_inputs import SCRATCH, Point, StepInputs
from imagebuilders.cache_misses.told_steps import ToldStep

if TYPE_CHECKING:
    from imagebuilders.cache_misses.base_images import BaseImages
    from imagebuilders.cache_misses.fingerprints import Fingerprints


class StepKeys:
    """Gives each step the key that stands for it with all that it builds upon."""

    def __init__(
        self,
        fingerprints: Fingerprints,
        bases: BaseImages,
        digests: Mapping[str, str],
        builds: Sequence[BuildRecord],
    ) -> None:
        """Begin with no step.

        Args:
            fingerprints: of values.
            bases: what was known of images before the build.
            digests: the digests of images that the build told, by their names.
            builds: those on record.
        """
        self._of = fingerprints.of
        self._bases = bases
        self._digests = digests
        self._recorded = [step for build in builds for step in build.steps]
        self._keys: list[str] = []

    def record(self, inputs: StepInputs, told: ToldStep | None) -> StepRecord:
        """Return the step as it is recorded; steps come in their order."""
        values = dict(inputs.values)
        base = self._bases.known(inputs.base, self._digests)
        if inputs.name == "RUN" and base.settings:
            values[BASE_SETTINGS] = base.settings
        parent = self.key_of(inputs.parent)
        sources = tuple(map(self.key_of, inputs.sources))
        parts = [inputs.text, parent, *sources]
        parts += (text for item in sorted(values.items()) for text in item)
        parts += (text for item in sorted(inputs.files.items()) for text in item)
        record = StepRecord(
            text=inputs.text,
            key=self._of("step", *parts),
            parent=parent,
            values=values,
            arguments=tuple(sorted(inputs.arguments)),
            files=dict(inputs.files),
            sources=sources,
            base=base.record if isinstance(inputs.parent, str) else None,
            state="unseen" if told is None else told.state,
            is_known=inputs.is_known,
        )
        record = self._as_recorded(record)
        self._keys.append(record.key)
        return record

    def _as_recorded(self, record: StepRecord) -> StepRecord:
        """Return a step under the key of a recorded one of which it must have the result.

        What is copied from a stage counts by its content: a stage that was built anew, and from
        which a copy is taken from the cache all the same, has made the same files.
        """
        if record.state != "cached" or not record.sources:
            return record
        keys = {
            each.key
            for each in self._recorded
            if (each.text, each.parent, each.values, each.files)
            == (record.text, record.parent, record.values, record.files)
        }
        return replace(record, key=next(iter(keys))) if len(keys) == 1 else record

    def key_of(self, point: Point) -> str:
        """Return what stands for what is built upon or copied from."""
        if isinstance(point, int):
            return self._keys[point]
        if point == SCRATCH:
            return self._of("scratch")
        base = self._bases.known(point, self._digests).record
        return self._of("base", base.id or base.name)
