"""The engine about itself, and what it makes of requests that are none."""

from __future__ import annotations

import re
from typing import Any

import requests

from ..context import pack
from ..registry import scenario
from ..resources import container, filters, network, volume
from ..session import Session

_HEADERS = (
    "Api-Version",
    "Cache-Control",
    "Content-Length",
    "Content-Type",
    "Docker-Experimental",
    "Location",
    "Ostype",
    "Pragma",
    "Server",
    "Swarm",
    "Transfer-Encoding",
    "X-Content-Type-Options",
)
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:\+\w+)?")


def _head(answer: requests.Response) -> dict[str, Any]:
    """Status and headers, without what depends on the build of the engine."""
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    if "Content-Length" in headers and answer.status_code == 200 and len(answer.content) > 2:
        # The size of something, or the machine's.
        headers["Content-Length"] = "<length>"
    if "Server" in headers:
        headers["Server"] = _VERSION.sub("<version>", headers["Server"])
    return {"status": answer.status_code, "headers": headers}


def _bare(s: Session, method: str, path: str, **options: Any) -> requests.Response:
    """A request whose path has no version before it but what it says itself."""
    return s.api.request(method, f"{s.api.base_url}{path}", timeout=60, **options)


def _shape(value: object, depth: int = 3) -> object:
    """The fields of a document and the types of their values."""
    if isinstance(value, dict) and depth:
        return {key: _shape(value[key], depth - 1) for key in sorted(value)}
    return type(value).__name__


def _noted(s: Session, what: str, answer: requests.Response, *, body: bool = True) -> None:
    text: Any = answer.text
    if answer.headers.get("Content-Type") == "application/json" and text:
        text = answer.json()
    s.note(what, {**_head(answer), **({"body": text} if body else {})})


# --- about itself -------------------------------------------------------------


@scenario
def ping(s: Session) -> None:
    """With and without a version, whole and only its head."""
    for path in ("/_ping", f"/v{s.api.api_version}/_ping", "/v1.24/_ping"):
        for method in ("GET", "HEAD"):
            _noted(
                s, f"{method} {path.replace(s.api.api_version, '<api>')}", _bare(s, method, path)
            )


@scenario
def builder(s: Session) -> None:
    """Which builder a client is to take."""
    s.note("builder", _bare(s, "GET", "/_ping").headers.get("Builder-Version"))


@scenario
def ping_otherwise(s: Session) -> None:
    """By methods it does not have, and a path that continues."""
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        _noted(s, method, _bare(s, method, "/_ping"))
    _noted(s, "longer", _bare(s, "GET", "/_ping/x"))
    _noted(s, "slash", _bare(s, "GET", "/_ping/"))


@scenario
def version(s: Session) -> None:
    """The fields of the version, and the values that a client chooses by."""
    document = _bare(s, "GET", "/version").json()
    s.note("fields", sorted(document))
    engine = next(one for one in document["Components"] if one["Name"] == "Engine")
    s.note("details", _shape(engine["Details"]))
    for name in ("ApiVersion", "MinAPIVersion", "Os"):
        s.note(name, [document[name], engine["Details"][name]])
    s.note("series", document["Version"].split(".")[:2])
    s.note("experimental", [document.get("Experimental"), engine["Details"]["Experimental"]])


@scenario
def info(s: Session) -> None:
    """The fields of the info and the types of their values."""
    document = s.request("GET", "/info").json()
    # What a machine has not is left out, by the newest engine even a list.
    lists = {"Warnings", "SecurityOptions", "RegistryConfig", "Runtimes", "FirewallBackend"}
    chosen = {key: document[key] for key in document if key not in lists}
    s.note("types", _shape(chosen, 1))
    s.note("registries", _shape(document["RegistryConfig"], 1))
    s.note("hub", document["RegistryConfig"]["IndexConfigs"]["docker.io"])
    for key in (
        "Debug",
        "DefaultRuntime",
        "DockerRootDir",
        "ExperimentalBuild",
        "GenericResources",
        "IndexServerAddress",
        "InitBinary",
        "Isolation",
        "Labels",
        "LiveRestoreEnabled",
        "LoggingDriver",
        "OSType",
        "Swarm",
    ):
        s.note(key, document.get(key))
    s.note("Plugins", {key: document["Plugins"][key] for key in ("Volume", "Authorization")})
    s.note("DefaultAddressPools", document.get("DefaultAddressPools"))


@scenario
def info_of_old_clients(s: Session) -> None:
    """Fields that only clients of older versions are told, or are not."""
    for version in ("v1.24", "v1.41"):
        document = _bare(s, "GET", f"/{version}/info").json()
        machine = {"Warnings", "SecurityOptions", "RegistryConfig", "Runtimes", "FirewallBackend"}
        s.note(version, sorted(set(document) - machine))
        s.note(f"{version} registries", sorted(document.get("RegistryConfig", ())))


@scenario
def info_counts(s: Session) -> None:
    """How many containers and images there are."""
    before = s.request("GET", "/info").json()["Images"]
    container(s, "c1")
    container(s, "c2", start=True)
    container(s, "c3", start=True)
    s.request("POST", "/containers/c3/pause").raise_for_status()
    s.build("FROM scratch\nCOPY a /a", {"a": "a"}, look=False)
    document = s.request("GET", "/info").json()
    for state in ("", "Running", "Paused", "Stopped"):
        s.note(state or "all", document[f"Containers{state}"])
    s.note("images", document["Images"] - before)
    s.request("POST", "/containers/c3/unpause").raise_for_status()


@scenario
def disk_use(s: Session) -> None:
    """What takes room: the fields of each kind."""
    s.build("FROM scratch\nCOPY a /a\nLABEL l=1", {"a": "aaaa"}, tag="one:1", look=False)
    volume(s, "one-vol", Labels={"l": "1"})
    container(s, "c1", HostConfig={"Binds": ["one-vol:/data"]})
    document = s.request("GET", "/system/df").json()
    s.note("types", _shape(document, 1))
    image = next(i for i in document["Images"] if i["RepoTags"] == ["one:1"])
    s.note("image", {key: image[key] for key in image if key != "Created"})
    s.note("container", _shape(document["Containers"][0], 1))
    s.note("mounts", document["Containers"][0]["Mounts"])
    s.note("volume", document["Volumes"])
    s.note("cache", [document.get("BuildCache"), document.get("BuilderSize")])


@scenario
def disk_use_by_type(s: Session) -> None:
    """Only of some kinds, which old engines do not know."""
    for query in ("image", "container", "volume", "build-cache", "nope"):
        answer = s.request("GET", "/system/df", params={"type": query})
        document = answer.json()
        seen = document if answer.status_code != 200 else sorted(document)
        s.note(query, {"status": answer.status_code, "seen": seen})
    answer = s.request("GET", "/system/df", params={"type": ["image", "volume"]})
    s.note("two", _shape(answer.json(), 1))


@scenario
def disk_use_of_old_clients(s: Session) -> None:
    """A client of an older version."""
    document = _bare(s, "GET", "/v1.41/system/df").json()
    s.note("types", _shape(document, 1))


@scenario
def build_prune(s: Session) -> None:
    """The cache of builds, which the classic builder does not have."""
    s.call("POST", "/build/prune")
    s.call("POST", "/build/prune", params={"all": "1"})
    s.call("POST", "/build/prune", params={"keep-storage": "1000"})
    s.call("POST", "/build/prune", params={"keep-storage": "nope"})
    s.call("POST", "/build/prune", params=filters(until=["1h"]))
    s.call("POST", "/build/prune", params=filters(nope=["1"]))
    s.call("POST", "/build/prune", params=filters(until=["nope"]))
    s.call("POST", "/build/prune", params={"filters": "{nope"})


# --- what is no request -------------------------------------------------------


@scenario
def unknown_routes(s: Session) -> None:
    """Paths that nobody serves, and methods they do not have."""
    for method, path in (
        ("GET", "/nope"),
        ("POST", "/nope"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/images"),
        ("GET", "/images/"),
        ("POST", "/version"),
        ("DELETE", "/info"),
        ("PUT", "/images/json"),
        ("GET", "/containers/create"),
        ("PATCH", "/containers/json"),
        ("GET", "/networks/"),
        ("POST", "/networks"),
        ("GET", "/volumes/"),
        ("OPTIONS", "/info"),
        ("GET", "/version/"),
        ("GET", "//version"),
        ("GET", "//networks?a=b&c=d%20e"),
    ):
        answer = s.request(method, path, allow_redirects=False)
        # A list is as long as the machine has things.
        _noted(s, f"{method} {path}", answer, body=answer.status_code != 200)


@scenario
def unknown_routes_without_version(s: Session) -> None:
    """The same without a version in the path."""
    for method, path in (("GET", "/nope"), ("GET", "/"), ("POST", "/info"), ("GET", "/version/")):
        _noted(s, f"{method} {path}", _bare(s, method, path, allow_redirects=False))


@scenario
def api_versions(s: Session) -> None:
    """Versions that are too old, too new or none."""
    for prefix in ("v1.0", "v1.11", "v1.23", "v9.99", "v1", "v1.x", "vx", "v1.24.1", "V1.24", "v"):
        answer = _bare(s, "GET", f"/{prefix}/images/json", params=filters(reference=["nope"]))
        _noted(s, prefix, answer)


@scenario
def bodies(s: Session) -> None:
    """Bodies that are no JSON, or not the JSON that is meant."""
    json_type = {"Content-Type": "application/json"}
    for path in ("/networks/create", "/volumes/create"):
        for body in ("{nope", "", "[]", '"x"', "null", "{} {}", '{"Name": 1}', '{"Labels": "x"}'):
            answer = s.request("POST", path, data=body, headers=json_type)
            s.note(f"{path} {body}", {"status": answer.status_code, "body": answer.json()})


_MISFITS = {
    "/networks/create": (
        '{"IPAM": "x"}',
        '{"IPAM": {"Config": "x"}}',
        '{"IPAM": {"Config": ["x"]}}',
        '{"IPAM": {"Config": [{"Subnet": 1}]}}',
        '{"IPAM": {"Config": [{"AuxiliaryAddresses": {"a": 1}}]}}',
        '{"IPAM": {"Options": {"a": 1}}}',
        '{"Labels": {"a": 1}}',
        '{"Internal": "x"}',
        '{"Options": []}',
        '{"name": 1}',
        '{"NAME": ""}',
    ),
    "/networks/bridge/connect": (
        '{"EndpointConfig": 1}',
        '{"EndpointConfig": {"Aliases": "x"}}',
        '{"EndpointConfig": {"IPAMConfig": "x"}}',
        '{"EndpointConfig": {"IPAMConfig": {"IPv4Address": 1}}}',
    ),
    "/networks/bridge/disconnect": ('{"Container": 1}', '{"Force": "x"}'),
    "/volumes/create": ('{"Labels": {"a": 1}}', '{"DriverOpts": 1}'),
}


@scenario
def misfits(s: Session) -> None:
    """Bodies with something of another type deep inside."""
    headers = {"Content-Type": "application/json"}
    for path, bodies in _MISFITS.items():
        for body in bodies:
            answer = s.request("POST", path, data=body, headers=headers)
            s.note(f"{path} {body}", {"status": answer.status_code, "body": answer.json()})


@scenario
def filter_misfits(s: Session) -> None:
    """Filters with something of another type in them."""
    for text in ('{"label": {"a": 1}}', '{"label": [1]}', '{"label": 1}', '"x"', "null", "1"):
        answer = s.request("GET", "/networks", params={"filters": text})
        seen = answer.json().get("message") if answer.status_code != 200 else "a list"
        s.note(text, {"status": answer.status_code, "seen": seen})


@scenario
def content_types(s: Session) -> None:
    """Bodies of another type, or of none."""
    for kind in ("text/plain", "application/json; charset=utf-8", "application/x", "nope", None):
        headers = {} if kind is None else {"Content-Type": kind}
        for path in ("/networks/create", "/volumes/create"):
            answer = s.request("POST", path, data=b'{"Driver": 1}', headers=headers)
            s.note(f"{path} {kind}", {"status": answer.status_code, "body": answer.json()})


@scenario
def connect_bodies(s: Session) -> None:
    """Bodies of requests to something that is there."""
    network(s, "one-net")
    for body in ("{nope", "", "null", '{"Container": 1}'):
        headers = {"Content-Type": "application/json"}
        s.call("POST", "/networks/one-net/connect", data=body, headers=headers)


@scenario
def headers(s: Session) -> None:
    """The heads of several answers."""
    network(s, "one-net")
    container(s, "c1")
    for method, path in (
        ("GET", "/version"),
        ("GET", "/images/json"),
        ("GET", "/images/nope/json"),
        ("GET", "/networks/one-net"),
        ("GET", "/volumes"),
        ("GET", "/events?until=1"),
        ("GET", "/containers/c1/json"),
        ("GET", "/containers/c1/logs?stdout=1"),
        ("GET", "/containers/c1/export"),
        ("GET", f"/images/{s.base}/get"),
        ("POST", "/containers/c1/rename?name=c2"),
        ("POST", "/images/prune"),
        ("DELETE", "/networks/one-net"),
        ("DELETE", "/networks/one-net"),
    ):
        answer = s.request(method, path)
        s.note(f"{method} {path}", _head(answer))


@scenario
def head_requests(s: Session) -> None:
    """Only the head of what is meant to be read."""
    for path in ("/version", "/images/json", "/images/nope/json", "/networks", "/events?until=1"):
        answer = s.request("HEAD", path)
        s.note(path, {"status": answer.status_code, "body": answer.text})


@scenario
def build_streams(s: Session) -> None:
    """The heads of streams."""
    body = pack({"Dockerfile": "FROM scratch\nCOPY a /a", "a": "a"})
    tar = {"Content-Type": "application/x-tar"}
    s.note("build", _head(s.request("POST", "/build", data=body, headers=tar)))
    s.note("bad build", _head(s.request("POST", "/build", data=b"", headers=tar)))
    query = {"fromSrc": "-"}
    s.note("import", _head(s.request("POST", "/images/create", params=query, data=body)))
    s.note("load", _head(s.request("POST", "/images/load", data=b"nope")))
    query = {"fromImage": "127.0.0.1:1/x", "tag": "1"}
    s.note("pull", _head(s.request("POST", "/images/create", params=query)))


@scenario
def missing_parts(s: Session) -> None:
    """Parts of the engine that are switched off."""
    for path in ("/swarm", "/nodes", "/services", "/tasks", "/secrets", "/configs"):
        s.call("GET", path)
    s.call("GET", "/plugins")
    s.call("GET", "/plugins/nope/json")
