"""Whether a build can be skipped, and what it is to be labelled with if not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from imagebuilders.distribution.registries import Registries
from imagebuilders.events import BuildSkipped, Event, Notice
from imagebuilders.exceptions import RegistryError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.unchanged.build_key import (
    ImageInputs,
    KeyUnknownError,
    build_key,
    merge_labels,
)
from imagebuilders.unchanged.registry_image import LABEL, resolve, unchanged

if TYPE_CHECKING:
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.distribution.credentials import CredentialSource
    from imagebuilders.oci.reference import ImageReference

_DO_MORE = (
    *("nocache", "no_cache_filter", "tags", "outputs", "load", "iidfile", "metadata_file"),
    "cache_to",
)
"""Options of builds that do more than to push an image, or that are to be done in any case."""


@dataclass(frozen=True)
class SkipDecision:
    """What is to be done.

    Attributes:
        unchanged: what the registry has, `repo@sha256:…`, if nothing is to be built.
        options: the options of the build, if one is to be done.
    """

    options: DockerBuildOptions
    unchanged: str | None = None


def decide(
    reference: ImageReference,
    inputs: ImageInputs,
    credentials: CredentialSource,
    tell: Callable[[Event], None],
) -> SkipDecision:
    """Ask the registries whether a build would make what is there already.

    A build that cannot be skipped is done; a notice says why where that is not plain.

    Args:
        reference: the image, with its tag.
        inputs: what it would be made of.
        credentials: knows who to be at which registry.
        tell: what to do with events.

    Raises:
        BuildContextError: a file of the context cannot be read.
    """
    options = inputs.options
    with Registries(credentials) as registries:
        try:
            key = build_key(inputs, partial(resolve, registries))
        except KeyUnknownError as error:
            tell(Notice(f"{reference} is built in any case: {str(error).rstrip('.')}."))
            return SkipDecision(options)
        labelled = SkipDecision(merge_labels(options, {LABEL: key}))
        more = [name for name in _DO_MORE if getattr(options, name)]
        if more:
            tell(Notice(f"{reference} is built in any case, for the option {more[0]!r}."))
            return labelled
        try:
            digest = unchanged(registries, reference, key, options.platform)
        except RegistryError as error:
            tell(Notice(f"{reference} is built, as the registry cannot be asked for it: {error}"))
            return labelled
    if digest is None:
        return labelled
    found = f"{reference.repository}@{digest}"
    tell(BuildSkipped(str(reference), found))
    return SkipDecision(options, unchanged=found)
