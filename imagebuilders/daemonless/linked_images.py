"""Images of builds that are contexts of other builds: found again where they were left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.buildkit_attributes import LAYOUT_SCHEME, TARGET_SCHEME
from imagebuilders.build_options.parsing import parse_switch
from imagebuilders.exceptions import BuildOptionsError, ControlFileError
from imagebuilders.oci.digest import is_digest
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference, parse_build_target
from imagebuilders.user_folders import own_cache_folder

IMAGES = "images"
"""The folder, in the cache folder, of images that go nowhere else."""
_IMAGE_SCHEME = "docker-image://"


def kept_folder(cache: Path, name: ImageReference) -> Path:
    """Return the image layout of an image that goes nowhere else."""
    return cache / IMAGES / name.domain / name.path


def image_address(result: str, image_name: str | None, options: DockerBuildOptions) -> str:
    """Return how other builds can name the image of a build; empty if they cannot.

    Args:
        result: what the build returned.
        image_name: the name that the image got.
        options: the build's options.
    """
    if "@" in result:
        return f"{_IMAGE_SCHEME}{result}"
    folders = [Path(folder) for folder in _layouts(options)]
    name = None if image_name is None else parse_build_target(image_name)
    cache = own_cache_folder()
    if not options.outputs and name is not None and cache is not None:
        folders.append(kept_folder(cache, name))
    for folder in folders:
        # By its digest: another build may take the tag meanwhile.
        digest = result if is_digest(result) else _tagged(folder, name)
        if digest:
            return f"{LAYOUT_SCHEME}{folder}@{digest}"
    return ""


def with_images(options: DockerBuildOptions, addresses: Mapping[str, str]) -> DockerBuildOptions:
    """Return options whose contexts are images in place of the builds that made these.

    Args:
        options: the options.
        addresses: the images of builds that are done, by the builds' names.

    Raises:
        BuildOptionsError: the image of a build cannot be found again.
    """
    contexts = dict(options.build_contexts)
    for context, value in contexts.items():
        build = value.removeprefix(TARGET_SCHEME)
        if build == value or build not in addresses:
            continue
        if not addresses[build]:
            raise BuildOptionsError(
                f"The option 'build_contexts' cannot be used: the image of {build!r}, which "
                f"{context!r} stands for, is in an archive alone. Push it, or write it to a folder "
                "by outputs='type=oci,tar=false,dest=FOLDER'.",
                option="build_contexts",
                problems={"build_contexts": f"the image of {build!r} is in an archive alone"},
            )
        contexts[context] = addresses[build]
    return options.model_copy(update={"build_contexts": contexts})


def _layouts(options: DockerBuildOptions) -> list[str]:
    """Return the folders that are image layouts which the options ask for."""
    found = []
    for output in options.outputs:
        attributes = dict(output.attributes)
        if output.type == "oci" and parse_switch(attributes.get("tar", "true")) is False:
            found.append(attributes.get("dest", ""))
    return found


def _tagged(folder: Path, name: ImageReference | None) -> str:
    try:
        found = ImageLayout(folder).find("" if name is None else name.tag or DEFAULT_TAG)
    except ControlFileError:
        return ""
    return "" if found is None else str(found.digest)
