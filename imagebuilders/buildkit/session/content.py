"""`Content`: the daemon reads and writes blobs in folders of the client.

Local caches and OCI layouts are such folders: https://github.com/opencontainers/image-spec,
`image-layout.md`. A blob is written beside its place and moved there once its digest is right.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.content_pb2 import (
    COMMIT,
    STAT,
    AbortRequest,
    Info,
    InfoRequest,
    InfoResponse,
    ReadContentRequest,
    ReadContentResponse,
    StatusRequest,
    StatusResponse,
    WriteContentRequest,
    WriteContentResponse,
)
from imagebuilders.buildkit.session.unary import UnaryMethod, unary
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

SERVICE = "/containerd.services.content.v1.Content/"
STORE_HEADER = "buildkit-attachable-store-id"

_PIECE_BYTES = 1024 * 1024
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class ContentFolder:
    """A folder with blobs in `blobs/sha256`."""

    path: Path
    writable: bool = False

    def blob(self, digest: str) -> Path:
        """Return a blob's path.

        Raises:
            CallError: it is no digest.
        """
        if not _DIGEST.match(digest):
            raise CallError(RpcStatus(Code.INVALID_ARGUMENT, f"{digest!r} is not a digest"))
        return self.path / "blobs" / "sha256" / digest.removeprefix("sha256:")


class ContentStores:
    """Serves folders by the names that the daemon was given."""

    def __init__(self, folders: Mapping[str, ContentFolder]) -> None:
        self._folders = dict(folders)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        return {
            f"{SERVICE}Info": self._info,
            f"{SERVICE}Read": self._read,
            f"{SERVICE}Write": self._write,
            f"{SERVICE}Status": unary(UnaryMethod(StatusRequest.FromString, _no_upload)),
            f"{SERVICE}Abort": unary(UnaryMethod(AbortRequest.FromString, _no_upload)),
        }

    def _folder(self, call: Call) -> ContentFolder:
        name = (call.values(STORE_HEADER) or [""])[0]
        folder = self._folders.get(name)
        if folder is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"there is no content store {name!r}"))
        return folder

    def _info(self, call: Call) -> None:
        folder = self._folder(call)

        def answer(request: InfoRequest) -> InfoResponse:
            try:
                size = folder.blob(request.digest).stat().st_size
            except OSError as error:
                raise _not_found(request.digest) from error
            return InfoResponse(info=Info(digest=request.digest, size=size))

        unary(UnaryMethod(InfoRequest.FromString, answer))(call)

    def _read(self, call: Call) -> None:
        folder = self._folder(call)
        request = _request(call, ReadContentRequest)
        try:
            blob = folder.blob(request.digest).open("rb")
        except OSError as error:
            raise _not_found(request.digest) from error
        with blob:
            blob.seek(max(0, request.offset))
            offset = max(0, request.offset)
            end = offset + request.size if request.size > 0 else None
            while data := blob.read(
                min(_PIECE_BYTES, _PIECE_BYTES if end is None else end - offset)
            ):
                call.send(ReadContentResponse(offset=offset, data=data).SerializeToString())
                offset += len(data)

    def _write(self, call: Call) -> None:
        folder = self._folder(call)
        if not folder.writable:
            raise CallError(RpcStatus(Code.PERMISSION_DENIED, "the content store is read only"))
        _Writing(call, folder).run()


class _Writing:
    """One `Write` call: pieces of a blob, then a commit; each message is answered."""

    def __init__(self, call: Call, folder: ContentFolder) -> None:
        self._call = call
        self._folder = folder
        self._hash = hashlib.sha256()
        self._size = 0
        self._expected = ""
        self._total = 0

    def run(self) -> None:
        """Write one blob.

        Raises:
            CallError: it is not what the daemon said it would be, or cannot be written.
        """
        blobs = self._folder.path / "blobs" / "sha256"
        try:
            blobs.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=blobs, prefix=".ingest-", delete=False) as file:
                try:
                    self._take_all(file)
                finally:
                    if os.path.exists(file.name):
                        os.unlink(file.name)
        except OSError as error:
            raise CallError(
                RpcStatus(Code.UNKNOWN, f"the blob cannot be written: {error.strerror}")
            ) from error

    def _take_all(self, file: IO[bytes]) -> None:
        while (message := self._call.receive()) is not None:
            try:
                request = WriteContentRequest.FromString(message)
            except DecodeError as error:
                raise CallError(
                    RpcStatus(Code.INVALID_ARGUMENT, "the message cannot be read")
                ) from error
            self._expected = request.expected or self._expected
            self._total = request.total or self._total
            if self._expected and self._folder.blob(self._expected).exists():
                raise CallError(
                    RpcStatus(Code.ALREADY_EXISTS, f"content {self._expected}: already exists")
                )
            if request.action != STAT and request.data:
                if request.offset != self._size:
                    raise CallError(
                        RpcStatus(
                            Code.OUT_OF_RANGE,
                            f"write at {request.offset}, but {self._size} bytes are there",
                        )
                    )
                file.write(request.data)
                self._hash.update(request.data)
                self._size += len(request.data)
            if request.action == COMMIT:
                self._commit(file)
            self._answer(request)

    def _commit(self, file: IO[bytes]) -> None:
        digest = f"sha256:{self._hash.hexdigest()}"
        if self._expected and digest != self._expected:
            raise CallError(
                RpcStatus(
                    Code.FAILED_PRECONDITION,
                    f"unexpected commit digest {digest}, expected {self._expected}",
                )
            )
        if self._total and self._size != self._total:
            raise CallError(
                RpcStatus(
                    Code.FAILED_PRECONDITION,
                    f"unexpected commit size {self._size}, expected {self._total}",
                )
            )
        file.flush()
        os.chmod(file.name, 0o644)
        os.replace(file.name, self._folder.blob(digest))

    def _answer(self, request: WriteContentRequest) -> None:
        self._call.send(
            WriteContentResponse(
                action=request.action,
                offset=self._size,
                total=self._total,
                digest=f"sha256:{self._hash.hexdigest()}",
            ).SerializeToString()
        )


def _request(call: Call, kind: type[ReadContentRequest]) -> ReadContentRequest:
    try:
        return kind.FromString(call.receive() or b"")
    except DecodeError as error:
        raise CallError(RpcStatus(Code.INVALID_ARGUMENT, "the message cannot be read")) from error


def _no_upload(request: StatusRequest | AbortRequest) -> StatusResponse:
    raise CallError(RpcStatus(Code.NOT_FOUND, f"ref {request.ref}: not found"))


def _not_found(digest: str) -> CallError:
    return CallError(RpcStatus(Code.NOT_FOUND, f"content {digest}: not found"))
