"""Following a build by the engine's messages: which step it is at, and what came of it."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import field

from imagebuilders.docker import podman_stream
from imagebuilders.docker.build_steps import Step, StepGraph
from imagebuilders.docker.build_stream import (
    Announced,
    BuildStream,
    Cached,
    DockerStream,
    EngineSaid,
    Printed,
    Said,
    Warned,
)
from imagebuilders.docker.json_stream import Message
from imagebuilders.docker.layers import download_progress, layer_progress
from imagebuilders.docker.output_lines import OutputLines
from imagebuilders.events import (
    Event,
    ImageBuilt,
    Notice,
    StepCached,
    StepFinished,
    StepOutput,
    StepStarted,
    Stream,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.digest import Digest

SHOWN_OUTPUT_LINES = 20
"""So many of the failing step's last lines stand in the error."""

_BUILT = re.compile(r"Successfully built ([0-9a-f]{12})\n?")
_TAGGED = re.compile(r"Successfully tagged [^\n]+\n?")
_EXIT_CODE = re.compile(
    r"returned a non-zero code: ([0-9]{1,10})\b|(?:exit status|exit code:?) ([0-9]{1,10})\b"
)
_MAX_EXIT_CODE = 2**32 - 1  # that of Windows; elsewhere it is 255


@dataclass(frozen=True)
class BuiltImage:
    """What a build made: the image's ID, and all that the engine printed, line by line."""

    image_id: str
    log: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Failure:
    """The engine's word that a build failed."""

    text: str
    exit_code: int | None


class BuildProgress:
    """Follows the engine's messages and emits what they tell.

    Attributes:
        step: the step that the build is at; `None` before the first.
        steps: all that were announced.
        output: the last lines that this step printed.
        log: all lines so far.
        image_id: the ID of the image, once the build is done, as the protocol tells it.
        last_words: the short ID with which the answer ends in text, if it does. A command may
            have printed it.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        *,
        removes_containers: bool = True,
        mask: Callable[[str], str] = str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin before the first message.

        Args:
            emit: what to do with events.
            removes_containers: whether the engine was asked to remove intermediate containers.
            mask: takes secrets out of a line that the engine sent.
            clock: gives the time, in seconds since 1970.
        """
        self._emit = emit
        self._mask = mask
        self._clock = clock
        self._stream: BuildStream = DockerStream(removes_containers=removes_containers)
        self._graph = StepGraph()
        self._lines: dict[Stream, OutputLines] = {}
        self._is_step_running = False
        self.step: Step | None = None
        self.output: deque[str] = deque(maxlen=SHOWN_OUTPUT_LINES)
        self.log: list[str] = []
        self.image_id: str | None = None
        self.last_words: str | None = None

    @property
    def steps(self) -> list[Step]:
        """All steps that were announced."""
        return self._graph.steps

    def take(self, message: Message) -> Failure | None:
        """Take one message; return what it says if that is the engine's word of a failure.

        Raises:
            ImageFormatError: it names an image's ID that is no digest.
        """
        text = message.get("stream")
        if isinstance(text, str) and text:
            self._take_text(text)
            if len(message) == 1:
                return None
        if "errorDetail" in message or "error" in message:
            self._tell(self._stream.fail())
            self._end_lines()
            failure = _failure(message, self._mask)
            self.log.append(failure.text)
            self._finish_step(failure.text)
            return failure
        aux = message.get("aux")
        if isinstance(aux, dict) and aux.get("ID") is not None:
            self._take_image(Digest.parse(aux["ID"]))
        self._take_status(message)
        return None

    def end(self, error: str = "") -> None:
        """Note that the answer has ended.

        Args:
            error: what broke it off.
        """
        self._tell(self._stream.settle())
        self._finish_step(error)

    def built(self, image_name: str, image_id: str) -> BuiltImage:
        """Tell that the image is built, and return it."""
        self._emit(ImageBuilt(image_name, image_id))
        return BuiltImage(image_id, tuple(self.log))

    def _take_text(self, text: str) -> None:
        if not text.startswith("Successfully "):
            self.last_words = None
        elif built := _BUILT.fullmatch(text):
            self.last_words = built[1]
        elif not _TAGGED.fullmatch(text):
            self.last_words = None
        if self.step is None and podman_stream.begins_build(text):
            self._stream = podman_stream.PodmanStream()
        self._tell(self._stream.read(text))

    def _take_image(self, image_id: Digest) -> None:
        """Take the ID that the engine tells at the end of each stage, or of the build."""
        self._tell(self._stream.settle())
        self._finish_step()
        if self._stream.is_last_step:
            self.image_id = str(image_id)

    def _take_status(self, message: Message) -> None:
        step_id, number = ("", 0) if self.step is None else (self.step.id, self.step.number)
        progress = layer_progress(message, step_id) or download_progress(message, number, step_id)
        status = message.get("status")
        if progress is not None:
            self._emit(progress)
        elif isinstance(status, str):
            self._tell([EngineSaid(status)])

    def _tell(self, said: Iterable[Said]) -> None:
        for each in said:
            if isinstance(each, Printed):
                self._print(each)
                continue
            self._end_lines()
            text = self._mask(each.text)
            self.log.append(text)
            match each:
                case Announced():
                    self._start_step(each)
                case Cached():
                    self._mark_cached()
                case Warned():
                    step_id = self.step.id if self.step is not None else ""
                    self._emit(Notice(self._mask(each.message), step_id=step_id))
                case EngineSaid():
                    self._emit(StepOutput(0, text))

    def _start_step(self, announced: Announced) -> None:
        self._finish_step()
        self.image_id = None  # that of the stage before
        self.output.clear()
        step = self.step = self._graph.add(announced, self._clock())
        self._is_step_running = True
        self._emit(
            StepStarted(
                step.number,
                step.total,
                step.instruction,
                step_id=step.id,
                stage=step.stage,
                inputs=step.inputs,
                started_at=step.started_at,
            )
        )

    def _mark_cached(self) -> None:
        if self.step is not None and not self.step.cached:
            self.step.cached = True
            self._emit(StepCached(self.step.number, step_id=self.step.id))

    def _finish_step(self, error: str = "") -> None:
        self._end_lines()
        step = self.step
        if step is None or not self._is_step_running:
            return
        self._is_step_running = False
        self._emit(
            StepFinished(
                step.number,
                step.cached,
                error,
                step_id=step.id,
                started_at=step.started_at,
                ended_at=self._clock(),
            )
        )

    def _print(self, printed: Printed) -> None:
        lines = self._lines.setdefault(printed.stream, OutputLines())
        for line in lines.feed(printed.text):
            self._print_line(line, printed.stream)

    def _end_lines(self) -> None:
        for stream, lines in self._lines.items():
            for line in lines.flush():
                self._print_line(line, stream)

    def _print_line(self, line: str, stream: Stream) -> None:
        line = self._mask(line)
        self.log.append(line)
        if self.step is None:
            self._emit(StepOutput(0, line, stream=stream))
            return
        self.output.append(line)
        self._emit(StepOutput(self.step.number, line, step_id=self.step.id, stream=stream))


def _failure(message: Message, mask: Callable[[str], str]) -> Failure:
    detail = message.get("errorDetail")
    fields = detail if isinstance(detail, dict) else {}
    text = mask(str(fields.get("message") or message.get("error") or "no reason given").strip())
    code = fields.get("code")
    if isinstance(code, int) and not isinstance(code, bool) and 0 < code <= _MAX_EXIT_CODE:
        return Failure(text, code)
    found = _EXIT_CODE.search(text)
    return Failure(text, int(found[1] or found[2]) if found else None)
