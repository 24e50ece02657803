"""The context as a classic build needs it: with the Dockerfile in the archive.

The engine reads the Dockerfile out of the archive, even where the ignore rules
leave it out. It then takes the Dockerfile and the `.dockerignore` away again,
before any step sees them, if the `.dockerignore` *in the archive* excludes them:
https://github.com/moby/moby/blob/v20.10.24/builder/remotecontext/detect.go
So the archive gets what the engine needs, and a `.dockerignore` that has it
taken away.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagebuilders.exceptions import BuildContextError

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext

DEFAULT_DOCKERFILE = "Dockerfile"
IGNORE_FILE = ".dockerignore"

_PATTERN_CHARACTERS = re.compile(r"([*?\[\]\\])")


@dataclass(frozen=True)
class EngineContext:
    """What to send to the engine, and the Dockerfile's path in it."""

    build_context: BuildContext
    dockerfile: str


def engine_context(build_context: BuildContext, dockerfile: str | None) -> EngineContext:
    """Make the context that is sent to the engine; the one given stays as it is.

    Args:
        build_context: the caller's context.
        dockerfile: the Dockerfile, relative to the context's root, or a path outside it;
            `Dockerfile` by default.

    Raises:
        BuildContextError: there is no such Dockerfile, or it cannot be read.
    """
    given = dockerfile or DEFAULT_DOCKERFILE
    inside = _path_inside(build_context, given)
    context = build_context.for_dockerfile(inside if inside is not None else given)
    files = {**context.get_files(), **context.get_extra_files()}
    if inside is not None and inside in files:
        return EngineContext(context, inside)
    content = _read(build_context, given)
    name = inside or f".dockerfile.{hashlib.sha256(content).hexdigest()[:32]}"
    context.add_file(content, name)
    rules = [name]
    if IGNORE_FILE in files:
        own_rules = inside is not None and context.dockerignore_file == _root_ignore_file(
            build_context
        )
        if own_rules:
            return EngineContext(context, name)  # its rules leave the Dockerfile out already
        text = _content(files[IGNORE_FILE])
        if text and not text.endswith(b"\n"):
            text += b"\n"
    else:
        text = b""
        rules.append(IGNORE_FILE)
    for rule in rules:
        text += _PATTERN_CHARACTERS.sub(r"\\\1", rule).encode() + b"\n"
    context.add_file(text, IGNORE_FILE)
    return EngineContext(context, name)


def _path_inside(build_context: BuildContext, dockerfile: str) -> str | None:
    """Give the Dockerfile's path in the archive; `None` when it lies outside the root."""
    if build_context.root is None:
        return None if os.path.isabs(dockerfile) else posixpath.normpath(dockerfile)
    root = os.path.abspath(build_context.root)
    path = os.path.normpath(os.path.join(root, dockerfile))
    relative = os.path.relpath(path, root)
    if relative == os.pardir or relative.startswith(os.pardir + os.sep):
        return None
    return relative.replace(os.sep, "/")


def _read(build_context: BuildContext, dockerfile: str) -> bytes:
    path = Path(build_context.root or os.curdir, dockerfile)
    if build_context.root is None and not path.is_absolute():
        raise BuildContextError(
            f"There is no {dockerfile} in the build context: add one with "
            f"add_file(content, {dockerfile!r}), or give the context a root that has one.",
            path=dockerfile,
        )
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BuildContextError(
            f"There is no Dockerfile at {path}. Name another with the option 'dockerfile', as in "
            "docker_build_options={'dockerfile': 'docker/app.Dockerfile'}.",
            path=str(path),
        ) from error
    except OSError as error:
        raise BuildContextError(
            f"The Dockerfile {path} cannot be read: {error.strerror}.", path=str(path)
        ) from error


def _root_ignore_file(build_context: BuildContext) -> str | None:
    return None if build_context.root is None else os.path.join(build_context.root, IGNORE_FILE)


def _content(source: object) -> bytes:
    if isinstance(source, bytes):
        return source
    path = Path(os.fspath(source)) if isinstance(source, str | os.PathLike) else None
    if path is not None and path.is_file():
        return path.read_bytes()
    return str(source).encode()
