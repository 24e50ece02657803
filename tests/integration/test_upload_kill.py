"""An upload that is killed, at any moment, leaves no wrong object under a final name."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3  # type: ignore[import-untyped]
import killed_uploads
import pytest
from comparison_size import WHOLE, size
from moto.server import ThreadedMotoServer

MIB = 1024 * 1024


def _make_context(root: Path, size: int) -> Path:
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY data /\n")
    (root / "data").write_bytes(random.Random(3).randbytes(size))
    return root


def _kill_uploads(cache: Path, **specification: object) -> dict[str, Any]:
    """Run the program that kills uploads, and give what it found."""
    done = subprocess.run(
        [sys.executable, killed_uploads.__file__, json.dumps(specification)],
        capture_output=True,
        text=True,
        timeout=300 if not WHOLE else 4 * 3600,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("before", [None, "a damaged archive"], ids=["nothing", "damaged"])
def test_killed_at_every_line_of_a_local_upload(tmp_path: Path, before: str | None) -> None:
    """At each line: nothing, or the old file, or the whole archive; and nothing is left over."""
    result = _kill_uploads(
        tmp_path / "cache",
        context=str(_make_context(tmp_path / "context", 100_000)),
        store="local",
        settings={"path": str(tmp_path / "store")},
        moments="lines",
        stride=1,
        before=before,
    )
    assert result["killed"] > 100
    assert result["found"]["as before"] > 50
    assert result["found"]["whole"] > 5
    # The last upload was let finish, and has swept what the dead ones left.
    assert os.listdir(tmp_path / "store" / "contexts") == [result["name"].rpartition("/")[2]]


def test_killed_at_many_lines_of_an_upload_by_url(tmp_path: Path) -> None:
    """The general way over fsspec, a temporary file and a move, leaves no wrong object either."""
    result = _kill_uploads(
        tmp_path / "cache",
        context=str(_make_context(tmp_path / "context", 100_000)),
        store="remote",
        settings={"path": f"file://{tmp_path}/store"},
        moments="lines",
        stride=1 if WHOLE else 3,
        before="a damaged archive",
    )
    assert result["found"]["as before"] > 30
    assert result["found"]["whole"] > 3


def test_killed_at_many_times_of_a_local_upload(tmp_path: Path) -> None:
    """At moments spread over an upload, also within a system call."""
    result = _kill_uploads(
        tmp_path / "cache",
        context=str(_make_context(tmp_path / "context", 16 * MIB)),
        store="local",
        settings={"path": str(tmp_path / "store")},
        moments="times",
        stride=size(40, 200),
        before=None,
    )
    assert result["killed"] > 10
    assert result["found"]["as before"] > 10
    assert os.listdir(tmp_path / "store" / "contexts") == [result["name"].rpartition("/")[2]]


@pytest.fixture
def moto_url() -> Iterator[str]:
    """moto's S3 server on a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.mark.parametrize(
    ("moments", "stride", "before"),
    [
        ("lines", 1 if WHOLE else 67, None),
        ("times", size(20, 200), None),
        ("times", size(12, 200), "a damaged archive"),
    ],
)
def test_killed_at_many_moments_of_an_upload_to_s3(
    tmp_path: Path, moto_url: str, moments: str, stride: int, before: str | None
) -> None:
    """During the parts, before and after the completion: no wrong object, ever."""
    settings = {
        "endpoint_url": moto_url,
        "region": "us-east-1",
        "key": "key",
        "secret": "secret",
    }
    bucket = f"bucket-{uuid4().hex}"
    client = boto3.client(
        "s3",
        endpoint_url=moto_url,
        region_name="us-east-1",
        aws_access_key_id="looking",
        aws_secret_access_key="on",
    )
    client.create_bucket(Bucket=bucket)
    client.close()
    result = _kill_uploads(
        tmp_path / "cache",
        context=str(_make_context(tmp_path / "context", 12 * MIB)),
        store="s3",
        settings={**settings, "path": f"s3://{bucket}/prefix", "part_size": 5 * MIB},
        moments=moments,
        stride=stride,
        before=before,
    )
    assert result["killed"] >= 5
    assert result["found"]["as before"] >= 3
