"""What an engine double remembers of what it was asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import records


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


@dataclass(frozen=True, kw_only=True)
class RequestRecord(records.RequestRecord):
    """One request to the engine: what was asked, and the status it got.

    Attributes:
        path: decoded, without the version prefix.
        query: the parameters, each with its values.
    """

    query: dict[str, list[str]]

    @property
    def body_size(self) -> int:
        """The same as `request_size`."""
        return self.request_size
