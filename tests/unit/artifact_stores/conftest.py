"""An S3 service in memory, behind the two calls that the store makes of s3fs."""

from __future__ import annotations

import re
from asyncio import AbstractEventLoop
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from fsspec.asyn import get_loop  # type: ignore[import-untyped]
from fsspec.implementations.memory import MemoryFile  # type: ignore[import-untyped]
from s3fs.errors import translate_boto_error  # type: ignore[import-untyped]

from fakes.artifact_store import InstanceMemoryFileSystem
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.artifact_stores.s3 import S3ArtifactStore
from imagebuilders.artifact_stores.s3_client import S3Client, S3FileSystem

Answer = dict[str, Any]


@dataclass
class _Upload:
    key: str
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass
class _Body:
    content: bytes

    async def read(self) -> bytes:
        return self.content


class MemoryS3(InstanceMemoryFileSystem):
    """Objects of any number of buckets; one of them exists."""

    bucket = "bucket"

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        self.errors: list[tuple[str, Exception]] = []
        self.uploads: dict[str, _Upload] = {}
        self.most_parts_at_once = 0
        self.closed = 0

    # --- what a test asks for ---

    def fail(self, method: str, error: Exception, times: int = 1) -> None:
        """Let the next requests of a method fail."""
        self.errors += [(method, error)] * times

    def lose_answer(self, method: str, error: Exception) -> None:
        """Let the next request of a method be carried out, and its answer be lost."""
        self.errors.append((f"after {method}", error))

    def count(self) -> Counter[str]:
        """Say how many requests of each method were made."""
        return Counter(method for method, _ in self.requests)

    @staticmethod
    def error(code: str, status: int, message: str = "said the service") -> Exception:
        """Make the error that s3fs makes of an answer."""
        answer = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        return cast(Exception, translate_boto_error(ClientError(cast(Any, answer), "Operation")))

    # --- what s3fs offers ---

    @property
    def loop(self) -> AbstractEventLoop:
        """The loop on which bodies are read."""
        return cast(AbstractEventLoop, get_loop())

    @property
    def s3(self) -> MemoryS3:
        """The client, which here is the service itself."""
        return self

    async def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1

    def call_s3(self, method: str, timeout: float | None = None, **arguments: Any) -> Answer:
        """Carry out a request."""
        self.requests.append((method, arguments))
        self._strike(method)
        if arguments["Bucket"] != self.bucket:
            raise self.error("NoSuchBucket", 404)
        answer = cast(Answer, getattr(self, f"_{method}")(**arguments))
        self._strike(f"after {method}")
        return answer

    def _strike(self, moment: str) -> None:
        for fault in self.errors:
            if fault[0] == moment:
                self.errors.remove(fault)
                raise fault[1]

    def _put(self, key: str, content: bytes, tag: str) -> None:
        path = f"/{self.bucket}/{key}"
        file = MemoryFile(self, path, content)
        file.tag = tag
        self.store[path] = file

    def _put_object(self, Key: str, Body: bytes, **_: object) -> Answer:  # noqa: N803
        self._put(Key, Body, md5(Body, usedforsecurity=False).hexdigest())
        return {}

    def _get_object(self, Key: str, Range: str, **_: object) -> Answer:  # noqa: N803
        file = self.store.get(f"/{self.bucket}/{Key}")
        if file is None:
            raise self.error("NoSuchKey", 404)
        content = file.getvalue()
        if not content:
            raise self.error("InvalidRange", 416)
        match = re.fullmatch(r"bytes=-(\d+)", Range)
        assert match is not None
        data = content[-int(match[1]) :]
        whole = len(content)
        return {
            "Body": _Body(data),
            "ContentRange": f"bytes {whole - len(data)}-{whole - 1}/{whole}",
        }

    def _head_object(self, Key: str, **_: object) -> Answer:  # noqa: N803
        file = self.store.get(f"/{self.bucket}/{Key}")
        if file is None:
            raise self.error("404", 404)
        return {"ContentLength": len(file.getvalue()), "ETag": f'"{cast(Any, file).tag}"'}

    def begin(self, key: str) -> str:
        """Begin an upload."""
        upload_id = f"upload-{len(self.requests)}-{key}"
        self.uploads[upload_id] = _Upload(key)
        return upload_id

    def _create_multipart_upload(self, Key: str, **_: object) -> Answer:  # noqa: N803
        return {"UploadId": self.begin(Key)}

    def _upload(self, upload_id: str) -> _Upload:
        if upload_id not in self.uploads:
            raise self.error("NoSuchUpload", 404)
        return self.uploads[upload_id]

    def _upload_part(
        self,
        UploadId: str,  # noqa: N803
        PartNumber: int,  # noqa: N803
        Body: bytes,  # noqa: N803
        **_: object,
    ) -> Answer:
        self._upload(UploadId).parts[PartNumber] = Body
        return {"ETag": f'"{md5(Body, usedforsecurity=False).hexdigest()}"'}

    def _complete_multipart_upload(
        self,
        UploadId: str,  # noqa: N803
        MultipartUpload: Mapping[str, list[Mapping[str, Any]]],  # noqa: N803
        **_: object,
    ) -> Answer:
        upload = self._upload(UploadId)
        named = [upload.parts[part["PartNumber"]] for part in MultipartUpload["Parts"]]
        assert len(named) == len(upload.parts)
        assert all(len(part) >= 5 * 1024 * 1024 for part in named[:-1])
        digests = b"".join(md5(part, usedforsecurity=False).digest() for part in named)
        tag = md5(digests, usedforsecurity=False).hexdigest()
        self._put(upload.key, b"".join(named), f"{tag}-{len(named)}")
        del self.uploads[UploadId]
        return {}

    def _abort_multipart_upload(self, UploadId: str, **_: object) -> Answer:  # noqa: N803
        self._upload(UploadId)
        del self.uploads[UploadId]
        return {}


class MemoryS3Store(S3ArtifactStore):
    """The production store on a service in memory; its pauses take no time."""

    service: MemoryS3

    @property
    def retry_policy(self) -> RetryPolicy:
        """As many attempts as the settings say, without pauses."""
        return RetryPolicy(attempts=self.config.attempts, sleep=lambda _: None)

    def _connect(self) -> S3Client:
        return S3Client(cast(S3FileSystem, self.service), connect_timeout=1, read_timeout=1)


@pytest.fixture
def memory_s3() -> MemoryS3:
    """A service with one empty bucket."""
    return MemoryS3()


@pytest.fixture
def s3_store(memory_s3: MemoryS3) -> MemoryS3Store:
    """A store in that bucket."""
    store = MemoryS3Store(path="s3://bucket/prefix", part_size=5 * 1024 * 1024, concurrency=2)
    store.service = memory_s3
    return store
