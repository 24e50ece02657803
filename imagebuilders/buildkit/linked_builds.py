"""Builds whose contexts are the results of other builds of the same `build_many`.

What is handed on is the definition of the result, not an image: nothing is exported in between.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import field
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import TARGET_SCHEME
from imagebuilders.buildkit.control.gateway import HeldResult
from imagebuilders.exceptions import BuildError, BuildOptionsError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.sharing import sharing_build

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.proto.control_pb2 import SolveRequest
    from imagebuilders.buildkit.proto.gateway_pb2 import Ref, Result
    from imagebuilders.buildkit.proto.ops_pb2 import Definition

HELD_SECONDS = 60.0
"""So long the daemon may take to hand a result on that it has."""

_PREFIX = "0-"
_CONFIG = "containerimage.config"


@dataclass(frozen=True)
class LinkedResult:
    """The result of a build that others need.

    Attributes:
        client: the daemon that has it.
        result: the result.
        entitlements: what its steps must be allowed.
    """

    client: ControlClient = field(repr=False)
    result: Result
    entitlements: Sequence[str] = ()


@dataclass(frozen=True)
class BuildInputs:
    """What a build has of others.

    Attributes:
        definitions: how each is made, by the names that the attributes give them.
        attributes: attributes of the Dockerfile frontend.
        entitlements: what their steps must be allowed.
    """

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    entitlements: Sequence[str] = ()


def linked_inputs(targets: Mapping[str, str]) -> BuildInputs:
    """Return what a build has of others.

    Args:
        targets: the names of the other builds, by the names of the contexts.

    Raises:
        BuildOptionsError: there is no such build.
    """
    definitions: dict[str, Definition] = {}
    attributes: dict[str, str] = {}
    entitlements: dict[str, None] = {}
    for context, target in targets.items():
        linked = _result_of(target)
        entitlements.update(dict.fromkeys(linked.entitlements))
        result = linked.result
        platforms: list[tuple[str, Ref]] = [
            (f"::{platform}", ref) for platform, ref in sorted(result.refs.refs.items())
        ]
        if not platforms:
            platforms = [("", result.ref)]
        for suffix, ref in platforms:
            name = f"{_PREFIX}{target}{suffix}"
            definitions[name] = getattr(ref, "def")  # a word of Python's
            attributes[f"context:{context}{suffix}"] = f"input:{name}"
            config = result.metadata.get(f"{_CONFIG}{suffix.replace('::', '/', 1)}")
            if config is not None:
                encoded = {_CONFIG: base64.b64encode(config).decode()}
                attributes[f"input-metadata:{name}"] = json.dumps(encoded)
    return BuildInputs(definitions, attributes, tuple(entitlements))


def step_ids(definitions: Iterable[Definition]) -> frozenset[str]:
    """Return the IDs that the daemon tells of steps by: the digests of their definitions."""
    return frozenset(
        f"sha256:{hashlib.sha256(operation).hexdigest()}"
        for definition in definitions
        for operation in getattr(definition, "def")  # a word of Python's
    )


def _result_of(target: str) -> LinkedResult:
    sharing = sharing_build()
    found = None if sharing is None else sharing.shared.results.get(target)
    if not isinstance(found, LinkedResult):
        raise BuildOptionsError(
            f"The option 'build_contexts' names the build {TARGET_SCHEME}{target}, and none of "
            "that name was built by BuildKit in the same build_many.",
            option="build_contexts",
        )
    return found


def solve_for_others(
    client: ControlClient, request: SolveRequest, solve: Callable[[], dict[str, str]]
) -> dict[str, str]:
    """Build, and keep the result for the builds that need it, if any do.

    Args:
        client: the daemon.
        request: what is built.
        solve: builds it.

    Returns:
        What `solve` returns.

    Raises:
        TransportError: the build failed, or the connection broke.
    """
    sharing = sharing_build()
    if sharing is None:
        return solve()
    for name in request.FrontendInputs:
        target = name.removeprefix(_PREFIX).partition("::")[0]
        if _result_of(target).client is not client:
            raise BuildError(
                f"The build needs that of {target!r}, which another daemon has. Builds that need "
                "one another are done by one daemon."
            )
    if not sharing.is_needed:
        return solve()
    # Both ask for the same steps, which the daemon does once.
    held = sharing.shared.get(("held", sharing.name), lambda: closing(HeldResult(client, request)))
    response = solve()
    sharing.shared.results[sharing.name] = LinkedResult(
        client, held.result(HELD_SECONDS), list(request.Entitlements)
    )
    return response
