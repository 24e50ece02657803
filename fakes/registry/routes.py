"""Which operation of the distribution spec a method and a path mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Operation(str, Enum):
    """What a request asks for. The values appear in recorded requests."""

    PING = "ping"
    CATALOG = "catalog"
    TOKEN = "token"  # noqa: S105  (an operation's name)
    LIST_TAGS = "list tags"
    LIST_REFERRERS = "list referrers"
    PULL_MANIFEST = "pull manifest"
    CHECK_MANIFEST = "check manifest"
    PUSH_MANIFEST = "push manifest"
    DELETE_MANIFEST = "delete manifest"
    PULL_BLOB = "pull blob"
    CHECK_BLOB = "check blob"
    DELETE_BLOB = "delete blob"
    START_UPLOAD = "start upload"
    APPEND_UPLOAD = "append upload"
    FINISH_UPLOAD = "finish upload"
    UPLOAD_STATUS = "upload status"
    CANCEL_UPLOAD = "cancel upload"
    UNKNOWN = "unknown"


_READ_MANIFEST = {"GET": Operation.PULL_MANIFEST, "HEAD": Operation.CHECK_MANIFEST}
_READ_BLOB = {"GET": Operation.PULL_BLOB, "HEAD": Operation.CHECK_BLOB}


def _reading(operation: Operation) -> dict[str, Operation]:
    return {"GET": operation, "HEAD": operation}


# From the most particular path to the least: `name` is greedy.
_ROUTES: tuple[tuple[re.Pattern[str], dict[str, Operation]], ...] = (
    (re.compile(r"/v2/?"), _reading(Operation.PING)),
    (re.compile(r"/v2/_catalog"), _reading(Operation.CATALOG)),
    (re.compile(r"/token"), {"GET": Operation.TOKEN, "POST": Operation.TOKEN}),
    (re.compile(r"/v2/(?P<name>.+)/tags/list"), _reading(Operation.LIST_TAGS)),
    (
        re.compile(r"/v2/(?P<name>.+)/referrers/(?P<reference>[^/]+)"),
        _reading(Operation.LIST_REFERRERS),
    ),
    (
        re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)"),
        {
            **_READ_MANIFEST,
            "PUT": Operation.PUSH_MANIFEST,
            "DELETE": Operation.DELETE_MANIFEST,
        },
    ),
    (re.compile(r"/v2/(?P<name>.+)/blobs/uploads/?"), {"POST": Operation.START_UPLOAD}),
    (
        re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<reference>[^/]+)"),
        {
            "GET": Operation.UPLOAD_STATUS,
            "PATCH": Operation.APPEND_UPLOAD,
            "PUT": Operation.FINISH_UPLOAD,
            "DELETE": Operation.CANCEL_UPLOAD,
        },
    ),
    (
        re.compile(r"/v2/(?P<name>.+)/blobs/(?P<reference>[^/]+)"),
        {**_READ_BLOB, "DELETE": Operation.DELETE_BLOB},
    ),
)

PULLS = frozenset(
    {
        Operation.LIST_TAGS,
        Operation.LIST_REFERRERS,
        Operation.PULL_MANIFEST,
        Operation.CHECK_MANIFEST,
        Operation.PULL_BLOB,
        Operation.CHECK_BLOB,
    }
)
PUSHES = frozenset(
    {
        Operation.PUSH_MANIFEST,
        Operation.START_UPLOAD,
        Operation.APPEND_UPLOAD,
        Operation.FINISH_UPLOAD,
        Operation.UPLOAD_STATUS,
        Operation.CANCEL_UPLOAD,
    }
)
DELETES = frozenset({Operation.DELETE_MANIFEST, Operation.DELETE_BLOB})


@dataclass(frozen=True)
class Route:
    """Where a request goes.

    Attributes:
        operation: what it asks for.
        repository: the repository's name; empty where the operation has none.
        reference: a tag, a digest or an upload session.
        allowed: the methods that the path knows; empty for an unknown path.
    """

    operation: Operation
    repository: str = ""
    reference: str = ""
    allowed: tuple[str, ...] = ()


def find(method: str, path: str) -> Route:
    """The route of a request; `Operation.UNKNOWN` where there is none."""
    for pattern, methods in _ROUTES:
        match = pattern.fullmatch(path)
        if match:
            groups = match.groupdict()
            return Route(
                methods.get(method, Operation.UNKNOWN),
                groups.get("name", ""),
                groups.get("reference", ""),
                tuple(methods),
            )
    return Route(Operation.UNKNOWN)
