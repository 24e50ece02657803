"""What an engine double remembers of what it was asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class StepRecord:
    """One step of a build.

    Attributes:
        number: from 1.
        instruction: the line as the build's output shows it.
        image_id: the image after the step, or empty.
        cached: it was taken from the cache.
        executed: a RUN's effects were given by the engine's policy; `False` for
            a RUN that was only recorded, `None` for other instructions.
    """

    number: int
    instruction: str
    image_id: str = ""
    cached: bool = False
    executed: bool | None = None


@dataclass
class BuildRecord:
    """One build.

    Attributes:
        tags: the names asked for.
        dockerfile: its path in the context.
        target: the stage asked for.
        build_args: as they were sent.
        labels: as they were sent.
        options: every other query parameter as it was sent, such as `nocache` or `networkmode`.
        context_files: the paths of the context, sorted.
        steps: in the order they ran.
        image_id: the result, empty when it failed.
        error: the failure's message, or `None`.
        secrets: the names of the secrets used, never their values.
    """

    tags: list[str] = field(default_factory=list)
    dockerfile: str = "Dockerfile"
    target: str = ""
    build_args: dict[str, str | None] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    context_files: list[str] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    image_id: str = ""
    error: str | None = None
    secrets: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RequestRecord:
    """One request: what was asked, and the status it got.

    Attributes:
        method: in upper case.
        path: decoded, without the version prefix.
        query: the parameters, each with its values.
        status: of the answer; 0 when there was none.
        body_size: bytes.
        headers: names in lower case.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    status: int
    body_size: int = 0
    headers: dict[str, str] = field(default_factory=dict, repr=False)
