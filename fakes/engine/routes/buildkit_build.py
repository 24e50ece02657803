"""`POST /build?version=2`: a build by BuildKit over the engine's own API, and `/build/cancel`."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from imagebuilders.buildkit.proto.control_pb2 import Exporter, SolveRequest, StatusResponse
from imagebuilders.buildkit.transport.errors import CallError

from ...buildkit.local_call import LocalCall
from ..errors import ApiError
from ..http import Request, Response
from ..progress import failure
from .streams import streamed
from .table import not_implemented, route

if TYPE_CHECKING:
    from ...buildkit import ScriptedBuild, ScriptedBuildKit
    from ..builder.options import BuildOptions
    from ..daemon import Daemon

_FRONTEND = "dockerfile.v0"
_EXPORTER = "moby"
_CLIENT = "client-session"
_MADE = "moby.image.id"
_LOOK_SECONDS = 0.2
"""So often it is seen whether the client is still there, while nothing is told."""

_BODY = "http://buildkit-session/body"


def build_with_buildkit(
    engine: Daemon, buildkit: ScriptedBuildKit, request: Request, options: BuildOptions
) -> Response:
    """Build with BuildKit; the answer tells its status in lines of JSON.

    Raises:
        ApiError: the context is neither the client's session nor the request's body.
    """
    if options.remote not in ("", _CLIENT):
        raise ApiError(501, "the engine double does not implement POST /build?remote=…")
    attributes = _attributes(request, options)
    upload = None
    if not options.remote:
        upload, attributes["context"] = request.content, _BODY
    names = ",".join(str(tag) for tag in options.tags)
    solve = SolveRequest(
        Ref=request.parameter("buildid") or uuid.uuid4().hex[:25],
        Session=request.parameter("session"),
        Frontend=_FRONTEND,
        FrontendAttrs=attributes,
        ExporterDeprecated=_EXPORTER,
        ExporterAttrsDeprecated={"name": names},
        Exporters=[Exporter(Type=_EXPORTER, Attrs={"name": names})],
    )
    messages = _messages(engine, buildkit, solve, upload, options, request)
    return streamed(_quiet(messages) if options.quiet else messages, engine.version)


def _quiet(messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Tell nothing but the image's ID at the end; of a failure all that was kept back."""
    kept: list[dict[str, Any]] = []
    for message in messages:
        if message.get("id") == _MADE:
            yield {"stream": f"{message['aux']['ID']}\n"}
        elif "errorDetail" in message:
            yield from [*kept, message]
        else:
            kept.append(message)


def _messages(
    engine: Daemon,
    buildkit: ScriptedBuildKit,
    solve: SolveRequest,
    upload: bytes | None,
    options: BuildOptions,
    request: Request,
) -> Iterator[dict[str, Any]]:
    call = LocalCall()
    engine.running_builds[solve.Ref] = call
    made: SimpleQueue[ScriptedBuild] = SimpleQueue()
    ended: SimpleQueue[dict[str, str] | CallError] = SimpleQueue()

    def run() -> None:
        try:
            ended.put(buildkit.build(solve, call, made=made.put, upload=upload))
        except CallError as error:
            ended.put(error)

    thread = threading.Thread(target=run, name="fake-buildkit-build", daemon=True)
    thread.start()
    try:
        build = made.get()
        told = build.listen()
        try:
            while (message := _next(told, request)) is not None:
                aux = base64.b64encode(message.SerializeToString()).decode("ascii")
                yield {"id": "moby.buildkit.trace", "aux": aux}
        finally:
            build.served()
        if request.is_abandoned():
            call.cancel()
        result = ended.get()
        if isinstance(result, CallError):
            yield failure(result.status.message)
            return
        yield {"id": _MADE, "aux": {"ID": result.get("containerimage.digest", "")}}
        if engine.version < "23.0":
            for tag in options.tags:
                yield {"stream": f"Successfully tagged {tag}\n"}
    finally:
        call.cancel()
        thread.join()
        engine.running_builds.pop(solve.Ref, None)


def _next(told: SimpleQueue[StatusResponse | None], request: Request) -> StatusResponse | None:
    """Return what is told next; `None` at the end, or when the client has gone."""
    while not request.is_abandoned():
        with suppress(Empty):
            return told.get(timeout=_LOOK_SECONDS)
    return None


def _attributes(request: Request, options: BuildOptions) -> dict[str, str]:
    """Return what the frontend is told."""
    attributes = {"filename": options.dockerfile}
    if options.target:
        attributes["target"] = options.target
    if options.no_cache:
        attributes["no-cache"] = ""
    attributes["image-resolve-mode"] = "pull" if options.pull else "default"
    if options.platform:
        attributes["platform"] = str(options.platform)
    for name, value in options.build_args.items():
        if value is not None:
            attributes[f"build-arg:{name}"] = value
    attributes |= {f"label:{name}": value for name, value in options.labels.items()}
    network = request.parameter("networkmode")
    if network in ("none", "host"):
        attributes["force-network-mode"] = network
    if hosts := request.parameter("extrahosts"):
        attributes["add-hosts"] = _hosts(hosts)
    return attributes


def _hosts(text: str) -> str:
    """Return further hosts, a JSON list of `HOST:ADDRESS`, as the frontend takes them.

    Raises:
        ApiError: they cannot be read.
    """
    try:
        return ",".join(str(host).replace(":", "=", 1) for host in json.loads(text))
    except (TypeError, ValueError) as error:
        raise ApiError(400, f"error reading extra hosts: {error}") from error


@route("POST", "/build/cancel")
def _cancel(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    if engine.buildkit is None:
        return not_implemented(engine, request, path)
    name = request.parameter("id")
    if not name:
        raise ApiError(engine.version.bad_request(), "build ID not provided")
    call = engine.running_builds.get(name)
    if call is not None:
        call.cancel()
    return Response(200)
