"""The parameters of `POST /build`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .. import go_text
from ..builder.options import BuildOptions
from ..errors import ApiError
from ..http import Request
from ..images.reference import InvalidReferenceError, Reference
from ..platforms import parse_platform
from ..registries.credentials import Credentials

if TYPE_CHECKING:
    from ..daemon import Daemon

# What a build's record shows by an attribute of its own.
_NAMED = frozenset(["t", "dockerfile", "target", "buildargs", "labels"])


def read_options(engine: Daemon, request: Request) -> BuildOptions:
    """The options of a build request.

    Raises:
        ApiError: when one cannot be read.
    """
    options = BuildOptions(
        dockerfile=request.parameter("dockerfile") or "Dockerfile",
        target=request.parameter("target"),
        no_cache=request.flag("nocache"),
        pull=request.flag("pull"),
        quiet=request.flag("q"),
        remove=request.flag("rm") if request.parameter("rm") else True,
        force_remove=request.flag("forcerm"),
        remote=request.parameter("remote"),
        builder_version=request.parameter("version") or "1",
        credentials=Credentials.by_registry(request.headers.get("x-registry-config")),
        other={k: v[0] for k, v in request.query.items() if k not in _NAMED and v and v[0]},
    )
    status = engine.version.bad_request()
    if request.flag("squash"):
        raise ApiError(400, "squash is only supported with experimental mode")
    if options.builder_version not in ("1", "2"):
        raise ApiError(status, f"invalid version {go_text.quote(options.builder_version)}")
    if platform := request.parameter("platform"):
        options.platform = parse_platform(platform)
    options.build_args = _mapping(request, "buildargs", "error reading build args")
    labels = _mapping(request, "labels", "error reading labels")
    options.labels = {name: value or "" for name, value in labels.items()}
    if text := request.parameter("cachefrom"):
        try:
            options.cache_from = [str(item) for item in json.loads(text) or []]
        except (ValueError, TypeError) as error:
            raise ApiError(400, f"error reading cache-from: {error}") from error
    return options


def read_tags(engine: Daemon, request: Request) -> list[Reference]:
    """The names the image is to get, each once.

    Raises:
        ApiError: when one is no image name.
    """
    tags: list[Reference] = []
    for name in request.query.get("t", []):
        if not name:
            continue
        try:
            reference = engine.parse_name(name)
        except InvalidReferenceError as error:
            raise ApiError(500, str(error)) from error
        if reference.digest:
            raise ApiError(500, "build tag cannot contain a digest")
        if reference.tagged() not in tags:
            tags.append(reference.tagged())
    return tags


def _mapping(request: Request, name: str, failure: str) -> dict[str, str | None]:
    text = request.parameter(name)
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ApiError(400, f"{failure}: {go_text.json_error(text)}") from error
    if not isinstance(value, dict):
        raise ApiError(400, f"{failure}: {go_text.quote(text)}")
    return {str(k): None if v is None else str(v) for k, v in value.items()}
