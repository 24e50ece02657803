"""What a Dockerfile frontend answers about a Dockerfile without building it, as values.

The answers are JSON; their forms are those of `docker buildx build --call`. Source:
frontend/subrequests of https://github.com/moby/buildkit.
"""

from __future__ import annotations

from imagebuilders.buildkit.control.failure import SourceRange
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class LintWarning:
    """A rule of the frontend's checks that a Dockerfile breaks.

    Attributes:
        rule: the rule's name, as in `MaintainerDeprecated`.
        description: what the rule asks for.
        detail: what is wrong here.
        url: the rule's page.
        lines: the lines of the Dockerfile, in the order of the file.
    """

    rule: str
    description: str
    detail: str
    url: str
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class DockerfileCheck:
    """What the frontend's checks found.

    Attributes:
        warnings: the broken rules, in the order of the file.
        error: why the Dockerfile cannot be built at all; empty when it can.
        error_lines: the lines that the error is about.
        text: all of it, for people.
        json: the frontend's own words.
    """

    warnings: tuple[LintWarning, ...]
    error: str
    error_lines: tuple[SourceRange, ...]
    text: str
    json: str

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to say."""
        return not self.warnings and not self.error


@dataclass(frozen=True)
class OutlineArgument:
    """A build argument that has an effect on a stage.

    Attributes:
        name: its name.
        value: what it stands for in this build; empty when it has no default and none was given.
        description: the comment before it.
        lines: where it is declared.
    """

    name: str
    value: str = ""
    description: str = ""
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class OutlineMount:
    """A secret or an SSH agent that a stage uses.

    Attributes:
        name: its ID.
        is_required: whether the build fails without it.
        lines: where it is used.
    """

    name: str
    is_required: bool = False
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class OutlineCache:
    """A cache that steps of a stage keep between builds.

    Attributes:
        id: its ID.
        lines: where it is used.
    """

    id: str
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class DockerfileOutline:
    """What a build of one stage takes from outside.

    Attributes:
        target: the stage's name; empty for the last one, if it has none.
        description: the comment before it.
        arguments: its build arguments.
        secrets: its secrets.
        ssh: its SSH agents.
        caches: its caches.
        text: all of it, for people.
        json: the frontend's own words.
    """

    target: str
    description: str
    arguments: tuple[OutlineArgument, ...]
    secrets: tuple[OutlineMount, ...]
    ssh: tuple[OutlineMount, ...]
    caches: tuple[OutlineCache, ...]
    text: str
    json: str


@dataclass(frozen=True)
class BuildTarget:
    """A stage that can be built.

    Attributes:
        name: its name; empty for a last stage that has none.
        is_default: whether it is built when no other is asked for.
        base: what its `FROM` names.
        platform: what its `--platform` says; empty without one.
        description: the comment before it.
        lines: where it begins.
    """

    name: str
    is_default: bool = False
    base: str = ""
    platform: str = ""
    description: str = ""
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class DockerfileTargets:
    """The stages of a Dockerfile that can be built.

    Attributes:
        targets: the stages, in the order of the file.
        text: all of it, for people.
        json: the frontend's own words.
    """

    targets: tuple[BuildTarget, ...]
    text: str
    json: str
