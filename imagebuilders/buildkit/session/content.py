"""`Content`: the daemon reads and writes blobs in folders of the client.

Local caches and OCI layouts are such folders: https://github.com/opencontainers/image-spec,
`image-layout.md`. A blob is written beside its place and moved there once its digest is right.
Below such a folder no link is followed: a stranger's layout does not lead to other files.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
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
from imagebuilders.folder_opener import FolderOpener
from imagebuilders.lazy_dataclass import dataclass

SERVICE = "/containerd.services.content.v1.Content/"
STORE_HEADER = "buildkit-attachable-store-id"

_PIECE_BYTES = 1024 * 1024
_BLOBS = "blobs/sha256"
_BLOB = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no pipe is waited for
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class ContentFolder:
    """A folder with blobs in `blobs/sha256`."""

    path: Path
    writable: bool = False

    @contextmanager
    def open(self, digest: str) -> Iterator[int]:
        """Open a blob for reading; the descriptor is closed with the block.

        Raises:
            CallError: it is no digest, or there is no such blob.
        """
        name = blob_name(digest)
        with ExitStack() as opened:
            try:
                opener = opened.enter_context(FolderOpener(str(self.path)))
                descriptor = os.open(name, _BLOB, dir_fd=opener.folder(_BLOBS))
                opened.callback(os.close, descriptor)
                is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            except OSError as error:
                raise _not_found(digest) from error
            if not is_file:
                raise _not_found(digest)
            yield descriptor


def blob_name(digest: str) -> str:
    """Return the name of a blob's file.

    Raises:
        CallError: it is no digest.
    """
    if not _DIGEST.match(digest):
        raise CallError(RpcStatus(Code.INVALID_ARGUMENT, f"{digest[:200]!r} is not a digest"))
    return digest.removeprefix("sha256:")


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
            with folder.open(request.digest) as blob:
                size = os.fstat(blob).st_size
            return InfoResponse(info=Info(digest=request.digest, size=size))

        unary(UnaryMethod(InfoRequest.FromString, answer))(call)

    def _read(self, call: Call) -> None:
        folder = self._folder(call)
        request = _request(call)
        with folder.open(request.digest) as blob:
            offset = max(0, request.offset)
            end = os.fstat(blob).st_size
            if request.size > 0:
                end = min(end, offset + request.size)
            try:
                while offset < end:
                    data = os.pread(blob, min(_PIECE_BYTES, end - offset), offset)
                    if not data:
                        return
                    piece = ReadContentResponse(offset=offset, data=data)
                    call.send(piece.SerializeToString())
                    offset += len(data)
            except OSError as error:
                raise CallError(
                    RpcStatus(Code.UNKNOWN, f"the blob cannot be read: {error.strerror}")
                ) from error

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
        self._is_committed = False

    def run(self) -> None:
        """Write one blob.

        Raises:
            CallError: it is not what the daemon said it would be, or cannot be written.
        """
        root = self._folder.path
        temporary = f".ingest-{secrets.token_hex(8)}"
        try:
            (root / _BLOBS).mkdir(parents=True, exist_ok=True)
            with FolderOpener(str(root)) as opener:
                blobs = opener.folder(_BLOBS)
                descriptor = os.open(temporary, _NEW_FILE, 0o644, dir_fd=blobs)
                try:
                    with open(descriptor, "wb") as file:
                        self._take_all(file, lambda name: _move(blobs, temporary, name))
                finally:
                    with suppress(FileNotFoundError):
                        os.unlink(temporary, dir_fd=blobs)
        except OSError as error:
            raise CallError(
                RpcStatus(
                    Code.UNKNOWN, f"the blob cannot be written below {root}: {error.strerror}"
                )
            ) from error

    def _take_all(self, file: IO[bytes], move: Callable[[str], None]) -> None:
        while (message := self._call.receive()) is not None:
            request = _parsed(message)
            if self._is_committed:
                raise _refused(Code.FAILED_PRECONDITION, "the blob is committed")
            self._expected = request.expected or self._expected
            self._total = request.total or self._total
            if self._expected:
                self._check_new()
            if request.action != STAT and request.data:
                self._write(file, request)
            if request.action == COMMIT:
                self._check_whole()
                file.flush()
                move(self._hash.hexdigest())
                self._is_committed = True
            self._answer(request)

    def _check_new(self) -> None:
        try:
            with self._folder.open(self._expected):
                pass
        except CallError as error:
            if error.status.code == Code.NOT_FOUND:
                return
            raise
        raise _refused(Code.ALREADY_EXISTS, f"content {self._expected}: already exists")

    def _write(self, file: IO[bytes], request: WriteContentRequest) -> None:
        if request.offset != self._size:
            raise _refused(
                Code.OUT_OF_RANGE, f"write at {request.offset}, but {self._size} bytes are there"
            )
        file.write(request.data)
        self._hash.update(request.data)
        self._size += len(request.data)

    def _check_whole(self) -> None:
        digest = f"sha256:{self._hash.hexdigest()}"
        if self._expected and digest != self._expected:
            raise _refused(
                Code.FAILED_PRECONDITION,
                f"unexpected commit digest {digest}, expected {self._expected}",
            )
        if self._total and self._size != self._total:
            raise _refused(
                Code.FAILED_PRECONDITION,
                f"unexpected commit size {self._size}, expected {self._total}",
            )

    def _answer(self, request: WriteContentRequest) -> None:
        self._call.send(
            WriteContentResponse(
                action=request.action,
                offset=self._size,
                total=self._total,
                digest=f"sha256:{self._hash.hexdigest()}",
            ).SerializeToString()
        )


def _move(blobs: int, temporary: str, name: str) -> None:
    os.replace(temporary, name, src_dir_fd=blobs, dst_dir_fd=blobs)


def _request(call: Call) -> ReadContentRequest:
    try:
        return ReadContentRequest.FromString(call.receive() or b"")
    except DecodeError as error:
        raise _refused(Code.INVALID_ARGUMENT, "the message cannot be read") from error


def _parsed(message: bytes) -> WriteContentRequest:
    try:
        return WriteContentRequest.FromString(message)
    except DecodeError as error:
        raise _refused(Code.INVALID_ARGUMENT, "the message cannot be read") from error


def _refused(code: Code, what: str) -> CallError:
    return CallError(RpcStatus(code, what))


def _no_upload(request: StatusRequest | AbortRequest) -> StatusResponse:
    raise CallError(RpcStatus(Code.NOT_FOUND, f"ref {request.ref}: not found"))


def _not_found(digest: str) -> CallError:
    return CallError(RpcStatus(Code.NOT_FOUND, f"content {digest}: not found"))
