"""How a client proves who it is: basic authentication, or tokens from a token service.

Nothing is sent before a registry has asked for it.

https://distribution.github.io/distribution/spec/auth/token/
https://distribution.github.io/distribution/spec/auth/oauth/
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from imagebuilders.distribution.challenge import Challenge
from imagebuilders.distribution.credentials import CredentialSource, RegistryCredentials
from imagebuilders.distribution.sender import Sender
from imagebuilders.distribution.transport import Request
from imagebuilders.exceptions import ImageFormatError, RegistryContentError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.json_document import ObjectReader, load_object

CLIENT_ID = "imagebuilders"
MAX_TOKEN_BYTES = 1024 * 1024
LEAST_LIFETIME = 60
"""Seconds that a token is good for at least, as the token specification has it."""
MOST_LIFETIME = 10**9

_HEADER_TEXT = re.compile(r"[\x21-\x7e]+\Z")


@dataclass(frozen=True)
class _Token:
    text: str = field(repr=False)
    scopes: frozenset[str] = frozenset()
    expires: float = 0.0

    @property
    def header(self) -> str:
        """What a request has as its `Authorization`."""
        return f"Bearer {self.text}"


class Authorizer:
    """Keeps what a registry must be shown, by what is wanted of it.

    Args:
        registry: the registry's domain, under which its credentials are asked for.
        sender: sends requests to the token service.
        source: who has the credentials; `None` to be nobody.
    """

    def __init__(self, registry: str, sender: Sender, source: CredentialSource | None) -> None:
        self._registry = registry
        self._sender = sender
        self._source = source
        self._lock = threading.RLock()
        self._is_asked = False
        self._credentials: RegistryCredentials | None = None
        self._basic = ""
        self._tokens: dict[frozenset[str], _Token] = {}

    def header(self, scopes: frozenset[str]) -> str:
        """Return the `Authorization` for a request; empty before the registry asked for one.

        Args:
            scopes: what the request needs, as in `repository:team/app:pull`.
        """
        with self._lock:
            token = self._tokens.get(scopes)
            if token is None:
                return self._basic
            return token.header if self._is_good(token) else ""

    def renew(
        self,
        challenges: Sequence[Challenge],
        scopes: frozenset[str],
        refused: str,
        *,
        is_new: bool,
        base: str,
    ) -> bool:
        """Get what a registry asked for; false when it would be what it refused already.

        Args:
            challenges: what it asked for.
            scopes: what the request needs.
            refused: the `Authorization` that the request had.
            is_new: whether that was got for this very request.
            base: the registry's URL.

        Raises:
            RegistryError: the token service gave no token, or a credential source failed.
        """
        with self._lock:
            bearer = _find(challenges, "bearer")
            if bearer is not None and bearer.parameters.get("realm"):
                known = self._tokens.get(scopes)
                if known is not None and self._is_good(known) and refused != known.header:
                    return True  # another thread was first
                wanted = scopes | set(bearer.parameters.get("scope", "").split())
                if known is not None and is_new and wanted <= known.scopes:
                    return False
                token = self._new_token(bearer, wanted, base)
                self._tokens[scopes] = token
                return token.header != refused
            if _find(challenges, "basic") is not None:
                return self._renew_basic(refused)
            return False

    def _is_good(self, token: _Token) -> bool:
        return self._sender.retries.clock() < token.expires

    def _renew_basic(self, refused: str) -> bool:
        credentials = self._known()
        if credentials is None or not credentials.username:
            return False
        self._basic = basic_header(credentials)
        return self._basic != refused

    def _new_token(self, challenge: Challenge, scopes: frozenset[str], base: str) -> _Token:
        credentials = self._known()
        if credentials is not None and credentials.registry_token:
            return _Token(credentials.registry_token, scopes, float("inf"))
        realm = self._realm(challenge, base)
        service = challenge.parameters.get("service", "")
        if credentials is not None and credentials.identity_token:
            request = _refresh_request(realm, service, scopes, credentials)
        else:
            request = token_request(realm, service, scopes, credentials)
        what = f"There is no token for {self._registry}"
        with self._sender.send(request, what=what, accept={200}) as response:
            content = response.read(MAX_TOKEN_BYTES)
        return self._parse(content, scopes)

    def _realm(self, challenge: Challenge, base: str) -> str:
        """Return the token service's URL.

        Raises:
            RegistryContentError: it cannot be asked, or credentials would go there without TLS.
        """
        realm = self._sender.resolve(base, challenge.parameters["realm"])
        if realm.startswith("http://") and base.startswith("https://"):
            raise RegistryContentError(
                f"The token service of {self._registry} has no TLS, so that it gets no "
                "credentials.",
                registry=self._registry,
            )
        return realm

    def _parse(self, content: bytes, scopes: frozenset[str]) -> _Token:
        what = f"the answer of the token service of {self._registry}"
        try:
            document = load_object(content, what, max_bytes=MAX_TOKEN_BYTES)
            fields = ObjectReader(document, what)
            text = fields.text("token") or fields.required_text("access_token")
        except ImageFormatError as error:
            raise RegistryContentError(str(error), registry=self._registry) from error
        if not _HEADER_TEXT.match(text):
            raise RegistryContentError(
                f"The token service of {self._registry} gave a malformed token.",
                registry=self._registry,
            )
        lifetime = document.get("expires_in")
        if not isinstance(lifetime, int) or not LEAST_LIFETIME <= lifetime <= MOST_LIFETIME:
            lifetime = LEAST_LIFETIME
        return _Token(text, scopes, self._sender.retries.clock() + lifetime)

    def _known(self) -> RegistryCredentials | None:
        """Return the credentials; whoever has them is asked once."""
        if not self._is_asked:
            if self._source is not None:
                self._credentials = self._source.credentials_for(self._registry)
            self._is_asked = True
        return self._credentials


def _find(challenges: Iterable[Challenge], scheme: str) -> Challenge | None:
    return next((found for found in challenges if found.scheme == scheme), None)


def basic_header(credentials: RegistryCredentials) -> str:
    """Return the `Authorization` of a user with a password (RFC 7617)."""
    pair = f"{credentials.username}:{credentials.password}"
    return "Basic " + base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode("ascii")


def token_request(
    realm: str, service: str, scopes: Iterable[str], credentials: RegistryCredentials | None
) -> Request:
    """Ask for a token by GET, which every token service knows."""
    parts = urlsplit(realm)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if service:
        query.append(("service", service))
    query += [("scope", scope) for scope in sorted(scopes)]
    headers = {}
    if credentials is not None and credentials.username:
        query.append(("account", credentials.username))
        headers["Authorization"] = basic_header(credentials)
    return Request("GET", urlunsplit(parts._replace(query=urlencode(query))), headers)


def _refresh_request(
    realm: str, service: str, scopes: Iterable[str], credentials: RegistryCredentials
) -> Request:
    """Exchange an identity token for a token, which goes by POST only."""
    form = {
        "grant_type": "refresh_token",
        "service": service,
        "client_id": CLIENT_ID,
        "refresh_token": credentials.identity_token,
        "scope": " ".join(sorted(scopes)),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", realm, headers, urlencode(form).encode("ascii"))
