"""In what a step itself differs from a recorded one, and how that is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from imagebuilders.cache_misses.records import StepRecord
from imagebuilders.cache_misses.step_inputs import EXPANDED, OPTION, ORDER, SETTING, VARIABLE
from imagebuilders.context.entries import show_path
from imagebuilders.events import CacheMissKind
from imagebuilders.lazy_dataclass import dataclass

BASE_SETTINGS = "base"
"""Stands among a step's values for what its base image sets for steps."""

_FILE = "file:"
_SHOWN_FILES = 3


@dataclass(frozen=True)
class Reason:
    """A reason, as in `CacheMissed`."""

    kind: CacheMissKind
    message: str
    subjects: tuple[str, ...] = ()


def differing(now: StepRecord, before: StepRecord) -> frozenset[str]:
    """Return the names of what differs: of values, and of files behind a prefix.

    Args:
        now: a step.
        before: another one of the same instruction.
    """
    return frozenset({*_differing_files(now, before), *_differing_values(now, before)})


def _differing_files(now: StepRecord, before: StepRecord) -> Iterator[str]:
    if now.is_known and before.is_known and now.files != before.files:
        for path in {*now.files, *before.files}:
            if now.files.get(path) != before.files.get(path):
                yield f"{_FILE}{path}"


def _differing_values(now: StepRecord, before: StepRecord) -> Iterator[str]:
    settings = (now.values.get(BASE_SETTINGS), before.values.get(BASE_SETTINGS))
    if all(settings) and settings[0] != settings[1]:
        yield BASE_SETTINGS
    is_same_text = EXPANDED in now.values and now.values[EXPANDED] == before.values.get(EXPANDED)
    for name in {*now.values, *before.values} - {EXPANDED, ORDER, BASE_SETTINGS}:
        is_same = now.values.get(name) == before.values.get(name)
        if not is_same and not (name.startswith(VARIABLE) and is_same_text):
            yield name


def reasons_for(names: Collection[str], now: StepRecord, before: StepRecord) -> list[Reason]:
    """Return what differs as reasons.

    Args:
        names: the names of what differs.
        now, before: as for `differing`.
    """
    reasons = []
    paths = sorted(name.removeprefix(_FILE) for name in names if name.startswith(_FILE))
    if paths:
        reasons.append(_files(paths, now.files, before.files))
    if BASE_SETTINGS in names:
        reasons.append(
            Reason("base", "its base image sets another environment, user, folder or shell")
        )
    values = sorted(name for name in names if not name.startswith(_FILE) and name != BASE_SETTINGS)
    return [*reasons, *(_value(name, now, before) for name in values)]


def _value(name: str, now: StepRecord, before: StepRecord) -> Reason:
    kind, _, subject = name.partition(":")
    if f"{kind}:" == OPTION:
        return Reason("option", f"the option {subject!r} has another value", (subject,))
    if f"{kind}:" == SETTING:
        return Reason("setting", f"{subject} is another before it", (subject,))
    is_argument = subject in now.arguments or subject in before.arguments
    what = f"the {'build argument' if is_argument else 'environment variable'} {subject}"
    if name not in now.values:
        message = f"{what} is not set any more"
    else:
        message = f"{what} {'has another value' if name in before.values else 'was not set before'}"
    return Reason("argument" if is_argument else "variable", message, (subject,))


def _files(paths: list[str], now: dict[str, str], before: dict[str, str]) -> Reason:
    shown = [f"{show_path(path)} {_change(now.get(path), before.get(path))}" for path in paths]
    message = ", ".join(shown[:_SHOWN_FILES])
    if len(paths) > _SHOWN_FILES:
        message += f", and {len(paths) - _SHOWN_FILES} more"
    return Reason("file", message, tuple(paths))


def _change(now: str | None, before: str | None) -> str:
    if now is None:
        return "was removed"
    if before is None:
        return "was added"
    same_content = now.partition(":")[2] == before.partition(":")[2]
    return "has other permissions" if same_content else "changed"
