"""Why steps were not cached: what they are made of, compared with the builds on record.

A step is compared with the recorded step of the same instruction that is most like it. A reason is
told only where it is certain: where an earlier step is at fault that is told alone, and where
nothing that is known differs the reason is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from imagebuilders.build_options.buildkit_attributes import TARGET_SCHEME
from imagebuilders.cache_misses.differences import Reason, differing, reasons_for
from imagebuilders.cache_misses.records import BuildRecord, StepRecord
from imagebuilders.cache_misses.step_inputs import ORDER, Point, StepInputs
from imagebuilders.cache_misses.told_steps import ToldStep
from imagebuilders.lazy_dataclass import dataclass

_SHOWN_DIGEST = 19
_UNCERTAIN = frozenset({"no-record", "unknown", "not-built-before"})


@dataclass(frozen=True)
class BuiltStep:
    """A step of the build that is explained.

    Attributes:
        inputs: what it is made of.
        record: the same as it is recorded.
        told: what the build told of it; `None` when it told nothing.
        ignores_cache: whether it was to be built without the cache.
    """

    inputs: StepInputs
    record: StepRecord
    told: ToldStep | None
    ignores_cache: bool = False


class Reasons:
    """Finds the reasons of one build's steps."""

    def __init__(self, steps: Sequence[BuiltStep], builds: Sequence[BuildRecord]) -> None:
        """Take a build, and those on record.

        Args:
            steps: the build's steps, each behind what it needs.
            builds: what they are compared with, the last one first.
        """
        self._steps = steps
        self._recorded = [step for build in builds for step in build.steps]
        self._keys = {step.key for step in self._recorded}
        self._keys |= {step.parent for step in self._recorded}
        self._found: dict[int, tuple[Reason, ...]] = {}
        self._missed = {
            step.record.key for step in steps if step.told is not None and step.told.was_missed
        }

    def of(self, index: int) -> tuple[Reason, ...]:
        """Return why a step was not cached."""
        if index not in self._found:
            self._found[index] = tuple(self._of(index))
        return self._found[index]

    def _of(self, index: int) -> list[Reason]:
        step = self._steps[index]
        if step.ignores_cache:
            return [Reason("no-cache", "the build was not to use the cache for it")]
        if not self._recorded:
            return [Reason("no-record", "no earlier build is on record to compare it with")]
        if blamed := self._blamed(step.inputs.parent):
            return [self._earlier(blamed, "builds upon")]
        same = [each for each in self._recorded if each.text == step.record.text]
        if not same:
            return [
                Reason(
                    "instruction",
                    "it is new or was changed: no build on record has this instruction",
                )
            ]
        likely = self._most_like(step, same)
        names = differing(step.record, likely)
        if likely.parent != step.record.parent:
            # It would be another step with the other's values, too: what counts is what no
            # recorded one has.
            names = names.intersection(*(differing(step.record, each) for each in same))
            if not names and differing(step.record, likely):
                return [_unknown()]
        return reasons_for(names, step.record, likely) or [self._from_elsewhere(step, likely)]

    # --- what a step is compared with --------------------------------------------

    @staticmethod
    def _most_like(step: BuiltStep, same: Sequence[StepRecord]) -> StepRecord:
        """Return the recorded step of the same instruction that differs least."""
        record = step.record

        def distance(each: StepRecord) -> tuple[bool, int, bool]:
            return (
                each.parent != record.parent,
                len(differing(record, each)),
                (each.base is None) != (record.base is None),
            )

        return min(same, key=distance)

    # --- other steps ---------------------------------------------------------------

    def _was_missed(self, index: int) -> bool:
        return self._steps[index].record.key in self._missed

    def _is_certain(self, index: int) -> bool:
        return all(reason.kind not in _UNCERTAIN for reason in self.of(index))

    def _blamed(self, point: Point) -> BuiltStep | None:
        """Return the step at fault when what lies at a point is another than before."""
        if isinstance(point, str) or not self._was_missed(point) or not self._is_certain(point):
            return None
        step = self._steps[point]
        if self.of(point)[0].kind != "earlier-step":
            return step
        for further in (step.inputs.parent, *step.inputs.sources):
            if found := self._blamed(further):
                return found
        return step

    def _earlier(self, step: BuiltStep, how: str) -> Reason:
        inputs = step.inputs
        return Reason(
            "earlier-step",
            f"it {how} line {inputs.line} ({_short(inputs.code)}), which was not cached",
            (inputs.code,),
        )

    def _from_elsewhere(self, step: BuiltStep, likely: StepRecord) -> Reason:
        """Return the reason of a step that is itself as it was."""
        record = step.record
        if likely.parent != record.parent:
            return self._other_parent(step, likely)
        if reason := self._other_source(step, likely):
            return reason
        if not (step.inputs.is_known and likely.is_known):
            return _unknown()
        before, now = likely.values.get(ORDER), record.values.get(ORDER)
        if before != now:
            return Reason("variable", "its variables are set in another order")
        same = [each for each in self._recorded if each.key == record.key]
        if same and all(each.state in ("ended", "unseen") for each in same):
            return Reason(
                "not-built-before", "builds on record have it, but none of them came to its end"
            )
        return _unknown()

    def _other_parent(self, step: BuiltStep, likely: StepRecord) -> Reason:
        """Return the reason of a step that builds upon something else."""
        point = step.inputs.parent
        if isinstance(point, str):
            return _other_base(point, step.record, likely)
        if self._was_missed(point):
            return _unknown()
        if step.record.parent in self._keys:
            return Reason("order", "the instructions before it are others than before")
        return self._changed_before(point)

    def _changed_before(self, index: int) -> Reason:
        """Return the reason when earlier steps are none of those on record, though cached."""
        while True:
            step = self._steps[index]
            parent = step.inputs.parent
            if isinstance(parent, str) or step.record.parent in self._keys:
                break
            index = parent
        reason = self.of(index)[0]
        if reason.kind in ("earlier-step", *_UNCERTAIN):
            return _unknown()  # what it copies from a stage may be what it was
        inputs = step.inputs
        return Reason(
            "earlier-step",
            f"it builds upon line {inputs.line} ({_short(inputs.code)}), which has changed since "
            f"the last build on record: {reason.message}",
            (inputs.code,),
        )

    def _other_source(self, step: BuiltStep, likely: StepRecord) -> Reason | None:
        """Return the reason of a step that copies from something else."""
        before = likely.sources
        if len(before) != len(step.record.sources):
            return None
        pairs = zip(step.inputs.sources, step.record.sources, before, strict=True)
        for point, now, then in pairs:
            if now != then:
                if blamed := self._blamed(point):
                    return self._earlier(blamed, "copies from")
                return _unknown()
        return None


def _other_base(name: str, now: StepRecord, before: StepRecord) -> Reason:
    """Return the reason of a step whose image below is another."""
    base, old = now.base, before.base
    if base is None or old is None:
        return Reason("order", "the instructions before it are others than before")
    digests = (base.shown, old.shown)
    shown = ""
    if all(digests) and digests[0] != digests[1]:
        shown = ": {}, before {}".format(*(digest[:_SHOWN_DIGEST] for digest in digests))
    if base.name != old.name:
        return Reason("base", f"FROM names another image, {name}{shown}", digests)
    # Layers are not to be compared with digests.
    if base.id.partition(":")[0] == old.id.partition(":")[0] != "":
        if name.startswith(TARGET_SCHEME):
            target = name.removeprefix(TARGET_SCHEME)
            return Reason("base", f"the image of {target!r}, which it builds upon, is another")
        return Reason("base", f"its base image {name} is another{shown}", digests)
    return _unknown()


def _unknown() -> Reason:
    return Reason(
        "unknown",
        "the reason is not known: nothing that can be seen here has changed since the builds on "
        "record, so the daemon may have removed it from its cache",
    )


def _short(code: str) -> str:
    return code if len(code) <= 60 else f"{code[:57]}…"
