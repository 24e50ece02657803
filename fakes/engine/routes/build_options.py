"""The parameters of `POST /build`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from imagebuilders.oci.reference import ImageReference

from ... import go_text
from ...images.reference import InvalidReferenceError
from .. import messages
from ..builder.options import BuildOptions
from ..errors import ApiError
from ..go_json import STRING, Kind, ListOf, MapOf, MismatchError, Scalar, Struct, read
from ..http import Request
from ..platforms import parse_platform
from ..registries.credentials import Credentials

if TYPE_CHECKING:
    from ..daemon import Daemon

_ARGUMENTS = MapOf(STRING, "map[string]*string")
_LABELS = MapOf(STRING)
_SOURCES = ListOf(STRING)
_LIMIT = Struct(
    "units.Ulimit",
    {"Name": STRING, "Hard": Scalar("int64", int), "Soft": Scalar("int64", int)},
)
_LIMITS = ListOf(_LIMIT, "[]*units.Ulimit")
_OUTPUTS = ListOf(Struct("types.ImageBuildOutput", {"Type": STRING, "Attrs": MapOf(STRING)}))
_SHOWN = {"buildargs": "build args", "cachefrom": "cache-from", "ulimits": "ulimit settings"}
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
        added_hosts=request.parameters("extrahosts"),
        credentials=Credentials.by_registry(request.headers.get("x-registry-config")),
        other={k: v[0] for k, v in request.fields.items() if k not in _NAMED and v and v[0]},
    )
    status = engine.version.bad_request()
    _check_size(request.parameter("shmsize"))
    isolation = request.parameter("isolation")
    if isolation.lower() not in ("", "default"):
        raise ApiError(400, messages.UNKNOWN_ISOLATION(engine.version, go_text.quote(isolation)))
    if request.flag("squash"):
        raise ApiError(400, "squash is only supported with experimental mode")
    if options.builder_version not in ("1", "2"):
        raise ApiError(status, f"invalid version {go_text.quote(options.builder_version)}")
    if platform := request.parameter("platform"):
        options.platform = parse_platform(platform)
    options.build_args = _read(engine, request, "buildargs", _ARGUMENTS) or {}
    labels = _read(engine, request, "labels", _LABELS) or {}
    options.labels = {name: value or "" for name, value in labels.items()}
    _read(engine, request, "ulimits", _LIMITS)
    options.cache_from = _cache_from(engine, request)
    _check_outputs(engine, request)
    return options


def _check_size(text: str) -> None:
    if text and not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ApiError(500, f"strconv.ParseInt: parsing {go_text.quote(text)}: invalid syntax")


def _check_outputs(engine: Daemon, request: Request) -> None:
    """Refuse outputs that cannot be read; this builder takes no others into account."""
    try:
        _read(engine, request, "outputs", _OUTPUTS)
    except ApiError as error:
        problem = error.message.partition(": ")[2]
        refusal = messages.BAD_OUTPUTS(engine.version, problem)
        raise ApiError(engine.version.bad_request(), refusal) from error


def _cache_from(engine: Daemon, request: Request) -> list[str]:
    try:
        return [text or "" for text in _read(engine, request, "cachefrom", _SOURCES) or []]
    except ApiError as error:
        if engine.version < "23.0":
            raise ApiError(500, error.message.partition(": ")[2]) from error
        raise


def read_tags(engine: Daemon, request: Request) -> list[ImageReference]:
    """The names the image is to get, each once.

    Raises:
        ApiError: when one is no image name.
    """
    tags: list[ImageReference] = []
    for name in request.parameters("t"):
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


def _read(engine: Daemon, request: Request, name: str, kind: Kind) -> Any:
    """A parameter that holds JSON; `None` without one.

    Raises:
        ApiError: 400 when it cannot be read.
    """
    text = request.parameter(name)
    if not text:
        return None
    failure = f"error reading {_SHOWN.get(name, name)}"
    if problem := go_text.json_error(text):
        # What is read as a whole is known to end too early before it is looked at.
        problem = "unexpected end of JSON input" if problem == "unexpected EOF" else problem
        raise ApiError(400, f"{failure}: {problem}")
    try:
        return read(json.loads(text), kind, in_full=engine.version >= "28.0")
    except MismatchError as error:
        raise ApiError(400, f"{failure}: {error}") from error
