"""The error codes of the OCI distribution spec, as exceptions that become responses."""

from __future__ import annotations

from collections.abc import Mapping

from imagebuilders.exceptions import RegistryError

from ..http.messages import Response

# Code: (status, message). The messages are those of the distribution spec's table.
_CODES: Mapping[str, tuple[int, str]] = {
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_INVALID": (400, "blob upload invalid"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "DENIED": (403, "requested access to the resource is denied"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "MANIFEST_BLOB_UNKNOWN": (400, "manifest references a manifest or blob unknown to registry"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown to registry"),
    "NAME_INVALID": (400, "invalid repository name"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
    "RANGE_INVALID": (416, "invalid content range"),
    "SIZE_INVALID": (400, "provided length did not match content length"),
    "TAG_INVALID": (400, "manifest tag did not match URI"),
    "TOOMANYREQUESTS": (429, "too many requests"),
    "UNAUTHORIZED": (401, "authentication required"),
    "UNSUPPORTED": (405, "the operation is unsupported"),
}


class OciError(Exception):
    """A refusal in the spec's own terms.

    Args:
        code: one of the spec's codes.
        detail: what goes into the error's `detail`.
        message: replaces the code's usual words.
        status: replaces the code's usual status.
        headers: header fields of the response.
        more: further errors of the same code, each by its detail.
    """

    def __init__(
        self,
        code: str,
        detail: object = None,
        *,
        message: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        more: tuple[object, ...] = (),
    ) -> None:
        usual_status, usual_message = _CODES[code]
        self.code = code
        self.status = status or usual_status
        self.message = message or usual_message
        self.details = (detail, *more)
        self.headers = dict(headers or {})
        super().__init__(f"{self.status} {code}: {self.message} ({detail})")

    def response(self) -> Response:
        """The error as the spec's JSON document."""
        errors = [
            {"code": self.code, "message": self.message, "detail": detail}
            for detail in self.details
        ]
        return Response.json(self.status, {"errors": errors}, self.headers)


class NotInRegistryError(RegistryError, LookupError):
    """What was looked for is not in the fake registry."""


class FakeRegistryCrashError(Exception):
    """The fake registry itself failed while it answered a request: a defect of the double.

    It is neither a `RegistryError` nor a connection error, so that no code under test
    takes it for a registry that refuses. The defect is its cause.
    """
