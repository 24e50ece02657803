"""`imagebuilders stack show` and `imagebuilders flavors`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.columns import columns
from imagebuilders.sanitize import printable

if TYPE_CHECKING:
    from imagebuilders.stack.description import StackDescription
    from imagebuilders.stack.flavors import FlavorCatalog, FlavorEntry

_TYPES = ("image_builder", "artifact_store", "container_registry")
_JSON_HELP = "Write JSON, one object per line."


@click.group(invoke_without_command=True)
@click.pass_context
def stack(ctx: click.Context) -> None:
    """Look at the active stack.

    \b
    Examples:
      imagebuilders stack show
      imagebuilders stack show --json
      IMAGEBUILDERS_CONTAINER_REGISTRY__URI=localhost:5000 imagebuilders stack show
    """
    output.help_without_command(ctx)


@stack.command(short_help="Show the stack, and where its settings come from.")
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def show(as_json: bool) -> None:
    """Show the active stack, and where each of its settings comes from.

    \b
    Examples:
      imagebuilders stack show
      imagebuilders stack show --json
      IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR=daemonless imagebuilders stack show
    """
    from imagebuilders.stack import Client
    from imagebuilders.stack.description import describe_stack

    description = describe_stack(Client().active_stack)
    if as_json:
        output.write_json(sys.stdout, {"event": "stack", **asdict(description)})
        return
    for line in _stack_lines(description):
        output.result(line)


@click.command()
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def flavors(as_json: bool) -> None:
    """List the flavors of image builders, artifact stores and container registries.

    \b
    Examples:
      imagebuilders flavors
      imagebuilders flavors --json
      imagebuilders flavors --json | jq -r .flavor
    """
    from imagebuilders.stack.flavors import FlavorCatalog

    catalog = FlavorCatalog.installed()
    rows = [_flavor_record(catalog, entry) for entry in sorted(catalog.entries, key=_flavor_order)]
    if as_json:
        for row in rows:
            output.write_json(sys.stdout, {"event": "flavor", **row})
        return
    header = ("TYPE", "FLAVOR", "PACKAGE", "PROBLEM")
    cells = [tuple(printable(str(row[key.lower()] or "-")) for key in header) for row in rows]
    for line in columns([header, *cells]):
        output.result(line.removesuffix(" -").rstrip())


def _flavor_order(entry: FlavorEntry) -> tuple[int, str, str]:
    if entry.flavor is None:
        return (len(_TYPES), entry.package, entry.entry_point)
    return (_TYPES.index(entry.flavor.type.value), entry.flavor.name, entry.package)


def _flavor_record(catalog: FlavorCatalog, entry: FlavorEntry) -> dict[str, object]:
    flavor = entry.flavor
    return {
        "type": None if flavor is None else flavor.type.value,
        "flavor": None if flavor is None else flavor.name,
        "package": entry.package,
        "entry_point": entry.entry_point,
        "docs_url": None if flavor is None else flavor.docs_url,
        "problem": catalog.problem(entry),
    }


def _stack_lines(description: StackDescription) -> list[str]:
    origin = printable(description.file or "no stack file")
    lines = [f"stack {printable(description.name)} ({origin})"]
    for component in description.components:
        flavor = printable(component.flavor or component.implementation)
        lines += ["", f"{component.type}: {flavor}  ({printable(component.flavor_origin)})"]
        lines += columns(
            [
                (f"  {setting.key}", _shown(setting.value), f"({printable(setting.origin)})")
                for setting in component.settings
            ]
        )
    missing = set(_TYPES) - {component.type.value for component in description.components}
    for kind in sorted(missing):
        lines += ["", f"{kind}: none"]
    return lines


def _shown(value: object) -> str:
    return "not set" if value is None else printable(str(value))
