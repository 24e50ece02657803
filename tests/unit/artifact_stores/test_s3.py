"""The S3 store over a service in memory; over HTTP it is tested with the integration tests."""

from __future__ import annotations

import importlib
import io
import os
import pickle
import sys
from copy import copy, deepcopy
from pathlib import Path
from typing import Any

import pytest
from memory_s3 import MemoryS3Store

from fakes.contracts.artifact_store import ArtifactStoreContract
from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.s3 import (
    S3ArtifactStore,
    S3ArtifactStoreConfig,
    S3ArtifactStoreFlavor,
)
from imagebuilders.artifact_stores.s3.reader import ObjectReader
from imagebuilders.artifact_stores.tail import Tail
from imagebuilders.artifact_stores.upload import upload_build_context
from imagebuilders.build_context import BuildContext
from imagebuilders.exceptions import (
    ArtifactAccessError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    ArtifactStoreError,
    ConfigurationError,
    UploadError,
)


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
        ({"key": "hidden\n", "secret": "hidden"}, "key: must be printable ASCII"),
        ({"key": "k", "secret": "s", "token": "hidden\n"}, "token: must be printable ASCII"),
        ({"profile": "p", "anonymous": True}, "give only one of"),
        ({"endpoint_url": "host:9000"}, "must be an http:// or https:// address"),
        ({"endpoint_url": "http://me:hidden@host"}, "must not hold credentials"),
        ({"endpoint_url": "http://host:99999"}, "endpoint_url"),
        ({"part_size": 1024}, "part_size"),
        ({"part_size": 10**30}, "part_size"),
        ({"read_timeout": 1e300}, "read_timeout"),
        ({"connect_timeout": float("inf")}, "connect_timeout"),
        ({"connect_timeout": float("nan")}, "connect_timeout"),
        ({"verify": ""}, "must be true, false or the path of a bundle"),
        ({"region": "\udc80"}, "region"),
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
    """Every setting arrives at boto3, and nothing below it makes requests again."""
    store = S3ArtifactStore(
        path="s3://bucket/prefix",
        key="id",
        secret="secret",
        endpoint_url="http://127.0.0.1:1",
        region="eu-central-1",
        addressing_style="path",
        connect_timeout=1,
        read_timeout=2,
        attempts=3,
        concurrency=6,
    )
    opened: Any = store._opened()
    config = opened._client.meta.config
    assert opened._client.meta.endpoint_url == "http://127.0.0.1:1"
    assert config.region_name == "eu-central-1"
    assert config.s3 == {"addressing_style": "path"}
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.max_pool_connections == 8
    assert store.retry_policy.attempts == 3
    store.close()


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error tells which extra to install; making the store does not need it."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    store = S3ArtifactStore(path="s3://bucket")
    with pytest.raises(ArtifactStoreError, match=r"pip install 'imagebuilders\[s3\]'"):
        store.exists("file")


def test_importing_the_stores_imports_no_client() -> None:
    """The modules that talk to services are imported when they are first needed."""
    for name in ("s3", "remote", "local"):
        module = importlib.import_module(f"imagebuilders.artifact_stores.{name}")
        assert not {"boto3", "botocore", "fsspec"} & set(vars(module))


def test_a_forked_process_connects_anew(
    s3_store: MemoryS3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child does not use its parent's connections, and does not close them either."""
    parent, service = os.getpid(), s3_store.service
    assert s3_store._opened() is service
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    s3_store.service = type(service)()
    s3_store.close()
    assert service.closed == 0
    assert s3_store._opened() is not service


def test_a_copy_connects_by_itself() -> None:
    """A store that was used can be pickled and copied; neither shares its connections."""
    with S3ArtifactStore(path="s3://bucket", key="id", secret="hidden") as store:
        opened = store._opened()
        for other in (pickle.loads(pickle.dumps(store)), copy(store), deepcopy(store)):
            assert other.config == store.config
            assert other.id == store.id
            assert other._opened() is not opened
            other.close()


def test_closing_closes_the_connections(s3_store: MemoryS3Store) -> None:
    """`close` closes the client once; a store that was never used has nothing to close."""
    s3_store.close()
    assert s3_store.service.closed == 0
    s3_store.exists("file")
    s3_store.close()
    s3_store.close()
    assert s3_store.service.closed == 1


# --- requests ----------------------------------------------------------------


def test_the_end_of_an_object_is_one_request(s3_store: MemoryS3Store) -> None:
    """Existence, size and the last bytes come with one answer."""
    s3_store.publish("file", [b"0123456789"])
    s3_store.service.requests.clear()
    tail = s3_store.read_tail("file", 4)
    assert tail == Tail(10, b"6789")
    assert s3_store.service.count() == {"get_object": 1}


def test_an_answer_without_a_range_is_the_whole_object(s3_store: MemoryS3Store) -> None:
    """A service that ignores the range gives everything, which is measured."""
    s3_store.publish("file", [b"0123456789"])
    whole = s3_store.service._get_object

    def without_range(Key: str, Range: str, **_: object) -> object:  # noqa: N803
        answer = whole(Key=Key, Range="bytes=-99")
        del answer["ContentRange"]
        return answer

    s3_store.service.answers["get_object"] = without_range
    tail = s3_store.read_tail("file", 4)
    assert tail is not None
    assert tail.size == 10


def test_the_last_0_bytes_are_none(s3_store: MemoryS3Store) -> None:
    """The size comes also to whoever wants no byte."""
    s3_store.publish("file", [b"0123456789"])
    assert s3_store.read_tail("file", 0) == Tail(10, b"")


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


def test_object_settings_go_with_what_is_written() -> None:
    """Encryption and access control are asked for with whatever makes an object."""

    settings = {
        "server_side_encryption": "aws:kms",
        "sse_kms_key_id": "key",
        "acl": "bucket-owner-full-control",
    }
    asked = S3ArtifactStoreConfig.model_validate(
        {"path": "s3://bucket", **settings}
    ).object_settings
    assert asked == {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "key",
        "ACL": "bucket-owner-full-control",
    }


def test_object_settings_go_with_each_kind_of_write(s3_store: MemoryS3Store) -> None:
    """A put, a multipart upload, an open file and a copy have them."""
    store = type(s3_store)(path="s3://bucket", part_size=5 * 1024 * 1024, acl="private")
    store.publish("small", [b"x"])
    store.publish("large", [bytes(6 * 1024 * 1024)])
    with store.open("open", "w") as file:
        file.write("x")
    store.rename("small", "renamed")
    made = {
        method: arguments.get("ACL") or arguments.get("ExtraArgs", {}).get("ACL")
        for method, arguments in store.service.requests
        if method in ("put_object", "create_multipart_upload", "copy")
    }
    assert made == dict.fromkeys(("put_object", "create_multipart_upload", "copy"), "private")


# --- files that are open -------------------------------------------------------


def test_a_reader_that_could_not_be_opened_is_closed_without_another_error() -> None:
    """The interpreter closes it, too, when it is forgotten."""

    class Refusing:
        def request(self, *_: object) -> dict[str, object]:
            raise FileNotFoundError

    service: Any = Refusing()
    reader = ObjectReader.__new__(ObjectReader)
    with pytest.raises(FileNotFoundError):
        ObjectReader.__init__(reader, service, "bucket", "key")
    reader.close()
    assert reader.closed


def test_a_file_is_read_with_one_request(s3_store: MemoryS3Store) -> None:
    """Reading from start to end, in pieces or whole, is one GET."""
    s3_store.publish("file", [b"one\ntwo\n"])
    s3_store.service.requests.clear()
    with s3_store.open("file", "r") as file:
        assert list(file) == ["one\n", "two\n"]
    assert s3_store.service.count() == {"get_object": 1}


def test_a_file_that_is_closed_gives_its_connection_back() -> None:
    """Also where not all was read; closing it twice does it once."""
    closed = []

    class Body(io.BytesIO):
        def close(self) -> None:
            if not self.closed:
                closed.append(self.tell())
            super().close()

    class Service:
        def request(self, *_: object) -> dict[str, object]:
            return {"Body": Body(b"0123456789"), "ContentLength": 10}

    service: Any = Service()
    reader = ObjectReader(service, "bucket", "key")
    assert reader.read(3) == b"012"
    assert reader.tell() == 3
    assert closed == []
    for _ in range(2):
        reader.close()
        assert closed == [3]
    assert reader.closed


def test_a_position_costs_a_request(s3_store: MemoryS3Store) -> None:
    """From the start, from here and from the end; before the beginning is an error."""
    s3_store.publish("file", [b"0123456789"])
    with s3_store.open("file") as file:
        assert file.seek(-3, io.SEEK_END) == 7
        assert file.read() == b"789"
        assert file.seek(2) == 2
        assert file.seek(1, io.SEEK_CUR) == 3
        assert file.read(2) == b"34"
        assert file.seek(99) == 99
        assert file.read() == b""
        with pytest.raises(ArtifactStoreError, match="before the beginning"):
            file.seek(-11, io.SEEK_END)


def test_a_file_that_is_replaced_is_not_read_on(s3_store: MemoryS3Store) -> None:
    """What is read is one object: never the beginning of one and the end of another."""
    s3_store.publish("file", [b"0123456789"])
    with s3_store.open("file") as file:
        s3_store.publish("file", [b"abcdefghij"])
        file.seek(5)
        with pytest.raises(ArtifactStoreError, match="PreconditionFailed"):
            file.read()


def test_a_large_file_that_is_written_goes_in_parts(s3_store: MemoryS3Store) -> None:
    """`open` sends parts too; the object appears when the file is closed."""
    with s3_store.open("file", "wb") as file:
        for number in range(12):
            file.write(bytes([number]) * 1024 * 1024)
        assert s3_store.service.contents == {}
    assert s3_store.service.count()["upload_part"] == 3
    assert len(s3_store.service.contents["prefix/file"]) == 12 * 1024 * 1024


def test_a_file_that_failed_in_a_part_is_taken_back(s3_store: MemoryS3Store) -> None:
    """A part that is missing is never left out: nothing is put into place, and no part stays."""
    service = s3_store.service
    service.fail("upload_part", service.error("AccessDenied", 403))
    file = s3_store.open("file", "wb")
    with pytest.raises(ArtifactStoreError, match="access denied"):
        file.write(bytes(30 * 1024 * 1024))
    file.close()
    assert service.contents == {}
    assert service.uploads == {}


def test_a_long_listing_comes_in_pages(s3_store: MemoryS3Store) -> None:
    """However many pages the service cuts a folder into, all names are there."""
    for name in "abcde":
        s3_store.publish(f"folder/{name}", [b"x"])
    assert s3_store.listdir("folder") == list("abcde")
    assert s3_store.service.count()["list_objects_v2"] == 3


# --- uploads, and who was first -------------------------------------------------


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildContext:
    """A small context."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = BuildContext()
    made.add_file("FROM scratch\n", "Dockerfile")
    return made


def test_a_missing_file_that_may_not_be_looked_for_is_uploaded(
    s3_store: MemoryS3Store, context: BuildContext
) -> None:
    """Without s3:ListBucket a missing object is a 403: the upload goes on."""
    service = s3_store.service
    service.fail("get_object", service.error("AccessDenied", 403))
    path = upload_build_context(context, s3_store, "contexts")
    assert s3_store.exists(path)


def test_what_may_not_be_read_is_an_access_error(s3_store: MemoryS3Store) -> None:
    """Code can tell a refusal from the rest, also by the built-in class."""
    service = s3_store.service
    service.fail("head_object", service.error("403", 403))
    with pytest.raises(ArtifactAccessError, match="access denied") as caught:
        s3_store.exists("file")
    assert isinstance(caught.value, PermissionError)


def test_an_upload_replaces_nothing_that_appeared_meanwhile(
    s3_store: MemoryS3Store, context: BuildContext
) -> None:
    """The archive that another client put there first is found whole, and kept."""
    service = s3_store.service
    service.gives_turns = False
    path = upload_build_context(context, s3_store, "contexts")
    service.requests.clear()
    service.fail("get_object", service.error("NoSuchKey", 404))
    assert upload_build_context(context, s3_store, "contexts") == path
    put = [arguments for method, arguments in service.requests if method == "put_object"]
    assert [arguments["IfNoneMatch"] for arguments in put] == ["*"]


def test_a_damaged_archive_that_appeared_meanwhile_is_replaced(
    s3_store: MemoryS3Store, context: BuildContext
) -> None:
    """Something else under the archive's name is not taken for it."""
    service = s3_store.service
    path = upload_build_context(context, s3_store, "contexts")
    whole = dict(service.contents)
    s3_store.publish(path, [b"damaged"])
    service.fail("get_object", service.error("NoSuchKey", 404))
    upload_build_context(context, s3_store, "contexts")
    assert service.contents == whole


@pytest.mark.parametrize("size", [1, 11], ids=["put", "parts"])
def test_what_is_there_can_be_kept(s3_store: MemoryS3Store, size: int) -> None:
    """With `replace=False` an object that is there is an error, and stays."""
    s3_store.publish("file", [b"old"])
    with pytest.raises(ArtifactExistsError, match="is there already"):
        s3_store.publish("file", [bytes(1024 * 1024)] * size, replace=False)
    assert s3_store.service.contents == {"prefix/file": b"old"}
    assert s3_store.service.uploads == {}


@pytest.mark.parametrize("size", [1, 11], ids=["put", "parts"])
def test_a_lost_answer_to_a_conditional_write_is_success(
    s3_store: MemoryS3Store, size: int
) -> None:
    """The second attempt finds what the first one wrote, and knows it again."""
    service = s3_store.service
    method = "put_object" if size == 1 else "complete_multipart_upload"
    service.lose_answer(method, ConnectionResetError())
    content = [bytes(1024 * 1024)] * size
    assert s3_store.publish("file", content, replace=False) == size * 1024 * 1024
    assert service.count()[method] == 2


def test_a_conflict_is_tried_again(s3_store: MemoryS3Store) -> None:
    """A 409 means that another write was under way: it may have failed."""
    service = s3_store.service
    service.fail("put_object", service.error("ConditionalRequestConflict", 409), times=2)
    assert s3_store.publish("file", [b"x"], replace=False) == 1
    assert service.count()["put_object"] == 3


def test_a_conflict_that_ended_the_upload_sends_all_parts_anew(s3_store: MemoryS3Store) -> None:
    """After a conflict the parts may be gone; content that can be had again is sent again."""
    service = s3_store.service
    service.fail("complete_multipart_upload", service.error("NoSuchUpload", 404))
    content = [bytes(1024 * 1024)] * 11
    assert s3_store.publish("file", content, replace=False) == 11 * 1024 * 1024
    assert service.count()["create_multipart_upload"] == 2
    assert service.uploads == {}


@pytest.mark.parametrize(
    ("code", "status"), [("NotImplemented", 501), ("InvalidArgument", 400), ("400", 400)]
)
@pytest.mark.parametrize("size", [1, 11], ids=["put", "parts"])
def test_a_service_without_conditions_is_asked_first(
    s3_store: MemoryS3Store, code: str, status: int, size: int
) -> None:
    """Where the condition is refused, a look comes before; the service is asked once only."""
    service = s3_store.service
    service.gives_turns = False
    method = "put_object" if size == 1 else "complete_multipart_upload"
    service.fail(method, service.error(code, status))
    content = [bytes(1024 * 1024)] * size
    s3_store.publish("file", content, replace=False)
    assert service.count()["head_object"] == 1
    assert service.takes_conditions is False
    with pytest.raises(ArtifactExistsError):
        s3_store.publish("file", content, replace=False)
    s3_store.publish("other", content, replace=False)
    assert service.count()[method] == 3
    assert "IfNoneMatch" not in service.requests[-1][1]


def test_a_service_that_ignores_conditions_is_asked_first(s3_store: MemoryS3Store) -> None:
    """A service that is not AWS's may take the condition and do nothing with it."""
    service = s3_store.service
    service.is_foreign, service.gives_turns = True, False
    s3_store.publish("file", [b"old"], replace=False)
    with pytest.raises(ArtifactExistsError):
        s3_store.publish("file", [b"new"], replace=False)
    assert service.count() == {"head_object": 2, "put_object": 1}


def test_its_flavor() -> None:
    """The flavor `s3` leads to the store and its settings."""
    flavor = S3ArtifactStoreFlavor()
    assert flavor.name == "s3"
    assert flavor.implementation_class is S3ArtifactStore
    assert flavor.config_class is S3ArtifactStoreConfig


# --- what is asked for what is written, and presigned addresses ----------------


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"sse_kms_key_id": "k"}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k"}),
        (
            {"server_side_encryption": "aws:kms:dsse", "sse_kms_key_id": "k"},
            {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": "k"},
        ),
        ({"bucket_key_enabled": True}, {"BucketKeyEnabled": True}),
        ({"storage_class": "ONEZONE_IA"}, {"StorageClass": "ONEZONE_IA"}),
    ],
)
def test_encryption_and_storage_class(settings: dict[str, Any], asked: dict[str, Any]) -> None:
    """They are asked for with each object, as boto3 names them."""
    assert S3ArtifactStoreConfig(path="s3://b", **settings).object_settings == asked


@pytest.mark.parametrize(
    "settings",
    [{"server_side_encryption": "AES256", "sse_kms_key_id": "k"}, {"storage_class": "GLACIER"}],
)
def test_what_could_not_be_read_at_once_is_refused(settings: dict[str, Any]) -> None:
    """A key without KMS, or a class that must be thawed, is found when the store is made."""
    with pytest.raises(ConfigurationError, match=r"sse_kms_key_id|storage_class"):
        S3ArtifactStore(path="s3://b", **settings)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_presigned_address(region: str) -> None:
    """It names object and lifetime, is signed with version 4, and asks nobody."""
    with S3ArtifactStore(path="s3://b/p", key="id", secret="hidden", region=region) as store:
        url = store.presigned_url("a b.tar.gz", expires_in=60)
    assert "/p/a%20b.tar.gz?" in url
    assert "X-Amz-Expires=60" in url
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert "hidden" not in url


@pytest.mark.parametrize("seconds", [0, 7 * 24 * 3600 + 1])
def test_presigned_addresses_end(seconds: int) -> None:
    """S3 signs for a second to a week."""
    with pytest.raises(ValueError, match="expires_in is 1 to 604800"):
        S3ArtifactStore(path="s3://b").presigned_url("a", expires_in=seconds)


def test_presigning_needs_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, the error says where they may come from."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with (
        S3ArtifactStore(path="s3://b", region="us-east-1") as store,
        pytest.raises(ArtifactStoreError, match="no credentials were found"),
    ):
        store.presigned_url("a")
