"""An S3 service in memory, behind the one call that the store makes of boto3."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import md5
from io import BytesIO
from typing import Any, cast

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.artifact_stores.s3 import S3ArtifactStore, S3ArtifactStoreConfig
from imagebuilders.artifact_stores.s3.service import S3Service

Answer = dict[str, Any]


EPOCH = datetime(2020, 1, 1, tzinfo=timezone.utc)


@dataclass
class _Upload:
    key: str
    initiated: datetime
    parts: dict[int, bytes] = field(default_factory=dict)
    last: datetime = EPOCH


@dataclass(frozen=True)
class _Object:
    content: bytes
    tag: str


class MemoryS3:
    """The objects of the one bucket that exists.

    Attributes:
        answers: functions that carry out requests in the place of its own, by method.
        now: its clock.
        page: how many multipart uploads, or parts, it lists with one answer.
        salt: chooses the identifiers of multipart uploads.
    """

    bucket = "bucket"
    is_foreign = False
    takes_conditions = True
    gives_turns = True
    page = 1000
    salt = 0

    def __init__(self) -> None:
        self.now = EPOCH
        self.objects: dict[str, _Object] = {}
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        self.errors: list[tuple[str, Exception]] = []
        self.uploads: dict[str, _Upload] = {}
        self.closed = 0
        self.answers: dict[str, Callable[..., object]] = {}
        self._last_number = 0

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
        """Make the error that botocore makes of an answer."""
        answer = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        return cast(Exception, ClientError(cast(Any, answer), "Operation"))

    @property
    def contents(self) -> dict[str, bytes]:
        """Every object's content, by its key."""
        return {key: found.content for key, found in self.objects.items()}

    # --- what the store asks for ---

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1

    def presigned_url(self, bucket: str, key: str, seconds: int) -> str:
        """Make an address that leads nowhere."""
        return f"memory://{bucket}/{key}?seconds={seconds}"

    def request(self, method: str, arguments: Mapping[str, Any]) -> Answer:
        """Carry out a request."""
        self.requests.append((method, arguments))
        self._strike(method)
        if arguments["Bucket"] != self.bucket:
            raise self.error("NoSuchBucket", 404)
        carry_out = self.answers.get(method) or getattr(self, f"_{method}")
        answer = cast(Answer, carry_out(**arguments))
        self._strike(f"after {method}")
        return answer

    def _strike(self, moment: str) -> None:
        for fault in self.errors:
            if fault[0] == moment:
                self.errors.remove(fault)
                raise fault[1]

    def _put(self, key: str, content: bytes, tag: str, condition: str | None) -> None:
        assert condition in (None, "*")
        if condition is not None and key in self.objects:
            raise self.error("PreconditionFailed", 412)
        self.objects[key] = _Object(content, tag)

    def _put_object(
        self,
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        **_: object,
    ) -> Answer:
        self._put(Key, Body, md5(Body, usedforsecurity=False).hexdigest(), IfNoneMatch)
        return {}

    def _get_object(
        self,
        Key: str,  # noqa: N803
        Range: str = "bytes=0-",  # noqa: N803
        IfMatch: str | None = None,  # noqa: N803
        **_: object,
    ) -> Answer:
        found = self.objects.get(Key)
        if found is None:
            raise self.error("NoSuchKey", 404)
        if IfMatch not in (None, f'"{found.tag}"'):
            raise self.error("PreconditionFailed", 412)
        whole = len(found.content)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", Range)
        assert match is not None
        if match[1]:
            start, end = int(match[1]), int(match[2] or whole - 1) + 1
        else:
            start, end = max(0, whole - int(match[2])), whole
        if start >= whole and Range != "bytes=0-":
            raise self.error("InvalidRange", 416)
        data = found.content[start:end]
        return {
            "Body": BytesIO(data),
            "ContentLength": len(data),
            "ContentRange": f"bytes {start}-{start + len(data) - 1}/{whole}",
            "ETag": f'"{found.tag}"',
        }

    def _head_object(self, Key: str, **_: object) -> Answer:  # noqa: N803
        found = self.objects.get(Key)
        if found is None:
            raise self.error("404", 404)
        return {"ContentLength": len(found.content), "ETag": f'"{found.tag}"'}

    def _list_objects_v2(
        self,
        Prefix: str,  # noqa: N803
        Delimiter: str | None = None,  # noqa: N803
        MaxKeys: int = 2,  # noqa: N803
        ContinuationToken: str = "",  # noqa: N803
        **_: object,
    ) -> Answer:
        names = set()
        for key in self.objects:
            rest = key.removeprefix(Prefix)
            if key.startswith(Prefix):
                head, separator, _rest = rest.partition(Delimiter) if Delimiter else (rest, "", "")
                names.add(Prefix + head + separator)
        left = sorted(name for name in names if name > ContinuationToken)
        page = left[:MaxKeys]
        files = [name for name in page if name in self.objects]
        return {
            "KeyCount": len(page),
            "Contents": [{"Key": k, "Size": len(self.objects[k].content)} for k in files],
            "CommonPrefixes": [{"Prefix": name} for name in page if name not in files],
            "IsTruncated": len(left) > MaxKeys,
            "NextContinuationToken": page[-1] if page else "",
        }

    def _delete_object(self, Key: str, **_: object) -> Answer:  # noqa: N803
        self.objects.pop(Key, None)
        return {}

    def _copy(self, CopySource: Mapping[str, str], Key: str, **_: object) -> Answer:  # noqa: N803
        found = self.objects.get(CopySource["Key"])
        if found is None:
            raise self.error("404", 404)
        self.objects[Key] = found
        return {}

    def begin(self, key: str) -> str:
        """Begin an upload."""
        self._last_number += 1
        # Identifiers tell nothing of the order in which uploads were begun.
        number = b"%d %d" % (self.salt, self._last_number)
        upload_id = md5(number, usedforsecurity=False).hexdigest()
        self.uploads[upload_id] = _Upload(key, self.now)
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
        upload = self._upload(UploadId)
        upload.parts[PartNumber] = Body
        upload.last = self.now
        return {"ETag": f'"{md5(Body, usedforsecurity=False).hexdigest()}"'}

    def _complete_multipart_upload(
        self,
        UploadId: str,  # noqa: N803
        MultipartUpload: Mapping[str, list[Mapping[str, Any]]],  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        **_: object,
    ) -> Answer:
        upload = self._upload(UploadId)
        named = [upload.parts[part["PartNumber"]] for part in MultipartUpload["Parts"]]
        assert len(named) == len(upload.parts)
        assert all(len(part) >= 5 * 1024 * 1024 for part in named[:-1])
        digests = b"".join(md5(part, usedforsecurity=False).digest() for part in named)
        tag = md5(digests, usedforsecurity=False).hexdigest()
        self._put(upload.key, b"".join(named), f"{tag}-{len(named)}", IfNoneMatch)
        del self.uploads[UploadId]
        return {}

    def _list_multipart_uploads(
        self,
        Prefix: str,  # noqa: N803
        UploadIdMarker: str = "",  # noqa: N803
        **_: object,
    ) -> Answer:
        # Those of one key come in the order in which they were begun.
        found = [
            {"Key": upload.key, "UploadId": one, "Initiated": upload.initiated}
            for one, upload in self.uploads.items()
            if upload.key.startswith(Prefix)
        ]
        names = [one["UploadId"] for one in found]
        if UploadIdMarker:
            found = found[names.index(UploadIdMarker) + 1 :]
        page = found[: self.page]
        if not page:
            return {"IsTruncated": False}
        return {
            "Uploads": page,
            "IsTruncated": len(found) > len(page),
            "NextKeyMarker": page[-1]["Key"],
            "NextUploadIdMarker": page[-1]["UploadId"],
        }

    def _list_parts(
        self,
        UploadId: str,  # noqa: N803
        PartNumberMarker: int = 0,  # noqa: N803
        **_: object,
    ) -> Answer:
        upload = self._upload(UploadId)
        found = [number for number in sorted(upload.parts) if number > PartNumberMarker]
        page = found[: self.page]
        return {
            "Parts": [{"PartNumber": number, "LastModified": upload.last} for number in page],
            "IsTruncated": len(found) > len(page),
            "NextPartNumberMarker": page[-1] if page else 0,
        }

    def _abort_multipart_upload(self, UploadId: str, **_: object) -> Answer:  # noqa: N803
        self._upload(UploadId)
        del self.uploads[UploadId]
        return {}


class MemoryS3Store(S3ArtifactStore):
    """The production store on a service in memory; its pauses take no time."""

    service: MemoryS3

    def __init__(self, config: S3ArtifactStoreConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.service = MemoryS3()

    @property
    def retry_policy(self) -> RetryPolicy:
        """As many attempts as the settings say, without pauses."""
        return RetryPolicy(attempts=self.config.attempts, sleep=lambda _: None)

    def _connect(self) -> S3Service:
        return self.service
