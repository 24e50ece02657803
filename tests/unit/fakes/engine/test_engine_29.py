"""What is new in the look of Engine 29, where no recorded scenario asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fakes import FakeDockerEngine
from fakes.engine import go_values
from fakes.engine.timestamps import parse_moment, parse_stamp
from fakes.http.messages import Headers, Request

S = 1_000_000_000


@pytest.fixture
def engine() -> Iterator[FakeDockerEngine]:
    """An engine of the newest look."""
    engine = FakeDockerEngine("29.7", image_store="overlay2")
    yield engine
    engine.close()


def ask(
    engine: FakeDockerEngine, method: str, target: str, body: object = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body of an answer."""
    content = b"" if body is None else json.dumps(body).encode()
    given = [("Content-Type", "application/json"), *headers.items()]
    response = engine.handle(Request(method, target, Headers(given), [content]))
    answer = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    return response.status, response.headers, answer


def said(engine: FakeDockerEngine, target: str) -> Any:
    """The document of an answer."""
    return json.loads(ask(engine, "GET", target)[2])


@pytest.mark.parametrize(("version", "status"), [("1.39", 400), ("1.40", 200), ("1.56", 400)])
def test_old_clients_are_refused(engine: FakeDockerEngine, version: str, status: int) -> None:
    """The oldest API is 1.40, the newest 1.55."""
    assert ask(engine, "GET", f"/v{version}/version")[0] == status


def test_only_an_image_store_that_is_there() -> None:
    """Another one is refused by name."""
    with pytest.raises(ValueError, match="no image store 'btrfs'"):
        FakeDockerEngine("29.7", image_store="btrfs")


@pytest.mark.parametrize(
    ("target", "accept", "kind"),
    [
        ("/events?until=1", "", "application/jsonl"),
        ("/v1.51/events?until=1", "", "application/json"),
        ("/events?until=1", "application/json", "application/jsonl"),
        ("/events?until=1", "application/x-ndjson", "application/x-ndjson"),
        ("/events?until=1", "text/x, application/json-seq;q=1", "application/json-seq"),
    ],
)
def test_the_media_type_of_events(
    engine: FakeDockerEngine, target: str, accept: str, kind: str
) -> None:
    """A client names one of three; without that the version of the API decides."""
    assert ask(engine, "GET", target, Accept=accept)[1]["Content-Type"] == kind


def test_events_as_a_sequence_begin_with_a_separator(engine: FakeDockerEngine) -> None:
    """Each with the byte 0x1e, as RFC 7464 has it."""
    ask(engine, "POST", "/volumes/create", {"Name": "data"})
    body = ask(engine, "GET", "/events?since=1&until=1", Accept="application/json-seq")[2]
    assert body == b""
    now = engine.clock() // S + 1
    target = f"/events?since=1&until={now}"
    engine.clock = lambda: (now + 1) * S
    body = ask(engine, "GET", target, Accept="application/json-seq")[2]
    (line,) = body.splitlines()
    assert line[:1] == b"\x1e"
    assert json.loads(line[1:])["Type"] == "volume"


def test_old_fields_of_events_are_for_old_clients(engine: FakeDockerEngine) -> None:
    """From API 1.52 on they are gone; before that they are there though they be empty."""
    engine.event_log.add("image", "prune", "", {"reclaimed": "0"})
    engine.event_log.add("container", "prune", "", {"reclaimed": "0"})
    engine.event_log.add("volume", "prune", "", {"reclaimed": "0"})
    now = engine.clock() // S + 1
    engine.clock = lambda: (now + 1) * S

    def keys(version: str) -> list[set[str]]:
        lines = ask(engine, "GET", f"/{version}/events?since=1&until={now}")[2].splitlines()
        return [set(json.loads(line)) & {"id", "status", "from"} for line in lines]

    assert keys("v1.52") == [set(), set(), set()]
    assert keys("v1.51") == [{"id", "status"}, {"id", "status", "from"}, set()]


def test_images_say_nothing_of_what_is_empty(engine: FakeDockerEngine) -> None:
    """From API 1.52 on; older clients are told all keys."""
    engine.seed_image("one:1", cmd=["x"], labels={"l": "1"})
    new, old = (said(engine, f"/v{version}/images/one:1/json") for version in ("1.52", "1.51"))
    assert set(new["Config"]) == {"Cmd", "Env", "Labels"}
    assert not {"Author", "Comment", "Parent"} & set(new)
    assert (old["Author"], old["Parent"], old["Config"]["Volumes"]) == ("", "", None)
    assert "VirtualSize" in said(engine, "/v1.43/images/one:1/json")


def test_disk_use_by_kind(engine: FakeDockerEngine) -> None:
    """Sums beside the old lists, alone for clients that ask for more, without them before 1.52."""
    engine.seed_image("one:1", files={"/a": "12345"})
    ask(engine, "POST", "/volumes/create", {"Name": "data"})
    ask(engine, "POST", "/containers/create?name=one", {"Image": "one:1", "Cmd": ["x"]})
    use = said(engine, "/system/df")
    assert use["LayersSize"] == 5
    assert use["ImageUsage"]["TotalCount"] == use["ImageUsage"]["ActiveCount"] == 1
    assert (use["ImageUsage"]["TotalSize"], "Reclaimable" in use["ImageUsage"]) == (5, False)
    assert use["ContainerUsage"]["Items"] == use["Containers"]
    assert use["VolumeUsage"]["TotalCount"] == 1
    assert use["BuildCacheUsage"] == {}
    verbose = said(engine, "/system/df?verbose=1")
    assert set(verbose) == {"ImageUsage", "ContainerUsage", "VolumeUsage", "BuildCacheUsage"}
    assert set(said(engine, "/v1.51/system/df?type=volume")) == {"Volumes"}


def test_how_many_addresses_are_left(engine: FakeDockerEngine) -> None:
    """A network tells it from API 1.52 on: of its range, but for those that are in use."""
    config = {"Subnet": "10.9.0.0/24", "IPRange": "10.9.0.0/25"}
    ask(engine, "POST", "/networks/create", {"Name": "n", "IPAM": {"Config": [config]}})
    shown = said(engine, "/networks/n")
    assert shown["Status"]["IPAM"]["Subnets"] == {
        "10.9.0.0/24": {"IPsInUse": 3, "DynamicIPsAvailable": 126}
    }
    assert shown["IPAM"]["Config"][0]["Gateway"] == "10.9.0.1"
    assert "Status" not in said(engine, "/v1.51/networks/n")


def test_addresses_of_a_container_are_those_of_its_networks(engine: FakeDockerEngine) -> None:
    """Only old clients find them beside the networks, too."""
    engine.seed_image("one:1")
    engine.on_container("one", service=True)
    ask(engine, "POST", "/containers/create?name=one", {"Image": "one:1", "Cmd": ["x"]})
    ask(engine, "POST", "/containers/one/start")
    new, old = (
        said(engine, f"/v{version}/containers/one/json")["NetworkSettings"]
        for version in ("1.52", "1.51")
    )
    address = new["Networks"]["bridge"]["IPAddress"]
    assert address == old["IPAddress"]
    assert "IPAddress" not in new
    assert not {"Bridge", "HairpinMode"} & (set(new) | set(old))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("10.0.0.1", ""),
        ("fd00::1", ""),
        ("10.0.0", 'ParseAddr("10.0.0"): IPv4 address too short'),
        ("10.0.0.1.2", 'ParseAddr("10.0.0.1.2"): IPv4 address too long'),
        ("10.0.0.300", 'ParseAddr("10.0.0.300"): IPv4 field has value >255'),
        ("10.0.0.01", 'ParseAddr("10.0.0.01"): IPv4 field has octet with leading zero'),
        ("10..1", 'ParseAddr("10..1"): IPv4 field must have at least one digit (at ".1")'),
        ("10.a", 'ParseAddr("10.a"): unexpected character (at "a")'),
        ("nope", 'ParseAddr("nope"): unable to parse IP'),
        ("a:b", 'ParseAddr("a:b"): unable to parse IP'),
        ("a%b", 'ParseAddr("a%b"): missing IPv6 address'),
    ],
)
def test_addresses(text: str, reason: str) -> None:
    """As `net/netip` reads them, in its words."""
    assert go_values.wrong_address(text) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("10.0.0.0/8", ""),
        ("fd00::/64", ""),
        ("10.0.0.0", "netip.ParsePrefix(\"10.0.0.0\"): no '/'"),
        ("x/8", 'netip.ParsePrefix("x/8"): ParseAddr("x"): unable to parse IP'),
        ("/8", 'netip.ParsePrefix("/8"): ParseAddr(""): unable to parse IP'),
        ("10.0.0.0/08", 'netip.ParsePrefix("10.0.0.0/08"): bad bits after slash: "08"'),
        ("10.0.0.0/33", 'netip.ParsePrefix("10.0.0.0/33"): prefix length out of range'),
    ],
)
def test_subnets(text: str, reason: str) -> None:
    """As `net/netip` reads them, in its words."""
    assert go_values.wrong_prefix(text) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("80", ""),
        ("80/odd", ""),
        ("/tcp", "invalid port '': value is empty"),
        ("x/tcp", "invalid port 'x': invalid syntax"),
        ("65536", "invalid port '65536': value out of range"),
    ],
)
def test_ports(text: str, reason: str) -> None:
    """As the engine reads them."""
    assert go_values.wrong_port(text) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", ""), ("02:42:ac:11:00:02", ""), ("02:42", "address 02:42: invalid MAC address")],
)
def test_hardware_addresses(text: str, reason: str) -> None:
    """As Go's `net` reads them."""
    assert go_values.wrong_hardware_address(text) == reason


def test_exact_moments() -> None:
    """A duration keeps its fraction, a dot may stand last, and of digits there are at most 20."""
    now = 1_700_000_000 * S + 5
    assert parse_moment("1s", now, exact=True) == now - S
    assert parse_moment("1s", now) == now // S * S - S
    assert parse_stamp("7.", exact=True) == 7 * S
    assert parse_stamp("7.0000000001", exact=True) == 7 * S
    assert parse_stamp("7.5", exact=True) == 7 * S + S // 2
    with pytest.raises(ValueError, match="length 21 exceeds maximum 20"):
        parse_stamp("7." + "1" * 21, exact=True)


def test_a_refused_value_is_named(engine: FakeDockerEngine) -> None:
    """Addresses and ports are looked at as the body is read; a list of words is nothing else."""
    bodies: list[dict[str, Any]] = [
        {"ExposedPorts": {"x": {}}},
        {"HostConfig": {"Dns": ["odd"]}},
        {"Cmd": "one text"},
        {"NetworkingConfig": {"EndpointsConfig": {"n": {"MacAddress": "odd"}}}},
    ]
    words = []
    for body in bodies:
        status, _, answer = ask(engine, "POST", "/containers/create", {"Image": "x", **body})
        words.append((status, json.loads(answer)["message"]))
    assert words == [
        (400, "invalid JSON: invalid port 'x': invalid syntax"),
        (400, 'invalid JSON: ParseAddr("odd"): unable to parse IP'),
        (
            400,
            "invalid JSON: json: cannot unmarshal string into Go struct field .Cmd of type "
            "[]string",
        ),
        (400, "invalid JSON: address odd: invalid MAC address"),
    ]


def test_a_binding_publishes_a_port_that_nobody_exposes(engine: FakeDockerEngine) -> None:
    """Older engines published only what the configuration exposes."""
    engine.seed_image("one:1")
    engine.on_container("one", service=True)
    ports = {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1"}]}}
    body = {"Image": "one:1", "Cmd": ["x"], "HostConfig": ports}
    ask(engine, "POST", "/containers/create?name=one", body)
    ask(engine, "POST", "/containers/one/start")
    (line,) = said(engine, "/containers/json")
    assert [port["PrivatePort"] for port in line["Ports"]] == [80]
    assert line["Health"] == {"Status": "none", "FailingStreak": 0}
