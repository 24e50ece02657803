"""The engine's side of the registry protocol (OCI Distribution, Docker Registry HTTP API V2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from imagebuilders.oci.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
)

from ...images.layers import digest_of
from ...images.reference import HUB, Reference
from .credentials import Credentials
from .errors import Reason, RegistryError, refusal
from .tls import AnyCertificate, certificate_of

_ACCEPT = ", ".join((DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST))
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT = 30
_PIECE = 64 * 1024
_NO_CREDENTIALS = "no basic auth credentials"


class Blob(NamedTuple):
    """A blob in a repository."""

    digest: str
    size: int


def is_loopback(domain: str) -> bool:
    """Whether the engine takes a registry as insecure by default."""
    host = domain.rsplit(":", 1)[0].strip("[]")
    return host == "localhost" or host.startswith("127.") or host == "::1"


class RegistryClient:
    """Talks to one repository of a registry over HTTP.

    How credentials are given is learned from the registry's first answer, and never again: an
    engine does not ask once more when it is refused later.
    """

    def __init__(self, reference: Reference, credentials: Credentials, actions: str) -> None:
        self._domain = "registry-1.docker.io" if reference.domain == HUB else reference.domain
        self._path = reference.path
        self._credentials = credentials
        self._scope = f"repository:{reference.path}:{actions}" if actions else ""
        self._session = requests.Session()
        self._session.trust_env = False
        self._challenge = ""
        self._token = ""
        self.base = f"{'http' if is_loopback(self._domain) else 'https'}://{self._domain}"

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
        """See how the registry wants credentials; whatever else it answers does not matter.

        Raises:
            RegistryError: it does not answer.
        """
        if is_loopback(self._domain) and (certificate := certificate_of(self._domain)):
            self.base = f"https://{self._domain}"
            self._session.mount(self.base, AnyCertificate(certificate))
        response = self._send("GET", f"{self.base}/v2/")
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._challenge = response.headers.get("WWW-Authenticate", "")

    def log_in(self) -> int:
        """See whether the registry takes the credentials; the status of its answer.

        Raises:
            RegistryError: it does not answer, or gives no token.
        """
        self.ping()
        return self._request("GET", f"{self.base}/v2/").status_code

    def _url(self, rest: str) -> str:
        return f"{self.base}/v2/{self._path}/{rest}"

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        headers = {"User-Agent": "docker", **options.pop("headers", {})}
        try:
            return self._session.request(method, url, headers=headers, timeout=_TIMEOUT, **options)
        except requests.exceptions.ChunkedEncodingError as error:
            raise RegistryError("unexpected EOF") from error
        except requests.exceptions.Timeout as error:
            raise RegistryError(
                f"{_named(method, url)}: net/http: request canceled while waiting for connection "
                "(Client.Timeout exceeded while awaiting headers)"
            ) from error
        except requests.exceptions.RequestException as error:
            reason = _reason(error, url)
            raise RegistryError(f"{_named(method, url)}: {reason}", inner=reason) from error

    def _request(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            authorization = self._authorization()
        except RegistryError as error:
            raise error.during(_named(method, url)) from error
        headers = dict(options.pop("headers", {}))
        if authorization:
            headers["Authorization"] = authorization
        return self._send(method, url, headers=headers, **options)

    def _authorization(self) -> str:
        """The header of a request.

        Raises:
            RegistryError: there are no credentials, or no token is to be had.
        """
        kind = self._challenge.partition(" ")[0].lower()
        given = self._credentials
        if given.registry_token:
            return f"Bearer {given.registry_token}"
        if kind == "basic":
            if given.basic is None:
                raise RegistryError(_NO_CREDENTIALS, final=True)
            pair = ":".join(given.basic)
            return "Basic " + base64.b64encode(pair.encode()).decode()
        if kind == "bearer":
            self._token = self._token or self._new_token()
            return f"Bearer {self._token}"
        return ""

    def _new_token(self) -> str:
        fields = dict(_CHALLENGE.findall(self._challenge))
        parameters = {"scope": self._scope} if self._scope else {}
        if fields.get("service"):
            parameters["service"] = fields["service"]
        auth = self._credentials.basic
        if auth is not None:
            parameters["account"] = auth[0]
        answer = self._send("GET", fields.get("realm", ""), params=parameters, auth=auth)
        if answer.status_code != HTTPStatus.OK:
            raise refusal(answer)
        document = answer.json()
        return str(document.get("token") or document.get("access_token"))

    # --- reading --------------------------------------------------------------

    def tags(self) -> list[str]:
        """Every tag of the repository, page after page.

        Raises:
            RegistryError: they are not for us, or there is no such repository.
        """
        found: list[str] = []
        url = self._url("tags/list")
        while url:
            response = self._request("GET", url)
            if response.status_code != HTTPStatus.OK:
                raise refusal(response)
            found.extend(response.json().get("tags") or [])
            following = response.links.get("next", {}).get("url", "")
            url = self.base + following if following.startswith("/") else following
        return found

    def resolve(self, tag: str) -> str:
        """The digest behind a tag; asked with HEAD, for reasons with GET.

        Raises:
            RegistryError: there is no such tag, or it is not for us.
        """
        response = self._get_manifest("HEAD", tag)
        digest = response.headers.get("Docker-Content-Digest")
        if digest and response.status_code < HTTPStatus.BAD_REQUEST:
            return digest
        response = self._get_manifest("GET", tag)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise refusal(response)
        return response.headers.get("Docker-Content-Digest") or digest_of(response.content)

    def manifest(self, name: str) -> tuple[bytes, str]:
        """A manifest's bytes and media type.

        Raises:
            RegistryError: when it is not there or not for us.
        """
        response = self._get_manifest("GET", name)
        if response.status_code != HTTPStatus.OK:
            raise refusal(response)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        return response.content, kind

    def _get_manifest(self, method: str, name: str) -> requests.Response:
        url = self._url(f"manifests/{name}")
        return self._request(method, url, headers={"Accept": _ACCEPT})

    def blob(self, digest: str, begun: bytes = b"") -> Iterator[bytes]:
        """The pieces of a blob.

        Args:
            digest: which one.
            begun: what of it is here already.

        Raises:
            RegistryError: when it is not there, or breaks off.
        """
        headers = {"Range": f"bytes={len(begun)}-"} if begun else {}
        response = self._request("GET", self._url(f"blobs/{digest}"), headers=headers, stream=True)
        with response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                raise RegistryError("unknown blob", final=True)
            if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise refusal(response)
            # What comes before a connection breaks is given; urllib3 1 does so without `read1`.
            read: Callable[[int], bytes] = getattr(response.raw, "read1", response.raw.read)
            try:
                while piece := read(_PIECE):
                    yield piece
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise RegistryError("unexpected EOF") from error

    # --- writing --------------------------------------------------------------

    def find_blob(self, digest: str) -> Blob | None:
        """A blob the repository has, `None` when it has not.

        Raises:
            RegistryError: the registry does not say.
        """
        response = self._request("HEAD", self._url(f"blobs/{digest}"))
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise refusal(response)
        return Blob(digest, int(response.headers.get("Content-Length") or 0))

    def begin_upload(self, mount: str = "", source: str = "") -> str | None:
        """Begin an upload; where it goes on, `None` when the blob was mounted instead.

        Args:
            mount: the digest of a blob that another repository has.
            source: the path of that repository.

        Raises:
            RegistryError: when the registry refuses.
        """
        query = {"from": source, "mount": mount} if mount else {}
        response = self._request("POST", self._url("blobs/uploads/"), params=query)
        if response.status_code == HTTPStatus.CREATED and mount:
            return None
        if response.status_code != HTTPStatus.ACCEPTED:
            raise refusal(response)
        return self._location(response)

    def upload(self, location: str, digest: str, data: bytes) -> None:
        """Send a blob and finish its upload, then see whether it is there.

        Raises:
            RegistryError: when the registry refuses.
        """
        sent = self._request("PATCH", location, data=_Chunks(data))
        if sent.status_code == HTTPStatus.NOT_FOUND:
            raise RegistryError("blob upload unknown")
        if sent.status_code >= HTTPStatus.BAD_REQUEST:
            raise refusal(sent)
        location = self._location(sent) or location
        joint = "&" if urlsplit(location).query else "?"
        done = self._request("PUT", f"{location}{joint}digest={digest}")
        if done.status_code == HTTPStatus.NOT_FOUND:
            raise RegistryError("blob upload unknown")
        if done.status_code >= HTTPStatus.BAD_REQUEST:
            raise refusal(done)
        if self.find_blob(digest) is None:
            raise RegistryError("unknown blob", final=True)

    def put_manifest(self, name: str, body: bytes, kind: str) -> None:
        """Store a manifest under a tag.

        Raises:
            RegistryError: when the registry refuses.
        """
        response = self._request(
            "PUT", self._url(f"manifests/{name}"), data=body, headers={"Content-Type": kind}
        )
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise refusal(response)

    def _location(self, response: requests.Response) -> str:
        location = response.headers.get("Location", "")
        return self.base + location if location.startswith("/") else location


class _Chunks:
    """A body without a known length, which is therefore sent in chunks."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        size = 256 * 1024
        return iter([self._data[i : i + size] for i in range(0, len(self._data), size)])


def missing(code: str) -> RegistryError:
    """The error of something that a registry does not have."""
    return RegistryError(str(Reason(code)), Reason(code))


def _named(method: str, url: str) -> str:
    return f'{method.capitalize()} "{url}"'


def _reason(error: requests.exceptions.RequestException, url: str) -> str:
    text = str(error)
    parts = urlsplit(url)
    # As it is written: `hostname` would make it lower case.
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if "refused" in text:
        address = "127.0.0.1" if host == "localhost" else host
        return f"dial tcp {address}:{port}: connect: connection refused"
    if "resol" in text or "Name or service" in text or "getaddrinfo" in text:
        return f"dial tcp: lookup {host}: no such host"
    return "EOF"
