"""The status of a failed build, with the typed details that daemons put into it.

A detail's value is JSON under a `type_url` that ends with `+json`:
https://github.com/moby/buildkit/blob/master/solver/errdefs/errdefs.proto
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagebuilders.buildkit.proto.rpc_pb2 import Any, Status
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

_PREFIX = "github.com/moby/buildkit/"


@dataclass(frozen=True)
class SourceLines:
    """Lines of a file that a failure is laid on.

    Attributes:
        content: the whole file.
        ranges: first and last line of each range, from 1.
        filename: the file's name.
    """

    content: bytes
    ranges: Sequence[tuple[int, int]] = ()
    filename: str = "Dockerfile"


def solve_status(
    message: str,
    *,
    code: int = Code.UNKNOWN,
    vertex: str = "",
    source: SourceLines | None = None,
    exit_code: int | None = None,
    details: Sequence[tuple[str, Mapping[str, object]]] = (),
    operation: Mapping[str, object] | None = None,
    last: Sequence[tuple[str, Mapping[str, object]]] = (),
) -> RpcStatus:
    """Return the status of a build that failed.

    Args:
        message: the daemon's words.
        code: the status code; daemons say UNKNOWN of nearly everything.
        vertex: the digest of the step that failed.
        source: where in the Dockerfile it failed.
        exit_code: the exit code of the command that failed.
        details: further details, each as its name (`errdefs.Vertex`) and value. Without any
            detail the status has none at all, as that of 20.10.
        operation: what was to be done, if a frontend could not have it done.
        last: details that stand behind all others.
    """
    found = list(details)
    if source is not None:
        found.append(("errdefs.Source", _source(source)))
    if operation is not None:
        found.append(("errdefs.Solve", operation))
    if vertex:
        found.append(("errdefs.Vertex", {"digest": vertex}))
    if exit_code is not None:
        found.append(("gatewayapi.ExitMessage", {"Code": exit_code}))
    found += last
    if not found:
        return RpcStatus(code, message)
    status = Status(
        code=code,
        message=message,
        details=[
            Any(type_url=f"{_PREFIX}{name}+json", value=json.dumps(value).encode())
            for name, value in found
        ],
    )
    return RpcStatus(code, message, status.SerializeToString())


def _source(source: SourceLines) -> dict[str, object]:
    return {
        "info": {
            "filename": source.filename,
            "language": "Dockerfile",
            "data": base64.b64encode(source.content).decode("ascii"),
        },
        "ranges": [
            {"start": {"line": first}, "end": {"line": last}} for first, last in source.ranges
        ],
    }


class PeerFailedError(CallError):
    """The client said within a transfer that it failed, and did not end the call with a status."""


def as_told(error: CallError) -> RpcStatus:
    """Return what a daemon says when a client refuses a call."""
    status = error.status
    if isinstance(error, PeerFailedError):
        return status
    known = {int(code): code.name.title().replace("_", "") for code in Code}
    name = known.get(int(status.code), "Unknown")
    return RpcStatus(status.code, f"rpc error: code = {name} desc = {status.message}")


def with_operation(status: RpcStatus, operation: Mapping[str, object]) -> RpcStatus:
    """Return the status that the gateway answers with: it says first what was to be done."""
    if not status.details:
        return status
    found = Status.FromString(status.details)
    kept = [each for each in found.details if not each.type_url.endswith("errdefs.Solve+json")]
    first = Any(type_url=f"{_PREFIX}errdefs.Solve+json", value=json.dumps(operation).encode())
    del found.details[:]
    found.details.extend([first, *kept])
    return RpcStatus(status.code, status.message, found.SerializeToString())
