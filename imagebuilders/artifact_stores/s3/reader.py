"""An object that is read as a file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from imagebuilders.artifact_stores.s3.service import Body, S3Service


class ObjectReader(io.RawIOBase):
    """Reads an object as it comes, with one request for as long as nobody seeks.

    After a seek the rest is asked for anew, from the same object: one that was replaced
    meanwhile is an error, never the beginning of one file and the end of another.
    """

    def __init__(self, service: S3Service, bucket: str, key: str) -> None:
        super().__init__()
        self._service = service
        self._where = {"Bucket": bucket, "Key": key}
        self._position = 0
        self._body: Body | None = None  # before the request: one that fails closes this object, too
        answer = service.request("get_object", self._where)
        self._body = _body(answer)
        self._size = int(str(answer["ContentLength"]))
        self._tag = answer.get("ETag")

    def readable(self) -> bool:
        """Return `True`."""
        return True

    def seekable(self) -> bool:
        """Return `True`."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read at most as many bytes as `buffer` holds."""
        view = memoryview(buffer).cast("B")
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read up to the end."""
        return self._read(None)

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        position = start + offset
        if position < 0:
            raise ValueError(f"the position {position} is before the beginning")
        if position != self._position:
            self._let_go()
            self._position = position
        return position

    def close(self) -> None:
        """Give back the connection."""
        if not self.closed:
            self._let_go()
        super().close()

    def _read(self, amount: int | None) -> bytes:
        if self._position >= self._size or amount == 0:
            return b""
        if self._body is None:
            same = {} if self._tag is None else {"IfMatch": self._tag}
            self._body = _body(
                self._service.request(
                    "get_object", {**self._where, "Range": f"bytes={self._position}-", **same}
                )
            )
        data = self._body.read(amount)
        self._position += len(data)
        return data

    def _let_go(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()


def _body(answer: Mapping[str, object]) -> Body:
    return cast("Body", answer["Body"])
