"""Clients that build one context: what each of them sends, and what is kept of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_mock import MockerFixture

from imagebuilders import BuildContext, S3ArtifactStore, Stack
from imagebuilders.artifact_stores.s3.service import Boto3Service
from imagebuilders.events import UploadProgress, listen

if TYPE_CHECKING:
    Cloud = Any


@pytest.fixture
def _versioned(cloud: Cloud) -> None:
    """The bucket keeps all that was ever put there."""
    versioning = {"Status": "Enabled"}
    cloud.aws.client("s3").put_bucket_versioning(
        Bucket="contexts", VersioningConfiguration=versioning
    )


@pytest.fixture
def client(cloud: Cloud) -> Iterator[Any]:
    """Builds as another client: with a builder and a store of its own."""
    opened = []

    def build(path: str, context: BuildContext) -> list[UploadProgress]:
        builder = cloud.make_builder()
        store = S3ArtifactStore(
            path=cloud.store.path, addressing_style="path", **cloud.aws.settings
        )
        opened.extend([builder, store])
        told: list[Any] = []
        with Stack(builder, store, cloud.registry).activate(), listen(told.append):
            builder.build(cloud.name(path), context, None, cloud.registry)
        return [one for one in told if isinstance(one, UploadProgress)]

    yield build
    for component in opened:
        component.close()


def _puts(cloud: Cloud) -> int:
    return sum(one.operation == "PutObject" for one in cloud.aws.requests)


def _versions(cloud: Cloud) -> int:
    found = cloud.aws.client("s3").list_object_versions(Bucket="contexts")
    assert "DeleteMarkers" not in found
    return len(found["Versions"])


@pytest.mark.usefixtures("_versioned")
def test_of_two_at_once_one_sends(cloud: Cloud, context: BuildContext, client: Any) -> None:
    """In one process the second waits for the first: one request puts the object, once."""
    cloud.aws.faults.add("PutObject", "delay", seconds=0.3)
    told: dict[str, list[UploadProgress]] = {}

    def work(path: str) -> None:
        told[path] = client(path, context)

    for _ in range(2):
        threads = [threading.Thread(target=work, args=(path,)) for path in ("one:1", "two:1")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(told) == 2
        assert (_puts(cloud), _versions(cloud)) == (1, 1)
    sent = [one.bytes_sent for events in told.values() for one in events]
    assert sent == [0, 0]  # of the second builds
    assert len(cloud.aws.code_build.builds) == 4


_UPLOAD = """
import json, sys
from imagebuilders import BuildContext, S3ArtifactStore
from imagebuilders.artifact_stores.upload import upload_build_context
context = BuildContext()
context.add_file("FROM scratch", "Dockerfile")
settings = json.loads(sys.argv[1])
with S3ArtifactStore(path="s3://contexts", addressing_style="path", **settings) as store:
    print(upload_build_context(context, store, "folder"))
"""


@pytest.mark.usefixtures("_versioned")
@pytest.mark.parametrize("folders", [("one", "one"), ("one", "two")], ids=["near", "far"])
def test_of_two_processes_one_sends(cloud: Cloud, tmp_path: Path, folders: tuple[str, str]) -> None:
    """The second waits for the first, also where they share no folder, as on two machines."""
    cloud.aws.faults.add("PutObject", "delay", seconds=1.0)
    command = [sys.executable, "-c", _UPLOAD, json.dumps(cloud.aws.settings)]
    started = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / folder)},
        )
        for folder in folders
    ]
    said = [process.communicate(timeout=60)[0] for process in started]
    assert said[0] == said[1]
    assert said[0].startswith(b"s3://contexts/folder/")
    assert (_puts(cloud), _versions(cloud)) == (1, 1)


@pytest.fixture
def _machines(mocker: MockerFixture) -> None:
    """Each client is on a machine of its own: none sees the turns of another."""
    mocker.patch("imagebuilders.artifact_stores.upload._turn", return_value=nullcontext())


_MOMENTS = [
    "create_multipart_upload",
    "list_multipart_uploads",
    "head_object",
    "put_object",
    "abort_multipart_upload",
]


@pytest.mark.usefixtures("_versioned", "_machines")
@pytest.mark.parametrize("moment", _MOMENTS)
def test_of_two_machines_one_sends(
    cloud: Cloud, context: BuildContext, client: Any, mocker: MockerFixture, moment: str
) -> None:
    """The other comes before any of the first one's requests; it is over by then, or waits."""
    original = Boto3Service.request
    first = threading.get_ident()
    goes_on = threading.Event()
    seen: Counter[str] = Counter()

    def build() -> None:
        client("other:1", context)
        goes_on.set()

    other = threading.Thread(target=build)

    def request(self: Boto3Service, method: str, arguments: Any) -> Any:
        if threading.get_ident() == first:
            if method == moment and other.ident is None:
                other.start()
                assert goes_on.wait(60)
            return original(self, method, arguments)
        seen[method] += 1
        if seen["list_multipart_uploads"] == 2:
            goes_on.set()
        return original(self, method, arguments)

    mocker.patch.object(Boto3Service, "request", request)
    client("mine:1", context)
    other.join()
    assert (_puts(cloud), _versions(cloud)) == (1, 1)
    assert "Uploads" not in cloud.aws.client("s3").list_multipart_uploads(Bucket="contexts")
    for path in ("mine:1", "other:1"):
        assert [one.bytes_sent for one in client(path, context)] == [0]
    assert (_puts(cloud), _versions(cloud)) == (1, 1)
    assert cloud.aws.registry.image("mine:1").read("/greeting.txt") == b"hello"
