"""Following a build by the engine's messages: which step it is at, and what came of it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from imagebuilders.docker.json_stream import Message
from imagebuilders.docker.layers import layer_progress
from imagebuilders.events import (
    Event,
    ImageBuilt,
    Notice,
    StepCached,
    StepOutput,
    StepStarted,
)
from imagebuilders.exceptions import BuildError, EngineResponseError, ImageFormatError
from imagebuilders.oci.digest import Digest

SHOWN_OUTPUT_LINES = 20
"""So many of the failing step's last lines stand in the error."""

MAX_LINE_CHARS = 64 * 1024
"""A longer line is told in pieces, so that one without an end is told as it comes."""

_DOCKER_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
# Podman counts anew in every stage: "[2/2] STEP 1/3: FROM x".
_PODMAN_STEP = re.compile(r"(?:\[\d+/\d+\] )?STEP (\d+)(?:/(\d+))?: (.*)", re.DOTALL)
_CACHED = re.compile(r"(?: ---> Using cache|--> Using cache [0-9a-f]+)\Z")
_CHATTER = re.compile(
    r"(?: ---> (?:Running in |Removed intermediate container )?[0-9a-f]{12}| ---> "
    r"|Removing intermediate container [0-9a-f]{12})\Z"
)
_PODMAN_CHATTER = re.compile(
    r"(?:-->(?: [0-9a-f]{11,12})?|(?:\[\d+/\d+\] )?COMMIT .*|[0-9a-f]{64})\Z"
)
_BUILT = re.compile(r"Successfully built ([0-9a-f]{12})\Z")
_WARNING = re.compile(r"\[Warning\] (.*)\Z", re.IGNORECASE)
_EXIT_CODE = re.compile(r"returned a non-zero code: (\d+)|(?:exit status|exit code:?) (\d+)")
# The engine colours what a command writes to its standard error.
_ERROR_COLOUR_ON = "\x1b[91m"
_COLOUR_OFF = "\x1b[0m"


@dataclass(frozen=True)
class BuiltImage:
    """What a build made: the image's ID, and all that the engine printed, line by line."""

    image_id: str
    log: tuple[str, ...] = field(repr=False)


class BuildProgress:
    """Follows the engine's messages: which step it is at, and what that step printed."""

    def __init__(
        self,
        image_name: str,
        dockerfile: str,
        emit: Callable[[Event], None],
        advise: Callable[[str], str] | None = None,
        shown_dockerfile: str | None = None,
    ) -> None:
        self._image_name = image_name
        self._dockerfile = dockerfile
        self._shown_dockerfile = shown_dockerfile or dockerfile
        self._emit = emit
        self._advise = advise
        self._line = ""
        self._step = 0
        self._total = 0
        self._instruction: str | None = None
        self._chatter = _CHATTER
        self._output: deque[str] = deque(maxlen=SHOWN_OUTPUT_LINES)
        self._image_id: str | None = None
        self.log: list[str] = []

    def take(self, message: Message) -> None:
        """Take one message.

        Raises:
            BuildError: it is the engine's word that the build failed.
        """
        stream = message.get("stream")
        if isinstance(stream, str):
            self._take_text(stream)
        aux = message.get("aux")
        if isinstance(aux, dict) and aux.get("ID") is not None:
            self._image_id = self._checked_id(aux["ID"])
        if "errorDetail" in message or "error" in message:
            self._end_line()
            raise self._failed(message)
        progress = layer_progress(message)
        if progress is not None:
            self._emit(progress)
        elif isinstance(message.get("status"), str):
            self._take_line(str(message["status"]), spoken_by_engine=True)

    def result(self) -> BuiltImage:
        """Give the image, now that the answer has ended.

        Raises:
            BuildError: the answer ended without one.
        """
        self._end_line()
        if self._image_id is None:
            raise self.gone("the engine's answer ended before the image was built")
        self._emit(ImageBuilt(self._image_name, self._image_id))
        return BuiltImage(self._image_id, tuple(self.log))

    def refused(self, error: EngineResponseError) -> BuildError:
        """Make the error of a build that the engine did not begin."""
        words = error.explanation.replace(self._dockerfile, self._shown_dockerfile)
        return BuildError(
            f"{self._image_name} was not built from {self._shown_dockerfile}. The Docker Engine "
            f"refused to begin: {words}{self._advice(error.explanation)}",
            log=self.log,
        )

    def gone(self, what: str) -> BuildError:
        """Make the error of a build that broke off."""
        self._end_line()
        if self._instruction is None:
            where = "before the first step"
        else:
            where = f"after {self._place()}: {self._instruction}"
        return BuildError(
            f"{self._image_name} was not built: {what} {where}. See whether the engine is "
            f"running, and its log.{self._shown_output()}",
            instruction=self._instruction,
            output=self._output,
            log=self.log,
        )

    def _checked_id(self, image_id: object) -> str:
        try:
            return str(Digest.parse(image_id))
        except ImageFormatError as error:
            raise self.gone(
                f"the engine named an image ID that cannot be used ({error})"
            ) from error

    def _failed(self, message: Message) -> BuildError:
        detail = message.get("errorDetail")
        fields = detail if isinstance(detail, dict) else {}
        text = str(fields.get("message") or message.get("error") or "no reason given").strip()
        code = fields.get("code")
        exit_code = code if isinstance(code, int) and code else None
        if exit_code is None and (found := _EXIT_CODE.search(text)):
            exit_code = int(found[1] or found[2])
        self.log.append(text)
        where = "" if self._instruction is None else f" at {self._place()}: {self._instruction}"
        return BuildError(
            f"{self._image_name} was not built. It failed{where}\n{text}{self._advice(text)}"
            f"{self._shown_output()}",
            instruction=self._instruction,
            exit_code=exit_code,
            output=self._output,
            log=self.log,
        )

    def _advice(self, failure: str) -> str:
        advice = "" if self._advise is None else self._advise(failure)
        return f"\n{advice}" if advice else ""

    def _place(self) -> str:
        return f"step {self._step}/{self._total}" if self._total else f"step {self._step}"

    def _shown_output(self) -> str:
        if not self._output:
            return ""
        return "\nThe step's last output:\n" + "\n".join(f"  {line}" for line in self._output)

    def _take_text(self, text: str) -> None:
        """Take a piece of output, which may be a part of a line or several lines."""
        if text.startswith(_ERROR_COLOUR_ON):
            text = text.removeprefix(_ERROR_COLOUR_ON).removesuffix(_COLOUR_OFF)
        if self._line and self._is_chatter(text.removesuffix("\n")):
            self._end_line()  # the step's output ended without a newline
        if not self._line and self._begins_step(text):
            return
        *lines, rest = (self._line + text).split("\n")
        for line in lines:
            self._take_line(line)
        self._line = _visible(rest)
        if len(self._line) > MAX_LINE_CHARS:
            self._end_line()

    def _begins_step(self, text: str) -> bool:
        """See whether the engine announces the next step, in a message of its own.

        A command may print such a line too; only the number that is due counts.
        """
        found = _DOCKER_STEP.match(text)
        if found is not None:
            is_due = int(found[1]) == self._step + 1
            if not is_due or (self._step and int(found[2]) != self._total):
                return False
        else:
            found = _PODMAN_STEP.match(text)
            if found is None:
                return False
            self._chatter = _PODMAN_CHATTER
        number, total = int(found[1]), int(found[2] or 0)
        instruction = found[3].strip()
        self._step, self._total, self._instruction = number, total, instruction
        self._output.clear()
        self.log.append(text.rstrip("\n"))
        self._emit(StepStarted(number, total, instruction))
        return True

    def _is_chatter(self, line: str) -> bool:
        return line.startswith("Successfully tagged ") or self._chatter.match(line) is not None

    def _end_line(self) -> None:
        if self._line:
            line, self._line = self._line, ""
            self._take_line(line)

    def _take_line(self, line: str, *, spoken_by_engine: bool = False) -> None:
        line = _visible(line).rstrip("\r")
        if not line and not spoken_by_engine and not self._output:
            return  # the engine ends each step's announcement with an empty line
        self.log.append(line)
        if _CACHED.match(line):
            self._emit(StepCached(self._step))
        elif self._step == self._total and (found := _BUILT.match(line)):
            self._image_id = self._image_id or found[1]
            self._emit(StepOutput(0, line))
        elif found := _WARNING.match(line):
            self._emit(Notice(found[1]))
        elif spoken_by_engine or self._is_chatter(line):
            self._emit(StepOutput(0, line))
        else:
            self._output.append(line)
            self._emit(StepOutput(self._step, line))


def _visible(line: str) -> str:
    """Leave out what a terminal would overwrite: all before the last carriage return but one.

    A progress display writes its one line anew for as long as its command runs.
    """
    return line[line.rstrip("\r").rfind("\r") + 1 :]
