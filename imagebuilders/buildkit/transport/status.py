"""The outcome of a call: its code, text and details, as gRPC's trailers carry them.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import base64
import enum
import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote, unquote

from imagebuilders.lazy_dataclass import dataclass

Metadata = tuple[tuple[str, str], ...]
"""Headers of a call in order; a name may come more than once."""


class Code(enum.IntEnum):
    """gRPC's status codes: https://grpc.io/docs/guides/status-codes/."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True)
class RpcStatus:
    """How a call ended.

    Attributes:
        code: a `Code`, or another number if the peer sent one.
        message: the peer's words.
        details: the serialized `google.rpc.Status`; empty when the peer sent none.
    """

    code: int = Code.OK
    message: str = ""
    details: bytes = b""

    @property
    def name(self) -> str:
        """The code's name, as in `NOT_FOUND`, or its number."""
        try:
            return Code(self.code).name
        except ValueError:
            return str(self.code)

    def trailers(self) -> list[tuple[str, str]]:
        """Return the headers that end a call with this status."""
        fields = [("grpc-status", str(int(self.code)))]
        if self.message:
            words = quote(self.message, safe=_UNQUOTED)
            # Spaces at the ends would be lost on the way.
            quoted = _OUTER_SPACES.sub(lambda found: "%20" * len(found[0]), words)
            fields.append(("grpc-message", quoted))
        if self.details:
            encoded = base64.b64encode(self.details).decode("ascii").rstrip("=")
            fields.append(("grpc-status-details-bin", encoded))
        return fields


# Space to tilde, but for the percent sign.
_UNQUOTED = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")

_OUTER_SPACES = re.compile(r"\A +| +\Z")

# What a status of HTTP means where gRPC's own is missing:
# https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
_BY_HTTP_STATUS = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}
# What a reset means where no status came: the same page.
_BY_RESET = {
    0x7: Code.UNAVAILABLE,  # REFUSED_STREAM
    0x8: Code.CANCELLED,
    0xB: Code.RESOURCE_EXHAUSTED,  # ENHANCE_YOUR_CALM
    0xC: Code.PERMISSION_DENIED,  # INADEQUATE_SECURITY
}


def read_status(headers: Iterable[tuple[str, str]]) -> RpcStatus | None:
    """Return the status in a block of headers or trailers; `None` when it has none."""
    fields = dict(headers)
    text = fields.get("grpc-status")
    if text is None:
        return None
    code = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else int(Code.UNKNOWN)
    details = b""
    encoded = fields.get("grpc-status-details-bin", "")
    with suppress(ValueError):  # without its details the status still counts
        details = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    return RpcStatus(code, unquote(fields.get("grpc-message", ""), errors="replace"), details)


def status_of_http(status: str) -> RpcStatus:
    """Return the status of an answer that is not gRPC's."""
    code = _BY_HTTP_STATUS.get(int(status) if status.isdigit() else 0, Code.UNKNOWN)
    return RpcStatus(code, f"the answer has the HTTP status {status} and is not gRPC")


def status_of_reset(error_code: int) -> RpcStatus:
    """Return the status of a stream that the peer reset before it sent one."""
    code = _BY_RESET.get(error_code, Code.INTERNAL)
    return RpcStatus(code, f"the stream was reset with HTTP/2 error code {error_code}")
