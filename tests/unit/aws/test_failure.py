"""The errors of builds that CodeBuild ended, and what they advise."""

from __future__ import annotations

import pickle

import pytest

from imagebuilders.aws.code_build.failure import failed_build, untold_digest
from imagebuilders.aws.code_build.progress import CodeBuildProgress
from imagebuilders.aws.code_build.state import BuildState, Phase
from imagebuilders.exceptions import BuildError, PushError

_DOCKERFILE = b"FROM scratch\nRUN make\n"


def _failed(
    *lines: str, phase: str = "BUILD", status: str = "FAILED", message: str = ""
) -> BuildError | PushError:
    progress = CodeBuildProgress(lambda event: None)
    for line in lines:
        progress.take_line(line)
    progress.close()
    state = BuildState(
        "images:1",
        status=status,
        is_complete=True,
        phases=(Phase("QUEUED", "SUCCEEDED"), Phase(phase, "FAILED", message)) if phase else (),
        link="https://console/log",
    )
    return failed_build("app:1", state, progress, dockerfile="Dockerfile", content=_DOCKERFILE)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            "fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden",
            "s3:GetObject",
        ),
        (
            "An error occurred (AccessDeniedException) when calling the GetAuthorizationToken",
            "ecr:GetAuthorizationToken",
        ),
        (
            "ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
            "privileged",
        ),
        ("sh: 1: docker: not found", "docker command with buildx"),
        ("docker: 'buildx' is not a docker command.", "docker command with buildx"),
        ("sh: aws: command not found", "aws command"),
        ("exec /bin/sh: exec format error", "ARM_CONTAINER"),
        (
            "ERROR: failed to solve: toomanyrequests: You have reached your pull rate limit",
            "limits",
        ),
    ],
)
def test_what_is_to_be_changed_is_said(line: str, advice: str) -> None:
    """Of faults that projects often have; the last lines and the log's page stand there, too."""
    for phase in ("PRE_BUILD", "BUILD"):
        error = _failed("before", line, phase=phase)
        assert advice in str(error)
        assert "https://console/log" in str(error)
        assert f"failed in phase {phase}" in str(error)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("STOPPED", "was stopped"),
        ("TIMED_OUT", "'build_timeout'"),
        ("FAULT", "a fault of CodeBuild"),
        ("SOMETHING_NEW", "failed"),
    ],
)
def test_how_it_ended(status: str, words: str) -> None:
    """Also where CodeBuild tells of no phase, or of a state that was not known."""
    for phase in ("BUILD", ""):
        assert words in str(_failed(status=status, phase=phase))


def test_an_error_can_be_sent_to_another_process() -> None:
    """With all that it knows."""
    error = _failed("[Container] 1", "output", message="COMMAND_EXECUTION_ERROR: exit status 1.")
    assert isinstance(error, BuildError)
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, BuildError)
    assert (str(copy), copy.output, copy.log) == (str(error), ("output",), error.log)
    assert "(COMMAND_EXECUTION_ERROR: exit status 1)" in str(copy)


def test_a_digest_that_was_not_told() -> None:
    """The error names the build, and why that may be."""
    error = untold_digest("app:1", BuildState("images:1", link="https://console/log"))
    assert "images:1 told no digest" in str(error)
    assert "https://console/log" in str(error)
