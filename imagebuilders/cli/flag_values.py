"""What the flags of `imagebuilders build` say, as options of a build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.cli.build_flags import LIMITS

if TYPE_CHECKING:
    from imagebuilders.build_options import DockerBuildOptions


def flag_values(given: Mapping[str, object]) -> dict[str, object]:
    """Return what was given, under the options' own names."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value not in (None, ()) and (value is not False or name == "hidden_rm")
    }
    for name in ("outputs", "cache_from", "cache_to"):
        if name in values:
            values[name] = list(filter(None, texts(values[name])))  # an empty one is none
    # Two flags may give one option: an older one, and one that is shown.
    hidden = {name: values.pop(f"hidden_{name}", None) for name in (*LIMITS, *_OLDER)}
    limits = [f"{name}={hidden[name]}" for name in LIMITS if hidden[name] is not None]
    if limits:
        values["container_limits"] = [*limits, *texts(values.get("container_limits"))]
    for name in _OLDER:
        if hidden[name] is not None:
            values.setdefault(name, hidden[name])
    return values


_OLDER = ("call", "isolation", "gzip", "squash", "rm", "forcerm")


def texts(value: object) -> list[str]:
    """Return the values of a flag that may be repeated."""
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def named_by_outputs(options: DockerBuildOptions) -> tuple[list[str], DockerBuildOptions]:
    """Return the names that an output has, which count where `-t` gives none.

    Returns:
        The names, and the options, in which each output has no names but its own.
    """
    for each in options.outputs:
        if named := dict(each.attributes).get("name"):
            outputs = tuple(replace(output, keeps_name=True) for output in options.outputs)
            return named.split(","), options.model_copy(update={"outputs": outputs})
    return [], options


def text(value: object) -> str | None:
    """Return the value of a flag; `None` for one that is empty, or not given."""
    return str(value) if value else None
