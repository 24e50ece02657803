"""`POST /build`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...records import BuildRecord
from .. import messages
from ..builder.build import Build
from ..builder.context import SentContext
from ..builder.dockerfile_source import remove_ignored, select_dockerfile
from ..builder.options import BuildOptions
from ..dockerfile.dialect import Dialect
from ..dockerfile.instructions import read
from ..dockerfile.plan import plan, select_target, with_labels
from ..errors import ApiError, DockerfileError, StepError
from ..faults import CONTEXT
from ..http import Request, Response
from ..progress import failure
from ..versions import EngineVersion
from .build_options import read_options, read_tags
from .buildkit_build import build_with_buildkit
from .streams import streamed
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

_REMOTES = ("http://", "https://", "git://", "github.com/", "git@")


@route("POST", "/build")
def _build(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    options = read_options(engine, request)
    if options.builder_version == "2" and engine.buildkit is not None:
        options.tags = read_tags(engine, request)
        return build_with_buildkit(engine, engine.buildkit, request, options)
    record = BuildRecord(
        dockerfile=options.dockerfile,
        target=options.target,
        build_args=dict(options.build_args),
        labels=dict(options.labels),
        options=dict(options.other),
    )
    engine.builds.append(record)
    try:
        options.tags = read_tags(engine, request)
        record.tags = [str(reference) for reference in options.tags]
        build = _prepare(engine, request, options, record)
    except ApiError as error:
        record.error = error.message
        raise
    messages = _recorded(build, record)
    if options.quiet:
        return _quiet(messages, record, engine.version)
    return streamed(messages, engine.version)


def _prepare(engine: Daemon, request: Request, options: BuildOptions, record: BuildRecord) -> Build:
    if options.builder_version == "2":
        raise ApiError(501, "the engine double does not implement POST /build?version=2 (BuildKit)")
    if options.remote:
        check_remote(options.remote)
        raise ApiError(501, "the engine double does not implement POST /build?remote=…")
    full = engine.faults.disk_is_full(CONTEXT)
    context = SentContext(
        request.content, engine.version, now=engine.clock() // 1_000_000_000, full=full
    )
    record.context_files = sorted(context.tree)
    name, content = select_dockerfile(context, options.dockerfile)
    if not content:
        raise ApiError(400, f"the Dockerfile ({name}) cannot be empty")
    dialect = Dialect(engine.version)
    try:
        dockerfile = read(content, dialect)
    except DockerfileError as error:
        raise ApiError(400, f"failed to parse {name}: {error.message}") from error
    remove_ignored(context, name)
    try:
        build_plan = plan(dockerfile, dialect)
    except DockerfileError as error:
        raise ApiError(400, error.message) from error
    if options.target:
        stages = select_target(build_plan.stages, options.target)
        if stages is None:
            raise ApiError(400, messages.BAD_TARGET(engine.version, options.target))
        build_plan.stages = stages
    if options.labels and build_plan.stages:
        build_plan.stages = with_labels(build_plan.stages, options.labels)
    return Build(engine.build_host(), build_plan, context, options, record)


def check_remote(remote: str) -> None:
    """Refuse what is no address of a context.

    Raises:
        ApiError: 500.
    """
    if not remote.startswith(_REMOTES):
        raise ApiError(500, f"remoteURL ({remote}) could not be recognized as URL")


def _recorded(build: Build, record: BuildRecord) -> Iterator[dict[str, Any]]:
    try:
        yield from build.run()
    except StepError as error:
        record.error = error.message
        raise


def _quiet(
    messages: Iterator[dict[str, Any]], record: BuildRecord, version: EngineVersion
) -> Response:
    printed: list[str] = []
    try:
        printed.extend(str(message["stream"]) for message in messages if "stream" in message)
    except StepError as error:
        return streamed(_failed_quietly(printed, error), version)
    return streamed(iter([{"stream": f"{record.image_id}\n"}]), version)


def _failed_quietly(printed: list[str], error: StepError) -> Iterator[dict[str, Any]]:
    text = "".join(printed)
    if text:
        yield {"stream": text}
    yield failure(error.message, error.code)
