"""The requests that are made to CodeBuild."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagebuilders.aws.calls import items_at
from imagebuilders.aws.code_build.state import BuildState
from imagebuilders.exceptions import AWSError, ConfigurationError

if TYPE_CHECKING:
    from imagebuilders.aws.calls import AWSCalls


class CodeBuildService:
    """Starts, looks at and stops builds."""

    def __init__(self, calls: AWSCalls) -> None:
        """Note what is needed; nothing is asked yet.

        Args:
            calls: requests to the service `codebuild`.
        """
        self._calls = calls

    def project(self, name: str) -> Mapping[str, object]:
        """Return a project as CodeBuild has it.

        Raises:
            ConfigurationError: there is none of that name.
            AWSError: CodeBuild refused the request or did not answer.
        """
        answer = self._calls.call("batch_get_projects", names=[name])
        found = items_at(answer, "projects")
        if not found:
            raise ConfigurationError(
                f"CodeBuild has no project {name!r} in this account and region. Make it, or name "
                "another one in the image builder's setting 'project'.",
                key="project",
            )
        return found[0]

    def start(self, request: Mapping[str, object]) -> BuildState:
        """Start a build; with a token that was used before, return the build that it started.

        Args:
            request: the arguments of `start_build`, its `idempotencyToken` among them.

        Raises:
            AWSError: CodeBuild refused it or did not answer.
        """
        answer = self._calls.call("start_build", **request)
        build = answer.get("build")
        state = BuildState.read(build if isinstance(build, Mapping) else {})
        if not state.id:
            raise AWSError(
                "codebuild: start_build answered without a build.",
                service="codebuild",
                operation="start_build",
                is_transient=True,  # as with an answer that was lost, one may have begun
            )
        return state

    def look(self, build_id: str) -> BuildState | None:
        """Return a build as it is now; `None` when there is none of that ID.

        Raises:
            AWSError: CodeBuild refused the request or did not answer.
        """
        answer = self._calls.call("batch_get_builds", ids=[build_id])
        found = items_at(answer, "builds")
        return BuildState.read(found[0]) if found else None

    def stop(self, build_id: str) -> None:
        """Stop a build; one that has ended stays as it is.

        Raises:
            AWSError: CodeBuild refused the request or did not answer.
        """
        self._calls.call("stop_build", id=build_id)
