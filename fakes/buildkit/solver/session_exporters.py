"""Exporters that the client names only once a build is done: `EnableSessionExporter` of a request.

The client's service is `moby.exporter.v1.Exporter`, in `session/exporter` of
https://github.com/moby/buildkit.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.session_pb2 import (
    FinalizeExportRequest,
    FindExportersRequest,
    FindExportersResponse,
)
from imagebuilders.buildkit.transport.errors import CallError

from ..failures import as_told

if TYPE_CHECKING:
    from ..script import ScriptedBuild
    from .exporters import Wanted
    from .outcome import Outcome

_SERVICE = "/moby.exporter.v1.Exporter/"
_ID_DIGITS = 25


def find_exporters(build: ScriptedBuild, outcome: Outcome) -> list[Wanted]:
    """Ask the client what becomes of a result, and tell it what the frontend says of that.

    Raises:
        CallError: the client refused.
    """
    metadata = dict(build.result_metadata)
    if build.requested:
        metadata["verifier.requestopts"] = build.requested
    request = FindExportersRequest(
        metadata={key: value.encode() for key, value in metadata.items()},
        refs=[uuid.uuid4().hex[:_ID_DIGITS] for _ in outcome.images],
    )
    answer = FindExportersResponse.FromString(
        _ask(build, "FindExporters", request.SerializeToString())
    )
    return [(each.Type, dict(each.Attrs)) for each in answer.exporters]


def finalize_export(build: ScriptedBuild, response: Mapping[str, str]) -> None:
    """Tell the client what the exporters say.

    Raises:
        CallError: the client refused.
    """
    request = FinalizeExportRequest(exporter_response=response)
    _ask(build, "FinalizeExport", request.SerializeToString())


def _ask(build: ScriptedBuild, method: str, request: bytes) -> bytes:
    try:
        return build.session.unary(f"{_SERVICE}{method}", request)
    except CallError as error:
        raise CallError(as_told(error)) from error
