"""What a build asks the Dockerfile frontend for, read from its attributes.

The names are those of `frontend/dockerui` of https://github.com/moby/buildkit.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.platform_names import parse_platform
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import quote
from imagebuilders.oci.platform import Platform

DOCKERFILE = "Dockerfile"
_NETWORKS = {"": "default", "default": "default", "none": "none", "host": "host"}


@dataclass(frozen=True)
class FrontendRequest:
    """What the frontend is asked for.

    Attributes:
        filename: the Dockerfile's path in its folder.
        dockerfile_folder: what the client calls the folder of the Dockerfile.
        context_folder: what it calls the folder of the context.
        context: the context, if it is none of the client's folders.
        options: what resolution is asked for.
        platforms: to build for; none for the base's.
        no_cache: the names of the stages that are built anew; all with an empty name.
        resolve_mode: how images are looked for: `pull` for at their registry alone.
        subrequest: a question in the place of a build.
        attributes: all that was sent.
    """

    filename: str = DOCKERFILE
    dockerfile_folder: str = "dockerfile"
    context_folder: str = "context"
    context: str = ""
    options: ResolveOptions = field(default_factory=ResolveOptions)
    platforms: tuple[Platform, ...] = ()
    no_cache: frozenset[str] = frozenset()
    resolve_mode: str = ""
    subrequest: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, attributes: Mapping[str, str], frontend: Frontend) -> FrontendRequest:
        """Read the attributes of a build.

        Raises:
            EvaluationError: one cannot be read; in BuildKit's words.
        """
        network = attributes.get("force-network-mode", "")
        if network not in _NETWORKS:
            raise EvaluationError(f"invalid network mode {quote(network)}")
        no_cache = attributes.get("no-cache")
        return cls(
            filename=attributes.get("filename") or DOCKERFILE,
            dockerfile_folder=attributes.get("dockerfilekey") or "dockerfile",
            context_folder=attributes.get("contextkey") or "context",
            context=attributes.get("context", ""),
            options=ResolveOptions(
                target=attributes.get("target", ""),
                build_args=_with_prefix(attributes, "build-arg:"),
                labels=_with_prefix(attributes, "label:"),
                named_contexts=_with_prefix(attributes, "context:"),
                hostname=attributes.get("hostname", ""),
                network=_NETWORKS[network],
                frontend=frontend,
            ),
            platforms=_platforms(attributes.get("platform", ""), frontend),
            no_cache=frozenset() if no_cache is None else frozenset(no_cache.lower().split(",")),
            resolve_mode=attributes.get("image-resolve-mode", ""),
            subrequest=attributes.get("requestid", ""),
            attributes=dict(attributes),
        )

    @property
    def dockerfile_paths(self) -> list[str]:
        """The paths that are asked for to find the Dockerfile and its ignore file."""
        paths = [self.filename, f"{self.filename}.dockerignore"]
        folder, name = posixpath.split(self.filename)
        if name == DOCKERFILE:
            paths.append(posixpath.join(folder, name.lower()))
        return paths

    def is_built_anew(self, stage: str) -> bool:
        """Whether the cache does not count for a stage."""
        return "" in self.no_cache or (bool(stage) and stage in self.no_cache)


def _with_prefix(attributes: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value
        for name, value in attributes.items()
        if name.startswith(prefix)
    }


def _platforms(text: str, frontend: Frontend) -> tuple[Platform, ...]:
    return tuple(_platform(part, frontend) for part in text.split(",")) if text else ()


def _platform(text: str, frontend: Frontend) -> Platform:
    try:
        return parse_platform(text, frontend)
    except ValueError as error:
        raise EvaluationError(f"failed to parse target platform {text}: {error}") from error
