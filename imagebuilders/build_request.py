"""What a builder is asked for, checked and read, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import AfterValidator

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.job import NAMELESS, BuildJob
from imagebuilders.events import (
    Event,
    Notice,
    emit,
)
from imagebuilders.exceptions import (
    ImageNameError,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.digest import is_digest
from imagebuilders.oci.reference import ImageReference

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_summary import BuildSummary
    from imagebuilders.cache_misses.base_image import FindBase
    from imagebuilders.cache_misses.explanation import CacheExplanation
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.context.snapshot import ContextSnapshot


def _frontend(value: str) -> str:
    """Check the setting `frontend`."""
    if value not in ("dockerfile", "builtin"):
        try:
            ImageReference.parse(value)
        except ImageNameError as error:
            raise ValueError(f"give dockerfile, builtin or an image's name. {error}") from error
    return value


FrontendSetting: TypeAlias = Annotated[str, AfterValidator(_frontend)]
"""What reads the Dockerfile with BuildKit: what its `# syntax=` line says, which is an image that
is pulled (`dockerfile`); BuildKit's own in spite of that line (`builtin`); or the name of an
image."""


@dataclass(frozen=True)
class BuildRequest:
    """What a builder is asked for, checked and read.

    Attributes:
        image_name: the image's name as it was given; `None` for an image without one.
        reference: the name, parsed.
        names: all names that the image gets, this one first.
        options: the options.
        snapshot: the context, with its Dockerfile.
        registry: where the image is pushed, if a component says so.
        pushed: the names that it is to be pushed under, as they were given.
        keychain: knows who the user is at which registry.
        credentials: returns the keychain in which the registry's own credentials count first.
        summary: counts the steps, and passes events on.
        explanation: explains what was not cached, where that was asked for.
    """

    image_name: str | None
    reference: ImageReference | None
    names: tuple[str, ...]
    options: DockerBuildOptions
    snapshot: ContextSnapshot
    registry: BaseContainerRegistry | None
    pushed: tuple[str, ...]
    keychain: Keychain = field(repr=False)
    credentials: Callable[[], Keychain] = field(repr=False)
    summary: BuildSummary = field(repr=False)
    explanation: CacheExplanation | None = field(default=None, repr=False)

    @property
    def shown_name(self) -> str:
        """What errors call the image."""
        return str(self.reference or NAMELESS)

    @property
    def told_name(self) -> str:
        """What events call the image; empty for one without a name."""
        return str(self.reference or "")

    @property
    def repository(self) -> str:
        """The image's name without tag and digest; empty for one without a name."""
        return self.reference.repository if self.reference else ""

    @property
    def tell(self) -> Callable[[Event], None]:
        """What to do with events."""
        return self.explanation or self.summary

    def proxies(self, *addresses: str) -> Mapping[str, str]:
        """Return the build arguments that tell of the proxies which Docker's settings name.

        Args:
            addresses: the spellings of the daemon's address by which the settings may know it.

        Raises:
            ConfigurationError: Docker's configuration file is malformed.
        """
        return proxy_arguments(self.options, self.keychain, addresses)

    def job(
        self,
        *,
        names: tuple[str, ...] | None = None,
        proxies: Mapping[str, str],
        frontend: str,
        will_push: bool,
        daemon: str = "",
        find_base: FindBase | None = None,
    ) -> BuildJob:
        """Return the build as a daemon is to do it, which is about to begin.

        Args:
            names: the image's names, if not all of them.
            proxies: build arguments that tell of proxies.
            frontend: the setting of that name.
            will_push: whether the image is to be pushed.
            daemon: what tells the daemon, and so its cache, from others; by default what the
                event `BuildStarted` called it.
            find_base: finds the images that the daemon has.

        Raises:
            RegistryError: a credential helper failed.
            ConfigurationError: Docker's configuration file is malformed.
        """

        def begin(job: BuildJob, steps_of_others: frozenset[str]) -> None:
            self.summary.leave_out(steps_of_others)
            if self.explanation is not None:
                self.explanation.begin(job, steps_of_others, daemon=daemon, find_base=find_base)

        return BuildJob(
            self.snapshot,
            self.options,
            self.names if names is None else names,
            self.credentials(),
            proxies,
            frontend=frontend,
            will_push=will_push,
            emit=self.tell,
            before_buildkit=begin,
        )


@dataclass(frozen=True)
class BuildOutcome:
    """What became of a build.

    Attributes:
        result: what `build` returns.
        size: the image's size in bytes, if there is an image and its size is known.
    """

    result: str
    size: int | None = None

    @property
    def digest(self) -> str:
        """The digest that stands in what `build` returns; empty if none does."""
        digest = self.result.rpartition("@")[2]
        return digest if is_digest(digest) else ""


def proxy_arguments(
    options: DockerBuildOptions, keychain: Keychain, addresses: Sequence[str]
) -> Mapping[str, str]:
    """Return the build arguments that tell of proxies, unless the options want none."""
    if options.use_config_proxy is False:
        return {}
    return keychain.config.proxy_build_arguments(*addresses)


def with_registry(keychain: Keychain, container_registry: BaseContainerRegistry | None) -> Keychain:
    """Return a keychain in which the registry's own credentials count first.

    A notice tells of logins in the environment that cannot be used.

    Raises:
        RegistryError: a credential helper failed.
        ConfigurationError: Docker's configuration file is malformed.
    """
    problem = keychain.problem()
    if problem is not None:
        emit(Notice(problem))
    own = None if container_registry is None else container_registry.resolve_credentials()
    if container_registry is None or own is None:
        return keychain
    return keychain.with_credentials(container_registry.address, own)
