"""Sphinx's configuration: Markdown pages, a reference from the docstrings, no network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import metadata
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_STATIC = Path(__file__).parent / "_static"

project = "imagebuilders"
copyright = "The imagebuilders developers, Apache-2.0"  # noqa: A001 - the name is Sphinx's
author = "The imagebuilders developers"
release = version = installed_version("imagebuilders")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
# Many classes have an attribute `type`, and annotations name the built-in one.
suppress_warnings = ["ref.python"]

myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3
# What a reader types is copied, without prompts and without what a program prints.
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"

html_theme = "furo"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["site.css"]
html_title = f"imagebuilders {release}"
html_favicon = "_static/logo-light.svg"
html_show_sphinx = False


def _repository() -> str:
    """Return the address that the package's metadata names; empty if it names none."""
    urls = metadata("imagebuilders").get_all("Project-URL") or []
    return dict(url.split(", ", 1) for url in urls).get("Repository", "")


html_theme_options: dict[str, object] = {
    "light_logo": "logo-light.svg",
    "dark_logo": "logo-dark.svg",
    "sidebar_hide_name": False,
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#0b6e4f",
        "color-brand-content": "#0b6e4f",
        "color-brand-visited": "#0b6e4f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5fd3a8",
        "color-brand-content": "#5fd3a8",
        "color-brand-visited": "#5fd3a8",
    },
}
if repository := _repository():
    html_theme_options |= {
        "top_of_page_buttons": ["view", "edit"],
        "source_repository": repository,
        "source_branch": "main",
        "source_directory": "docs/",
        "footer_icons": [
            {
                "name": "Repository",
                "url": repository,
                "html": (_STATIC / "repository.svg").read_text(),
                "class": "",
            }
        ],
    }

_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SECTION = re.compile(r"(Args|Attributes|Returns|Raises|Yields|Example):$")


def _as_restructured_text(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Docstrings are Markdown: `code`, and indented blocks of it after an empty line."""
    lines[:] = _with_code_blocks([_CODE.sub(r"``\1``", line) for line in lines])


def _with_code_blocks(lines: Sequence[str]) -> list[str]:
    made: list[str] = []
    in_section = False
    for number, line in enumerate(lines):
        begins = number > 0 and not lines[number - 1] and line.startswith("    ")
        if begins and not in_section and not _inside_block(made):
            made += [".. code-block:: python", ""]
        if line and not line.startswith(" "):
            in_section = _SECTION.match(line) is not None
        made.append(line)
    return made


def _inside_block(made: Sequence[str]) -> bool:
    """Whether the last text above is a part of the same indented block."""
    above = next((line for line in reversed(made) if line), "")
    return above.startswith("    ")


def _is_skipped(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave out what `NamedTuple` says of its fields: the class's own text says more."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> None:
    """Read docstrings before napoleon does."""
    app.connect("autodoc-process-docstring", _as_restructured_text, priority=100)
    app.connect("autodoc-skip-member", _is_skipped)
