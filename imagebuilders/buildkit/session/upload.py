"""`Upload`: the daemon pulls one stream, such as a context that came on standard input."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus


class Upload:
    """Serves streams, each once, under addresses that the frontend is given."""

    def __init__(self) -> None:
        self._streams: dict[str, Iterable[bytes]] = {}

    def add(self, chunks: Iterable[bytes]) -> str:
        """Add a stream; return the address to give as the build's context."""
        name = secrets.token_hex(13)[:25]
        self._streams[name] = chunks
        return f"http://buildkit-session/{name}"

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        return {"/moby.upload.v1.Upload/Pull": self._pull}

    def _pull(self, call: Call) -> None:
        name = (call.values("urlpath") or [""])[0].strip("/")
        chunks = self._streams.pop(name, None)
        if chunks is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"there is no upload {name!r}"))
        for chunk in chunks:
            call.send(BytesMessage(data=chunk).SerializeToString())
