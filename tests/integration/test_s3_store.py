"""The S3 store over HTTP: a real boto3 client, moto's S3 server, and a bad network between."""

from __future__ import annotations

import hashlib
import random
import tarfile
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3  # type: ignore[import-untyped]
import pytest
from fault_proxy import FaultProxy
from moto.server import ThreadedMotoServer

from fakes.contracts.artifact_store import ArtifactStoreContract
from imagebuilders.artifact_stores import (
    S3ArtifactStore,
    S3ArtifactStoreConfig,
    upload_build_context,
)
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.build_context import BuildContext
from imagebuilders.exceptions import ArtifactStoreError, UploadError

MIB = 1024 * 1024
CONTENT = random.Random(7).randbytes(12 * MIB)
CHUNKS = [CONTENT[at : at + MIB] for at in range(0, len(CONTENT), MIB)]  # three parts


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    """moto's S3 server on a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def service(moto_url: str) -> Iterator[Any]:
    """A client of boto3, to look at the service from outside."""
    client = boto3.client(
        "s3",
        endpoint_url=moto_url,
        region_name="us-east-1",
        aws_access_key_id="looking",
        aws_secret_access_key="on",
    )
    yield client
    client.close()


@pytest.fixture
def bucket(service: Any) -> str:
    """A bucket of the test's own."""
    name = f"bucket-{uuid4().hex}"
    service.create_bucket(Bucket=name)
    return name


@pytest.fixture
def network(moto_url: str) -> Iterator[FaultProxy]:
    """The way to the server, which can be spoiled."""
    with FaultProxy(moto_url) as proxy:
        yield proxy


class QuickS3ArtifactStore(S3ArtifactStore):
    """The production store; it only pauses less."""

    @property
    def retry_policy(self) -> RetryPolicy:
        """The attempts of the settings, with short pauses."""
        return RetryPolicy(attempts=self.config.attempts, first_delay=0.01, longest_delay=0.05)


def _store(url: str, bucket: str, **settings: object) -> S3ArtifactStore:
    given = {
        "path": f"s3://{bucket}/prefix",
        "endpoint_url": url,
        "region": "us-east-1",
        "key": "key",
        "secret": "secret",
        "attempts": 3,
        "part_size": 5 * MIB,
        **settings,
    }
    return QuickS3ArtifactStore(S3ArtifactStoreConfig.model_validate(given))


@pytest.fixture
def store(network: FaultProxy, bucket: str) -> Iterator[S3ArtifactStore]:
    """A store whose requests go through the network that can be spoiled."""
    with _store(network.url, bucket) as store:
        yield store


class TestContract(ArtifactStoreContract):
    """The production store keeps the contract against a server of S3's protocol."""

    @pytest.fixture
    def artifact_store(self, moto_url: str, bucket: str) -> Iterator[S3ArtifactStore]:
        """An empty store."""
        with _store(moto_url, bucket) as store:
            yield store


def _is_whole(service: Any, bucket: str, key: str = "prefix/file") -> bool:
    body = service.get_object(Bucket=bucket, Key=key)["Body"].read()
    return hashlib.sha256(body).digest() == hashlib.sha256(CONTENT).digest()


def _nothing_is_there(service: Any, bucket: str) -> bool:
    """Tell whether the bucket has neither an object nor a part of one."""
    return service.list_objects_v2(Bucket=bucket)[
        "KeyCount"
    ] == 0 and "Uploads" not in service.list_multipart_uploads(Bucket=bucket)


def test_a_large_file_goes_in_parts(
    store: S3ArtifactStore, network: FaultProxy, service: Any, bucket: str
) -> None:
    """Twelve MiB are three parts, and the service holds the same bytes."""
    assert store.publish("file", CHUNKS) == len(CONTENT)
    assert network.count("PUT", "partNumber=") == 3
    assert service.head_object(Bucket=bucket, Key="prefix/file")["ETag"].endswith('-3"')
    assert _is_whole(service, bucket)


def test_the_end_of_a_file_is_one_request(store: S3ArtifactStore, network: FaultProxy) -> None:
    """Whether a file is there, its size and its end: one GET."""
    store.publish("file", [b"0123456789"])
    before = len(network.passages)
    tail = store.read_tail("file", 4)
    assert tail is not None
    assert (tail.size, tail.data) == (10, b"6789")
    assert [passage.method for passage in network.passages[before:]] == ["GET"]


def test_a_service_that_is_busy_is_asked_again(
    store: S3ArtifactStore, network: FaultProxy, service: Any, bucket: str
) -> None:
    """503, then success: for each kind of request an upload makes."""
    network.answer(503, "SlowDown", method="POST", target="uploads")
    network.answer(503, "ServiceUnavailable", method="PUT", target="partNumber=2")
    network.answer(500, "InternalError", method="POST", target="uploadId")
    store.publish("file", CHUNKS)
    assert network.count("PUT", "partNumber=") == 4
    assert network.count("POST") == 4
    assert _is_whole(service, bucket)
    network.answer(503, "SlowDown", method="GET")
    assert store.exists("file")


@pytest.mark.parametrize("after", [0, 1, 3 * MIB], ids=["at once", "one byte", "in its middle"])
def test_a_connection_cut_in_a_part_costs_that_part(
    store: S3ArtifactStore, network: FaultProxy, service: Any, bucket: str, after: int
) -> None:
    """The part is sent again, the others are not, and the file is whole."""
    network.cut(after, method="PUT", target="partNumber=2")
    store.publish("file", CHUNKS)
    assert network.count("PUT", "partNumber=2") == 2
    assert network.count("PUT", "partNumber=") == 4
    assert _is_whole(service, bucket)


def test_a_connection_cut_in_a_small_file(
    store: S3ArtifactStore, network: FaultProxy, service: Any, bucket: str
) -> None:
    """A single put is made again too."""
    network.cut(3, method="PUT")
    store.publish("file", [b"0123456789"])
    assert network.count("PUT") == 2
    assert service.get_object(Bucket=bucket, Key="prefix/file")["Body"].read() == b"0123456789"


def test_answers_that_are_lost(
    store: S3ArtifactStore, network: FaultProxy, service: Any, bucket: str
) -> None:
    """Whichever answer is lost, even the last: the file is whole and nothing else stays."""
    network.lose_answer(method="PUT", target="partNumber=1")
    network.lose_answer(method="POST", target="uploadId")
    store.publish("file", CHUNKS)
    assert _is_whole(service, bucket)
    assert "Uploads" not in service.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda n: n.answer(503, "SlowDown", method="PUT", target="partNumber=2", times=99),
         "the service answered SlowDown: from the proxy"),
        (lambda n: n.cut(MIB, method="PUT", target="partNumber=2", times=99), "after 3 attempts"),
        (lambda n: n.answer(503, "SlowDown", method="POST", target="uploadId", times=99),
         "the service answered SlowDown"),
    ],
    ids=["busy", "cut", "busy at the end"],
)  # fmt: skip
def test_attempts_run_out(
    store: S3ArtifactStore,
    network: FaultProxy,
    service: Any,
    bucket: str,
    spoil: Any,
    words: str,
) -> None:
    """After the last attempt: an error that says so, no object, and no part that costs."""
    spoil(network)
    with pytest.raises(UploadError, match=words) as caught:
        store.publish("file", CHUNKS)
    assert f"s3://{bucket}/prefix/file after 3 attempts" in str(caught.value)
    spoiled = [passage for passage in network.passages if passage.fate != "passed"]
    assert len(spoiled) == 3
    assert _nothing_is_there(service, bucket)


def test_nobody_listens(bucket: str) -> None:
    """An address where no service is: an error after the attempts, and nothing of botocore's."""
    with _store("http://127.0.0.1:9", bucket) as store:
        with pytest.raises(UploadError, match=r"after 3 attempts: .*Could not connect"):
            store.publish("file", [b"x"])
        with pytest.raises(ArtifactStoreError, match=r"after 3 attempts"):
            store.exists("file")


def test_an_access_error_is_not_tried_again(
    store: S3ArtifactStore, network: FaultProxy, service: Any, bucket: str
) -> None:
    """A refused part ends the upload at once, and what was sent is taken back."""
    network.answer(403, "AccessDenied", method="PUT", target="partNumber=1")
    with pytest.raises(UploadError, match=r"access denied \(AccessDenied: from the proxy\)"):
        store.publish("file", CHUNKS)
    assert network.count("PUT", "partNumber=1") == 1
    assert _nothing_is_there(service, bucket)


def test_unknown_credentials_are_refused(moto_url: str, bucket: str) -> None:
    """The server itself refuses a key it does not know; the error shows no secret."""

    def check_keys_after(requests: str) -> None:
        request = urllib.request.Request(
            f"{moto_url}/moto-api/reset-auth",
            data=requests.encode(),
            headers={"Content-Type": "text/plain"},
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    check_keys_after("0")
    try:
        with _store(moto_url, bucket, key="unknown-key", secret="very-hidden") as store:
            with pytest.raises(UploadError, match="refused the credentials") as caught:
                store.publish("file", [b"x"])
            assert "very-hidden" not in str(caught.value)
            with pytest.raises(ArtifactStoreError):
                store.read_tail("file", 4)
    finally:
        check_keys_after("inf")


def test_the_usual_credentials_are_found(
    moto_url: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key in the settings, those of the environment are used."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with _store(moto_url, bucket, key=None, secret=None) as store:
        assert store.publish("file", [b"x"]) == 1


def test_no_credentials_at_all(moto_url: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none are found the error says how to give them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with (
        _store(moto_url, bucket, key=None, secret=None) as store,
        pytest.raises(UploadError, match=r"no credentials were found\. Set key and secret"),
    ):
        store.publish("file", [b"x"])


def test_one_path_is_uploaded_by_two_at_once(moto_url: str, service: Any, bucket: str) -> None:
    """Two uploads of one large file, in parts, do not disturb each other."""
    with (
        _store(moto_url, bucket) as one,
        _store(moto_url, bucket) as two,
        ThreadPoolExecutor(2) as pool,
    ):
        sizes = pool.map(lambda store: store.publish("file", CHUNKS), (one, two))
        assert list(sizes) == [len(CONTENT)] * 2
    assert _is_whole(service, bucket)
    assert "Uploads" not in service.list_multipart_uploads(Bucket=bucket)


def test_an_unchanged_context_is_one_request(
    store: S3ArtifactStore,
    network: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A real build context: sent once, in parts; then one GET tells that it is there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "context"
    root.mkdir()
    (root / "data").write_bytes(CONTENT)
    context = BuildContext(str(root))
    path = upload_build_context(context, store, "contexts")
    assert network.count("PUT", "partNumber=") == 3
    sent = len(network.passages)
    assert upload_build_context(BuildContext(str(root)), store, "contexts") == path
    assert [passage.method for passage in network.passages[sent:]] == ["GET"]
    with store.open(path) as file, tarfile.open(fileobj=file, mode="r:gz") as archive:
        data = archive.extractfile("data")
        assert data is not None
        assert data.read() == CONTENT
