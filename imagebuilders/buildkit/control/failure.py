"""Why a build failed, out of the typed details of a call's status.

A detail's value is JSON, whatever its `type_url` says of protobuf:
https://github.com/moby/buildkit/blob/master/solver/errdefs/errdefs.proto
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.rpc_pb2 import Status
from imagebuilders.buildkit.transport.status import RpcStatus
from imagebuilders.lazy_dataclass import dataclass

_MAX_DETAIL_BYTES = 8 * 1024 * 1024
# 20.10 says "executor failed running", later ones "did not complete successfully".
_COMMAND_FAILED = re.compile(r"executor failed running|did not complete successfully")
_EXIT_CODE = re.compile(r": exit code: (\d{1,10})")


@dataclass(frozen=True)
class SourceRange:
    """Lines of a file, from 1; both belong to it."""

    start: int
    end: int


@dataclass(frozen=True)
class FailedSource:
    """Where in a Dockerfile a failure lies.

    Attributes:
        filename: the file's name, as the daemon was told it.
        content: the whole file.
        ranges: the lines.
    """

    filename: str
    content: bytes
    ranges: tuple[SourceRange, ...]


@dataclass(frozen=True)
class SolveFailure:
    """A failed build.

    Attributes:
        status: how the call ended.
        vertex: the digest of the step that failed; empty when unknown.
        exit_code: the exit code of the command that failed; `None` when none did.
        source: where the failure lies; `None` when the daemon does not say.
    """

    status: RpcStatus
    vertex: str = ""
    exit_code: int | None = None
    source: FailedSource | None = None

    @classmethod
    def read(cls, status: RpcStatus) -> SolveFailure:
        """Read what a status says. Details that cannot be read are passed over."""
        vertex = ""
        exit_code = _exit_code_in(status.message)
        source = None
        for kind, value in _details(status.details):
            if kind == "errdefs.Vertex" and isinstance(value.get("digest"), str):
                vertex = vertex or str(value["digest"])
            elif kind == "errdefs.Source":
                source = source or _source(value)
            elif kind.endswith(".ExitMessage"):
                code = _number(value.get("Code"))
                exit_code = exit_code if code is None else code
        return cls(status, vertex, exit_code, source)


def _exit_code_in(words: str) -> int | None:
    """Return the code that stands in the words: before 23.0 engines tell it nowhere else."""
    failed = _COMMAND_FAILED.search(words)
    codes = _EXIT_CODE.findall(words, failed.end()) if failed else []
    return int(codes[-1]) if codes else None


def _details(serialized: bytes) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        details = Status.FromString(serialized).details
    except DecodeError:
        return
    for detail in details:
        name = detail.type_url.rpartition("/")[2]
        if not name.endswith("+json") or len(detail.value) > _MAX_DETAIL_BYTES:
            continue
        try:
            value: object = json.loads(detail.value)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield name.removesuffix("+json"), value


def _source(value: Mapping[str, object]) -> FailedSource | None:
    info = value.get("info")
    ranges = value.get("ranges")
    if not isinstance(info, dict) or not isinstance(ranges, list):
        return None
    data = info.get("data", "")
    try:
        content = base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (binascii.Error, ValueError):
        content = b""
    found = [_range(item) for item in ranges]
    return FailedSource(
        str(info.get("filename", "")), content, tuple(item for item in found if item is not None)
    )


def _range(value: object) -> SourceRange | None:
    if not isinstance(value, dict):
        return None
    start, end = _line(value.get("start")), _line(value.get("end"))
    return None if start is None or end is None else SourceRange(start, max(start, end))


def _line(position: object) -> int | None:
    return _number(position.get("line")) if isinstance(position, dict) else None


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 31:
        return None
    return value
