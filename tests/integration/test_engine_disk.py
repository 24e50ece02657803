"""A real engine's disk that is full, and what the double says of one."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator

import pytest
from docker.api.client import APIClient
from testbed.bed import Testbed
from testbed.images import ENGINE_VERSIONS

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.docker_engine import differences
from fakes.contracts.engine.context import Files, pack
from fakes.contracts.engine.session import Session
from fakes.contracts.engine.transcripts import Notes

_MB = 1_000_000
# What is random cannot be compressed, and what is zero can be sent to a disk it does not fit on.
_BIG = os.urandom(18 * _MB)


@pytest.fixture(scope="module", params=ENGINE_VERSIONS)
def small_engine(
    request: pytest.FixtureRequest, testbed: Testbed
) -> Iterator[tuple[str, APIClient]]:
    """Each version, with room for a context of 20 MB and not for its copy."""
    with testbed.disposable_engine(request.param, disk="48m") as engine:
        yield request.param, engine.client.api


def _seen(api: APIClient, dockerfile: str, files: Files) -> Notes:
    session = Session(api, shared=False)
    assert session.build(dockerfile, files) is None
    return session.notes


@pytest.mark.parametrize(
    ("step", "files"),
    [
        ("COPY big /x/y/new", {"big": _BIG}),
        ("COPY d /x/y", {"d/empty": "", "d/s/big": _BIG}),
        (
            "ADD x.tar.gz /x/y/",
            {"x.tar.gz": gzip.compress(pack({"s/f": bytes(60 * _MB)}), mtime=0)},
        ),
    ],
    ids=["file", "folder", "archive"],
)
def test_a_step_finds_the_disk_full(
    small_engine: tuple[str, APIClient], step: str, files: Files
) -> None:
    """The double names the file and the cause as that version does."""
    version, real = small_engine
    expected = _seen(real, f"FROM scratch\n{step}", files)
    assert "no space left on device" in str(expected)
    engine = FakeDockerEngine(version)
    engine.faults.no_space_at_step(step.split()[0])
    double = FakeDockerClient(engine)
    assert not differences(expected, _seen(double.api, f"FROM scratch\n{step}", files))
    double.close()


def test_a_context_finds_the_disk_full(
    small_engine: tuple[str, APIClient],
) -> None:
    """It is refused before the first step."""
    version, real = small_engine
    # Empty but for one file: which of several does not fit depends on the disk.
    context = {"big": os.urandom(60 * _MB)}
    expected = _seen(real, "", context)
    assert "no space left on device" in str(expected)
    engine = FakeDockerEngine(version)
    engine.faults.no_space_for_context()
    double = FakeDockerClient(engine)
    assert not differences(expected, _seen(double.api, "", context))
    double.close()
