"""The S3 store over a service in memory; over HTTP it is tested with the integration tests."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from fakes.contracts.artifact_store import ArtifactStoreContract
from imagebuilders.artifact_stores import s3_client
from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.s3 import (
    S3ArtifactStore,
    S3ArtifactStoreConfig,
    S3ArtifactStoreFlavor,
)
from imagebuilders.exceptions import (
    ArtifactNotFoundError,
    ArtifactStoreError,
    ConfigurationError,
    UploadError,
)

if TYPE_CHECKING:
    # tests/ is no package: the classes reach the tests as fixtures.
    MemoryS3 = Any
    MemoryS3Store = Any


class TestContract(ArtifactStoreContract):
    """The production code keeps the contract."""

    @pytest.fixture
    def artifact_store(self, s3_store: BaseArtifactStore) -> BaseArtifactStore:
        """An empty store."""
        return s3_store


# --- settings ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3a://bucket//a/b/", "s3://bucket/a/b"),
    ],
)
def test_paths_are_made_canonical(given: str, path: str) -> None:
    """Slashes too many and the other scheme are set right."""
    assert S3ArtifactStore(path=given).path == path


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"path": "/data"}, "is not of the form s3://bucket/prefix"),
        ({"path": "s3://"}, "is not of the form s3://bucket/prefix"),
        ({"key": "hidden"}, "key and secret belong together"),
        ({"token": "hidden"}, "token needs key and secret"),
        ({"profile": "p", "anonymous": True}, "give only one of"),
        ({"endpoint_url": "host:9000"}, "must be an http:// or https:// address"),
        ({"endpoint_url": "http://me:hidden@host"}, "must not hold credentials"),
        ({"part_size": 1024}, "part_size"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], words: str) -> None:
    """Each wrong setting is an error that names it and shows no secret."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        S3ArtifactStore(None, **{"path": "s3://bucket", **settings})  # type: ignore[arg-type]
    assert "hidden" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """Neither the store nor its settings print credentials."""
    store = S3ArtifactStore(path="s3://bucket", key="hidden", secret="hidden", token="hidden")
    assert "hidden" not in repr(store) + str(store.config)


def test_settings_reach_the_client() -> None:
    """Every setting arrives at s3fs, and nothing below it makes requests again."""
    address = "http://127.0.0.1:1"
    assert S3ArtifactStore(path="s3://bucket", endpoint_url=None).config.endpoint_url is None
    store = S3ArtifactStore(
        path="s3://bucket/prefix",
        key="id",
        secret="secret",
        token="token",
        endpoint_url=address,
        region="eu-central-1",
        addressing_style="path",
        verify=False,
        connect_timeout=1,
        read_timeout=2,
        attempts=3,
        concurrency=6,
    )
    filesystem: Any = store.filesystem
    assert (filesystem.key, filesystem.secret, filesystem.token) == ("id", "secret", "token")
    assert filesystem.endpoint_url == address
    assert filesystem.client_kwargs == {"region_name": "eu-central-1", "verify": False}
    assert filesystem.config_kwargs == {
        "connect_timeout": 1,
        "read_timeout": 2,
        "max_pool_connections": 8,
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "s3": {"addressing_style": "path"},
    }
    assert filesystem.retries == 1
    assert store.retry_policy.attempts == 3


def test_without_s3fs_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error tells which extra to install; making the store does not need it."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    store = S3ArtifactStore(path="s3://bucket")
    with pytest.raises(ArtifactStoreError, match=r"pip install 'imagebuilders\[s3\]'"):
        store.exists("file")


def test_importing_the_stores_imports_no_client() -> None:
    """The modules that talk to services are imported when they are first needed."""
    for name in ("s3", "remote", "local"):
        module = importlib.import_module(f"imagebuilders.artifact_stores.{name}")
        assert not {"s3fs", "fsspec", "aiobotocore", "botocore"} & set(vars(module))


def test_a_forked_process_connects_anew(
    s3_store: MemoryS3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child does not use its parent's connections, and does not close them either."""
    parent = os.getpid()
    first = s3_store._client()
    assert s3_store._client() is first
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    s3_store.close()
    assert s3_store.service.closed == 0
    assert s3_store._client() is not first


def test_closing_closes_the_connections(s3_store: MemoryS3Store) -> None:
    """`close` closes the client once; a store that was never used has nothing to close."""
    s3_store.close()
    assert s3_store.service.closed == 0
    s3_store.exists("file")
    s3_store.close()
    s3_store.close()
    assert s3_store.service.closed == 1


def test_a_client_that_fails_to_close_is_let_go(memory_s3: MemoryS3) -> None:
    """Closing never fails."""

    async def refuse() -> None:
        raise RuntimeError("already gone")

    memory_s3.close = refuse
    s3_client.S3Client(memory_s3, connect_timeout=1, read_timeout=1).close()


def test_a_request_has_a_time_limit(memory_s3: MemoryS3) -> None:
    """A request that is never answered ends, and the error says after how long."""
    limits: list[float] = []

    def never(method: str, timeout: float, **_: object) -> NoReturn:
        limits.append(timeout)
        raise asyncio.TimeoutError

    memory_s3.call_s3 = never
    client = s3_client.S3Client(memory_s3, connect_timeout=2, read_timeout=3)
    with pytest.raises(TimeoutError, match="no answer within 5 s"):
        client.request("head_object", Key="k")
    with pytest.raises(TimeoutError, match="no answer within 11 s"):
        client.request("put_object", Key="k", Body=bytes(2**20 + 1))
    assert limits == [5, 11]


# --- requests ----------------------------------------------------------------


def test_the_end_of_an_object_is_one_request(s3_store: MemoryS3Store) -> None:
    """Existence, size and the last bytes come with one answer."""
    s3_store.publish("file", [b"0123456789"])
    s3_store.service.requests.clear()
    tail = s3_store.read_tail("file", 4)
    assert (tail.size, tail.data) == (10, b"6789")
    assert s3_store.service.count() == {"get_object": 1}


def test_an_answer_without_a_range_is_the_whole_object(s3_store: MemoryS3Store) -> None:
    """A service that ignores the range gives everything, which is measured."""
    s3_store.publish("file", [b"0123456789"])
    whole = s3_store.service._get_object

    def without_range(Key: str, Range: str, **_: object) -> object:  # noqa: N803
        answer = whole(Key=Key, Range="bytes=-99")
        del answer["ContentRange"]
        return answer

    s3_store.service._get_object = without_range
    assert s3_store.read_tail("file", 4).size == 10


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("AccessDenied", 403, "access denied .*s3:PutObject"),
        ("InvalidAccessKeyId", 403, "refused the credentials"),
        ("Strange", 400, "the service answered Strange: said the service"),
    ],
)
def test_a_refusal_is_not_tried_again(
    s3_store: MemoryS3Store, code: str, status: int, words: str
) -> None:
    """What will not pass is told at once, with what to do."""
    service = s3_store.service
    service.fail("get_object", service.error(code, status))
    with pytest.raises(ArtifactStoreError, match=f"(?i){words}"):
        s3_store.read_tail("file", 4)
    service.fail("put_object", service.error(code, status))
    with pytest.raises(UploadError, match=f"(?i){words}"):
        s3_store.publish("file", [b"x"])
    assert service.count() == {"get_object": 1, "put_object": 1}


def test_a_missing_bucket_is_not_a_missing_file(s3_store: MemoryS3Store) -> None:
    """A bucket that does not exist is an error, not an empty store."""
    s3_store.service.bucket = "another"
    with pytest.raises(ArtifactStoreError, match="the bucket does not exist") as caught:
        s3_store.read_tail("file", 4)
    assert not isinstance(caught.value, ArtifactNotFoundError)
    with pytest.raises(UploadError, match="the bucket does not exist"):
        s3_store.publish("file", [b"x"])


def test_a_busy_service_is_asked_again(s3_store: MemoryS3Store) -> None:
    """A 503 passes; after the last attempt the error says how many were made."""
    service = s3_store.service
    service.fail("put_object", service.error("SlowDown", 503), times=2)
    assert s3_store.publish("file", [b"x"]) == 1
    assert service.count()["put_object"] == 3
    service.fail("put_object", service.error("SlowDown", 503), times=9)
    with pytest.raises(UploadError, match="after 5 attempts: the service answered SlowDown"):
        s3_store.publish("file", [b"x"])
    assert service.count()["put_object"] == 3 + 5


def test_object_settings_go_with_what_is_written(s3_store: MemoryS3Store) -> None:
    """Encryption and access control are asked for with a put and with a multipart upload."""
    settings = {
        "server_side_encryption": "aws:kms",
        "sse_kms_key_id": "key",
        "acl": "bucket-owner-full-control",
    }
    store = type(s3_store)(path="s3://bucket", part_size=5 * 1024 * 1024, **settings)
    store.service = s3_store.service
    store.publish("small", [b"x"])
    store.publish("large", [bytes(6 * 1024 * 1024)])
    for method, arguments in store.service.requests:
        if method in ("put_object", "create_multipart_upload"):
            assert arguments["ServerSideEncryption"] == "aws:kms"
            assert arguments["SSEKMSKeyId"] == "key"
            assert arguments["ACL"] == "bucket-owner-full-control"


def test_its_flavor() -> None:
    """The flavor `s3` leads to the store and its settings."""
    flavor = S3ArtifactStoreFlavor()
    assert flavor.name == "s3"
    assert flavor.implementation_class is S3ArtifactStore
    assert flavor.config_class is S3ArtifactStoreConfig
