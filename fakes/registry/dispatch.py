"""From a request to a response: faults, the gate, the rules, the operation."""

from __future__ import annotations

from dataclasses import dataclass

from ..http.messages import Request, Response
from ..records import without_secrets
from . import names, routes
from .auth import AccessControl, AuthKind
from .blobs import BlobEndpoints
from .errors import OciError
from .faults import Fault, FaultAnswerError, Faults
from .listings import ListingEndpoints
from .manifests import ManifestEndpoints
from .manners import Manners
from .records import Counted, RecordedRequest
from .routes import Operation, Route
from .uploads import UploadEndpoints

_BODILESS = frozenset({204, 304})


@dataclass
class Limits:
    """What a registry refuses to everyone, whatever the user.

    Attributes:
        read_only: refuse each push and each delete.
        deletes: whether deleting is on.
        referrers: whether the referrers API exists; older registries have none.
    """

    read_only: bool = False
    deletes: bool = True
    referrers: bool = True


@dataclass
class Dispatcher:
    """Answers requests; knows no socket."""

    gate: AccessControl
    limits: Limits
    faults: Faults
    blobs: BlobEndpoints
    uploads: UploadEndpoints
    manifests: ManifestEndpoints
    listings: ListingEndpoints
    manners: Manners

    def answer(self, request: Request, record: list[RecordedRequest]) -> Response:
        """Answer a request and record it.

        Raises:
            ConnectionCutError: the client has gone, or a fault cut the connection.
        """
        route = routes.find(request.method, request.path)
        striking = self.faults.applying_to(request)
        body = Counted(())
        user: str | None = None
        response = Response(0)
        try:
            try:
                _before(striking, request)
                request.body = body = Counted(request.body)
                _recognise(route)
                user = self._let_in(request, route)
                response = self._perform(request, route)
            except OciError as refusal:
                response = refusal.response()
            except FaultAnswerError as fault:
                response = fault.response
            response = _finished(request, striking, response)
        finally:
            record.append(
                RecordedRequest(
                    method=request.method,
                    path=request.path,
                    query=request.query,
                    headers=without_secrets(request.headers),
                    operation=route.operation,
                    repository=route.repository,
                    reference=route.reference,
                    user=user,
                    request_size=body.size,
                    status=response.status,
                    response_size=len(response.body),
                    faults=tuple(fault.kind for fault in striking),
                )
            )
        return response

    def _let_in(self, request: Request, route: Route) -> str | None:
        if route.operation is Operation.TOKEN:
            if self.gate.kind is not AuthKind.BEARER:
                raise OciError("UNSUPPORTED", message="no token service here", status=404)
            return None
        return self.gate.enter(request, route)

    def _perform(self, request: Request, route: Route) -> Response:
        operation, name, reference = route.operation, route.repository, route.reference
        self._check(route)
        if operation is Operation.PING:
            return Response.json(200, {})
        if operation is Operation.TOKEN:
            return self.gate.token(request)
        if operation is Operation.CATALOG:
            return self.listings.catalog(request)
        if operation is Operation.LIST_TAGS:
            return self.listings.tags(request, name)
        if operation is Operation.LIST_REFERRERS:
            return self.listings.referrers(request, name, reference)
        if operation in (Operation.PULL_MANIFEST, Operation.CHECK_MANIFEST):
            return self.manifests.get(request, name, reference)
        if operation is Operation.PUSH_MANIFEST:
            rule = self.gate.rule(name)
            immutable = rule is not None and rule.immutable_tags
            return self.manifests.put(request, name, reference, immutable_tags=immutable)
        if operation is Operation.DELETE_MANIFEST:
            return self.manifests.delete(name, reference)
        if operation in (Operation.PULL_BLOB, Operation.CHECK_BLOB):
            return self.blobs.get(request, name, reference)
        if operation is Operation.DELETE_BLOB:
            return self.blobs.delete(name, reference)
        return self._upload(request, route)

    def _upload(self, request: Request, route: Route) -> Response:
        name, session = route.repository, route.reference
        if route.operation is Operation.START_UPLOAD:
            self.gate.check_mount(request, route, request.parameter("from"))
            return self.uploads.start(
                request, name, lambda source: self.gate.may_read(request, source)
            )
        if route.operation is Operation.APPEND_UPLOAD:
            return self.uploads.append(request, name, session)
        if route.operation is Operation.FINISH_UPLOAD:
            return self.uploads.finish(request, name, session)
        if route.operation is Operation.UPLOAD_STATUS:
            return self.uploads.status(request, name, session)
        return self.uploads.cancel(name, session)

    def _check(self, route: Route) -> None:
        """Refuse what no user may do here."""
        self.manners.check(route)
        if route.operation is Operation.LIST_REFERRERS and not self.limits.referrers:
            raise OciError("UNSUPPORTED", message="no referrers API here", status=404)
        if route.operation in routes.DELETES and not self.limits.deletes:
            raise OciError("UNSUPPORTED", message="deleting is disabled")
        if self.limits.read_only and route.operation in routes.DELETES | routes.PUSHES:
            raise OciError("UNSUPPORTED", message="the registry is read-only")


def _recognise(route: Route) -> None:
    """Refuse what is no request to a registry, whoever asks."""
    if route.operation is Operation.UNKNOWN:
        if route.allowed:
            allowed = ", ".join(route.allowed)
            raise OciError("UNSUPPORTED", {"allowed": allowed}, headers={"Allow": allowed})
        raise OciError("UNSUPPORTED", message="no such route in a registry", status=404)
    if route.repository and not names.is_repository(route.repository):
        raise OciError("NAME_INVALID", {"name": route.repository})


def _before(striking: list[Fault], request: Request) -> None:
    for fault in striking:
        fault.before(request)


def _finished(request: Request, striking: list[Fault], response: Response) -> Response:
    """Faults of the body, the length, and nothing but the length for HEAD."""
    for fault in striking:
        response = fault.after(response)
    if request.path.startswith("/v2/"):
        response.headers.add("Docker-Distribution-Api-Version", "registry/2.0")
    if response.status in _BODILESS:
        response.body = b""
    elif "Content-Length" not in response.headers:
        response.headers.add("Content-Length", str(len(response.body)))
    if request.method == "HEAD":
        response.body = b""
    return response
