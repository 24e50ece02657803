"""The errors of a build: where it failed, why, what the step printed, and what to do."""

from __future__ import annotations

from collections.abc import Callable

from imagebuilders.docker.build_progress import BuildProgress, Failure
from imagebuilders.docker.failing_lines import FailingLines
from imagebuilders.exceptions import BuildError, EngineResponseError


class BuildErrors:
    """Makes the errors of one build."""

    def __init__(
        self,
        image_name: str,
        progress: BuildProgress,
        *,
        dockerfile: str,
        shown_dockerfile: str | None = None,
        advise: Callable[[str], str] | None = None,
        read_dockerfile: Callable[[], bytes] | None = None,
    ) -> None:
        """Note what the errors tell of.

        Args:
            image_name: the image's name.
            progress: how far the build is.
            dockerfile: the Dockerfile's name in the context.
            shown_dockerfile: what the user calls it.
            advise: gives what to add to an engine's words on a failure.
            read_dockerfile: returns the Dockerfile's content; called only on a failure.
        """
        self._image_name = image_name
        self._progress = progress
        self._dockerfile = dockerfile
        self._shown_dockerfile = shown_dockerfile or dockerfile
        self._advise = advise
        self._lines = FailingLines(read_dockerfile)

    def refused(self, error: EngineResponseError) -> BuildError:
        """Make the error of a build that the engine did not begin."""
        words = error.explanation.replace(self._dockerfile, self._shown_dockerfile)
        excerpt = self._lines.of_refusal(error.explanation)
        return BuildError(
            f"{self._image_name} was not built from {self._shown_dockerfile}. The Docker Engine "
            f"refused to begin: {words}{self._advice(error.explanation)}{self._shown(excerpt)}",
            log=self._progress.log,
            excerpt=excerpt or None,
        )

    def failed(self, failure: Failure) -> BuildError:
        """Make the error of a step that failed."""
        step = self._progress.step
        where = "" if step is None else f" at {self._place()}: {step.instruction}"
        excerpt = self._lines.of_step(self._progress.steps)
        return BuildError(
            f"{self._image_name} was not built. It failed{where}\n{failure.text}"
            f"{self._advice(failure.text)}{self._shown(excerpt)}{self._shown_output()}",
            instruction=None if step is None else step.instruction,
            exit_code=failure.exit_code,
            output=self._progress.output,
            log=self._progress.log,
            excerpt=excerpt or None,
        )

    def broke_off(self, what: str) -> BuildError:
        """Make the error of a build that broke off."""
        self._progress.end(error=what)
        step = self._progress.step
        where = "before the first step"
        if step is not None:
            where = f"after {self._place()}: {step.instruction}"
        return BuildError(
            f"{self._image_name} was not built: {what} {where}. See whether the engine is "
            f"running, and its log.{self._shown_output()}",
            instruction=None if step is None else step.instruction,
            output=self._progress.output,
            log=self._progress.log,
        )

    def other(self, error: Exception) -> BuildError:
        """Make the error of a build whose answer cannot be read."""
        return BuildError(f"{self._image_name} was not built. {error}", log=self._progress.log)

    def _advice(self, failure: str) -> str:
        advice = "" if self._advise is None else self._advise(failure)
        return f"\n{advice}" if advice else ""

    def _shown(self, excerpt: str) -> str:
        return f"\n{self._shown_dockerfile}:\n{excerpt}".rstrip("\n") if excerpt else ""

    def _place(self) -> str:
        step = self._progress.step
        if step is None:
            return ""
        return f"step {step.number}/{step.total}" if step.total else f"step {step.number}"

    def _shown_output(self) -> str:
        if not self._progress.output:
            return ""
        lines = "\n".join(f"  {line}" for line in self._progress.output)
        return f"\nThe step's last output:\n{lines}"
