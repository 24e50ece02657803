"""What BuildKit's cache knows a step of a Dockerfile by, as values.

A step's key is made of the step itself, of what it builds upon and of what it copies:
https://docs.docker.com/build/cache/invalidation/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from imagebuilders.exceptions import ImageNameError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

SCRATCH = "scratch"

Point: TypeAlias = int | str
"""Something to build upon or to copy from: the index of a step, or the name of an image."""

EXPANDED = "expanded"
ORDER = "order"
VARIABLE = "variable:"
OPTION = "option:"
SETTING = "setting:"
"""How the names of a step's values begin, or what they are."""


@dataclass(frozen=True)
class StepInputs:
    """A step, and what its key is made of.

    Attributes:
        stage: its stage's name, `stage-N` for one without.
        number: its number among the events of the stage.
        line: the line that it begins in.
        name: its keyword in upper case.
        code: the instruction as it is written, on one line.
        text: the fingerprint of the instruction, variables not replaced.
        values: fingerprints of what holds for it, by a name that says what it is.
        arguments: the variables among them that are build arguments.
        files: what it takes of the context: a mark by each path.
        parent: what it builds upon.
        sources: what else it takes files from.
        base: the image that its stage, or the stage that this one begins with, begins with.
        is_known: whether nothing of its key lies beyond a client's sight.
        fetches: whether it fetches something from an address.
    """

    stage: str
    number: int
    line: int
    name: str
    code: str = field(repr=False)
    parent: Point
    base: str
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    arguments: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Point, ...] = ()
    is_known: bool = True
    fetches: bool = False


@dataclass(frozen=True)
class BuildInputs:
    """What a build is made of.

    Attributes:
        steps: the steps of all stages, each behind what it needs.
        images: the names of the images that stages begin with or copy from; `target:NAME` for the
            image of another build.
        end: what the stage comes to that is built.
    """

    steps: tuple[StepInputs, ...]
    images: tuple[str, ...]
    end: Point = SCRATCH


def image_key(name: str) -> str:
    """Return an image's name in full, as `docker.io/library/busybox:latest`."""
    try:
        found = ImageReference.parse(name)
    except ImageNameError:
        return name
    tag = found.tag or ("" if found.digest else DEFAULT_TAG)
    return (
        found.full_repository
        + (f":{tag}" if tag else "")
        + (f"@{found.digest}" if found.digest else "")
    )
