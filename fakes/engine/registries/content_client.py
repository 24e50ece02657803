"""containerd's side of the registry protocol: no ping, credentials when they are asked for.

What it says of a refusal is its own: the words of the registry alone, or the request that failed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

from imagebuilders.distribution.challenge import parse_challenges
from imagebuilders.distribution.transport import Request
from imagebuilders.oci.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    essence,
)
from imagebuilders.oci.reference import ImageReference

from ...http.reasons import REASONS
from ...images.manifests import Content
from ..errors import ApiError
from ..progress import ATTEMPTS
from ..versions import EngineVersion
from .connection import Answer, RegistryConnection, told_of_bodies
from .credentials import Credentials
from .errors import RegistryError
from .tls import certificate_of

_ACCEPT = ", ".join((DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_MANIFEST, OCI_INDEX, "*/*"))
_STATUSES = {"UNAUTHORIZED": 401, "DENIED": 403, "UNAVAILABLE": 503, "TOOMANYREQUESTS": 429}
_MEANINGS = {
    "UNAUTHORIZED": "unauthorized",
    "DENIED": "denied",
    "UNKNOWN": "unknown",
    "MANIFEST_UNKNOWN": "manifest unknown",
    "NAME_UNKNOWN": "name unknown",
}
_NO_ACCESS = "{} access denied, repository does not exist or may require authorization: {}"
_LONGEST_REFUSAL = 1024 * 1024
_CLIENT_ID = "containerd-client"
_NO_TOKEN_BY_POST = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_ASKED_AGAIN = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
"""Of a question that is answered so it is asked once more."""
_NOBODY = "no basic auth credentials"

Described = Mapping[str, Any]
"""A descriptor."""


class _TokenRefusedError(RegistryError):
    """A token was not to be had.

    Attributes:
        answer: of the token service.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__("token refused")
        self.answer = answer


class _Connection(RegistryConnection):
    """A connection that is asked for credentials by the answer of any request."""

    def begin(self) -> None:
        """See whether a registry on this machine has TLS."""
        if self._is_insecure and (certificate := certificate_of(self._domain)):
            self.base, self._certificate = f"https://{self._domain}", certificate

    def stream(self, url: str, headers: Mapping[str, str], begun: bytearray) -> Answer | None:
        """Read on at the end of what is there; the answer of a registry that refuses.

        Raises:
            RegistryError: the connection broke; what came before that was taken.
        """
        with self._send(self._authorized(Request("GET", url, headers))) as response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                return Answer(response, response.read(_LONGEST_REFUSAL))
            with told_of_bodies():
                for piece in response.pieces():
                    begun += piece
        return None

    def _token_refusal(self, answer: Answer) -> RegistryError:
        return _TokenRefusedError(answer)

    def _token_answer(self, realm: str, service: str, user: Credentials | None) -> Answer:
        """Ask as OAuth 2 has it, and by GET where a token service does not know that."""
        if user is not None:
            form = {
                "client_id": _CLIENT_ID,
                "grant_type": "password",
                "password": user.password,
                "scope": " ".join(sorted(self._scopes)),
                "service": service,
                "username": user.username,
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
            answer = self._read(Request("POST", realm, kind, urlencode(form).encode()))
            if answer.status not in _NO_TOKEN_BY_POST:
                return answer
        return super()._token_answer(realm, service, user)

    def forget_user(self) -> None:
        """Send a name and a password no more unless they are asked for once more."""
        if self._challenge is not None and self._challenge.scheme == "basic":
            self._challenge = None

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request, again with credentials if it is refused without them.

        Raises:
            RegistryError: there is no whole answer, or there are no credentials.
        """
        request = Request(method, url, headers or {}, body)
        answer = self._read(self._authorized(request))
        if method == "HEAD" and answer.status in _ASKED_AGAIN:
            answer = self._read(self._authorized(request))
        if answer.status != HTTPStatus.UNAUTHORIZED or self._credentials.registry_token:
            return answer
        known = parse_challenges(answer.response.headers("WWW-Authenticate"))
        challenge = next((each for each in known if each.scheme in ("basic", "bearer")), None)
        if challenge is None or (self._challenge is not None and challenge.scheme == "basic"):
            return answer
        self._challenge, self._token = challenge, ""
        return self._read(self._authorized(request))


class ContentClient:
    """Talks to one repository of a registry as containerd does.

    Args:
        reference: the repository.
        credentials: what the client sent along for its registry.
        actions: the rights that are needed, as in `pull` and `push`.
        address: where its registry is, if that is not what the name says.
        version: whose words its errors have.
    """

    def __init__(
        self,
        reference: ImageReference,
        credentials: Credentials,
        actions: str,
        address: str,
        version: EngineVersion,
    ) -> None:
        self._reference = reference
        self._version = version
        # The size and type of what was resolved.
        self._known: dict[str, tuple[int, str]] = {}
        self._action = actions.partition(",")[0]
        scopes = frozenset({f"repository:{reference.path}:{actions}"})
        if credentials.server and _host(credentials.server) != reference.domain:
            credentials = Credentials()  # they are for another registry
        self._connection = _Connection(address or reference.domain, credentials, scopes)

    def __enter__(self) -> ContentClient:
        self._connection.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def _url(self, rest: str) -> str:
        return f"{self._connection.base}/v2/{self._reference.path}/{rest}"

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        before: str = "",
    ) -> Answer:
        try:
            return self._connection.exchange(method, url, headers, body)
        except RegistryError as error:
            raise self._failure(error, before) from error

    def _failure(self, error: RegistryError, before: str) -> ApiError:
        """What there is no answer for."""
        if isinstance(error.__cause__, _TokenRefusedError):
            return _no_token(error.__cause__.answer)
        if error.message.endswith(_NOBODY):
            why = _NO_ACCESS.format(self._action, f"authorization failed: {_NOBODY}")
            return ApiError(500, before + why)
        if error.code:
            return _told([(reason.code, reason.message) for reason in error.reasons])
        text = error.message
        if "connection refused" in text or text.endswith(": EOF"):
            # It tries with TLS, too.
            text = text.replace('"http://', '"https://', 1)
        return ApiError(500, f"{before}failed to do request: {text}")

    # --- reading --------------------------------------------------------------

    def resolve(self, reference: ImageReference) -> tuple[str, str]:
        """The digest behind a name if the registry has it, and the type of what is there.

        Raises:
            ApiError: it is not there or not for us.
        """
        before = f'failed to resolve reference "{full_name(reference)}": '
        places = [f"manifests/{reference.digest or reference.tag}"]
        if reference.digest:
            places.append(f"blobs/{reference.digest}")
        for place in places:
            answer = self._ask("HEAD", self._url(place), {"Accept": _ACCEPT}, before=before)
            method = "HEAD"
            if answer.status in self._asked_again():
                answer = self._ask("GET", self._url(place), {"Accept": _ACCEPT}, before=before)
                method = "GET"
            if answer.status == HTTPStatus.NOT_FOUND:
                continue
            if _error_of_challenge(answer):
                name = reference.repository
                raise ApiError(
                    404,
                    f"{self._action} access denied for {name}, repository does not exist or may "
                    "require 'docker login'",
                )
            if answer.is_error:
                is_told = answer.status == HTTPStatus.FORBIDDEN and method == "GET"
                raise _unexpected(answer, method, before, told=is_told)
            found = answer.response.header("Docker-Content-Digest")
            kind = essence(answer.response.header("Content-Type"))
            digest = reference.digest or found
            self._known[digest] = int(answer.response.header("Content-Length") or 0), kind
            return digest, kind
        raise ApiError(404, f"{before}{full_name(reference)}: not found")

    def _asked_again(self) -> tuple[int, ...]:
        """The statuses of an answer without a body whose body is asked for."""
        newer = (HTTPStatus.FORBIDDEN,) if self._version >= "29.0" else ()
        return (HTTPStatus.METHOD_NOT_ALLOWED, *newer)

    def manifest(self, digest: str) -> Content:
        """A manifest or an index.

        Raises:
            ApiError: it is not there or not for us.
        """
        url = self._url(f"manifests/{digest}")
        size, kind = self._known.get(digest, (0, ""))
        data, answer = self._read(url, size, attempts=1)
        if answer is None:
            return Content(kind or _kind_of(data), data)
        if answer.status == HTTPStatus.NOT_FOUND:
            place = urlsplit(url)
            shown = f"https://{place.netloc}{place.path}"
            where = f"content at {shown} not found: not found"
            raise ApiError(404, f"failed to copy: httpReadSeeker: failed open: {where}")
        raise _unexpected(answer, "GET", "failed to copy: httpReadSeeker: failed open: ")

    def blob(self, described: Described) -> bytes:
        """A blob, asked for again from where a connection broke.

        Raises:
            ApiError: it is not there, breaks off, or is another one.
        """
        digest, size = str(described["digest"]), int(described["size"])
        data, answer = self._read(self._url(f"blobs/{digest}"), size)
        if answer is None:
            return data
        if answer.status == HTTPStatus.NOT_FOUND:
            what = f"{digest} ({described['mediaType']})"
            raise ApiError(
                404,
                "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor "
                f"{what} from remote: not found",
            )
        raise _unexpected(answer, "GET", "failed to copy: httpReadSeeker: failed open: ")

    def _read(self, url: str, size: int, attempts: int = ATTEMPTS) -> tuple[bytes, Answer | None]:
        """What is at a place, or the answer of a registry that refuses.

        Raises:
            ApiError: it breaks off too often.
        """
        data, reason = bytearray(), ""
        for _ in range(attempts):
            headers = {"Accept": _ACCEPT}
            if data:
                headers["Range"] = f"bytes={len(data)}-"
            try:
                answer = self._connection.stream(url, headers, data)
            except RegistryError as error:
                if "connection refused" in error.message:
                    raise self._failure(error, "") from error
                reason = error.message
                continue
            return bytes(data), answer
        text = f"short read: expected {size} bytes but got {len(data)}: {reason}"
        raise ApiError(500, text)

    # --- writing --------------------------------------------------------------

    def has(self, place: str) -> bool:
        """Whether the registry has something under a path of the repository.

        Raises:
            ApiError: it does not say.
        """
        return self._found(place) is not None

    def has_manifest(self, name: str, digest: str) -> bool:
        """Whether the registry has a manifest under a name.

        Raises:
            ApiError: it does not say.
        """
        found = self._found(f"manifests/{name}")
        return found is not None and found.response.header("Docker-Content-Digest") == digest

    def _found(self, place: str) -> Answer | None:
        answer = self._ask("HEAD", self._url(place), {"Accept": _ACCEPT})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.is_error:
            raise self._refused(answer, "HEAD")
        return answer

    def begin_upload(self, digest: str, source: str = "") -> str:
        """Begin an upload; where it goes on, empty when the blob was mounted instead.

        Raises:
            ApiError: the registry refuses.
        """
        query = "?" + urlencode({"mount": digest, "from": source}) if source else ""
        self._connection.forget_user()
        answer = self._ask("POST", self._url(f"blobs/uploads/{query}"))
        if answer.status == HTTPStatus.CREATED:
            return ""
        if answer.is_error:
            raise self._refused(answer, "POST")
        return self._connection.resolve(answer.url, answer.response.header("Location"))

    def upload(self, location: str, digest: str, data: bytes) -> None:
        """Send a blob.

        Raises:
            ApiError: the registry refuses.
        """
        joint = "&" if urlsplit(location).query else "?"
        kind = {"Content-Type": "application/octet-stream"}
        answer = self._ask("PUT", f"{location}{joint}{urlencode({'digest': digest})}", kind, data)
        if answer.is_error:
            raise self._refused(answer, "PUT")

    def put_manifest(self, name: str, content: Content) -> None:
        """Store a manifest or an index.

        Raises:
            ApiError: the registry refuses.
        """
        kind = {"Content-Type": content.media_type}
        before = f'failed commit on ref "manifest-{content.digest}": '
        answer = self._ask("PUT", self._url(f"manifests/{name}"), kind, content.data, before)
        if error := _error_of_challenge(answer):
            raise ApiError(500, f"{before}{error}")
        if answer.is_error:
            raise self._refused(answer, "PUT")

    def _refused(self, answer: Answer, method: str) -> ApiError:
        if error := _error_of_challenge(answer):
            return ApiError(500, _NO_ACCESS.format(self._action, error))
        return _unexpected(answer, method, "")


def _host(address: str) -> str:
    return address.partition("://")[2].partition("/")[0] or address.partition("/")[0]


def _error_of_challenge(answer: Answer) -> str:
    """What a registry says of the token that it was given, empty when it says nothing."""
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return ""
    known = parse_challenges(answer.response.headers("WWW-Authenticate"))
    errors = (each.parameters.get("error") for each in known)
    return next((f"server message: {error}: authorization failed" for error in errors if error), "")


def _kind_of(data: bytes) -> str:
    """The type that a manifest says it has."""
    try:
        return str(json.loads(data).get("mediaType") or OCI_MANIFEST)
    except (ValueError, AttributeError):
        return OCI_MANIFEST


def _no_token(answer: Answer) -> ApiError:
    """What is told of a token service that refuses."""
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return ApiError(500, "error from registry: unauthorized\nunauthorized")
    error = _unexpected(answer, "GET", "failed to fetch oauth token: ")
    return error if error.status == HTTPStatus.FORBIDDEN else ApiError(500, error.message)


def _unexpected(answer: Answer, method: str, before: str, *, told: bool = True) -> ApiError:
    """An answer with another status: the registry's own words, or the request that failed."""
    try:
        entries = json.loads(answer.body)["errors"]
        reasons = [(str(e.get("code", "")), str(e.get("message") or "")) for e in entries]
    except (ValueError, KeyError, TypeError, AttributeError):
        reasons = []
    if reasons and told:
        return _told(reasons)
    phrase = answer.response.reason or REASONS[answer.status]
    return ApiError(
        500,
        f"unknown: {before}unexpected status from {method} request to {answer.url}: "
        f"{answer.status} {phrase}",
    )


def _told(reasons: list[tuple[str, str]]) -> ApiError:
    """A registry's own words."""
    shown = [words or _MEANINGS.get(code, code.lower()) for code, words in reasons]
    status = _STATUSES.get(reasons[0][0], 500) if len(reasons) == 1 else 500
    return ApiError(status, f"error from registry: {chr(10).join(shown)}")


def full_name(reference: ImageReference) -> str:
    """Return a name in full, as containerd tells it."""
    which = f"@{reference.digest}" if reference.digest else f":{reference.tag}"
    return f"{reference.full_repository}{which}"
