"""`imagebuilders inspect`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from imagebuilders import humanize
from imagebuilders.cli import output
from imagebuilders.cli.columns import columns
from imagebuilders.sanitize import printable

if TYPE_CHECKING:
    from imagebuilders.inspection import ImageDescription, PlatformDescription

_SHORT_DIGEST = len("sha256:") + 12


@click.command()
@click.argument("image")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def inspect(image: str, as_json: bool) -> None:
    """Show an image: platforms, layers and the instruction that made each, attestations.

    IMAGE is a folder with an image layout, an archive of `docker save`, or a name: then the
    engine's image counts before the registry's. docker://NAME is the registry's,
    docker-daemon:NAME the engine's, oci:FOLDER:TAG and docker-archive:FILE:NAME one of several.

    \b
    Examples:
      imagebuilders inspect app:1.4
      imagebuilders inspect docker://ghcr.io/team/app:1.4
      imagebuilders inspect image.tar --json | jq .platforms[].layers
    """
    from imagebuilders.inspection import describe_image

    found = describe_image(image)
    if as_json:
        output.write_json(sys.stdout, {"event": "image", **asdict(found)})
        return
    for line in _lines(found):
        output.result(line)


def _lines(image: ImageDescription) -> Iterator[str]:
    yield f"{printable(image.name)} in {printable(image.place)}"
    yield f"  digest  {image.digest}"
    yield from (f"  name    {printable(name)}" for name in image.names if name != image.name)
    for key, value in image.annotations.items():
        yield f"  note    {printable(f'{key}={value}')}"
    for platform in image.platforms:
        yield ""
        yield from _platform_lines(platform)
        for attestation in image.attestations:
            if attestation.subject == platform.digest:
                told = ", ".join(attestation.predicate_types) or attestation.digest
                yield f"  attested  {printable(told)}"


def _platform_lines(image: PlatformDescription) -> Iterator[str]:
    created = f", made {image.created[:19]}" if image.created else ""
    yield (
        f"{printable(image.platform)}: {humanize.size(image.size)} in "
        f"{humanize.counted(len(image.layers), 'layer')}{printable(created)}"
    )
    if image.digest:
        yield f"  manifest  {image.digest}"
    if image.config_digest:
        yield f"  config    {image.config_digest}"
    rows = [(name, value) for name, value in _settings(image) if value]
    yield from columns([(f"  {name}", printable(value)) for name, value in rows]) if rows else ()
    layers = [
        (
            "  " + layer.digest[:_SHORT_DIGEST],
            "?" if layer.size is None else humanize.size(layer.size),
            printable(" ".join(layer.created_by.split())) or "-",
        )
        for layer in image.layers
    ]
    yield from columns(layers, right=(1,)) if layers else ()


def _settings(image: PlatformDescription) -> Iterator[tuple[str, str]]:
    config = image.config
    yield "user", config.user
    yield "folder", config.working_dir
    yield "entrypoint", " ".join(config.entrypoint or ())
    yield "command", " ".join(config.cmd or ())
    yield "ports", " ".join(config.exposed_ports or ())
    yield "volumes", " ".join(config.volumes or ())
    for variable in config.env or ():
        yield "env", variable
    for key, value in config.labels.items():
        yield "label", f"{key}={value}"
