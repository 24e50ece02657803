"""Subnets and addresses of networks, names of images, and filters, as engines check them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit.solver.downloads import refused_download
from fakes.engine.errors import ApiError
from fakes.engine.networks import addresses
from fakes.engine.routes import filters
from fakes.engine.versions import VERSIONS
from fakes.images import reference

S = 1_000_000_000


def test_addresses_are_taken_and_given_back() -> None:
    """The lowest that is free; never the gateway, the network itself or its last address."""
    pool = addresses.chosen({"Subnet": "10.0.0.0/29", "AuxiliaryAddresses": {"a": "10.0.0.3"}})
    assert str(pool.gateway) == "10.0.0.1"
    taken = [pool.take() for _ in range(4)]
    assert taken == ["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"]
    with pytest.raises(ApiError, match="no available IPv4 addresses") as caught:
        pool.take()
    assert caught.value.status == 403
    pool.free("10.0.0.5")
    pool.free("")
    assert pool.take("10.0.0.5") == "10.0.0.5"
    for wanted in ("10.0.0.5", "10.0.0.1", "10.0.0.0", "10.0.0.7"):
        with pytest.raises(ApiError, match="Address already in use") as caught:
            pool.take(wanted)
        assert caught.value.status == 403


def test_a_range_within_a_subnet() -> None:
    """Addresses come from it, if it lies within; a gateway may be chosen."""
    config = {"Subnet": "10.0.0.0/24", "IPRange": "10.0.0.128/30", "Gateway": "10.0.0.129"}
    assert [addresses.chosen(config).take(), str(addresses.chosen(config).gateway)] == [
        "10.0.0.128",
        "10.0.0.129",
    ]
    outside = {"Subnet": "10.0.0.0/24", "IPRange": "10.1.0.0/30"}
    assert addresses.chosen(outside).take() == "10.0.0.2"


def test_subnets_that_nobody_chose() -> None:
    """Those of Docker's default pools, in their order."""
    pools = [str(pool) for pool in addresses.POOLS]
    assert pools[:2] == ["172.17.0.0/16", "172.18.0.0/16"]
    assert pools[14:17] == ["172.31.0.0/16", "192.168.0.0/20", "192.168.16.0/20"]
    assert len(pools) == 31
    assert str(addresses.automatic(addresses.POOLS[0]).gateway) == "172.17.0.1"
    assert addresses.automatic(addresses.POOLS[0]).take() == "172.17.0.2"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1"}, ""),
        ({"Subnet": "10.0.0.0/24", "Gateway": "x"}, "invalid gateway address x in Ipam"),
        ({"Subnet": "10.0.0.0"}, "Invalid subnet 10.0.0.0 : invalid CIDR address: 10.0.0.0"),
        ({"Subnet": ""}, "Invalid subnet  : invalid CIDR address: "),
        ({"Subnet": "10.0.0.0/33"}, "Invalid subnet 10.0.0.0/33"),
        ({"Subnet": "10.0.0.0/24", "IPRange": "x"}, 'subpool "x": Invalid Address SubPool'),
        ({"Subnet": "10.0.0.0/24", "Gateway": "10.1.0.1"}, "Requested address is out of range"),
        (
            {"Subnet": "10.0.0.0/24", "AuxiliaryAddresses": {"a": "x"}},
            "non parsable secondary ip address (a:x) passed for network net",
        ),
        (
            {"Subnet": "10.0.0.0/24", "AuxiliaryAddresses": {"a": "10.1.0.1"}},
            "auxiliary address: (a:10.1.0.1) must belong to the master pool: 10.0.0.0/24",
        ),
    ],
)
def test_what_older_engines_check(config: dict[str, Any], words: str) -> None:
    """One thing at a time, in their words."""
    if not words:
        addresses.check_old(config, "net")
        return
    with pytest.raises(ApiError) as caught:
        addresses.check_old(config, "net")
    assert words in caught.value.message
    assert caught.value.status == (403 if "must belong" in words else 500)


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1", "IPRange": "10.0.0.0/25"}, []),
        ({"Subnet": "10.0.0.0/24", "IPRange": "10.0.0.0/24"}, []),
        ({"Subnet": "x"}, ["invalid subnet x: invalid CIDR block notation"]),
        ({"Subnet": "10.0.0.1/24"}, ["invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"]),
        (
            {"Subnet": "10.0.0.0/24", "IPRange": "x", "Gateway": "y"},
            [
                "invalid ip-range x: invalid CIDR block notation",
                "invalid gateway y: invalid address",
            ],
        ),
        (
            {"Subnet": "10.0.0.0/24", "IPRange": "10.0.0.1/16"},
            [
                "invalid ip-range 10.0.0.1/16: CIDR block is bigger than its parent subnet "
                "10.0.0.0/24",
                "invalid ip-range 10.0.0.1/16: it should be 10.0.0.0/16",
            ],
        ),
        (
            {"Subnet": "10.0.0.0/24", "IPRange": "10.1.0.0/25"},
            ["invalid ip-range 10.1.0.0/25: parent subnet 10.0.0.0/24 doesn't contain ip-range"],
        ),
        (
            {
                "Subnet": "10.0.0.0/24",
                "AuxiliaryAddresses": {"a": "10.1.0.1"},
                "Gateway": "1.1.1.1",
            },
            [
                "invalid gateway 1.1.1.1: parent subnet 10.0.0.0/24 doesn't contain this address",
                "invalid auxiliary address a: parent subnet 10.0.0.0/24 doesn't contain this "
                "address",
            ],
        ),
    ],
)
def test_what_newer_engines_check(config: dict[str, Any], found: list[str]) -> None:
    """All that is wrong."""
    assert addresses.check_new(config) == found


def test_forms_of_addresses() -> None:
    """What is an address of which kind, and the hardware address that goes with one."""
    assert addresses.is_new_kind({"Subnet": "fd00::/64"})
    assert not addresses.is_new_kind({"Subnet": "10.0.0.0/24"})
    assert not addresses.is_new_kind({})
    assert addresses.hardware_address("172.17.0.255") == "02:42:ac:11:00:ff"
    assert addresses.hardware_address("") == ""
    assert addresses.joined(["a"]) == "a"
    assert addresses.joined(["a", "b"]) == "* a\n* b"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://10.0.0.1/x", "dial tcp 10.0.0.1:80: connect: connection refused"),
        ("https://10.0.0.1/x", "dial tcp 10.0.0.1:443: connect: connection refused"),
        ("http://10.0.0.1:81/x", "dial tcp 10.0.0.1:81: connect: connection refused"),
        ("http://a.b/x", "dial tcp: lookup a.b: no such host"),
    ],
)
def test_downloads_are_refused(url: str, words: str) -> None:
    """The double goes to no network; an engine without one says the same."""
    assert refused_download(url) == f'Get "{url}": {words}'


@pytest.mark.parametrize(
    ("name", "capitals", "parts"),
    [
        ("a", False, ("docker.io", "library/a", None, None)),
        ("a:1", False, ("docker.io", "library/a", "1", None)),
        ("a/b", False, ("docker.io", "a/b", None, None)),
        ("index.docker.io/a", False, ("docker.io", "library/a", None, None)),
        ("docker.io/a", False, ("docker.io", "library/a", None, None)),
        ("localhost/a", False, ("localhost", "a", None, None)),
        ("h:5000/a:1", False, ("h:5000", "a", "1", None)),
        ("h.x/a@sha256:" + "0" * 64, False, ("h.x", "a", None, "sha256:" + "0" * 64)),
        ("HOST/a", True, ("HOST", "a", None, None)),
    ],
)
def test_names_of_images(name: str, capitals: bool, parts: tuple[str | None, ...]) -> None:
    """Registry, repository, tag and digest; what is left out is the hub's."""
    found = reference.parse(name, capitals=capitals)
    assert (found.domain, found.path, found.tag, found.digest) == parts


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("0" * 64, "cannot specify 64-byte hexadecimal strings"),
        ("a:", "invalid reference format"),
        ("a:b c", "invalid reference format"),
        ("HOST/a", "repository name must be lowercase"),
        ("a@sha256:0", "invalid reference format"),
        ("a@", "invalid reference format"),
        ("", "invalid reference format"),
        ("a" * 256, "must not be more than 255 characters"),
        ("a" * 238, "must not be more than 255 characters"),
    ],
)
def test_malformed_names_of_images(name: str, words: str) -> None:
    """They are refused in the engine's words."""
    with pytest.raises(reference.InvalidReferenceError, match=words):
        reference.parse(name, capitals=False)
    assert len(f"docker.io/library/{'a' * 237}") == 255
    assert reference.parse("a" * 237, capitals=False).tag is None


def test_moments_in_filters() -> None:
    """One alone, or the first of several where they may be; none, where none is given."""
    now, old = 1_700_000_000 * S, VERSIONS["28.5"]
    assert filters.older_than({}, now, old, status=400) is None
    assert filters.older_than({"until": ["5"]}, now, old, status=400) == 5 * S
    assert filters.older_than({"until": ["7", "5"]}, now, old, status=400, several=True) == 5 * S
    for values, status, words in [(["5", "7"], 500, "more than one until"), (["x"], 400, "parse")]:
        with pytest.raises(ApiError, match=words) as caught:
            filters.older_than({"until": values}, now, old, status=status)
        assert caught.value.status == status


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [([], True), (["a"], True), (["a=1"], True), (["a=2"], False), (["c"], False), (["b="], True)],
)
def test_labels_in_filters(wanted: list[str], matches: bool) -> None:
    """A name alone asks for any value, and all that is asked for has to be there."""
    labels = {"a": "1", "b": ""}
    assert filters.labels_match(labels, wanted) is matches
    assert filters.without_labels(labels, {"label!": wanted}) is (not matches or not wanted)
    assert filters.labels_match(labels, [*wanted, "a", "d"]) is False


def test_names_in_filters() -> None:
    """They are expressions; what is none is looked for as it is."""
    assert filters.name_matches("web-1", None)
    assert filters.name_matches("web-1", ["^db", "b-"])
    assert not filters.name_matches("web-1", ["^db"])
    assert not filters.name_matches("web-1", [])
    assert filters.is_found("(", "a", "(")
    assert not filters.is_found("(", "a(")


def test_registries_with_capitals() -> None:
    """An image of one is found, listed, saved, and removed by its name."""
    engine = FakeDockerEngine(version="28.5")
    engine.seed_image("HOST/a:1")
    with closing(FakeDockerClient(engine)) as client:
        image = client.images.get("HOST/a:1")
        assert image.tags == ["HOST/a:1"]
        assert client.images.list(filters={"reference": "HOST/*"}) == [image]
        assert b"HOST/a" in b"".join(image.save(named="HOST/a:1"))
        client.images.remove("HOST/a:1")
        assert client.images.list() == []
