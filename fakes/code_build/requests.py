"""Whose a request to AWS is, and which operation of which service it asks for.

Requests are read as far as that needs: who signed them
(https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html), and
the operation, which S3 alone tells by method and query
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from ..http.messages import Request

Caller: TypeAlias = "Literal['client', 'build', 'test']"
"""`client` is who starts builds, `build` the role of the project, `test` the test itself."""

ACCESS_KEYS: dict[Caller, str] = {
    "client": "AKIADOUBLE",
    "build": "AKIABUILD",
    "test": "AKIATEST",
}
"""By which callers are told apart."""

_CALLERS: dict[str, Caller] = {key: caller for caller, key in ACCESS_KEYS.items()}

_SCOPE = re.compile(r"Credential=([^/,]+)/\d+/[^/,]*/([^/,]+)/aws4_request")

_OBJECT_OPERATIONS = {
    ("GET", ""): "GetObject",
    ("GET", "uploadId"): "ListParts",
    ("HEAD", ""): "HeadObject",
    ("PUT", ""): "PutObject",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", ""): "DeleteObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_BUCKET_OPERATIONS = {
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "uploads"): "ListMultipartUploads",
    ("HEAD", ""): "HeadBucket",
    ("PUT", ""): "CreateBucket",
}


@dataclass(frozen=True)
class AWSRequest:
    """A request to a service.

    Attributes:
        caller: who made it.
        service: the service, as policies name it.
        operation: as in `PutObject`; empty when the request names none that is known here.
    """

    caller: Caller
    service: str
    operation: str

    @classmethod
    def read(cls, request: Request) -> AWSRequest:
        """Read a request's head; whoever signs with another key is a client."""
        scope = _SCOPE.search(request.headers.get("Authorization"))
        key, service = scope.groups() if scope is not None else ("", "")
        operation = _s3_operation(request) if service == "s3" else _named_operation(request)
        return cls(_CALLERS.get(key, "client"), service, operation)


def _named_operation(request: Request) -> str:
    """Return the operation that a request of another service names itself."""
    _, dot, operation = request.headers.get("X-Amz-Target").rpartition(".")
    if dot:
        return operation
    _, found, operation = request.path.rpartition("/operation/")
    return operation if found else ""


def _s3_operation(request: Request) -> str:
    """Return the operation of a request that has the bucket in its path."""
    key = request.path.strip("/").partition("/")[2]
    operations = _OBJECT_OPERATIONS if key else _BUCKET_OPERATIONS
    query = parse_qs(request.target.partition("?")[2], keep_blank_values=True)
    marks = {mark for _, mark in operations if mark}
    mark = next((name for name in query if name in marks), "")
    return operations.get((request.method, mark), "")
