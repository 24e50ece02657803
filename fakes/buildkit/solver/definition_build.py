"""One build without a frontend, and what a frontend begins with that was not built by one."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.results import BuildClock
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.oci.platform import Platform

from ... import go_text
from ...images.image import Image
from ..failures import solve_status
from .bases import BaseImages, StoreUse
from .commands import CommandFailedError, RuledCommands
from .llb import Definitions, last_vertex
from .llb_sources import Sources
from .mounts import Mounter
from .outcome import BuiltImage, Outcome
from .progress import KEY_FAILURE, Progress
from .registries import Registries, SessionCredentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagebuilders.buildkit.proto.control_pb2 import Vertex
    from imagebuilders.buildkit.proto.ops_pb2 import Definition

    from ...records import BuildRecord
    from ..script import ScriptedBuild
    from .keeper import Keeper
    from .made import Made

_CONFIG = "containerimage.config"
_COMMENT = "buildkit.exporter.image.v0"
_PLATFORM = Platform("linux", "amd64")
INPUT = "input:"
"""What a named context begins with that is the result of a definition."""

_METADATA = "input-metadata:"


def open_definitions(
    solver: Keeper,
    build: ScriptedBuild,
    images: BaseImages,
    progress: Progress,
    clock: Callable[[], int],
    record: BuildRecord,
) -> Definitions:
    """Return what does the operations of a build."""
    sources = Sources(
        images, lambda: build.session, solver.folders, solver.remote, solver.results, clock
    )
    made = Definitions(build, sources, progress, solver.cache, solver.look.files, clock)
    made.commands = RuledCommands(
        solver.worker.rules,
        Mounter(
            lambda: build.session,
            made.input_tree,
            solver.cache_mounts,
            clock,
            record.secrets.append,
            solver.look.files,
        ),
        printed=made.log,
        when_cancelled=build.when_cancelled,
        clock=clock,
        machines=solver.worker.machines,
    )
    return made


def build_definition(
    solver: Keeper, build: ScriptedBuild, definition: Definition, record: BuildRecord
) -> Outcome:
    """Build what a definition leads to: nothing, if there is nothing in it.

    Raises:
        CallError: it failed.
    """
    build.begin()
    if not getattr(definition, "def"):  # a word of Python's
        return Outcome()
    progress = Progress(build)
    clock = BuildClock(solver.worker.time_ns())
    try:
        credentials = SessionCredentials(lambda: build.session)
        with Registries(credentials, solver.worker, is_engine=solver.look.is_engine) as registries:
            images = BaseImages(
                solver.worker,
                registries,
                progress,
                store=StoreUse.of(solver.look, ""),
                trees=solver.trees,
            )
            made = open_definitions(solver, build, images, progress, clock, record).make(definition)
    except CallError:
        raise
    except CommandFailedError as error:
        raise CallError(solve_status(error.message, exit_code=error.code)) from error
    except EvaluationError as error:
        raise CallError(solve_status(error.message.removeprefix(KEY_FAILURE))) from error
    except ImageBuilderError as error:
        raise CallError(RpcStatus(Code.UNKNOWN, str(error))) from error
    return Outcome((BuiltImage(_PLATFORM, _plain_image(made, clock()), made.tree),))


def input_images(
    inputs: Mapping[str, Definition],
    attributes: Mapping[str, str],
    definitions: Definitions,
    now: int,
) -> dict[str, Image]:
    """Return what a frontend begins with, by the references that its named contexts have.

    Args:
        inputs: the definitions, by name.
        attributes: of the frontend, which have configurations.
        definitions: does the operations.
        now: nanoseconds since the epoch.

    Raises:
        EvaluationError, ImageBuilderError: an operation failed.
        CallError: a definition is malformed.
    """
    found = {}
    for name, definition in inputs.items():
        made = definitions.make(definition)
        config = _config(attributes.get(f"{_METADATA}{name}", ""))
        plain = _plain_image(made, now)
        found[f"{INPUT}{name}"] = plain if config is None else Image(config, made.layers)
    return found


def input_vertices(inputs: Mapping[str, Definition]) -> dict[str, Vertex]:
    """Return what the progress knows the ends of definitions by, as `input_images` returns these.

    Args:
        inputs: the definitions, by name; each is well-formed.
    """
    return {f"{INPUT}{name}": last_vertex(definition) for name, definition in inputs.items()}


def _config(metadata: str) -> bytes | None:
    """Return the configuration that a client hands on with an input."""
    if not metadata:
        return None
    try:
        encoded = json.loads(metadata).get(_CONFIG)
        return None if encoded is None else base64.b64decode(encoded)
    except (AttributeError, TypeError, ValueError) as error:
        raise EvaluationError(f"failed to parse input metadata {metadata}: {error}") from error


def _plain_image(made: Made, now: int) -> Image:
    """Return an image without a configuration of its own."""
    history = [
        {"created": go_text.rfc3339(now), "created_by": name, "comment": _COMMENT}
        for name in made.names
    ]
    document = {
        "architecture": _PLATFORM.architecture,
        "config": {},
        "created": go_text.rfc3339(now),
        "history": history,
        "os": _PLATFORM.os,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in made.layers]},
    }
    return Image(json.dumps(document).encode(), made.layers)
