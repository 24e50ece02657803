"""One build as a value: what every backend is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from imagebuilders.auth.keychain import Keychain
from imagebuilders.build_options.options import DockerBuildOptions
from imagebuilders.context.dockerfile_lookup import FoundDockerfile
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.events import Event, emit
from imagebuilders.exceptions import BuildContextError
from imagebuilders.lazy_dataclass import dataclass

NAMELESS = "The image"
"""What errors call an image without a name."""


@dataclass(frozen=True)
class BuildProduct:
    """What a daemon made.

    Attributes:
        digest: the image's ID or, where no engine has it, its digest; empty where it is no image,
            but a folder, say.
        is_kept: whether the daemon has the image.
    """

    digest: str = ""
    is_kept: bool = False


@dataclass(frozen=True)
class BuildJob:
    """One build.

    Attributes:
        snapshot: the context, with its Dockerfile.
        options: the options.
        names: the image's names, if it has any; the first one stands in errors and events.
        keychain: knows who to be at which registry.
        proxies: build arguments that tell of the user's proxies.
        frontend: what reads the Dockerfile with BuildKit: `dockerfile` for what its `# syntax=`
            line says, `builtin` for BuildKit's own in spite of it, or the name of an image.
        will_push: whether the image is to be pushed, by the build or after it.
        emit: what to do with events.
        before_buildkit: called with the build, and the IDs of steps of other builds that it builds
            upon, when a BuildKit is about to do it.
    """

    snapshot: ContextSnapshot
    options: DockerBuildOptions
    names: tuple[str, ...]
    keychain: Keychain = field(repr=False)
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    frontend: str = "dockerfile"
    will_push: bool = False
    emit: Callable[[Event], None] = field(default=emit, repr=False)
    before_buildkit: Callable[[BuildJob, frozenset[str]], None] | None = field(
        default=None, repr=False
    )

    @property
    def shown_name(self) -> str:
        """What errors call the image."""
        return next(iter(self.names), NAMELESS)

    @property
    def dockerfile(self) -> FoundDockerfile:
        """The Dockerfile.

        Raises:
            BuildContextError: the snapshot was taken without one.
        """
        found = self.snapshot.dockerfile
        if found is None:
            raise BuildContextError("The build context has no Dockerfile.")
        return found
