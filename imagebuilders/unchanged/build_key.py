"""The key of a build: one digest over all that its image is made of.

Two builds of one key would make the same image, as far as BuildKit's own cache can tell: what RUN
fetches from elsewhere, and the values of secrets, are no part of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform as system
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from imagebuilders.build_context import BuildContext
from imagebuilders.build_options.buildkit_attributes import TARGET_SCHEME
from imagebuilders.buildkit.frontend import choose_frontend
from imagebuilders.cache_misses.copied_files import ContextFiles
from imagebuilders.cache_misses.dockerfile_inputs import read_inputs
from imagebuilders.cache_misses.fingerprints import Fingerprints
from imagebuilders.cache_misses.step_inputs import image_key
from imagebuilders.context.entries import encode_path
from imagebuilders.dockerfile import Dockerfile, parse
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.context.snapshot import ContextSnapshot

FORMAT = 1
_IMAGE_SCHEME = "docker-image://"

_NOT_IN_KEY = frozenset(
    {
        *("dockerfile", "cache_from", "cache_to", "pull", "nocache", "no_cache_filter", "rm"),
        *("forcerm", "use_config_proxy", "quiet", "timeout", "gzip", "encoding", "tags", "load"),
        *("push", "iidfile", "metadata_file", "progress", "call", "outputs", "build_contexts"),
        *("secrets", "ssh", "buildargs", "labels"),
    }
)
"""Options that do not make an image another one, and those that are looked at by themselves."""


class KeyUnknownError(Exception):
    """Something that the image is made of cannot be known; the text says what."""


Resolve = Callable[[str], str]
"""Returns the digest that an image's name stands for in its registry now.

Raises:
    KeyUnknownError: the registry does not tell.
"""


@dataclass(frozen=True)
class ImageInputs:
    """What an image is made of.

    Attributes:
        snapshot: the context, with its Dockerfile.
        options: the options.
        frontend: the setting of that name.
    """

    snapshot: ContextSnapshot
    options: DockerBuildOptions
    frontend: str = "dockerfile"


def build_key(inputs: ImageInputs, resolve: Resolve) -> str:
    """Return the key of a build, `sha256:<hex>`.

    Args:
        inputs: what the image is made of.
        resolve: asks the registry of a base image for its digest.

    Raises:
        KeyUnknownError: something cannot be known.
        BuildContextError: a file of the context cannot be read.
        BuildOptionsError: the build argument `BUILDKIT_SYNTAX` is empty.
    """
    snapshot, options = inputs.snapshot, inputs.options
    if snapshot.remote is not None or snapshot.dockerfile is None:
        raise KeyUnknownError("its context is not a folder of this machine")
    dockerfile = parse(snapshot.dockerfile.content)
    names = sorted({*_images(dockerfile, options), *_frontends(dockerfile, inputs)})
    parts = {
        "format": FORMAT,
        "context": snapshot.digest(),
        "modes": _modes(snapshot),
        "dockerfile": hashlib.sha256(snapshot.dockerfile.content).hexdigest(),
        "frontend": inputs.frontend,
        "options": dict(_options(options)),
        "contexts": {name: _context(name, value) for name, value in _contexts(options)},
        "machine": "" if options.platform else system.machine(),
        "time": os.environ.get("SOURCE_DATE_EPOCH", ""),
        "bases": {name: _digest(name, resolve) for name in names},
    }
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _modes(snapshot: ContextSnapshot) -> str:
    """Return a digest of the permissions as BuildKit gets them; the context's has some alone."""
    digest = hashlib.sha256()
    for entry in snapshot:
        digest.update(b"%b\0%o\0" % (encode_path(entry.path), entry.mode))
    return digest.hexdigest()


def _options(options: DockerBuildOptions) -> Iterator[tuple[str, object]]:
    """Yield the options that are set, in a form that is the same for the same values."""
    for name in type(options).model_fields:
        value = getattr(options, name)
        if name not in _NOT_IN_KEY and value != type(options).model_fields[name].default:
            yield name, repr(value)
    yield "buildargs", sorted(_given(options).items())
    yield "labels", sorted(options.labels.items())
    yield "secrets", sorted(secret.id for secret in options.secrets)
    yield "ssh", sorted(agent.id for agent in options.ssh)


def _given(options: DockerBuildOptions) -> dict[str, str]:
    return {name: value for name, value in options.buildargs.items() if value is not None}


# --- images --------------------------------------------------------------------


def _images(dockerfile: Dockerfile, options: DockerBuildOptions) -> Iterator[str]:
    """Yield the full names of the images that the stages begin with or copy from."""
    nothing = ContextFiles({}, {})
    found = read_inputs(dockerfile, options, _given(options), nothing, Fingerprints(b""))
    if any(step.fetches for step in found.steps):
        raise KeyUnknownError("what an ADD fetches from an address may have changed")
    for name in found.images:
        if not name.startswith(("context:", TARGET_SCHEME)):
            yield name
    for _, value in _contexts(options):
        if value.startswith(_IMAGE_SCHEME):
            yield image_key(value.removeprefix(_IMAGE_SCHEME))


def _frontends(dockerfile: Dockerfile, inputs: ImageInputs) -> Iterator[str]:
    """Yield the full name of the image that reads the Dockerfile, if one does."""
    frontend = choose_frontend(inputs.frontend, inputs.options.buildargs)
    if frontend.image:
        yield image_key(frontend.image)
    elif inputs.frontend == "dockerfile" and dockerfile.syntax:
        yield image_key(dockerfile.syntax.split(" ")[0])


def _digest(name: str, resolve: Resolve) -> str:
    pinned = name.partition("@")[2]
    return pinned or resolve(name)


# --- named contexts --------------------------------------------------------------


def _contexts(options: DockerBuildOptions) -> list[tuple[str, str]]:
    return sorted(options.build_contexts.items())


def _context(name: str, value: str) -> str:
    """Return what tells a named context's content; that of an image is told by its digest."""
    if value.startswith(_IMAGE_SCHEME):
        return value
    if not os.path.isdir(value):
        raise KeyUnknownError(f"what is in the context {name} may have changed")
    snapshot = BuildContext(value).snapshot(rewrite_ignore_files=False)
    return f"{snapshot.digest()} {_modes(snapshot)}"


def merge_labels(options: DockerBuildOptions, labels: Mapping[str, str]) -> DockerBuildOptions:
    """Return options with further labels, which build upon the bases that registries have now."""
    return options.model_copy(update={"labels": {**options.labels, **labels}, "pull": True})
