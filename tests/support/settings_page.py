"""The page of settings: of each flavor's components the file key, the variable, and the default.

python -m settings_page [PAGE]
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pydantic import Secret
from pydantic.fields import FieldInfo

from imagebuilders.components.component import StackComponentConfig
from imagebuilders.stack.flavors import FlavorCatalog

BEGIN, END = "<!-- begin: generated -->", "<!-- end: generated -->"


def configs() -> Iterator[tuple[str, str, type[StackComponentConfig]]]:
    """Type, name and settings of each flavor of this package."""
    for entry in FlavorCatalog.installed().entries:
        flavor = entry.flavor
        if flavor is not None and type(flavor).__module__.startswith("imagebuilders."):
            yield flavor.type.value, flavor.name, flavor.config_class


def variable(component: str, key: str) -> str:
    """The environment variable of a setting."""
    return f"IMAGEBUILDERS_{component}__{key}".upper()


def text_of(config: type[StackComponentConfig], key: str) -> str:
    """What stands below a field in the class that states it, or in that class's attributes."""
    for one in config.__mro__:
        if key in vars(one).get("__annotations__", {}):
            tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
            (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
            for field, told in pairwise(body):
                if (
                    isinstance(field, ast.AnnAssign)
                    and ast.unparse(field.target) == key
                    and isinstance(told, ast.Expr)
                    and isinstance(told.value, ast.Constant)
                ):
                    return " ".join(str(told.value.value).split())
            listed = re.search(
                rf"^    {key}: (.+(?:\n      .+)*)", inspect.cleandoc(one.__doc__ or ""), re.M
            )
            return " ".join(listed[1].split()) if listed else ""
    return ""


def default_of(field: FieldInfo) -> str:
    """A default as it would be written in a file; empty when there is none."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    is_of_this_machine = field.default_factory is not None and isinstance(value, str)
    if value is None or is_of_this_machine or isinstance(value, Secret):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple | list | dict):
        return f"`{'{}' if isinstance(value, dict) else '[]'}`" if not value else f"`{value!r}`"
    return f"`{value!r}`"


def generated() -> str:
    """The tables, in Markdown."""
    lines: list[str] = []
    for component, name, config in configs():
        lines += [f"### {name} {component.replace('_', ' ')}", ""]
        lines += [f'`[{component}]` with `flavor = "{name}"`', ""]
        if not config.model_fields:
            lines += ["No settings.", ""]
            continue
        lines += ["| key | default | what it is, and its variable |", "|---|---|---|"]
        for key, field in config.model_fields.items():
            told = text_of(config, key).replace("|", "\\|")
            told = f"{told[:1].upper()}{told[1:]} `{variable(component, key)}`"
            cells = (f"`{key}`", default_of(field), told)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def replace_generated(text: str) -> str:
    """A page with its generated part made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{generated()}\n{END}{after}"


if __name__ == "__main__":
    page = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/settings.md")
    page.write_text(replace_generated(page.read_text(encoding="utf-8")), encoding="utf-8")
