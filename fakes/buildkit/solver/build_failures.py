"""How a build fails: the status that its client gets, with the details that daemons give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.status import RpcStatus

from ..failures import SourceLines, solve_status
from .commands import CommandFailedError
from .progress import KEY_FAILURE
from .questions import UnknownQuestionError
from .solve_input import FRONTEND, GATEWAY
from .syntax import MissingFrontendError

if TYPE_CHECKING:
    from imagebuilders.buildkit.transport.errors import CallError
    from imagebuilders.exceptions import EvaluationError

    from .contexts import Definition
    from .graph import Graph
    from .image_loads import ImageLoads
    from .look import Look
    from .progress import Progress


class BuildFailures:
    """Makes the status of a build that failed.

    Args:
        look: what the daemon looks like.
        progress: of the build.
        attributes: what the frontend was told.

    Attributes:
        definition: the Dockerfile, once it was read.
        graph: the build's vertices, once they are known.
        loads: tells of the files of images, then.
    """

    def __init__(self, look: Look, progress: Progress, attributes: Mapping[str, str]) -> None:
        self._look = look
        self._progress = progress
        self._attributes = attributes
        self.definition: Definition | None = None
        self.graph: Graph | None = None
        self.loads: ImageLoads | None = None

    def of_call(self, error: CallError, line: int = 0) -> RpcStatus:
        """Return the status of a build whose client, or whose daemon, refused something.

        Args:
            error: the refusal.
            line: the line of the Dockerfile that asked for it; 0 if it is not known.
        """
        status, failed = error.status, self._progress.failed
        if status.details or failed is None or not self._look.has_details:
            return status
        details: list[tuple[str, Mapping[str, object]]] = []
        operation = None
        if self.graph is None:
            details.append(("errdefs.Frontend", {"name": FRONTEND}))
            operation = _reading(failed.name)
        return solve_status(
            status.message,
            code=status.code,
            source=self._source(line, line),
            vertex=failed.digest,
            details=details,
            operation=operation,
        )

    def of_evaluation(self, error: EvaluationError) -> RpcStatus:
        """Return the status of a build that failed in its Dockerfile."""
        message = error.message
        fetched = self._progress.failed
        if fetched is not None and self.graph is not None and self.graph.is_of_source(fetched):
            if not self._look.has_details:
                return RpcStatus(2, message)
            return solve_status(message, vertex=fetched.digest)
        vertex = None
        if self.graph is not None and error.line:
            vertex = self.graph.at(error.line)
        if vertex is not None and not vertex.error:
            if self.loads is not None:  # what it stands on is fetched meanwhile
                self.loads.need(list(vertex.inputs))
            self._progress.start(vertex)
            self._progress.complete(vertex, error=message.removeprefix(KEY_FAILURE))
        if not self._look.has_details:
            return RpcStatus(2, message)
        details: list[tuple[str, Mapping[str, object]]] = []
        if vertex is None:
            details.append(("errdefs.Frontend", {"name": FRONTEND}))
        if isinstance(error, UnknownQuestionError):
            details.append(("errdefs.Subrequest", {"name": self._attributes["requestid"]}))
        if isinstance(error, MissingFrontendError):
            gateway = {"name": GATEWAY, "source": error.reference}
            return solve_status(
                message,
                source=self._source(error.line, error.end_line),
                details=details,
                operation={},
                last=[("errdefs.Frontend", gateway)],
            )
        is_question = bool(self._attributes.get("requestid"))
        failed = error if isinstance(error, CommandFailedError) else error.__cause__
        return solve_status(
            message,
            source=None if is_question else self._source(error.line, error.end_line),
            vertex="" if vertex is None else vertex.digest,
            exit_code=failed.code if isinstance(failed, CommandFailedError) else None,
            details=details,
        )

    def _source(self, line: int, end_line: int) -> SourceLines | None:
        if self.definition is None or not line:
            return None
        ranges = [(each, each) for each in range(line, end_line + 1)]
        return SourceLines(self.definition.content, ranges, self.definition.filename)


def _reading(name: str) -> Mapping[str, object]:
    """Return what is said of a folder that could not be read."""
    return {
        "op": {
            "source": {"identifier": "local://", "attrs": {"local.differ": "none"}},
            "platform": {"Architecture": "amd64", "OS": "linux"},
            "constraints": {},
        },
        "description": {"llb.customname": name},
    }
