"""Telling Podman's own words from what a build's commands print.

Podman says no word before a command speaks, names no container, and counts anew in each stage:
after `[1/2] STEP 2/3: RUN make` the command speaks. It has ended when `--> ` with an image's ID
and the announcement of the step that is due follow each other, or `COMMIT`, `--> ` and what is
said at the end of a build.

The words are those of `github.com/containers/buildah`, `imagebuildah`; Podman sends each line as
a message. A Podman without layers, which has not told totals either, says no `--> `.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from imagebuilders.docker.build_stream import (
    STEP_NUMBER,
    Announced,
    BuildStream,
    Cached,
    EngineSaid,
    Printed,
    Said,
    Test,
    matches,
    warnings_in,
)

_STEP = re.compile(
    rf"(?:\[{STEP_NUMBER}/{STEP_NUMBER}\] )?STEP {STEP_NUMBER}(?:/{STEP_NUMBER})?: "
    r"([^\n]*\S[^\n]*)\n"
)
_CACHED = re.compile(r"--> Using cache ([0-9a-f]{12,64})\n")
_IMAGE = re.compile(r"-->(?: ([0-9a-f]{11,12}))?\n")
_COMMIT = re.compile(r"(?:\[[0-9]{1,6}/[0-9]{1,6}\] )?COMMIT(?: [^\n]+)?\n")
_LAST_WORDS = re.compile(r"(?:Successfully (?:built [0-9a-f]{12}|tagged [^\n]+)|[0-9a-f]{64})\n")


def begins_build(text: str) -> bool:
    """Tell whether a message is Podman's announcement of a first step."""
    found = _STEP.fullmatch(text)
    return found is not None and found[3] == "1"


class PodmanStream(BuildStream):
    """The words of Podman."""

    _end_marks = ("-->", "STEP ", "COMMIT", "[")

    def __init__(self) -> None:
        """Begin before the first step."""
        super().__init__()
        self._stage = 0
        self._stages = 0
        self._has_printed = False

    @property
    def is_last_step(self) -> bool:
        """Always true: it counts anew in each stage, and tells an image's ID only at the end."""
        return True

    def _read_engine(self, text: str) -> Iterator[Said]:
        if (step := self._due(text)) is not None:
            self._stage, self._stages = int(step[1] or 0), int(step[2] or 0)
            yield self._announce(
                Announced(
                    number=int(step[3]),
                    total=int(step[4] or 0),
                    instruction=step[5].strip(),
                    text=text.rstrip("\n"),
                    stage=self._stage - 1 if self._stage else None,
                )
            )
            self._is_command_speaking = self._keyword == "RUN"
            self._has_printed = False
        elif _CACHED.fullmatch(text):
            yield Cached(text.rstrip("\n"))
        elif warnings := list(warnings_in(text)):
            yield from warnings
        elif any(each.fullmatch(text) for each in (_IMAGE, _COMMIT, _LAST_WORDS)):
            yield EngineSaid(text.rstrip("\n"))
        else:
            yield self._print(text)

    def _print(self, text: str) -> Printed:
        self._has_printed = True
        return super()._print(text)

    def _ends(self) -> Sequence[Sequence[Test]]:
        image, commit = matches(_IMAGE), matches(_COMMIT)
        ends: list[Sequence[Test]] = [[image, self._is_due]]
        if self.total == 0:
            ends.append([self._is_due])
        if self.number == self.total:
            ends.append([commit, image, _is_last_word])
        if not self._has_printed:
            cached = [matches(_CACHED), self._is_image_of_cache]
            ends += [[*cached, self._is_due], [*cached, _is_last_word]]
            ends.append([cached[0], commit, self._is_image_of_cache, _is_last_word])
        return ends

    def _is_image_of_cache(self, text: str) -> bool:
        cached, image = _CACHED.fullmatch(self._held[0]), _IMAGE.fullmatch(text)
        return bool(cached and image and image[1] and cached[1].startswith(image[1]))

    def _is_due(self, text: str) -> bool:
        return self._due(text) is not None

    def _due(self, text: str) -> re.Match[str] | None:
        """Match the announcement of the step that is due, of this stage or of a later one."""
        found = _STEP.fullmatch(text)
        if found is None:
            return None
        stage, stages = int(found[1] or 0), int(found[2] or 0)
        number, total = int(found[3]), int(found[4] or 0)
        if total and number > total:
            return None
        if not self.number:
            is_due = number == 1
        elif stages != self._stages:
            is_due = False  # a build of one stage counts none, others say of how many
        elif stage == self._stage:
            is_due = number == self.number + 1 and total == self.total
        else:
            is_ended = self.total in (0, self.number)
            is_due = number == 1 and stage > self._stage and is_ended
        return found if is_due else None


def _is_last_word(text: str) -> bool:
    return _LAST_WORDS.fullmatch(text) is not None or any(warnings_in(text))
