"""The objects of an S3 service as files and folders, for whatever asks a file system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from imagebuilders.artifact_stores.s3 import faults
from imagebuilders.artifact_stores.s3.reader import ObjectReader
from imagebuilders.artifact_stores.s3.writer import ObjectWriter

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.filesystem import File
    from imagebuilders.artifact_stores.s3.service import Body, S3Service
    from imagebuilders.artifact_stores.s3.upload import ObjectUpload

Answer = Mapping[str, object]


class S3FileSystem:
    """What artifact stores ask of a file system, on an S3 service.

    Paths are `bucket/key`. There are no folders but the beginnings of keys.

    Args:
        service: makes the requests.
        begin_upload: begins to write an object, given its path.
        object_settings: what is asked for each object that is written, as boto3 names it.
    """

    def __init__(
        self,
        service: S3Service,
        begin_upload: Callable[[str], ObjectUpload],
        object_settings: Mapping[str, object],
    ) -> None:
        self._service = service
        self._begin_upload = begin_upload
        self._object_settings = object_settings

    def _strip_protocol(self, path: str) -> str:
        return path.removeprefix("s3://").rstrip("/")

    def info(self, path: str) -> Mapping[str, object]:
        """Tell size and type.

        Raises:
            FileNotFoundError: nothing is there.
        """
        bucket, key = split_path(path)
        if key:
            try:
                head = self._service.request("head_object", {"Bucket": bucket, "Key": key})
            except Exception as error:
                if not faults.is_absent(error):
                    raise
            else:
                return _file(path, head["ContentLength"])
        if self._list_page(bucket, _prefix(key), MaxKeys=1).get("KeyCount") or not key:
            return _folder(path)
        raise FileNotFoundError(f"there is no object or folder s3://{path}")

    def ls(
        self,
        path: str,
        detail: bool = True,  # noqa: ARG002  (without it, fsspec's give names alone)
    ) -> list[Mapping[str, object]]:
        """List a folder; of a file, the file itself.

        Raises:
            FileNotFoundError: nothing is there.
        """
        bucket, key = split_path(path)
        found: list[Mapping[str, object]] = []
        token: dict[str, object] = {}
        while True:
            page = self._list_page(bucket, _prefix(key), Delimiter="/", **token)
            found += [_file(f"{bucket}/{e['Key']}", e["Size"]) for e in _entries(page, "Contents")]
            found += [
                _folder(f"{bucket}/{str(entry['Prefix']).rstrip('/')}")
                for entry in _entries(page, "CommonPrefixes")
            ]
            if not page.get("IsTruncated"):
                break
            token = {"ContinuationToken": page["NextContinuationToken"]}
        if not found and key:
            return [self.info(path)]
        return found

    def open(self, path: str, mode: str = "rb") -> File:
        """Open an object to read it (`rb`), or to write it anew (`wb`)."""
        if mode == "wb":
            return ObjectWriter(self._begin_upload(path))
        bucket, key = split_path(path)
        return ObjectReader(self._service, bucket, key)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: keys need no folders, and the bucket is the user's to make."""

    def rm_file(self, path: str) -> None:
        """Remove an object."""
        bucket, key = split_path(path)
        self._service.request("delete_object", {"Bucket": bucket, "Key": key})

    def mv(self, path1: str, path2: str) -> None:
        """Copy an object, then remove it."""
        self.cp_file(path1, path2)
        self.rm_file(path1)

    def cp_file(self, path1: str, path2: str) -> None:
        """Copy an object on the service, in parts where it is too large for one request."""
        source_bucket, source_key = split_path(path1)
        bucket, key = split_path(path2)
        transfer = import_module("boto3.s3.transfer")
        self._service.request(
            "copy",
            {
                "CopySource": {"Bucket": source_bucket, "Key": source_key},
                "Bucket": bucket,
                "Key": key,
                "ExtraArgs": dict(self._object_settings),
                "Config": transfer.TransferConfig(use_threads=False),
            },
        )

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        """Read a range of an object: from `start` up to, and without, `end`."""
        bucket, key = split_path(path)
        first, last = start or 0, "" if end is None else str(end - 1)
        answer = self._service.request(
            "get_object", {"Bucket": bucket, "Key": key, "Range": f"bytes={first}-{last}"}
        )
        return read_all(answer)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Do nothing: nothing is remembered."""

    def _list_page(self, bucket: str, prefix: str, **arguments: object) -> Answer:
        return self._service.request(
            "list_objects_v2", {"Bucket": bucket, "Prefix": prefix, **arguments}
        )


def split_path(path: str) -> tuple[str, str]:
    """Return bucket and key of a path."""
    bucket, _, key = path.partition("/")
    return bucket, key


def read_all(answer: Answer) -> bytes:
    """Read the body of an answer, and give back its connection."""
    body = cast("Body", answer["Body"])
    try:
        return body.read()
    finally:
        body.close()


def _prefix(key: str) -> str:
    return f"{key}/" if key else ""


def _entries(page: Answer, kind: str) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", page.get(kind, []))


def _file(path: str, size: object) -> Mapping[str, object]:
    return {"name": path, "type": "file", "size": size}


def _folder(path: str) -> Mapping[str, object]:
    return {"name": path, "type": "directory", "size": 0}
