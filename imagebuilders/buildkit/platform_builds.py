"""Platforms that have daemons of their own, and the one index that comes of their images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import chosen_outputs
from imagebuilders.build_options.result_files import write_result_files
from imagebuilders.build_options.values import BuildOutput
from imagebuilders.distribution.client import RegistryClient
from imagebuilders.exceptions import BuildError, BuildOptionsError, ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.manifest import Index
from imagebuilders.oci.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
)
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

if TYPE_CHECKING:
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.buildkit.daemon import Daemon
    from imagebuilders.distribution.credentials import CredentialSource
    from imagebuilders.distribution.repository import Repository

_PART = (("push-by-digest", "true"), ("store", "false"))
"""How the image of some platforms is pushed: without a tag, and kept by no daemon under a name."""


@dataclass(frozen=True)
class PlatformGroup:
    """Platforms that the same daemons build.

    Attributes:
        platforms: the platforms; none when a build names none.
        daemons: the daemons.
    """

    platforms: tuple[str, ...]
    daemons: tuple[Daemon, ...]


def group_platforms(daemons: Sequence[Daemon], wanted: Iterable[str]) -> list[PlatformGroup]:
    """Return which daemons build which platforms.

    A platform that daemons were named for is built by those, any other by the daemons that were
    named for none, and where there are no such ones, by all.

    Args:
        daemons: the daemons.
        wanted: the platforms of the build.
    """
    general = tuple(daemon for daemon in daemons if not daemon.platforms) or tuple(daemons)
    groups: dict[tuple[Daemon, ...], list[str]] = {}
    for text in dict.fromkeys(wanted):
        own = tuple(daemon for daemon in daemons if _is_for(daemon, text))
        groups.setdefault(own or general, []).append(text)
    if not groups:
        return [PlatformGroup((), general)]
    return [PlatformGroup(tuple(platforms), own) for own, platforms in groups.items()]


def _is_for(daemon: Daemon, text: str) -> bool:
    return any(normal_platform(own) == normal_platform(text) for own in daemon.platforms)


def normal_platform(text: str) -> str:
    """Return a platform in the spelling that others have, too; as it is when it is malformed."""
    try:
        return str(Platform.parse(text).normalized())
    except ImageFormatError:
        return text  # the daemon says what is wrong with it


def is_only_pushed(options: DockerBuildOptions, *, is_pushed: bool) -> bool:
    """Return whether an image is to be pushed, and nothing else is to become of it.

    Args:
        options: the options of the build.
        is_pushed: whether the image is to be pushed.
    """
    kinds = {output.type for output in chosen_outputs(options)}
    return is_pushed and kinds <= {"image", "registry"}


def check_only_pushed(options: DockerBuildOptions, *, is_pushed: bool) -> None:
    """See whether images of daemons that know nothing of each other can be put together.

    Args:
        options: the options of the build.
        is_pushed: whether the image is to be pushed.

    Raises:
        BuildOptionsError: they are to be something else than pushed.
    """
    if not is_only_pushed(options, is_pushed=is_pushed):
        raise BuildOptionsError(
            "The option 'platform' names platforms that different daemons build. What they build "
            "can only be pushed, and put together in the registry: give a container registry or "
            "the option 'push', and no other 'outputs'; or build once for each platform.",
            option="platform",
        )


def part_options(options: DockerBuildOptions, platforms: Sequence[str]) -> DockerBuildOptions:
    """Return the options of a build for some of its platforms.

    Args:
        options: those of the whole build.
        platforms: the platforms.
    """
    outputs = tuple(
        BuildOutput("image", (*output.attributes, *_PART))
        for output in options.outputs or (BuildOutput("image"),)
    )
    changed = {"platform": ",".join(platforms), "outputs": outputs, "push": None}
    # What is said of the result is said of the whole.
    return options.model_copy(update={**changed, "iidfile": None, "metadata_file": None})


@dataclass(frozen=True)
class BuiltGroup:
    """What became of a group.

    Attributes:
        platforms: its platforms.
        digest: the digest of its manifest or index in the registry.
    """

    platforms: tuple[str, ...]
    digest: str


def push_index(
    references: Sequence[ImageReference], built: Sequence[BuiltGroup], credentials: CredentialSource
) -> str:
    """Make one index of what was pushed for several groups, and push it under all names.

    Args:
        references: the image's names; what was built is in the repositories of all.
        built: the groups.
        credentials: answers who to be at which registry.

    Returns:
        The index's digest.

    Raises:
        RegistryError: a registry refused, failed or cannot be reached.
    """
    content, media_type = b"", OCI_INDEX
    for reference in references:
        with RegistryClient(reference.domain, credentials=credentials) as client:
            repository = client.repository(reference.path)
            if not content:
                index = _index(repository, built)
                content, media_type = index.to_bytes(), index.media_type
            repository.write_manifest(content, media_type, reference.tag or "latest")
    return str(Descriptor.of(content, media_type).digest)


def write_result(options: DockerBuildOptions, digest: str, image_name: str) -> None:
    """Write the files that options name, once an index was pushed.

    Args:
        options: the options of the whole build.
        digest: the index's digest.
        image_name: the image's name, for errors.

    Raises:
        BuildError: one cannot be written.
    """
    try:
        write_result_files(options, digest, {"containerimage.digest": digest})
    except OSError as error:
        raise BuildError(
            f"{image_name} was built and pushed, but what is said of it could not be written: "
            f"{error.strerror}"
        ) from error


def _index(repository: Repository, built: Sequence[BuiltGroup]) -> Index:
    """Return the index of what a repository has for all groups."""
    manifests: list[Descriptor] = []
    for group in built:
        stored = repository.read_manifest(group.digest)
        document = stored.parse()
        if isinstance(document, Index):
            manifests += document.manifests
        else:
            platform = Platform.parse(group.platforms[0]).normalized()
            manifests.append(replace(stored.descriptor, platform=platform))
    is_docker = all(entry.media_type == DOCKER_MANIFEST for entry in manifests)
    return Index(tuple(manifests), DOCKER_MANIFEST_LIST if is_docker else OCI_INDEX)
