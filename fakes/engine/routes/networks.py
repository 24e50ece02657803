"""Networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import go_text
from ..containers import connections
from ..errors import ApiError
from ..go_json import BOOL, STRING, STRINGS, Checked, Kind, ListOf, MapOf, Struct
from ..go_values import wrong_prefix
from ..http import Request, Response, json_response
from ..networks.store import PREDEFINED, AmbiguousNetworkError, Network
from ..versions import ADDRESSES_TOLD, ByVersion
from .bodies import json_body
from .container_types import ADDRESS, ENDPOINT
from .filters import (
    is_found,
    labels_match,
    name_matches,
    older_than,
    read_filters,
    without_labels,
)
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_LIST_FILTERS = ("driver", "type", "name", "id", "label", "scope", "dangling")
_PRUNE_FILTERS = ("label", "label!", "until")

_PREFIX = Checked("netip.Prefix", wrong_prefix)


def _create_fields(prefix: Kind, address: Kind) -> dict[str, Kind]:
    config = {
        **dict.fromkeys(("Subnet", "IPRange"), prefix),
        "Gateway": address,
        "AuxiliaryAddresses": MapOf(address),
    }
    lines = ListOf(Struct("network.IPAMConfig", config))
    ipam = Struct("network.IPAM", {"Driver": STRING, "Options": STRINGS, "Config": lines})
    return {
        **dict.fromkeys(("Name", "Driver", "Scope"), STRING),
        **dict.fromkeys(("CheckDuplicate", "EnableIPv6", "Internal", "Attachable"), BOOL),
        "IPAM": ipam,
        "Options": STRINGS,
        "Labels": STRINGS,
    }


_CREATE_FIELDS = _create_fields(STRING, STRING)
_CREATE = ByVersion(
    Struct("types.NetworkCreateRequest", _CREATE_FIELDS),
    {
        "26.0": Struct("types.NetworkCreateRequest", _CREATE_FIELDS, "NetworkCreate", ("Name",)),
        "28.0": Struct("network.CreateRequest", _CREATE_FIELDS),
        "29.0": Struct("network.CreateRequest", _create_fields(_PREFIX, ADDRESS)),
    },
)
_CONNECT_FIELDS: dict[str, Kind] = {"Container": STRING, "EndpointConfig": ENDPOINT.first}
_NEW_CONNECT_FIELDS = {**_CONNECT_FIELDS, "EndpointConfig": ENDPOINT.changes["29.0"]}
_CONNECT = ByVersion(
    Struct("types.NetworkConnect", _CONNECT_FIELDS),
    {
        "28.0": Struct("network.ConnectOptions", _CONNECT_FIELDS),
        "29.0": Struct("network.ConnectRequest", _NEW_CONNECT_FIELDS),
    },
)
_DISCONNECT_FIELDS: dict[str, Kind] = {"Container": STRING, "Force": BOOL}
_DISCONNECT = ByVersion(
    Struct("types.NetworkDisconnect", _DISCONNECT_FIELDS),
    {
        "28.0": Struct("network.DisconnectOptions", _DISCONNECT_FIELDS),
        "29.0": Struct("network.DisconnectRequest", _DISCONNECT_FIELDS),
    },
)


@route("GET", "/networks")
@route("GET", "/networks/")
def _list(engine: Daemon, request: Request, _path: Path) -> Response:
    filters = read_filters(request, engine.version, _LIST_FILTERS)
    custom = _custom_only(filters)
    dangling = None
    if engine.version.has(ADDRESSES_TOLD) and (values := filters.get("dangling")):
        dangling, custom = values[0] in ("true", "1"), custom[:-1]
    chosen = [
        network
        for network in engine.networks.all()
        if name_matches(network.name, filters.get("name"))
        and ("id" not in filters or any(is_found(v, network.id) for v in filters["id"]))
        and ("driver" not in filters or network.driver in filters["driver"])
        and ("scope" not in filters or "local" in filters["scope"])
        and labels_match(network.labels, filters.get("label", []))
        and all(wanted is (network.name not in PREDEFINED) for wanted in custom)
        and (dangling is None or dangling is _unused(network))
    ]
    return json_response([network.to_json(engine.version, members=False) for network in chosen])


def _custom_only(filters: dict[str, list[str]]) -> list[bool]:
    """Whether the networks of users are asked for, by each filter that says so."""
    wanted = []
    if types := filters.get("type", []):
        for value in types:
            if value not in ("custom", "builtin"):
                raise ApiError(500, f"invalid filter: 'type'='{value}'")
        if len(set(types)) == 1:
            wanted.append(types[0] == "custom")
    if dangling := filters.get("dangling", []):
        if len(dangling) > 1:
            raise ApiError(400, 'got more than one value for filter key "dangling"')
        if dangling[0] not in ("true", "1", "false", "0"):
            raise ApiError(
                400,
                'invalid value for filter \'dangling\', must be "true" (or "1"), '
                'or "false" (or "0")',
            )
        # A list tells no members, so that every network of a user looks unused.
        wanted.append(dangling[0] in ("true", "1"))
    return wanted


@route("GET", "/networks/{name}")
def _inspect(engine: Daemon, request: Request, path: Path) -> Response:
    verbose = request.parameter("verbose")
    if verbose and verbose not in go_text.BOOLEANS:
        raise ApiError(
            400,
            f"invalid value for verbose: {verbose}: "
            f'strconv.ParseBool: parsing "{verbose}": invalid syntax',
        )
    try:
        network = engine.networks.find(path["name"])
    except AmbiguousNetworkError as error:
        raise ApiError(error.status, error.reversed_message) from error
    if request.parameter("scope") not in ("", "local"):
        raise ApiError(404, f"network {path['name']} not found")
    usage = engine.version.speaks(request.version, "1.52")
    return json_response(network.to_json(engine.version, members=True, usage=usage))


@route("POST", "/networks/create")
def _create(engine: Daemon, request: Request, _path: Path) -> Response:
    network, warning = engine.networks.create(json_body(engine, request, _CREATE))
    return json_response({"Id": network.id, "Warning": warning}, 201)


@route("DELETE", "/networks/{name}")
def _remove(engine: Daemon, _request: Request, path: Path) -> Response:
    engine.networks.remove(engine.networks.find(path["name"]))
    return Response(204)


@route("POST", "/networks/{name}/connect")
def _connect(engine: Daemon, request: Request, path: Path) -> Response:
    body = json_body(engine, request, _CONNECT)
    container = engine.containers.find(_container_of(body))
    settings = dict(body.get("EndpointConfig") or {})
    connections.connect(engine.networks, container, path["name"], settings)
    return Response(200)


@route("POST", "/networks/{name}/disconnect")
def _disconnect(engine: Daemon, request: Request, path: Path) -> Response:
    body = json_body(engine, request, _DISCONNECT)
    name = _container_of(body)
    try:
        container = engine.containers.find(name)
    except ApiError as error:
        if error.status == 404 and body.get("Force"):
            engine.networks.find(path["name"])
            raise ApiError(404, f"endpoint {name} not found") from error
        raise
    connections.disconnect(engine.networks, container, path["name"])
    return Response(200)


def _container_of(body: dict[str, object]) -> str:
    name = str(body.get("Container") or "")
    if not name:
        raise ApiError(400, 'invalid name or ID supplied: ""')
    return name


def _unused(network: Network) -> bool:
    return network.name not in PREDEFINED and not network.members


@route("POST", "/networks/prune")
def _prune(engine: Daemon, request: Request, _path: Path) -> Response:
    filters = read_filters(request, engine.version, _PRUNE_FILTERS)
    limit = older_than(filters, engine.clock(), engine.version, status=engine.version.bad_request())
    gone = []
    for network in filter(_unused, engine.networks.all()):
        if limit is not None and network.created > limit:
            continue
        if not labels_match(network.labels, filters.get("label", [])):
            continue
        if without_labels(network.labels, filters):
            engine.networks.remove(network)
            gone.append(network.name)
    engine.event_log.add("network", "prune", "", {"reclaimed": "0"})
    return json_response({"NetworksDeleted": gone or None})
