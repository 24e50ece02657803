"""An object that is written as a file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from imagebuilders.artifact_stores.s3.upload import ObjectUpload


class ObjectWriter(io.RawIOBase):
    """Sends what is written to it; the object appears when it is closed."""

    def __init__(self, upload: ObjectUpload) -> None:
        super().__init__()
        self._upload = upload
        self._failed = False

    def writable(self) -> bool:
        """Return `True`."""
        return True

    def write(self, data: Buffer) -> int:
        """Write all of `data`."""
        content = bytes(data)
        try:
            self._upload.write(content)
        except BaseException:
            self._failed = True
            self._upload.abort()
            raise
        return len(content)

    def close(self) -> None:
        """Put the object into place, unless writing failed; else what was sent is taken back."""
        if self.closed:
            return
        super().close()
        if not self._failed:
            with self._upload:
                self._upload.finish()
