"""The errors of builds that CodeBuild ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagebuilders.buildkit.build_errors import SHOWN_OUTPUT_LINES, BuildErrors
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.exceptions import BuildError, PushError

if TYPE_CHECKING:
    from imagebuilders.aws.code_build.progress import CodeBuildProgress
    from imagebuilders.aws.code_build.state import BuildState, Phase

_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"(?:\b403\b|access ?denied).*(?:Head|Get)Object",
            "The project's role needs s3:GetObject on the artifact store's objects (and "
            "kms:Decrypt for a key of your own).",
        ),
        (
            r"GetAuthorizationToken",
            "The project's role needs ecr:GetAuthorizationToken.",
        ),
        (
            r"cannot connect to the docker daemon|docker daemon running",
            "Let the project have privileged mode, and an image that runs Docker, such as "
            "aws/codebuild/amazonlinux-x86_64-standard:5.0.",
        ),
        (
            r"docker: (?:command )?not found|unknown command: docker buildx|'buildx' is not",
            "The project's image needs the docker command with buildx.",
        ),
        (
            r"aws: (?:command )?not found",
            "The project's image needs the aws command, which fetches the build context.",
        ),
        (
            r"exec format error",
            "The machine cannot run programs of another platform: let the setting "
            "'environment_type' say ARM_CONTAINER for linux/arm64, and LINUX_CONTAINER for "
            "linux/amd64.",
        ),
        (
            r"toomanyrequests|pull rate limit",
            "Docker Hub limits pulls: give the build credentials in the setting "
            "'registry_credentials', or take base images from a registry of your own.",
        ),
    )
)
_OWN_LINE = re.compile(r"\[Container\] ")
_ERROR = re.compile(r"ERROR: (?P<words>.+)")
_EXIT_CODE = re.compile(r"exit code: (\d{1,5})\b")


def failed_build(
    image_name: str,
    state: BuildState,
    progress: CodeBuildProgress,
    *,
    dockerfile: str,
    content: bytes,
) -> BuildError | PushError:
    """Return the error of a build that ended otherwise than well.

    Args:
        image_name: the image's name.
        state: the build as it was at its end.
        progress: what it told.
        dockerfile: what the user calls the Dockerfile.
        content: what is in it.
    """
    phase, lines = state.failed_phase, progress.lines
    place = _place(state, phase)
    words = _words(progress)
    errors = BuildErrors(image_name, progress.steps, dockerfile=dockerfile, content=content)
    is_of_docker = bool(progress.steps.failed) or (
        bool(words) and (phase is None or phase.name == "BUILD")
    )
    if is_of_docker:
        status = RpcStatus(Code.UNKNOWN, words)
        not_pushed = errors.not_pushed(status)
        if not_pushed is not None:
            return PushError(
                f"{not_pushed}\n{place}",
                image_name=not_pushed.image_name,
                registry=not_pushed.registry,
                detail=not_pushed.detail,
            )
        inner = errors.failed(status)
        exit_code = _EXIT_CODE.search(words)
        return BuildError(
            f"{inner}\n{place}{_advice(lines)}",
            instruction=inner.instruction,
            exit_code=int(exit_code[1]) if exit_code is not None else None,
            output=inner.output,
            log=[*progress.steps.log(), *lines],
            excerpt=inner.excerpt,
        )
    output = [line for line in lines if not _OWN_LINE.match(line)][-SHOWN_OUTPUT_LINES:]
    shown = "".join(f"\n  {line}" for line in output)
    return BuildError(
        f"{image_name} was not built.\n{place}{_advice([*lines, phase.message if phase else ''])}"
        + (f"\nThe log's last lines:{shown}" if shown else ""),
        output=output,
        log=[*progress.steps.log(), *lines],
    )


def untold_digest(image_name: str, state: BuildState) -> BuildError:
    """Return the error of a build that ended well and did not say what it pushed."""
    return BuildError(
        f"{image_name} was built, but the build {state.id} told no digest of the push. The docker "
        f"command of the project's image may be too old.{_link(state)}"
    )


def _place(state: BuildState, phase: Phase | None) -> str:
    """Say where a build ended, and where its log is."""
    ending = {
        "STOPPED": "was stopped",
        "TIMED_OUT": "took longer than the project or the setting 'build_timeout' allows",
        "FAULT": "broke off by a fault of CodeBuild",
    }.get(state.status, "failed")
    where = "" if phase is None else f" in phase {phase.name}"
    message = "" if phase is None or not phase.message else f" ({phase.message.rstrip('.')})"
    return f"CodeBuild's build {state.id} {ending}{where}{message}.{_link(state)}"


def _link(state: BuildState) -> str:
    return f" Its log: {state.link}" if state.link else ""


def _words(progress: CodeBuildProgress) -> str:
    """Return what buildx said of the failure, else what the failed step said."""
    for line in reversed(progress.lines):
        found = _ERROR.match(line)
        if found is not None:
            return (
                found["words"].removeprefix("failed to build: ").removeprefix("failed to solve: ")
            )
    step = progress.steps.step(progress.steps.failed[0]) if progress.steps.failed else None
    return "" if step is None else step.error


def _advice(lines: Sequence[str]) -> str:
    text = "\n".join(lines[-200:])
    found = [advice for pattern, advice in _ADVICE if pattern.search(text)]
    return f"\n{found[0]}" if found else ""
