"""A program that uploads a build context again and again, and is killed each time.

It runs by itself because it forks: each upload is a process of its own that ends by SIGKILL,
either at the n-th line of the stores' code or after a time. After each death it looks at what
stands under the archive's name, which must be what stood there before, or the whole archive.

Usage: killed_uploads.py SPECIFICATION, a JSON object with
    context: the folder to upload
    store:   "local", "remote" or "s3"
    settings: the store's settings
    moments: "lines" or "times"
    stride:  lines: kill at every so-manieth line; times: kill so many uploads
    before:  what stands under the name before each upload: null, or a text

It prints a JSON object: how many uploads were killed, and how often each thing was found.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from imagebuilders.archivable import ArchiveType
from imagebuilders.artifact_stores import (
    BaseArtifactStore,
    LocalArtifactStore,
    RemoteArtifactStore,
    S3ArtifactStore,
    upload_build_context,
)
from imagebuilders.build_context import BuildContext

FOLDER = "contexts"
_TRACED = os.sep + os.path.join("imagebuilders", "artifact_stores") + os.sep


class Observer(Protocol):
    """Looks at a store from outside, without the code under test."""

    def read(self, name: str) -> bytes | None:
        """Give what stands under the name."""
        ...

    def reset(self, name: str, content: bytes | None) -> None:
        """Put something under the name, or nothing."""
        ...


@dataclass
class _LocalObserver:
    path: Path

    def read(self, name: str) -> bytes | None:
        file = self.path / name
        return file.read_bytes() if file.exists() else None

    def reset(self, name: str, content: bytes | None) -> None:
        file = self.path / name
        file.unlink(missing_ok=True)
        if content is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


class _S3Observer:
    def __init__(self, settings: dict[str, Any]) -> None:
        import boto3  # type: ignore[import-untyped]

        self._bucket, _, self._prefix = settings["path"].removeprefix("s3://").partition("/")
        self._client = boto3.client(
            "s3",
            endpoint_url=settings["endpoint_url"],
            region_name=settings["region"],
            aws_access_key_id=settings["key"],
            aws_secret_access_key=settings["secret"],
        )

    def read(self, name: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}")
        except self._client.exceptions.NoSuchKey:
            return None
        body: bytes = answer["Body"].read()
        return body

    def reset(self, name: str, content: bytes | None) -> None:
        where = {"Bucket": self._bucket, "Key": f"{self._prefix}/{name}"}
        # As the bucket's lifecycle rule does: else the next upload waits for the killed one.
        listed = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=where["Key"])
        for begun in listed.get("Uploads", []):
            self._client.abort_multipart_upload(**where, UploadId=begun["UploadId"])
        self._client.delete_object(**where)
        if content is not None:
            self._client.put_object(**where, Body=content)


class _KillAtLine:
    """A trace function that ends the process at the n-th line of the stores' code."""

    def __init__(self, line: int) -> None:
        self._left = line
        self._lock = threading.Lock()

    def __call__(self, frame: FrameType, event: str, _: object) -> _KillAtLine | None:
        if _TRACED not in frame.f_code.co_filename:
            return None
        if event == "line":
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        return self


def _store(specification: dict[str, Any]) -> BaseArtifactStore:
    if specification["store"] == "local":
        return LocalArtifactStore(**specification["settings"])
    if specification["store"] == "remote":
        return RemoteArtifactStore(**specification["settings"])
    return S3ArtifactStore(**specification["settings"])


def _upload(specification: dict[str, Any], kill_at_line: int = 0) -> int:
    """Fork a process that uploads; give its id."""
    child = os.fork()
    if child:
        return child
    try:
        if kill_at_line:
            killer = _KillAtLine(kill_at_line)
            threading.settrace(killer)
            sys.settrace(killer)
        upload_build_context(BuildContext(specification["context"]), _store(specification), FOLDER)
    except BaseException as error:
        sys.settrace(None)
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(3)
    os._exit(0)


def _import_everything(specification: dict[str, Any]) -> None:
    """Import now what every upload would import again."""
    import_module("boto3" if specification["store"] == "s3" else "fsspec")
    for _ in BuildContext(specification["context"]).iter_archive(ArchiveType.TAR_GZ):
        pass


def _was_killed(child: int) -> bool:
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"an upload failed by itself with status {status}")
    return False


def main(specification: dict[str, Any]) -> None:
    """Kill as many uploads as the specification says, and tell what was found."""
    observer: Observer = (
        _S3Observer(specification["settings"])
        if specification["store"] == "s3"
        else _LocalObserver(Path(specification["settings"]["path"].removeprefix("file://")))
    )
    digest = BuildContext(specification["context"]).digest()
    name = f"{FOLDER}/{digest.removeprefix('sha256:')}.tar.gz"
    before = specification["before"] and specification["before"].encode()

    _import_everything(specification)
    started = time.monotonic()
    assert not _was_killed(_upload(specification))
    duration = time.monotonic() - started
    whole = observer.read(name)
    assert whole is not None

    found: Counter[str] = Counter()
    killed = 0
    round_number = 0
    while True:
        round_number += 1
        observer.reset(name, before)
        if specification["moments"] == "lines":
            died = _was_killed(_upload(specification, round_number * specification["stride"]))
            finished = not died
        else:
            child = _upload(specification)
            time.sleep(duration * 1.1 * round_number / specification["stride"])
            os.kill(child, signal.SIGKILL)
            died = _was_killed(child)
            finished = round_number == specification["stride"]
        killed += died
        content = observer.read(name)
        if content == whole:
            found["whole"] += 1
        elif content == before:
            found["as before"] += 1
        else:
            raise SystemExit(f"round {round_number}: a wrong object of {len(content or b'')} bytes")
        if finished:
            break
    observer.reset(name, before)
    assert not _was_killed(_upload(specification))
    print(json.dumps({"killed": killed, "found": found, "name": name}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
