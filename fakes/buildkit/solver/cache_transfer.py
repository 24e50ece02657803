"""Caches that are to be imported or exported.

A double imports none: what it has done itself it knows, and what others did it does anew. It tells
of imports as daemons do, to which a cache that cannot be had is no failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.exceptions import ImageBuilderError

from .progress import Progress, vertex, vertex_digest

if TYPE_CHECKING:
    from imagebuilders.oci.platform import Platform

    from ..script import ScriptedBuild
    from .bases import BaseImages
    from .look import Look

_EXPORTED = frozenset({"registry", "local", "gha", "s3", "azblob"})


def check_cache_exports(build: ScriptedBuild, look: Look) -> None:
    """See whether the caches that a build shall export can be.

    An inline cache is in the image itself; the double writes none into it.

    Raises:
        CallError: there is no such exporter, or the double has not what the daemon has.
    """
    for export in build.request.Cache.Exports:
        if export.Type == "inline" or export.Attrs.get("ignore-error") == "true":
            continue
        words = f'unknown cache exporter: "{export.Type}"'
        if not look.is_engine and export.Type in _EXPORTED:
            words = f"the BuildKit double exports no caches of type {export.Type}"
        raise CallError(RpcStatus(Code.UNKNOWN, words))


def tell_imports(
    attributes: Mapping[str, str], images: BaseImages, platform: Platform, progress: Progress
) -> None:
    """Tell of the caches that a build shall import.

    Args:
        attributes: what the frontend is told.
        images: finds images.
        platform: what is built for.
        progress: is told.
    """
    for kind, reference in _wanted(attributes):
        title = f"importing cache manifest from {reference or kind}"
        step = vertex(title, vertex_digest("import", kind, reference))
        progress.start(step)
        progress.complete(step, error=_problem(kind, reference, images, platform))


def _wanted(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    try:
        listed = json.loads(attributes.get("cache-imports") or "[]")
        found = [(str(each["Type"]), str(each["Attrs"].get("ref", ""))) for each in listed]
    except (AttributeError, KeyError, TypeError, ValueError):
        found = []
    names = filter(None, attributes.get("cache-from", "").split(","))
    return [*found, *(("registry", name) for name in names)]


def _problem(kind: str, reference: str, images: BaseImages, platform: Platform) -> str:
    """Return why a cache cannot be imported; empty if it could be."""
    if kind not in _EXPORTED:
        return f"unknown cache importer: {kind}"
    if kind != "registry":
        return f"the BuildKit double imports no caches of type {kind}"
    try:
        images.look(reference, platform)
    except ImageBuilderError as error:
        return f"failed to configure registry cache importer: {error}"
    return ""
