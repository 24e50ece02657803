"""Images from elsewhere and to elsewhere: pull, push, import, search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.oci.digest import is_digest
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference, is_tag

from ...images.reference import InvalidReferenceError
from .. import messages
from ..builder.imports import import_tar
from ..errors import ApiError
from ..http import Request, Response, json_response
from ..images.content_store import has_content
from ..platforms import parse_platform
from ..progress import message_line
from ..registries.credentials import Credentials
from ..registries.pulling import pull
from ..registries.pushing import push
from .bodies import credentials_body
from .images import named
from .login import AUTH
from .numbers import integer
from .platform_choice import asked_platform
from .streams import lines, streamed
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon


@route("POST", "/images/create")
def _create(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    if not request.parameter("fromImage"):
        return _import(engine, request)
    # Without a tag, or with an empty one, every tag is meant.
    reference = _wanted(engine, request.parameter("fromImage"), request.parameter("tag"))
    platform = request.parameter("platform")
    wanted = parse_platform(platform) if platform else None
    credentials = Credentials.from_header(request.headers.get("x-registry-auth"))
    return streamed(pull(engine.registries, reference, credentials, wanted), engine.version)


def _wanted(engine: Daemon, name: str, tag: str) -> ImageReference:
    """A name and what its tag parameter says: a tag or a digest.

    Raises:
        ApiError: 400 when either is none.
    """
    try:
        reference = engine.parse_name(name)
    except InvalidReferenceError as error:
        raise ApiError(400, str(error)) from error
    if is_digest(tag):
        return reference.with_digest(tag)
    if not tag:
        return reference
    if not is_tag(tag):
        raise ApiError(400, "invalid tag format")
    return ImageReference(reference.domain, reference.path, tag)


def _import(engine: Daemon, request: Request) -> Response:
    source = request.parameter("fromSrc")
    if not source:
        raise ApiError(500, 'Get "http:": http: no Host in request URL')
    if source != "-":
        raise ApiError(501, "the engine double does not implement POST /images/create?fromSrc=URL")
    repository = request.parameter("repo")
    reference = named(engine, repository, request.parameter("tag")) if repository else None
    image = import_tar(
        engine.images,
        request.content,
        changes=request.parameters("changes"),
        message=request.parameter("message"),
    )
    if reference is not None:
        engine.images.retag(reference, image)
    engine.images.note("import", image)
    return Response(
        200, iter([message_line({"status": image.id})]), {"Content-Type": "application/json"}
    )


@route("POST", "/images/{name:.*}/push")
def _push(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    header = request.headers.get("x-registry-auth")
    credentials = Credentials.from_header(header)
    if not header and not engine.version.speaks(None, "1.47"):
        credentials = Credentials.from_json(credentials_body(engine, request, AUTH))
    tag = request.parameter("tag")
    try:
        reference = engine.parse_name(path["name"])
    except InvalidReferenceError as error:
        raise ApiError(engine.version.bad_request(), str(error)) from error
    if tag:
        if not is_tag(tag):
            raise ApiError(engine.version.bad_request(), "invalid tag format")
        reference = ImageReference(reference.domain, reference.path, tag)
    platform = asked_platform(engine, request, "1.46")
    if platform is not None and not has_content(engine.state):
        _check_platform(engine, platform, reference)
    stream = push(engine.registries, reference, credentials, platform)
    return Response(200, lines(stream, engine.version), {"Content-Type": "application/json"})


def _check_platform(engine: Daemon, platform: Platform, reference: ImageReference) -> None:
    """Refuse to push an image as one for another platform.

    Raises:
        ApiError: 404, it is for another one.
    """
    found = engine.images.find(str(reference)).parsed
    own = f"{found.get('os')}/{found.get('architecture')}"
    asked = f"{platform.os}/{platform.architecture}"
    if own != asked:
        raise ApiError(404, messages.OTHER_PLATFORM(engine.version, str(reference), own, asked))


_MOST_FOUND = 100


@route("GET", "/images/search")
def _search(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    term = request.parameter("term")
    limit = integer(request.parameter("limit") or "0", engine.version.bad_number()) or _MOST_FOUND
    if not 1 <= limit <= _MOST_FOUND:
        raise ApiError(400, messages.BAD_LIMIT(engine.version, limit))
    found = [
        {
            "star_count": 0,
            "is_official": path.startswith("library/"),
            "name": path.removeprefix("library/"),
            "is_automated": False,
            "description": "",
        }
        for path in engine.registries.hub.paths()
        if term in path
    ]
    return json_response(found[:limit])
