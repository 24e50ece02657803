"""`imagebuilders build`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from imagebuilders import events
from imagebuilders.cli import output
from imagebuilders.cli.dockerfile_argument import dockerfile_path
from imagebuilders.cli.progress import progress

if TYPE_CHECKING:
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.stack import Stack


@dataclass(frozen=True)
class BuiltImage:
    """What became of one image name."""

    image: str
    image_id: str | None
    reference: str | None
    """`repo@sha256:…`, when it was pushed."""

    @property
    def record(self) -> dict[str, object]:
        """The image as the JSON object that ends the output."""
        return {
            "event": "result",
            "image": self.image,
            "image_id": self.image_id,
            "reference": self.reference,
            "digest": self.reference.partition("@")[2] if self.reference else None,
        }


@click.command(short_help="Build an image from a folder.")
@click.argument("path", metavar="PATH", type=click.Path(exists=True, file_okay=False))
@click.option(
    "-t",
    "--tag",
    "names",
    metavar="NAME",
    multiple=True,
    required=True,
    help="Name of the image, as in name:tag. May be repeated.",
)
@click.option(
    "-f",
    "--file",
    "dockerfile",
    metavar="FILE",
    help="The Dockerfile; PATH/Dockerfile by default. It may lie outside PATH, "
    "and - reads it from standard input.",
)
@click.option(
    "--build-arg",
    "build_arguments",
    metavar="K=V",
    multiple=True,
    help="Set a build argument. K alone takes its value from the environment.",
)
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Set a label of the image.")
@click.option("--target", metavar="STAGE", help="Build this stage of the Dockerfile.")
@click.option("--platform", metavar="OS/ARCH", help="Build for this platform.")
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option(
    "--reproducible",
    is_flag=True,
    help="Give files times that depend on their content alone, and the image fixed ones.",
)
@click.option("--pull", is_flag=True, help="Look for newer base images.")
@click.option(
    "--push",
    is_flag=True,
    help="Push the image to the stack's container registry, or, if it has none, to the one "
    "that the name begins with.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the digest or the image's ID, no more.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per line.")
def build(
    path: str,
    names: Sequence[str],
    dockerfile: str | None,
    build_arguments: Sequence[str],
    labels: Sequence[str],
    target: str | None,
    platform: str | None,
    no_cache: bool,
    reproducible: bool,
    pull: bool,
    push: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Build an image from the folder PATH with the active stack's image builder.

    Progress goes to standard error; the image's name, or its digest once it is
    pushed, to standard output.
    """
    if quiet and as_json:
        raise click.UsageError("--quiet and --json cannot be used together.")
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.stack import Client

    with dockerfile_path(dockerfile) as path_of_dockerfile:
        given = {
            "dockerfile": path_of_dockerfile,
            "buildargs": list(build_arguments) or None,
            "labels": list(labels) or None,
            "target": target,
            "platform": platform,
            "nocache": no_cache or None,
            "reproducible": reproducible or None,
            "pull": pull or None,
        }
        options = DockerBuildOptions.from_any(
            {name: value for name, value in given.items() if value is not None}
        )
        stack = Client().active_stack
        with progress(quiet=quiet, as_json=as_json):
            results = _build(stack, path, names, options, push=push)
    for built in results:
        if as_json:
            output.write_json(sys.stdout, built.record)
        elif quiet:
            output.result(built.reference or built.image_id or built.image)
        else:
            output.result(built.reference or built.image)


def _build(
    stack: Stack,
    path: str,
    names: Sequence[str],
    options: DockerBuildOptions,
    *,
    push: bool,
) -> list[BuiltImage]:
    """Build one image under all its names; push each."""
    # All registries before the build: what cannot be pushed need not be built.
    registries = {name: _registry(stack, name) if push else None for name in names}
    for name, registry in registries.items():
        if registry is not None:
            registry.check_image_name(name)
    first, *others = registries
    noted = _ImageId()
    with ExitStack() as open_registries:
        for registry in registries.values():
            if registry is not None:
                open_registries.callback(registry.close)
        context = stack.image_builder.build_context_class(path)
        with events.listen(noted):
            returned = stack.image_builder.build(
                first, context, options.model_copy(update={"tags": tuple(others)}),
                registries[first],
            )  # fmt: skip
        references = {first: returned if push else None}
        for name in others:
            registry = registries[name]
            references[name] = None if registry is None else registry.push_image(name)
    return [BuiltImage(name, noted.image_id, references[name]) for name in registries]


class _ImageId:
    """A listener that keeps the ID of the image that was built."""

    image_id: str | None = None

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.ImageBuilt):
            self.image_id = event.image_id


def _registry(stack: Stack, name: str) -> BaseContainerRegistry:
    """Give the stack's registry, else the one that the image's name begins with."""
    if stack.container_registry is not None:
        return stack.container_registry
    from imagebuilders.container_registries.pushing import named_registry

    named = named_registry(name)
    if named is not None:
        return named
    raise click.UsageError(
        f"--push: the stack {stack.name!r} has no container registry, and {name!r} names none. "
        "Name one in the tag, as in localhost:5000/app, or give one in imagebuilders.toml, "
        'as in [container_registry] uri = "localhost:5000", or in the environment, as in '
        "IMAGEBUILDERS_CONTAINER_REGISTRY__URI=localhost:5000."
    )
