"""The errors of a build with BuildKit, in the form that those of a classic build have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imagebuilders.buildkit.frontend import ended_frontend_advice, pull_advice
from imagebuilders.dockerfile import Dockerfile, Instruction, excerpt, parse
from imagebuilders.exceptions import BuildError, PushError
from imagebuilders.oci.reference import split_domain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imagebuilders.buildkit.control.failure import FailedSource
    from imagebuilders.buildkit.progress import BuildEvents
    from imagebuilders.buildkit.steps import Step
    from imagebuilders.buildkit.transport.status import RpcStatus

SHOWN_OUTPUT_LINES = 20
"""So many of the failing step's last lines stand in the error."""

_PUSH = re.compile(r"failed to push (?P<name>[^ ]+): (?P<detail>.+)", re.DOTALL)
"""What a daemon says of an image that a registry did not take."""

_STEPS = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})
"""The instructions that a daemon counts as steps, beside a FROM."""


class BuildNotBegunError(BuildError):
    """A daemon went away, or said nothing, before the build began: it can be built elsewhere.

    Attributes:
        reason: what happened, without the image's name and a full stop.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class BuildErrors:
    """Makes the errors of one build."""

    def __init__(
        self,
        image_name: str,
        events: BuildEvents,
        *,
        dockerfile: str,
        content: bytes,
        attributes: Mapping[str, str] | None = None,
        mask: Callable[[str], str] = str,
        undone: str = "was not built",
    ) -> None:
        """Note what the errors tell of.

        Args:
            image_name: the image's name.
            events: what was told of the build.
            dockerfile: what the user calls the Dockerfile.
            content: what is in it.
            attributes: what the frontend was told, where that is known.
            mask: takes secrets out of a text.
            undone: what did not happen.
        """
        self._image_name = image_name
        self._events = events
        self._dockerfile = dockerfile
        self._content = content
        self._attributes = attributes or {}
        self._mask = mask
        self._undone = undone

    def failed(self, status: RpcStatus) -> BuildError:
        """Make the error of a build that the daemon ended."""
        from imagebuilders.buildkit.control.failure import SolveFailure

        failure = SolveFailure.read(status)
        vertex = failure.vertex or (self._events.failed[0] if self._events.failed else "")
        step = self._events.step(vertex)
        output = self._events.output(vertex)[-SHOWN_OUTPUT_LINES:]
        words = self._mask(status.message)
        shown, name = self._excerpt(failure.source, step, words)
        advice = (
            ended_frontend_advice(words)
            if step is None
            else pull_advice(step.instruction, self._attributes)
        )
        where = "" if step is None else f" at {step.place}"
        return BuildError(
            f"{self._image_name} {self._undone}. It failed{where}\n{words}"
            f"{_behind(advice)}{_behind(shown and f'{name}:')}{_behind(shown)}"
            f"{_shown_output(output)}",
            instruction=None if step is None else step.instruction,
            exit_code=failure.exit_code,
            output=output,
            log=self._events.log(),
            excerpt=shown or None,
        )

    def not_pushed(self, status: RpcStatus) -> PushError | None:
        """Make the error of an image that a registry did not take; `None` for other failures."""
        found = _PUSH.match(status.message)
        if found is None:
            return None
        from imagebuilders.docker.registry_errors import advise

        name, detail = found["name"], self._mask(found["detail"]).strip()
        domain = split_domain(name)[0]
        return PushError(
            f"{name} was not pushed to {domain}: {detail.rstrip('.')}. {advise(detail, domain)}",
            image_name=name,
            registry=domain,
            detail=detail,
        )

    def not_begun(self, what: str) -> BuildNotBegunError:
        """Make the error of a build that the daemon never began."""
        reason = self._mask(what).rstrip(".")
        return BuildNotBegunError(
            f"{self._image_name} {self._undone}: {reason}. See whether the daemon is running, and "
            "its log.",
            reason=reason,
        )

    def broke_off(self, what: str) -> BuildError:
        """Make the error of a build that broke off."""
        running = self._events.running()
        step = running[0] if running else None
        where = "" if step is None else f" at {step.place}"
        output = [] if step is None else self._events.output_of(step)[-SHOWN_OUTPUT_LINES:]
        return BuildError(
            f"{self._image_name} {self._undone}: {self._mask(what)}{where}. See whether the daemon "
            f"is running, and its log.{_shown_output(output)}",
            instruction=None if step is None else step.instruction,
            output=output,
            log=self._events.log(),
        )

    def _excerpt(
        self, source: FailedSource | None, step: Step | None, words: str
    ) -> tuple[str, str]:
        """Return the lines that a failure is about, and the name of their file."""
        if source is not None and source.ranges:
            first = min(found.start for found in source.ranges)
            last = max(found.end for found in source.ranges)
            shown = excerpt(parse(source.content), first, last)
            is_ours = source.content == self._content
            return self._mask(shown), self._dockerfile if is_ours else source.filename
        if step is not None:
            parsed = parse(self._content)
            found = instruction_of(step, parsed)
            if found is not None:
                return self._mask(excerpt(parsed, found.line, found.end_line)), self._dockerfile
            return "", ""
        from imagebuilders.docker.failing_lines import FailingLines

        shown = FailingLines(lambda: self._content).of_refusal(words)
        return self._mask(shown), self._dockerfile


def instruction_of(step: Step, dockerfile: Dockerfile) -> Instruction | None:
    """Return the instruction that a step carries out.

    Its name is no help, as variables are replaced in it: it is counted from the end of its stage.
    """
    if not step.number or not dockerfile.stages:
        return None
    name = step.stage.rpartition(" ")[2]  # behind the platform
    if name.startswith("stage-") and dockerfile.stage(name) is None:
        name = name.removeprefix("stage-")
    stage = dockerfile.stage(name) if name else dockerfile.stages[-1]
    if stage is None:
        return None
    keyword = step.instruction.partition(" ")[0].upper()
    counted = [each for each in stage.steps if each.name in _STEPS]
    position = len(counted) - 1 - (step.total - step.number)
    found = counted[position] if 0 <= position < len(counted) else stage.instruction
    return found if found.name == keyword else None


def _behind(text: str) -> str:
    return f"\n{text}".rstrip("\n") if text else ""


def _shown_output(output: list[str]) -> str:
    lines = "".join(f"\n  {line}" for line in output)
    return f"\nThe step's last output:{lines}" if output else ""
