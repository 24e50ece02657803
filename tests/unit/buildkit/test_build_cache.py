"""What a daemon keeps of earlier builds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.buildkit import ScriptedBuildKit
from imagebuilders.buildkit import connect
from imagebuilders.buildkit.build_cache import disk_usage, prune
from imagebuilders.buildkit.cache_filters import (
    CacheFilters,
    parse_cache_filters,
    parse_duration,
)
from imagebuilders.buildkit.engine_client import OpenDaemon
from imagebuilders.buildkit.engine_features import EngineFeatures
from imagebuilders.buildkit.proto.control_pb2 import UsageRecord
from imagebuilders.exceptions import BuildKitError, BuildOptionsError


@pytest.fixture
def buildkit() -> ScriptedBuildKit:
    """Give a daemon that keeps four records."""
    buildkit = ScriptedBuildKit()
    used = UsageRecord(
        ID="layer",
        RecordType="regular",
        Size=100,
        Description="RUN make",
        Parents=["base"],
        UsageCount=2,
    )
    used.CreatedAt.FromSeconds(1_700_000_000)
    used.LastUsedAt.FromSeconds(1_700_000_060)
    buildkit.cache.records += [
        used,
        UsageRecord(ID="mount", RecordType="exec.cachemount", Size=500, Mutable=True),
        UsageRecord(ID="base", RecordType="regular", Size=50, Shared=True, Parent="old"),
        UsageRecord(ID="busy", RecordType="source.local", Size=7, InUse=True),
        UsageRecord(ID="own", RecordType="internal", Size=3),
    ]
    return buildkit


@pytest.fixture
def daemon(buildkit: ScriptedBuildKit) -> Iterator[OpenDaemon]:
    """Give a connection to it."""
    with buildkit.serve() as address, connect(address) as client:
        yield OpenDaemon("the daemon", client, EngineFeatures("the daemon"))


def test_disk_usage(daemon: OpenDaemon) -> None:
    """Records come the largest first, with sums of what is shared and what could go."""
    usage = disk_usage(daemon)
    assert [record.id for record in usage.records] == ["mount", "layer", "base", "busy", "own"]
    layer = usage.records[1]
    assert layer.created_at == datetime.fromtimestamp(1_700_000_000, timezone.utc)
    assert layer.last_used_at == datetime.fromtimestamp(1_700_000_060, timezone.utc)
    assert (layer.type, layer.description, layer.parents) == ("regular", "RUN make", ("base",))
    assert usage.records[2].parents == ("old",)
    assert usage.records[0].created_at is None
    assert (usage.total, usage.shared, usage.reclaimable) == (660, 50, 603)


@pytest.mark.parametrize(("told", "size"), [(-1, 0), (0, 0), (1, 1)])
def test_a_size_is_never_less_than_nothing(
    buildkit: ScriptedBuildKit, daemon: OpenDaemon, told: int, size: int
) -> None:
    """A daemon that has not measured a record yet says so with a negative one."""
    buildkit.cache.records[:] = [UsageRecord(ID="new", RecordType="regular", Size=told)]
    (record,) = disk_usage(daemon).records
    assert record.size == size


def test_disk_usage_of_some(daemon: OpenDaemon) -> None:
    """Filters are the daemon's own; one that it cannot read is an error with its words."""
    found = disk_usage(daemon, ["type==exec.cachemount", "id==base"])
    assert [record.id for record in found.records] == ["mount", "base"]
    with pytest.raises(BuildKitError, match=r"the daemon did not tell .* failed to parse"):
        disk_usage(daemon, ["bogus"])


def test_prune(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """What was removed is told; what is in use stays, and what the daemon keeps for itself."""
    removed = list(
        prune(
            daemon,
            keep_duration=timedelta(hours=1),
            reserved_space=10,
            max_used_space=20,
            min_free_space=30,
        )
    )
    assert {record.id for record in removed} == {"layer", "mount", "base"}
    assert {record.ID for record in buildkit.cache.records} == {"busy", "own"}
    (asked,) = buildkit.cache.prunes
    assert asked.keepDuration == 3_600_000_000_000
    assert (asked.reservedSpace, asked.maxUsedSpace, asked.minFreeSpace) == (10, 20, 30)
    assert [record.id for record in prune(daemon, include_internal=True)] == ["own"]


def test_prune_of_some(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """Filters go to the daemon as they are."""
    assert [record.id for record in prune(daemon, filters=["type==exec.cachemount"])] == ["mount"]
    assert len(buildkit.cache.records) == 4
    assert list(buildkit.cache.prunes[-1].filter) == ["type==exec.cachemount"]
    with pytest.raises(BuildKitError, match=r"the daemon did not remove .* failed to parse"):
        list(prune(daemon, filters=["bogus"]))


def test_prune_by_description(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """Older daemons do not look at it while they remove: the records are looked up before."""
    assert [record.id for record in prune(daemon, filters=["description==RUN make"])] == ["layer"]
    assert list(buildkit.cache.prunes[-1].filter) == ["id==layer"]
    assert list(prune(daemon, filters=["description==nothing"])) == []
    assert len(buildkit.cache.prunes) == 1


@pytest.mark.parametrize("limits", [(1, 0), (0, 1)])
@pytest.mark.parametrize(("version", "knows"), [("v0.16.0", True), ("v0.0.0+unknown", False)])
def test_a_daemon_that_would_pass_over_a_limit_is_not_asked(
    limits: tuple[int, int], version: str, knows: bool
) -> None:
    """It would remove everything."""
    older = ScriptedBuildKit(version=version)
    with older.serve() as address, connect(address) as client:
        features = EngineFeatures("old")
        daemon = OpenDaemon("old", client, features, has_space_limits=knows)
        most, least = limits
        with pytest.raises(BuildKitError, match="would remove everything"):
            list(prune(daemon, max_used_space=most, min_free_space=least))
        assert list(prune(daemon, reserved_space=1)) == []
    assert len(older.cache.prunes) == 1


def test_filters_are_those_of_docker() -> None:
    """All of them must fit; `until` is a time, the others are the daemon's."""
    assert parse_cache_filters([]) == CacheFilters()
    assert parse_cache_filters(
        ["type=exec.cachemount", "inuse", "id!=x", "description~=COPY a,b", "until=1h30m"]
    ) == CacheFilters(
        ('type==exec.cachemount,inuse,id!=x,description~="COPY a,b"',), timedelta(minutes=90)
    )
    assert parse_cache_filters(['description="']).filters == ('description=="\\""',)
    assert parse_cache_filters(["shared", "private"]).filters == ("shared,private",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "x=1",
        "until",
        "until==1h",
        "until=",
        "until=1",
        "until=1d",
        "inuse=1",
        "type",
        "=1",
    ],
)
def test_a_filter_of_another_form_is_refused(text: str) -> None:
    """The error quotes it and names what there is."""
    with pytest.raises(BuildOptionsError, match="has another form") as caught:
        parse_cache_filters([text])
    assert f"{text.removeprefix('until=')}'" in str(caught.value)


@given(st.text('0123456789.hms =~!"\\,andibeuty', max_size=30))
def test_whatever_is_given_as_a_filter_is_read_or_refused(text: str) -> None:
    """There is no other error, and what is read can be sent."""
    try:
        found = parse_cache_filters([f"until={text}", text])
    except BuildOptionsError:
        return
    assert found.unused_for is None or found.unused_for < timedelta(days=365 * 293)


@pytest.mark.parametrize("text", ["2562048h", "999999999h" * 100])
def test_a_duration_that_no_daemon_could_read(text: str) -> None:
    """Go's durations have an end."""
    with pytest.raises(BuildOptionsError, match="is longer than 2562047h"):
        parse_duration(text)


def test_the_longest_duration_can_be_sent(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """A longer one is as long as the longest."""
    list(prune(daemon, keep_duration=timedelta.max))
    list(prune(daemon, keep_duration=parse_duration("2562047h")))
    assert buildkit.cache.prunes[0].keepDuration == 2**63 - 1
    assert buildkit.cache.prunes[1].keepDuration == 2562047 * 3600 * 10**9


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86400), ("1h30m", 5400), ("1.5s", 1.5), ("250ms", 0.25)]
)
def test_durations(text: str, seconds: float) -> None:
    """They are spelled as in Go."""
    assert parse_duration(text) == timedelta(seconds=seconds)
