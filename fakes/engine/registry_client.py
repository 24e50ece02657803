"""The engine's side of the registry protocol (OCI Distribution, Docker Registry HTTP API V2)."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import requests

from fakes.engine.images.layers import digest_of
from fakes.engine.images.reference import HUB, Reference

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_ACCEPT = ", ".join((MANIFEST, MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST))
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT = 30


class RegistryError(Exception):
    """A registry refused or could not be reached; the text is the engine's.

    Attributes:
        status: the HTTP status, 0 when there was no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Credentials:
    """What a client sent along for one registry."""

    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, password=…)"

    @classmethod
    def from_header(cls, header: str | None) -> Credentials:
        """Read `X-Registry-Auth`; empty when there is none or it is no JSON."""
        return cls.from_json(_header_document(header))

    @classmethod
    def by_registry(cls, header: str | None) -> dict[str, Credentials]:
        """Read `X-Registry-Config`: the credentials of a build, by registry."""
        result: dict[str, Credentials] = {}
        for address, value in _header_document(header).items():
            if isinstance(value, dict):
                host = address.removeprefix("https://").removeprefix("http://")
                result[host.partition("/")[0]] = cls.from_json(value)
        return result

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Credentials:
        """Read one entry of a Docker configuration."""
        if not value.get("username") and value.get("auth"):
            decoded = base64.b64decode(value["auth"]).decode("utf-8", "replace")
            user, _, password = decoded.partition(":")
            return cls(user, password)
        return cls(
            str(value.get("username") or ""),
            str(value.get("password") or ""),
            str(value.get("identitytoken") or ""),
        )


def _header_document(header: str | None) -> dict[str, Any]:
    if not header:
        return {}
    try:
        value = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def is_loopback(domain: str) -> bool:
    """Whether the engine takes a registry as insecure by default."""
    host = domain.rsplit(":", 1)[0].strip("[]")
    return host == "localhost" or host.startswith("127.") or host == "::1"


class RegistryClient:
    """Talks to one repository of a registry over HTTP."""

    def __init__(self, reference: Reference, credentials: Credentials, actions: str) -> None:
        self._domain = "registry-1.docker.io" if reference.domain == HUB else reference.domain
        self._path = reference.path
        self._credentials = credentials
        self._scope = f"repository:{reference.path}:{actions}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._scheme = "http" if is_loopback(self._domain) else "https"
        self._authorization = ""

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    # --- plain requests -------------------------------------------------------

    def ping(self) -> None:
        """See whether the registry answers, and answer its challenge.

        Raises:
            RegistryError: when it does not, or refuses the credentials.
        """
        response = self._send("GET", f"{self._base}/v2/", authorize=False)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._answer_challenge(response)
        elif response.status_code >= HTTPStatus.BAD_REQUEST:
            raise self._failure(response)

    def log_in(self) -> None:
        """See whether the registry takes the credentials.

        Raises:
            RegistryError: when it does not.
        """
        self.ping()
        response = self._send("GET", f"{self._base}/v2/")
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise self._failure(response)

    @property
    def _base(self) -> str:
        return f"{self._scheme}://{self._domain}"

    def _url(self, rest: str) -> str:
        return f"{self._base}/v2/{self._path}/{rest}"

    def _send(
        self, method: str, url: str, *, authorize: bool = True, **options: Any
    ) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        headers.setdefault("User-Agent", "docker")
        if authorize and self._authorization:
            headers["Authorization"] = self._authorization
        try:
            return self._session.request(
                method, url, headers=headers, timeout=_TIMEOUT, allow_redirects=True, **options
            )
        except requests.exceptions.Timeout as error:
            raise RegistryError(
                f'{method.capitalize()} "{url}": net/http: request canceled while waiting for '
                "connection (Client.Timeout exceeded while awaiting headers)"
            ) from error
        except requests.exceptions.RequestException as error:
            raise RegistryError(
                f'{method.capitalize()} "{url}": dial tcp{_reason(error, self._domain)}'
            ) from error

    def _request(self, method: str, url: str, **options: Any) -> requests.Response:
        response = self._send(method, url, **options)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._answer_challenge(response)
            response = self._send(method, url, **options)
        return response

    def _answer_challenge(self, response: requests.Response) -> None:
        challenge = response.headers.get("WWW-Authenticate", "")
        kind = challenge.partition(" ")[0].lower()
        given = self._credentials
        if kind == "basic":
            if not given.username:
                raise RegistryError("no basic auth credentials", 401)
            pair = f"{given.username}:{given.password}".encode()
            header = "Basic " + base64.b64encode(pair).decode()
            if self._authorization == header:
                raise self._failure(response)
            self._authorization = header
            return
        if kind != "bearer":
            raise self._failure(response)
        fields = dict(_CHALLENGE.findall(challenge))
        parameters = {"scope": fields.get("scope") or self._scope}
        if fields.get("service"):
            parameters["service"] = fields["service"]
        auth = None
        if given.username:
            parameters["account"] = given.username
            auth = (given.username, given.password)
        realm = fields.get("realm", "")
        answer = self._send("GET", realm, authorize=False, params=parameters, auth=auth)
        if answer.status_code != HTTPStatus.OK:
            if answer.status_code == HTTPStatus.UNAUTHORIZED:
                raise RegistryError("unauthorized: authentication required", 401)
            raise self._failure(answer)
        document = answer.json()
        self._authorization = f"Bearer {document.get('token') or document.get('access_token')}"

    def _failure(self, response: requests.Response) -> RegistryError:
        return RegistryError(failure_text(response), response.status_code)

    # --- reading --------------------------------------------------------------

    def manifest(self, name: str) -> tuple[bytes, str, str]:
        """A manifest's bytes, media type and digest.

        Raises:
            RegistryError: when it is not there or not for us.
        """
        response = self._request("GET", self._url(f"manifests/{name}"), headers={"Accept": _ACCEPT})
        if response.status_code != HTTPStatus.OK:
            raise self._failure(response)
        body = response.content
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        return body, kind, digest_of(body)

    def blob(self, digest: str) -> bytes:
        """A blob, checked against its digest.

        Raises:
            RegistryError: when it is not there or not what it should be.
        """
        response = self._request("GET", self._url(f"blobs/{digest}"))
        if response.status_code != HTTPStatus.OK:
            raise self._failure(response)
        if digest_of(response.content) != digest:
            raise RegistryError(f"filesystem layer verification failed for digest {digest}")
        return response.content

    def tags(self) -> list[str]:
        """Every tag of the repository, page after page.

        Raises:
            RegistryError: when there is no such repository or it is not for us.
        """
        found: list[str] = []
        url = self._url("tags/list")
        while url:
            response = self._request("GET", url)
            if response.status_code != HTTPStatus.OK:
                raise self._failure(response)
            found.extend(response.json().get("tags") or [])
            following = response.links.get("next", {}).get("url", "")
            url = self._base + following if following.startswith("/") else following
        return found

    # --- writing --------------------------------------------------------------

    def has_blob(self, digest: str) -> bool:
        """Whether the repository holds a blob already."""
        response = self._request("HEAD", self._url(f"blobs/{digest}"))
        if response.status_code == HTTPStatus.OK:
            return True
        if response.status_code == HTTPStatus.NOT_FOUND:
            return False
        raise self._failure(response)

    def upload(self, digest: str, data: bytes) -> None:
        """Put a blob there, as the engine does: begin, send, finish.

        Raises:
            RegistryError: when the registry refuses.
        """
        begun = self._request("POST", self._url("blobs/uploads/"))
        if begun.status_code != HTTPStatus.ACCEPTED:
            raise self._failure(begun)
        location = self._location(begun)
        sent = self._request("PATCH", location, data=_Chunks(data))
        if sent.status_code not in (HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
            raise self._failure(sent)
        location = self._location(sent) or location
        joint = "&" if urlsplit(location).query else "?"
        done = self._request("PUT", f"{location}{joint}digest={digest}")
        if done.status_code != HTTPStatus.CREATED:
            raise self._failure(done)

    def put_manifest(self, name: str, body: bytes, kind: str) -> None:
        """Store a manifest under a tag.

        Raises:
            RegistryError: when the registry refuses.
        """
        response = self._request(
            "PUT", self._url(f"manifests/{name}"), data=body, headers={"Content-Type": kind}
        )
        if response.status_code not in (HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise self._failure(response)

    def _location(self, response: requests.Response) -> str:
        location = response.headers.get("Location", "")
        return self._base + location if location.startswith("/") else location


class _Chunks:
    """A body without a known length, which is therefore sent in chunks."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Any:
        size = 256 * 1024
        return iter([self._data[i : i + size] for i in range(0, len(self._data), size)])


def _reason(error: requests.exceptions.RequestException, domain: str) -> str:
    text = str(error)
    host, _, port = domain.partition(":")
    if "refused" in text:
        return f" {host}:{port or 443}: connect: connection refused"
    if "resol" in text or "Name or service" in text or "getaddrinfo" in text:
        return f": lookup {host}: no such host"
    return f" {host}:{port or 443}: EOF"


def failure_text(response: requests.Response) -> str:
    """What the engine makes of a registry's error document."""
    try:
        errors = response.json()["errors"]
        first = errors[0]
        code = str(first.get("code") or "UNKNOWN")
        message = str(first.get("message") or "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        status = response.status_code
        if status == HTTPStatus.UNAUTHORIZED:
            return "unauthorized: authentication required"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return "toomanyrequests: too many requests"
        phrase = f"{status} {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else status
        return f"received unexpected HTTP status: {phrase}"
    words = code.lower().replace("_", " ")
    if code in ("DENIED", "UNAUTHORIZED", "TOOMANYREQUESTS", "UNSUPPORTED", "UNKNOWN"):
        words = code.lower()
    return f"{words}: {message or words}"
