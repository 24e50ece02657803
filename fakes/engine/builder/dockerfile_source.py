"""Finding the Dockerfile in a context, and hiding it when it is ignored."""

from __future__ import annotations

import posixpath

from imagebuilders.context.ignore_file import compile_rules, parse_lines
from imagebuilders.exceptions import IgnoreFileError
from imagebuilders.oci.file_tree import is_directory

from ..errors import ApiError
from .context import SentContext


def select_dockerfile(context: SentContext, name: str) -> tuple[str, bytes]:
    """The Dockerfile's path and content.

    Raises:
        ApiError: when it is not in the context.
    """
    if posixpath.normpath(name).startswith("../") or name == "..":
        raise ApiError(500, f"forbidden path outside the build context: {name} ()")
    content = context.read(name)
    if content is None and is_directory(context.tree, name):
        raise ApiError(
            500,
            "unexpected error reading Dockerfile: read "
            f"/var/lib/docker/tmp/docker-builder0/{name}: is a directory",
        )
    if content is None and name == "Dockerfile":
        content = context.read("dockerfile")
        if content is not None:
            return "dockerfile", content
    if content is None:
        raise ApiError(500, f"Cannot locate specified Dockerfile: {name}")
    return name, content


def remove_ignored(context: SentContext, dockerfile: str) -> None:
    """Take the ignore file and the Dockerfile out when the ignore file names them.

    The rest of the context was filtered by the client already.
    """
    content = context.read(".dockerignore")
    if content is None:
        return
    try:
        rules = compile_rules(parse_lines(content))
    except IgnoreFileError:
        return  # the daemon passes over what it cannot read
    for path in (".dockerignore", dockerfile):
        if rules.excludes(path):
            context.remove(path)
