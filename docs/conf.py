"""Sphinx's configuration: Markdown pages, a reference from the docstrings, no network."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "imagebuilders"
author = "The imagebuilders developers"
release = version = installed_version("imagebuilders")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True
# Other projects' inventories would have to be downloaded: their names stay plain text.
nitpick_ignore_regex = [("py:.*", r"(?!imagebuilders\.|fakes\.).*")]

myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"

html_theme = "furo"
html_static_path = ["_static"]
html_title = f"imagebuilders {release}"
