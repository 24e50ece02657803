"""`POST /auth`: whether a registry takes a user's credentials."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from ... import go_text
from ...http.reasons import REASONS
from ...images.reference import HUB
from ..errors import ApiError
from ..go_json import STRING, Kind, Struct
from ..http import Request, Response, json_response
from ..registries.connection import RegistryConnection
from ..registries.credentials import Credentials
from ..registries.errors import RegistryError
from ..versions import PASSES_REFUSALS_ON, ByVersion
from .bodies import login_body
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

_AUTH_FIELDS: dict[str, Kind] = dict.fromkeys(
    ("username", "password", "auth", "email", "serveraddress", "identitytoken", "registrytoken"),
    STRING,
)
AUTH = ByVersion(
    Struct("types.AuthConfig", _AUTH_FIELDS),
    {
        "23.0": Struct("registry.AuthConfig", _AUTH_FIELDS, unnamed=True),
        "29.0": Struct("registry.AuthConfig", _AUTH_FIELDS),
    },
)
"""What credentials are read into."""

_HUBS = ("index.docker.io", "registry-1.docker.io", HUB)


@route("POST", "/auth")
def _log_in(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    body = login_body(engine, request, AUTH)
    domain = _host(str(body.get("serveraddress") or "https://index.docker.io/v1/"))
    credentials = Credentials.from_json(body)
    network = engine.registries.network
    if domain in _HUBS and not (network.hub_is_real or network.has(domain)):
        if not credentials.username:
            raise ApiError(
                401,
                'Get "https://registry-1.docker.io/v2/": unauthorized: '
                "incorrect username or password",
            )
    else:
        _ask(engine, domain, credentials)
    engine.logins[domain] = (credentials.username, credentials.password)
    answer = {"Status": "Login Succeeded"}
    return json_response(answer if engine.version >= "29.0" else {**answer, "IdentityToken": ""})


def _host(address: str) -> str:
    """The host and port of an address.

    Raises:
        ApiError: 400 when it has none.
    """
    url = address if address.startswith(("https://", "http://")) else f"https://{address}"
    host = url.partition("://")[2].partition("/")[0]
    for character in host:
        if character.isspace() or character in '<>"`{}|\\^':
            raise ApiError(
                400,
                f"unable to parse server address: parse {go_text.quote(url)}: "
                f"invalid character {go_text.quote(character)} in host name",
            )
    return host


def _ask(engine: Daemon, domain: str, credentials: Credentials) -> None:
    """Ask the registry.

    Raises:
        ApiError: it does not take the credentials, or does not say so.
    """
    try:
        address = engine.registries.address(domain)
        with RegistryConnection(address, credentials) as registry:
            status = registry.log_in()
            where = f"{registry.base}/v2/"
    except RegistryError as error:
        code = error.status if engine.version.has(PASSES_REFUSALS_ON) else 500
        raise ApiError(code, error.message) from error
    if status != HTTPStatus.OK:
        phrase = REASONS[status]
        raise ApiError(500, f"login attempt to {where} failed with status: {status} {phrase}")
