"""How a frontend is asked about a Dockerfile, instead of to build it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.build_options.values import BuildOutput
from imagebuilders.buildkit.build import run_build
from imagebuilders.buildkit.control.gateway import ask_frontend
from imagebuilders.buildkit.engine_build import plan_build
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.dockerfile import parse
from imagebuilders.exceptions import BuildKitError

if TYPE_CHECKING:
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.buildkit.build import ImageBuild
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.control.solve import OnStatus
    from imagebuilders.buildkit.dockerfile_questions import FrontendCall
    from imagebuilders.buildkit.engine_build import Features
    from imagebuilders.buildkit.proto.control_pb2 import SolveRequest

_CAPABILITIES = "frontend.caps"
_SUBREQUESTS = "moby.buildkit.frontend.subrequests+forward"
_NOTHING_MADE: dict[str, object] = {
    **dict.fromkeys(("cache_to", "tags", "attest"), ()),
    "outputs": (BuildOutput("cacheonly"),),
    **dict.fromkeys(("load", "push", "sbom", "provenance", "iidfile", "metadata_file")),
}
"""The options of what becomes of the result: such a question has none."""

_UNSUPPORTED = "unsupported request "


def call_frontend(
    client: ControlClient, job: BuildJob, features: Features, call: FrontendCall
) -> dict[str, bytes]:
    """Ask the frontend of a build, and return what stands in the metadata of its result.

    Args:
        client: the daemon.
        job: the build; nothing of it is exported, and no cache is written.
        features: what the daemon can do.
        call: what to ask.

    Raises:
        BuildError: the frontend failed, or the daemon went away.
        BuildKitError: the frontend knows no such question.
        BuildOptionsError: an option has no meaning in BuildKit.
        BuildContextError: the context is at fault.
    """
    nothing_made = job.options.model_copy(update=_NOTHING_MADE)
    plan = plan_build(replace(job, options=nothing_made, will_push=False), features)
    build = replace(_with_question(plan.build, call), exporters=(), cache_to=())

    def ask(request: SolveRequest, on_status: OnStatus) -> dict[str, bytes]:
        try:
            return ask_frontend(client, request, on_status, idle_timeout=build.idle_timeout)
        except CallError as error:
            if _UNSUPPORTED in error.status.message:
                raise _unsupported(features, build, call) from error
            raise

    return run_build(client, build, job.emit, ask, undone="could not be read")


def _with_question(build: ImageBuild, call: FrontendCall) -> ImageBuild:
    capabilities = filter(None, (build.attributes.get(_CAPABILITIES), _SUBREQUESTS))
    question = {"requestid": call.value, _CAPABILITIES: ",".join(capabilities)}
    return replace(build, image_name=build.dockerfile, attributes={**build.attributes, **question})


def _unsupported(features: Features, build: ImageBuild, call: FrontendCall) -> BuildKitError:
    image = build.frontend.image or parse(build.dockerfile_content).syntax
    frontend = f"The frontend {image}" if image else f"The frontend of {features.engine}"
    return BuildKitError(
        f"{frontend} does not know the call {call.name.lower()!r}. Use a newer engine, or a newer "
        "frontend: '# syntax=docker/dockerfile:1', or the setting 'frontend'."
    )
